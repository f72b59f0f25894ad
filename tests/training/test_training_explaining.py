"""Attention and integrated gradients of networks in torch: by hand, and through a run's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from graticule.errors import ExplanationError, MissingFileError  # noqa: E402
from graticule.explanations import check, explain, target_of  # noqa: E402
from graticule.explanations.explaining import METHODS, OF_RUNS  # noqa: E402
from graticule.explanations.randomising import randomised  # noqa: E402
from graticule.explanations.stating import stated  # noqa: E402
from graticule.explanations.targets import log_probability  # noqa: E402
from graticule.models.building import create_network  # noqa: E402
from graticule.models.network import PlaceNetwork  # noqa: E402
from graticule.models.settings import (  # noqa: E402
    BackboneSettings,
    InputSettings,
    NetworkSettings,
    TransformerSettings,
)
from graticule.training.explaining import ExplainedRun, read_run  # noqa: E402
from graticule.training.explaining.attention import (  # noqa: E402
    Attention,
    explained_number,
    gradient_weighted,
    last_layer,
    on_grid,
    rollout,
)

pytestmark = pytest.mark.torch

WEIGHTS = np.array([1.0, 0, -1, 1, 0], dtype=np.float32)


def vit(pooling: str) -> PlaceNetwork:
    torch.manual_seed(0)
    settings = NetworkSettings(
        BackboneSettings("test_vit"), pooling=pooling, input=InputSettings(size_px=160)
    )
    return create_network(settings, 5).eval()


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def run(finished_run: Path) -> ExplainedRun:
    return read_run(finished_run, threads=1)


@pytest.mark.parametrize("pooling", ["token", "avg"])
def test_attention_is_that_of_the_network(pooling: str, image: torch.Tensor) -> None:
    network = vit(pooling)
    attention = Attention(network)
    weights = torch.from_numpy(WEIGHTS)
    number, layers, gradients = attention.look(image.clone(), weights)
    with torch.no_grad():
        shares = network(image)[0].numpy()
    assert number == pytest.approx(float(log_probability(shares[0], WEIGHTS)), abs=1e-5)
    tokens = 100 + attention.prefix
    for layer, gradient in zip(layers, gradients, strict=True):
        assert layer.shape[1:] == gradient.shape[1:] == (tokens, tokens)
        np.testing.assert_allclose(layer.sum(dim=-1), 1, atol=1e-5)
        assert gradient.abs().max() > 0
    row = attention.row(tokens)
    assert float(row.sum()) == pytest.approx(1)
    assert bool(row[0] == 1) == (pooling == "token")
    assert on_grid(last_layer(layers, row), attention.prefix).shape == (10, 10)
    assert all(layer.fused_attn for layer in attention._layers)  # as it was


def test_rollout_and_relevance_are_what_literal_loops_give() -> None:
    random = torch.Generator().manual_seed(2)
    layers = [torch.rand(3, 5, 5, generator=random).softmax(dim=-1) for _ in range(4)]
    gradients = [torch.randn(3, 5, 5, generator=random) for _ in range(4)]
    row = torch.tensor([1.0, 0, 0, 0, 0])
    flow, relevance = np.eye(5), np.eye(5)
    for layer, gradient in zip(layers, gradients, strict=True):
        mixed, weighted = np.zeros((5, 5)), np.zeros((5, 5))
        for query in range(5):
            for key in range(5):
                mean = sum(float(layer[head, query, key]) for head in range(3)) / 3
                mixed[query, key] = (mean + (query == key)) / 2
                weighted[query, key] = (
                    sum(
                        max(0.0, float(layer[head, query, key] * gradient[head, query, key]))
                        for head in range(3)
                    )
                    / 3
                )
        flow = mixed @ flow
        relevance = relevance + weighted @ relevance
    np.testing.assert_allclose(rollout(layers, row), flow[0], atol=1e-6)
    np.testing.assert_allclose(
        gradient_weighted(layers, gradients, row), relevance[0] - np.eye(5)[0], atol=1e-5
    )
    assert float(rollout(layers, row).sum()) == pytest.approx(1, abs=1e-5)


def test_a_gradient_is_that_of_small_changes(image: torch.Tensor) -> None:
    network = vit("token")
    attention = Attention(network)
    weights = torch.from_numpy(WEIGHTS)
    before, _, gradients = attention.look(image.clone(), weights)
    layer = attention._layers[-1]
    change = torch.zeros_like(gradients[-1])
    change[0, 0, 7] = 1e-2
    hook = layer.attn_drop.register_forward_hook(lambda _module, _given, found: found + change)
    after, _, _ = attention.look(image.clone(), weights)
    hook.remove()
    assert (after - before) / 1e-2 == pytest.approx(float(gradients[-1][0, 0, 7]), rel=0.05, abs=1e-5)


def test_a_run_is_explained_by_every_method_that_fits(run: ExplainedRun) -> None:
    pytest.importorskip("captum")
    square = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    found = explain(run.model, square, [run.methods["integrated-gradients"], "gradcam"])
    image = torch.from_numpy(square.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        shares = run.network(image)[0].numpy()
    np.testing.assert_allclose(stated(run.model, square[None]), shares, atol=1e-5)
    scores = [map_.score for map_ in found.maps.values()]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)
    assert found.map.values.shape == (32, 32)


def test_integrated_gradients_add_up_to_the_whole(run: ExplainedRun) -> None:
    pytest.importorskip("captum")
    square = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    target = target_of(run.model, "cell:1", against="cell:0")
    found = explain(run.model, square, run.methods["integrated-gradients"], target=target).map
    weights = torch.from_numpy(found.weights.astype(np.float32))[None]
    with torch.no_grad():
        grey = float(explained_number(run.network, torch.full((1, 3, 32, 32), 0.5), weights)[0])
    assert found.values.sum() == pytest.approx(found.score - grey, rel=0.05, abs=0.01)


def test_shuffled_weights_are_shuffled_in_torch_too(run: ExplainedRun) -> None:
    pytest.importorskip("captum")
    square = np.random.default_rng(2).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    image = torch.from_numpy(square.copy()).permute(2, 0, 1)[None].float() / 255
    for prefix in ("", "head."):
        stranger = randomised(run.model, prefix=prefix)
        network = run.network_of(stranger)
        assert network is run.network_of(stranger) is not run.network
        with torch.no_grad():
            shares = network(image)[0].numpy()
        np.testing.assert_allclose(shares, stated(stranger, square[None]), atol=1e-4)
    method = run.methods["integrated-gradients"]
    found = check(run.model, [explain(run.model, square, [method])], [method])
    assert found.alike[method.name]["all"][0] < 0.9


def test_a_network_without_attention_says_what_works(run: ExplainedRun) -> None:
    square = np.zeros((32, 32, 3), dtype=np.uint8)
    for name in set(OF_RUNS) - {"integrated-gradients"}:
        with pytest.raises(ExplanationError, match="no attention layers") as caught:
            explain(run.model, square, run.methods[name])
        assert "gradcam, occlusion, integrated-gradients" in str(caught.value)
    assert not set(OF_RUNS) & set(METHODS)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_run(tmp_path)


def test_windows_do_not_add_up_to_a_map(image: torch.Tensor) -> None:
    small = {"depths": (1, 1), "embed_dim": 16, "num_heads": (2, 2), "img_size": 112}
    settings = NetworkSettings(
        BackboneSettings("swin_tiny_patch4_window7_224", kwargs=small), input=InputSettings(size_px=112)
    )
    attention = Attention(create_network(settings, 5).eval())
    with pytest.raises(ExplanationError, match="windows of the picture"):
        attention.look(image[..., :112, :112].clone(), torch.from_numpy(WEIGHTS))


def test_the_blocks_behind_a_cnn_have_a_map_of_their_grid(image: torch.Tensor) -> None:
    settings = NetworkSettings(
        BackboneSettings("test_resnet"),
        transformer=TransformerSettings(BackboneSettings("test_vit"), grid=4),
        input=InputSettings(size_px=160),
    )
    attention = Attention(create_network(settings, 5).eval())
    _, layers, _ = attention.look(image.clone(), torch.from_numpy(WEIGHTS))
    assert on_grid(rollout(layers, attention.row(16)), attention.prefix).shape == (4, 4)
