"""The output ``saliency`` of exported graphs, against captum on the torch network."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
captum = pytest.importorskip("captum.attr")

from graticule.explanations.graph.builder import UnsupportedGraphError  # noqa: E402
from graticule.explanations.graph.saliency import with_saliency  # noqa: E402
from graticule.explanations.targets import log_probability  # noqa: E402
from graticule.inference.network import Network  # noqa: E402
from graticule.models.building import create_network  # noqa: E402
from graticule.models.heads import HeadSettings  # noqa: E402
from graticule.models.network import PlaceNetwork  # noqa: E402
from graticule.models.settings import BackboneSettings, InputSettings, NetworkSettings  # noqa: E402
from graticule.partitions import Partition, build_s2  # noqa: E402
from graticule.partitions.multi import build_multi  # noqa: E402
from graticule.training.exporting.onnx_graph import halved, to_onnx, with_metadata  # noqa: E402
from graticule.training.exporting.quantising import quantised  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:Setting forward:UserWarning")]

SIZE_PX = 64
TREE_HEADS = ("hmc", "hmc-sol", "hmc-smooth", "htree")


@pytest.fixture(scope="module")
def deep_cells() -> Partition:
    """Cells at several depths around three cities."""
    rng = np.random.default_rng(0)
    cities = [(48.8, 2.3), (39.9, 116.4), (-33.9, 151.2)]
    places = np.concatenate([rng.normal(city, 2, (60, 2)) for city in cities])
    return build_s2(places, max_photos=20, min_photos=3, start_level=1, end_level=8)


def network_of(
    cells: Partition, head: str, *, pooling: str = "avg", dense: tuple[int, ...] = (8,)
) -> PlaceNetwork:
    torch.manual_seed(0)
    settings = NetworkSettings(
        BackboneSettings("test_resnet"),
        pooling=pooling,
        dense=dense,
        dropout=0.3,
        feature_norm=bool(dense),
        head=HeadSettings(head),
        input=InputSettings(size_px=SIZE_PX),
    )
    network = create_network(settings, cells).eval()
    network.logit_shift.normal_(std=0.3)
    return network


def session_of(model: onnx.ModelProto) -> Network:
    return Network(with_metadata(model, {"size_px": str(SIZE_PX)}).SerializeToString(), threads=1)


def squares_of(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)


def weightings(cells: int) -> np.ndarray:
    """A cell; a set against another; three cells, each with its weight."""
    weights = np.zeros((3, cells), dtype=np.float32)
    weights[0, 2] = 1
    weights[1, 3:6], weights[1, 7:9] = 1, -1
    weights[2, 1:4] = [0.1, 0.5, 1]
    return weights


def captum_maps(network: PlaceNetwork, squares: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Grad-CAM of the explained number by captum, signed, of the torch network's last feature map."""

    class Explained(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: torch.Tensor, sides: torch.Tensor) -> torch.Tensor:
            shares = self.network(image)[self.network.output_names.index("probabilities")]
            speaking = (shares * sides.clamp(min=0)).sum(1).log()
            against = (shares * (-sides).clamp(min=0)).sum(1)
            return speaking - torch.where((sides < 0).any(1), against.clamp(min=1e-30).log(), 0.0)

    explained = Explained()
    layer = captum.LayerGradCam(explained, network.backbone.layer4)
    image = torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255
    maps = layer.attribute(image, additional_forward_args=torch.from_numpy(weights), relu_attributions=False)
    return maps.squeeze(1).detach().numpy()


def in_one_scale(maps: np.ndarray) -> np.ndarray:
    return maps / np.abs(maps).max(axis=(1, 2), keepdims=True)


@pytest.mark.parametrize("head", ["mc", *TREE_HEADS, "von-mises-fisher", "hybrid"])
def test_every_head_gives_the_map_that_captum_gives(deep_cells: Partition, head: str) -> None:
    network, squares = network_of(deep_cells, head), squares_of(3)
    weights = weightings(deep_cells.count)
    answer, maps = session_of(with_saliency(to_onnx(network))).explained(squares, weights)
    expected = captum_maps(network, squares, weights)
    assert np.abs(expected).max() > 1e-6
    np.testing.assert_allclose(maps, expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(in_one_scale(maps), in_one_scale(expected), atol=1e-4)
    assert answer.probabilities is not None


@pytest.mark.parametrize("turned", [0.0, 3.0])  # cells that nest, and some that overlap
def test_several_resolutions_give_the_map_that_captum_gives(deep_cells: Partition, turned: float) -> None:
    places = deep_cells.centres.repeat(20, axis=0)
    coarse = build_s2(
        places + np.array([0, turned]), max_photos=200, min_photos=1, start_level=1, end_level=8
    )
    cells = build_multi({"coarse": coarse, "fine": deep_cells}, places)
    network, squares = network_of(cells, "multi"), squares_of(3)
    assert network.head.simple == [turned == 0]
    weights = weightings(cells.count)
    _, maps = session_of(with_saliency(to_onnx(network))).explained(squares, weights)
    expected = captum_maps(network, squares, weights)
    np.testing.assert_allclose(in_one_scale(maps), in_one_scale(expected), atol=1e-4)


@pytest.mark.parametrize(("pooling", "dense"), [("max", (8,)), ("avg", ()), ("avg", (16, 8))])
def test_pooling_and_dense_layers_are_gone_through(
    deep_cells: Partition, pooling: str, dense: tuple[int, ...]
) -> None:
    network, squares = network_of(deep_cells, "mc", pooling=pooling, dense=dense), squares_of(3)
    weights = weightings(deep_cells.count)
    _, maps = session_of(with_saliency(to_onnx(network))).explained(squares, weights)
    np.testing.assert_allclose(
        in_one_scale(maps), in_one_scale(captum_maps(network, squares, weights)), atol=1e-4
    )


def test_without_weights_it_is_the_best_cell(deep_cells: Partition) -> None:
    session, squares = session_of(with_saliency(to_onnx(network_of(deep_cells, "mc")))), squares_of(3)
    answer, maps = session.explained(squares)
    best = np.eye(deep_cells.count, dtype=np.float32)[np.asarray(answer.probabilities).argmax(axis=1)]
    np.testing.assert_allclose(maps, session.explained(squares, best)[1], rtol=1e-5, atol=1e-9)


def test_one_weighting_serves_a_batch(deep_cells: Partition) -> None:
    session, squares = session_of(with_saliency(to_onnx(network_of(deep_cells, "htree")))), squares_of(4)
    one = weightings(deep_cells.count)[1]
    together = session.explained(squares, one)[1]
    alone = np.concatenate([session.explained(square[None], one)[1] for square in squares])
    np.testing.assert_allclose(together, alone, atol=1e-5 * np.abs(alone).max())


def test_what_it_said_before_it_says_still(deep_cells: Partition) -> None:
    plain = to_onnx(network_of(deep_cells, "hmc"))
    before, after = session_of(plain), session_of(with_saliency(plain))
    squares = squares_of(2)
    np.testing.assert_allclose(before(squares).probabilities, after(squares).probabilities, atol=1e-6)
    assert not before.gives_saliency
    assert after.gives_saliency


@pytest.mark.parametrize("weights", ["float16", "int8"])
def test_small_weights_give_nearly_the_same_map(deep_cells: Partition, weights: str) -> None:
    network, squares = network_of(deep_cells, "mc"), squares_of(3)
    chosen = weightings(deep_cells.count)
    small = (
        halved(to_onnx(network))
        if weights == "float16"
        else quantised(to_onnx(network, fold=True), squares_of(16))
    )
    _, expected = session_of(with_saliency(to_onnx(network))).explained(squares, chosen)
    _, maps = session_of(with_saliency(small)).explained(squares, chosen)
    alike = np.corrcoef(maps.ravel(), expected.ravel())[0, 1]
    assert alike > (0.999 if weights == "float16" else 0.8)


def test_a_network_without_a_feature_map_says_so() -> None:
    settings = NetworkSettings(
        BackboneSettings("test_vit"), pooling="token", input=InputSettings(size_px=160)
    )
    with pytest.raises(UnsupportedGraphError, match="no convolution map"):
        with_saliency(to_onnx(create_network(settings, 5)))


def test_the_explained_number_by_hand() -> None:
    shares = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    np.testing.assert_allclose(log_probability(shares, np.array([1, 1, 0])), [np.log(0.8), np.log(0.2)])
    np.testing.assert_allclose(
        log_probability(shares, np.array([[1, 0, -1], [0, 1, 0]])), [np.log(0.5 / 0.2), np.log(0.1)]
    )
