"""Crops against a literal search; the sheet; where a map has its weight."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.explanations import SaliencyMap, View, explain
from graticule.explanations.crops import Crop, crops, strongest_part
from graticule.explanations.sheet import sheet
from graticule.inference import load_model


def map_of(values: np.ndarray) -> SaliencyMap:
    return SaliencyMap("", "", values.astype(np.float32), np.ones(1), 0.0, 1, "")


def test_the_first_is_the_best_there_is() -> None:
    values = np.random.default_rng(0).normal(size=(40, 40))
    for against in (False, True):
        [found] = crops(map_of(values), against=against, count=1)
        one_side = np.maximum(-values if against else values, 0)
        sums = {
            (row, column): one_side[row : row + 12, column : column + 12].sum()
            for row in range(29)
            for column in range(29)
        }
        best = max(sums, key=lambda place: sums[place])
        assert (round(found.top * 40), round(found.left * 40)) == best
        assert found.share == pytest.approx(sums[best] / one_side.sum(), rel=1e-5)


def test_none_lies_over_another_and_the_strongest_comes_first() -> None:
    found = crops(map_of(np.random.default_rng(1).uniform(size=(40, 40))), count=6)
    assert [each.share for each in found] == sorted((each.share for each in found), reverse=True)
    for number, one in enumerate(found):
        for other in found[:number]:
            apart = max(abs(one.top - other.top), abs(one.left - other.left))
            assert apart >= one.side - 1e-9


def test_where_nothing_speaks_there_are_none() -> None:
    assert crops(map_of(np.zeros((7, 7)))) == []
    assert crops(map_of(np.ones((7, 7))), against=True) == []
    assert strongest_part(map_of(-np.ones((7, 7)))) is None


def test_pixels_of_a_crop() -> None:
    picture = np.arange(100 * 100 * 3, dtype=np.uint32).reshape(100, 100, 3).astype(np.uint8)
    np.testing.assert_array_equal(Crop(0.5, 0.7, 0.3, 1).of(picture), picture[50:80, 70:])
    assert Crop(0.9, 0.9, 0.3, 1).of(picture).shape == (30, 30, 3)
    assert Crop(0, 0, 0.3, 1).of(picture[:1, :1]).shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("place", "part"), [((0, 0), "the upper left"), ((3, 3), "the middle"), ((6, 3), "the bottom")]
)
def test_parts_have_names(place: tuple[int, int], part: str) -> None:
    values = np.zeros((7, 7))
    values[place] = 1
    assert strongest_part(map_of(values)) == (part, 1.0)


def test_a_sheet_has_a_row_for_each_photo() -> None:
    model = load_model()
    square = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    plain = explain(model, View(square, square), "gradcam")
    contrast = explain(model, View(square, square), "gradcam", target="country:CN", against="country:JP")
    one = sheet([("a photo with a very long name " * 5 + ".jpg", plain)])
    both = sheet([("Al ‘Arīḑ.jpg", plain), ("b.jpg", contrast)], colours="grey")
    assert both.shape[0] == 2 * one.shape[0]
    assert both.shape[1] > one.shape[1]
    assert both.dtype == np.uint8


@pytest.mark.parametrize("size", [1, 2, 7, 10, 14, 224])
def test_a_map_that_is_the_same_everywhere_favours_no_part(size: int) -> None:
    found = strongest_part(SaliencyMap("", "", np.ones((size, size), np.float32), np.ones(1), 0.0, 1, ""))
    assert found is not None
    assert found[1] == pytest.approx(1 / 9, abs=1e-4)


def test_places_across_a_border_count_for_both_thirds() -> None:
    values = np.zeros((7, 7), dtype=np.float32)
    values[2, 2] = 1.0  # from 2/7 to 3/7: a third of each side lies in the first third, two in the middle
    found = strongest_part(SaliencyMap("", "", values, np.ones(1), 0.0, 1, ""))
    assert found == ("the middle", 0.4444)
