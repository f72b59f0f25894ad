"""Deletion and insertion curves: by hand, against the best order there is; shuffled weights against onnx."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from colour_network import colour_network
from graticule.bundle import Bundle, read_bundle
from graticule.explanations import SaliencyMap, View, explain
from graticule.explanations.checking import CENTRE, RANDOM, Check, check, in_words, rank_correlation
from graticule.explanations.explaining import GRADCAM, occlusion_method
from graticule.explanations.faithfulness import (
    GRID,
    STEPS,
    Curves,
    area,
    centre_order,
    curves,
    order_of,
    random_orders,
)
from graticule.explanations.occlusion import OcclusionSettings, filled
from graticule.explanations.randomising import randomised, shuffled_weights, weight_tensors
from graticule.explanations.stating import stated
from graticule.explanations.targets import Target, log_probability
from graticule.inference import Model, load_model
from graticule.partitions import Partition

FAST = occlusion_method(OcclusionSettings(patch_px=56, stride_px=56))


@pytest.fixture(scope="module")
def default() -> Model:
    return load_model()


@pytest.fixture(scope="module")
def square() -> np.ndarray:
    rough = np.random.default_rng(5).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    return rough.repeat(8, axis=0).repeat(8, axis=1)


def map_of(values: np.ndarray) -> SaliencyMap:
    return SaliencyMap("", "", values.astype(np.float32), np.ones(1), 0.0, 1, "")


def test_curves_are_what_a_literal_loop_gives(default: Model, square: np.ndarray) -> None:
    weights = np.eye(default.partition.count)[3]
    order = random_orders(1, 0)[0]
    found = curves(default, square, weights, {"one": order})["one"]
    cover = filled(square, "blur", 56)

    def number(picture: np.ndarray) -> float:
        return float(log_probability(stated(default, picture[None])[0], weights))

    def exchanged(ground: np.ndarray, other: np.ndarray, blocks: np.ndarray) -> np.ndarray:
        picture = ground.copy()
        for block in blocks:
            row, column = divmod(int(block), GRID)
            here = np.s_[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16]
            picture[here] = other[here]
        return picture

    for step in (0, 1, 7, STEPS):
        some = order[: GRID * GRID * step // STEPS]
        for curve, ground, other in ((found.deletion, square, cover), (found.insertion, cover, square)):
            expected = number(exchanged(ground, other, some)) - number(square)
            assert curve[step] == pytest.approx(expected, abs=2e-4)


def test_ends_are_the_photo_and_nothing_of_it(default: Model, square: np.ndarray) -> None:
    weights = np.eye(default.partition.count)[3]
    found = curves(default, square, weights, {"middle": centre_order(), "chance": random_orders(1, 1)[0]})
    for each in found.values():
        assert each.deletion[0] == each.insertion[-1] == 0
        assert each.deletion[-1] == each.insertion[0]
    assert found["middle"].deletion[-1] == found["chance"].deletion[-1]


def test_insertion_is_deletion_backwards(default: Model, square: np.ndarray) -> None:
    weights = np.eye(default.partition.count)[3]
    order = random_orders(1, 2)[0]
    both = curves(default, square, weights, {"there": order, "back": order[::-1]})
    np.testing.assert_allclose(both["there"].insertion, both["back"].deletion[::-1], atol=1e-4)
    assert both["there"].insertion_area == pytest.approx(both["back"].deletion_area, abs=1e-4)


def test_nothing_is_more_faithful_than_the_truth(three_cells: Partition, colour_bundle: Path) -> None:
    """The network of mean colours is sure of cell 0 by the red of all pixels: each block's is its share."""
    card = read_bundle(colour_bundle).card
    colours = Model(Bundle(card, three_cells, colour_network(three_cells, size_px=56, sharpness=5.0), ""))
    square = np.full((56, 56, 3), 90, dtype=np.uint8)
    square[..., 0] = np.random.default_rng(0).integers(0, 256, (14, 14)).repeat(4, axis=0).repeat(4, axis=1)
    cover = filled(square, "blur", 56 // 4)
    share = (square.astype(float) - cover)[..., 0].reshape(14, 4, 14, 4).mean(axis=(1, 3))
    truth = np.argsort(-share.ravel())
    chance = {f"chance {n}": order for n, order in enumerate(random_orders(5, 0))}
    orders = {"truth": truth, "reverse": truth[::-1], "middle": centre_order()} | chance
    found = curves(colours, square, np.array([1.0, 0, 0]), orders)
    for name in ("reverse", "middle", *chance):
        assert found["truth"].deletion_area < found[name].deletion_area
        assert found["truth"].insertion_area > found[name].insertion_area
        assert (found["truth"].deletion <= found[name].deletion + 1e-6).all()


def test_area_of_lines() -> None:
    assert area(np.zeros(15)) == 0
    assert area(np.linspace(0, -2, 15)) == pytest.approx(-1)
    assert Curves(np.array([0.0, -1.0, -2.0]), np.array([-2.0, 0.0, 0.0])).insertion_area == -0.5


def test_orders_hold_every_block_once(square: np.ndarray) -> None:
    orders = [centre_order(), *random_orders(3, 0), order_of(map_of(np.arange(49).reshape(7, 7)))]
    for order in orders:
        assert sorted(order.tolist()) == list(range(GRID * GRID))
    assert orders[-1][0] == GRID * GRID - 1
    assert not np.array_equal(orders[1], orders[2])
    np.testing.assert_array_equal(random_orders(3, 0)[1], orders[2])


def test_the_tensors_are_those_that_onnx_finds(default: Model) -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.load_from_string(default.model_onnx).graph
    floats = {each.name: each for each in graph.initializer if each.data_type in (1, 2, 3, 10)}
    found = {each.name: each for each in weight_tensors(default.model_onnx)}
    assert set(found) == {name for name, each in floats.items() if each.raw_data}
    for name, tensor in found.items():
        assert tensor.shape == tuple(floats[name].dims)
        assert default.model_onnx[tensor.begin : tensor.end] == floats[name].raw_data
    shuffled = onnx.load_from_string(shuffled_weights(default.model_onnx)).graph
    for before, after in zip(graph.initializer, shuffled.initializer, strict=True):
        assert before.dims == after.dims
        if len(before.dims) > 1 and before.name in floats:
            values = [onnx.numpy_helper.to_array(each).ravel() for each in (before, after)]
            np.testing.assert_array_equal(np.sort(values[0]), np.sort(values[1]))
        else:
            assert before == after


def test_shuffled_weights_know_nothing(default: Model, square: np.ndarray) -> None:
    for prefix in ("", "head."):
        stranger = randomised(default, prefix=prefix)
        assert np.abs(stated(stranger, square[None]) - stated(default, square[None])).max() > 1e-3
    head, whole = default.network(square[None]), randomised(default, prefix="head.").network(square[None])
    np.testing.assert_allclose(head.embedding, whole.embedding, atol=1e-5)
    assert shuffled_weights(default.model_onnx, seed=1) == shuffled_weights(default.model_onnx, seed=1)


def test_a_check_of_a_photo(default: Model, square: np.ndarray) -> None:
    methods = [GRADCAM, FAST]
    explanation = explain(default, View(square, square), methods)
    found = check(default, [explanation], methods)
    document = found.to_dict()
    assert document["photos"] == 1
    for name in ("gradcam", "occlusion"):
        own = document["methods"][name]
        weights = explanation.map.weights
        alone = curves(default, square, weights, {"it": order_of(explanation.maps[name])})["it"]
        assert own["deletion"]["mean"] == pytest.approx(alone.deletion_area, abs=1e-3)
        assert own["insertion"]["interval"] is None
        assert own["against_random"]["insertion"]["mean"] == pytest.approx(
            own["insertion"]["mean"] - document["baselines"][RANDOM]["insertion"]["mean"], abs=2e-4
        )
        assert set(own["shuffled"]) == {"all", "head"}
        assert abs(own["shuffled"]["all"]["mean"]) < 0.5
    lines = in_words(document, found.titles)
    assert "over 1 photo, in nats" in lines[0]
    assert lines[1].startswith("Grad-CAM: deletion ")
    assert "better here" in lines[1] or "worse here" in lines[1]


def test_a_map_that_ignores_the_network_is_found_out(default: Model, square: np.ndarray) -> None:
    """A map of the photo's brightness looks fine and explains nothing: it stays when the weights go."""
    bright = square.mean(axis=2).astype(np.float32)

    def edges(model: Model, pixels: np.ndarray, target: Target) -> SaliencyMap:
        weights = target.of(stated(model, pixels[None]))[0]
        return SaliencyMap("bright", "best", bright, weights, 0.0, 1, "")

    method = type(GRADCAM)("bright", "Brightness", edges)
    found = check(default, [explain(default, View(square, square), method)], [method])
    assert found.alike["bright"]["all"].tolist() == pytest.approx([1.0])
    assert "do not trust it" in in_words(found.to_dict(), found.titles)[1]


def test_intervals_come_with_six_photos() -> None:
    falls = np.linspace(1.0, 2.0, 8)
    line = np.linspace(0, 1, STEPS + 1)
    mine = [Curves(-fall * line, -fall * line[::-1]) for fall in falls]
    chance = [Curves(-0.1 * line, -3 * line[::-1]) for _ in falls]
    found = Check(
        {"it": mine, RANDOM: chance, CENTRE: mine}, {"it": {"all": np.zeros(8)}}, {"it": "It"}
    ).to_dict()
    low, high = found["methods"]["it"]["against_random"]["deletion"]["interval"]
    assert low < -0.7 < high < 0
    words = in_words(found, {})[1]
    assert "-0.700 against random: better" in words
    assert "+0.000 against middle first: no clear difference" in words


def test_correlation_of_ranks() -> None:
    rising = np.arange(196.0).reshape(14, 14)
    assert rank_correlation(map_of(rising), map_of(np.exp(rising / 50))) == pytest.approx(1)
    assert rank_correlation(map_of(rising), map_of(-rising)) == pytest.approx(-1)
    assert rank_correlation(map_of(rising), map_of(np.ones((14, 14)))) == 0
