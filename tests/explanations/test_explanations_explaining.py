"""``explain``: targets in words, what methods give, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.bundle import Scaling, read_bundle
from graticule.errors import ExplanationError, PhotoError, UsageError
from graticule.explanations import METHODS, Method, OcclusionSettings, explain, occlusion_method, view_of
from graticule.explanations.targets import name_of, target_of
from graticule.inference import Model, load_model
from graticule.inference.registry import find_bundle


@pytest.fixture(scope="module")
def default() -> Model:
    return load_model()


@pytest.fixture(scope="module")
def colours(colour_bundle: Path) -> Model:
    return load_model(colour_bundle)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)


FAST = occlusion_method(OcclusionSettings(patch_px=64, stride_px=80))


def test_several_methods_explain_one_thing(default: Model, photo: np.ndarray) -> None:
    found = explain(default, photo, [FAST, "gradcam"])
    assert list(found.maps) == ["occlusion", "gradcam"]
    best = default.predict(photo)[0].candidates[0]
    assert found.cells == [best.cell]
    assert found.name == best.name
    assert found.probability == pytest.approx(best.probability, rel=1e-4)
    one, other = found.maps.values()
    assert one.score == pytest.approx(other.score, abs=1e-4)
    assert found.map is one


def test_the_view_is_what_a_prediction_sees(default: Model, tmp_path: Path) -> None:
    Image.effect_noise((900, 700), 80).convert("RGB").save(tmp_path / "a.jpg")
    view = view_of(default, tmp_path / "a.jpg")
    answer = default.network(view.square[None])
    expected = default.embed(tmp_path / "a.jpg")
    np.testing.assert_allclose(answer.embedding, expected, atol=1e-4)
    assert view.picture.shape == (672, 672, 3)
    assert explain(default, view).view is view


def test_gradcam_sums_to_what_the_map_adds(default: Model, photo: np.ndarray) -> None:
    """Of a contrast of two cells the head is linear but for its activation: the sum has a finite meaning."""
    found = explain(default, photo, "gradcam", target="cell:3", against="cell:9").map
    swapped = explain(default, photo, "gradcam", target="cell:9", against="cell:3").map
    np.testing.assert_allclose(found.values, -swapped.values, atol=1e-5)
    assert found.score == pytest.approx(-swapped.score, abs=1e-6)


def test_words_for_cells(default: Model) -> None:
    name = default.partition.names[17]
    for words in ("cell:17", "17", name, name.upper()):
        weights = target_of(default, words).weights
        assert weights is not None
        assert np.flatnonzero(weights).tolist() == [17]


def test_a_country_is_all_its_cells(default: Model, photo: np.ndarray) -> None:
    found = explain(default, photo, target="country:gb")
    assert found.cells == [cell for cell, code in enumerate(default.cell_countries) if code == "GB"]
    raw = default.predict(photo).probabilities[0]
    assert found.probability == pytest.approx(float(raw[found.cells].sum()), rel=1e-3)


def test_a_parent_is_all_cells_beneath_it(default: Model, photo: np.ndarray) -> None:
    found = explain(default, photo, target="parent")
    leaves, parents = default.partition.leaf_nodes, default.partition.parents
    best = default.predict(photo)[0].candidates[0].cell
    parent = parents[leaves[best]]
    assert best in found.cells
    if parent >= 0:
        assert found.cells == np.flatnonzero(parents[leaves] == parent).tolist()
        assert default.partition.node_names[parent] in found.name
        by_node = target_of(default, f"node:{parent}").weights
        assert by_node is not None
        assert set(found.cells) <= set(np.flatnonzero(by_node).tolist())


def test_a_contrast_states_the_share_of_one_side(default: Model, photo: np.ndarray) -> None:
    found = explain(default, photo, target="country:CN", against="country:JP")
    raw = default.predict(photo).probabilities[0]
    codes = np.array(default.cell_countries)
    china, japan = raw[codes == "CN"].sum(), raw[codes == "JP"].sum()
    assert found.probability == pytest.approx(float(china / (china + japan)), rel=1e-3)
    assert name_of(default, found.map.weights, found.target.words) == "China against Japan"


def test_the_best_cell_against_a_country(default: Model, photo: np.ndarray) -> None:
    best = default.predict(photo)[0].candidates[0]
    country = default.cell_countries[best.cell]
    found = explain(default, photo, ["gradcam", FAST], target="best", against=f"country:{country}")
    same = [cell for cell, code in enumerate(default.cell_countries) if code == country and cell != best.cell]
    for weights in (map_.weights for map_ in found.maps.values()):
        assert np.flatnonzero(weights > 0).tolist() == [best.cell]
        assert np.flatnonzero(weights < 0).tolist() == same
    assert found.target.contrasts
    assert found.sides[0] == best.name


def test_scaling_decides_which_cell_is_best(photo: np.ndarray) -> None:
    bundle = find_bundle("default")
    cells = bundle.partition.count
    shift = np.zeros(cells)
    shift[5] = 30.0
    scaling = Scaling(method="vector", slope=(1.0,) * cells, shift=tuple(shift))
    card = bundle.card.model_copy(update={"scaling": scaling})
    model = Model(type(bundle)(card, bundle.partition, bundle.model_onnx, ""))
    assert explain(model, photo, "gradcam").cells == [5]


def test_a_json_of_it_is_small(default: Model, photo: np.ndarray) -> None:
    document = explain(default, photo, "gradcam").to_dict()
    assert np.array(document["maps"]["gradcam"]["values"]).shape == (7, 7)
    assert document["target"] == "best"


def test_a_method_of_ones_own(default: Model, photo: np.ndarray) -> None:
    flat = Method("flat", "Flat", lambda model, square, target: METHODS["gradcam"].run(model, square, target))
    assert list(explain(default, photo, ["gradcam", flat, "gradcam"]).maps) == ["gradcam", "flat"]


def test_a_network_without_a_map_says_what_works(colours: Model) -> None:
    with pytest.raises(ExplanationError, match="no convolution map") as caught:
        explain(colours, np.zeros((8, 8, 3), dtype=np.uint8), "gradcam")
    assert "--method occlusion" in str(caught.value)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"target": "cell:99999"}, "numbered 0 to"),
        ({"target": "cell:-1"}, "There is no cell '-1'"),
        ({"target": "country:XX"}, "Name one of them:  country:"),
        ({"target": "country:AQ"}, "has its mean place in the country 'AQ'; its"),
        ({"target": "node:zzz"}, "There is no node 'zzz'"),
        ({"target": "Lundon, GB"}, "London, GB"),
        ({"target": "country:JP", "against": "best"}, "Turn them round:  best against country:JP"),
        ({"target": "country:JP", "against": "country:JP"}, "share"),
        ({"method": "grad-cam"}, "Did you mean:  gradcam"),
        ({"method": []}, "No method is named"),
    ],
)
def test_wrong_words_say_what_to_take(
    default: Model, photo: np.ndarray, words: dict[str, str], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        explain(default, photo, **words)


def test_a_photo_that_cannot_be_read(default: Model, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    with pytest.raises(PhotoError, match="not an image"):
        explain(default, tmp_path / "a.jpg")


def test_bundles_without_grad_cam_are_told_of(colour_bundle: Path) -> None:
    assert not Model(read_bundle(colour_bundle)).network.gives_saliency


def test_a_model_of_places_has_nothing_to_explain(colour_bundle: Path) -> None:
    onnx = pytest.importorskip("onnx")
    bundle = read_bundle(colour_bundle)
    network = onnx.load_from_string(bundle.model_onnx)
    del network.graph.output[0], network.graph.node[2:]
    two = onnx.numpy_helper.from_array(np.eye(3, 2, dtype=np.float32), "two")
    network.graph.initializer.append(two)
    network.graph.node.append(onnx.helper.make_node("MatMul", ["embedding", "two"], ["position"]))
    place = onnx.helper.make_tensor_value_info("position", onnx.TensorProto.FLOAT, ["B", 2])
    network.graph.output.append(place)
    card = bundle.card.model_copy(update={"estimate": "position"})
    model = Model(type(bundle)(card, bundle.partition, network.SerializeToString(), ""))
    for words in ({"target": "best"}, {"target": target_of(load_model(colour_bundle), "best")}):
        for method in ("gradcam", occlusion_method(OcclusionSettings(4, 4))):
            with pytest.raises(UsageError, match="of which there is nothing to explain"):
                explain(model, np.zeros((8, 8, 3), dtype=np.uint8), method, **words)
