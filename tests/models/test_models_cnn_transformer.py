"""A CNN whose feature map a transformer reads: S1's network part by part, small ones in torch and ONNX."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import timm
import torch
from timm.layers import resample_abs_pos_embed  # type: ignore[attr-defined]

from graticule.errors import RecipeError
from graticule.models import (
    BackboneSettings,
    InputSettings,
    NetworkSettings,
    PlaceNetwork,
    TransformerSettings,
    create_network,
)
from graticule.models.network import parameter_count, trainable_count
from graticule.training.exporting.onnx_graph import to_onnx

SMALL = NetworkSettings(
    BackboneSettings("test_resnet"),
    transformer=TransformerSettings(BackboneSettings("test_vit"), grid=5),
    dropout=0.2,
    input=InputSettings(size_px=96),
)


@pytest.fixture(scope="module")
def small() -> PlaceNetwork:
    torch.manual_seed(0)
    return create_network(SMALL, 4).eval()


def test_the_parts_of_s1_have_the_sizes_of_its_text() -> None:
    s1 = NetworkSettings(
        BackboneSettings("resnet50"),
        transformer=TransformerSettings(BackboneSettings("vit_small_patch16_224"), grid=14),
        dropout=0.2,
    )
    network = create_network(s1, 2199).eval()
    counts = {name: parameter_count(part) for name, part in network.parts().items()}
    width, classes = 384, 2199
    block = (
        4 * width
        + (3 * width * width + 3 * width)
        + (width * width + width)
        + (8 * width * width + 5 * width)
    )
    assert counts == {
        "cnn": 25_557_032 - (2048 * 1000 + 1000),  # ResNet-50 (He et al., 2015) without its classifier
        "projection": 2048 * width + width,
        "transformer": 12 * block + 2 * width + 14 * 14 * width,  # blocks, last norm, positions
        "head": width * classes + classes,
    }
    sizes: list[torch.Size] = []
    body = network.backbone
    body.get_submodule("pool").register_forward_hook(lambda *found: sizes.append(found[2].shape))
    body.get_submodule("projection").register_forward_hook(lambda *found: sizes.append(found[2].shape))
    with torch.no_grad():
        probabilities, embedding = network(torch.rand(1, 3, 224, 224))
    assert sizes == [(1, 2048, 14, 14), (1, 196, 384)]
    assert (probabilities.shape, embedding.shape) == ((1, 2199), (1, 384))


def test_it_is_the_steps_of_the_text_one_after_another(small: PlaceNetwork) -> None:
    image = torch.rand(2, 3, 96, 96)
    body, vit = small.backbone, timm.create_model("test_vit", num_classes=0)
    vit.blocks.load_state_dict(body.get_submodule("transformer.blocks").state_dict())
    with torch.no_grad():
        fmap = body.get_submodule("cnn").forward_features(small.normalise(image))  # type: ignore[operator]
        grid = torch.nn.functional.adaptive_avg_pool2d(fmap, 5)
        rows = []
        for photo in grid:
            patches = [photo[:, y, x] for y in range(5) for x in range(5)]
            rows.append(torch.stack([body.get_submodule("projection")(patch) for patch in patches]))
        positions = body.get_parameter("transformer.positions")
        seen = vit.blocks(torch.stack(rows) + positions)
        expected = body.get_submodule("transformer.norm")(seen).mean(dim=1)
        assert torch.allclose(small.embed(image), expected, atol=1e-5)


def test_positions_are_the_transformers_own_brought_to_the_grid() -> None:
    torch.manual_seed(3)
    network = create_network(SMALL, 4)
    torch.manual_seed(3)
    timm.create_model("test_resnet", num_classes=0, global_pool="avg")
    vit = timm.create_model("test_vit", num_classes=0)
    expected = resample_abs_pos_embed(vit.pos_embed, [5, 5], num_prefix_tokens=1)[:, 1:]
    assert torch.allclose(network.backbone.get_parameter("transformer.positions"), expected)


def test_onnx_gives_the_same(small: PlaceNetwork) -> None:
    session = onnxruntime.InferenceSession(to_onnx(small).SerializeToString())
    for count in (1, 3):
        image = torch.rand(count, 3, 96, 96)
        with torch.no_grad():
            expected = [part.numpy() for part in small(image)]
        found = session.run(["probabilities", "embedding"], {"image": image.numpy()})
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_each_part_can_stand_still_or_learn(small: PlaceNetwork) -> None:
    network = create_network(SMALL, 4)
    assert list(network.parts()) == ["cnn", "projection", "transformer", "head"]
    phases = {
        ("projection", "head"): {"projection", "head"},
        "all": {"cnn", "projection", "transformer", "head"},
        "head": {"head"},
        ("transformer", "projection", "head"): {"transformer", "projection", "head"},
    }
    for chosen, expected in phases.items():
        words = network.set_trainable(chosen)
        network.set_modes()
        learns = {name for name, part in network.parts().items() if trainable_count(part)}
        assert learns == expected
        assert all(name in words for name in expected)
        assert network.parts()["cnn"].training == ("cnn" in expected)
    assert f"{parameter_count(network):,} parameters" in words


def test_the_gradient_reaches_the_parts_that_learn_through_those_that_stand_still() -> None:
    network = create_network(SMALL, 4)
    network.set_trainable(("projection", "head"))
    network.set_modes()
    network.classify(network.embed(torch.rand(2, 3, 96, 96))).logsumexp(dim=1).sum().backward()
    for name, part in network.parts().items():
        has = any(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in part.parameters())
        assert has == (name in ("projection", "head"))


def test_a_transformer_that_is_none_and_a_map_that_is_none_are_refused() -> None:
    vit, cnn = BackboneSettings("test_vit"), BackboneSettings("test_resnet")
    size = InputSettings(size_px=160)
    with pytest.raises(RecipeError, match=r"'test_resnet' is no plain vision transformer"):
        create_network(NetworkSettings(cnn, transformer=TransformerSettings(cnn), input=size), 2)
    with pytest.raises(RecipeError, match=r"gives no feature map that a transformer could read"):
        create_network(NetworkSettings(vit, transformer=TransformerSettings(vit), input=size), 2)
