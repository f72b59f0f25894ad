"""What covers a part, against the formula written out; and how alike a part is between trips."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from graticule.explanations.auditing.covering import REACH, covered
from graticule.explanations.auditing.masking import alikeness
from graticule.explanations.auditing.rectangles import Rectangle
from graticule.explanations.auditing.retraining import how_to_retrain

SIZE_PX = 12


def literal(square: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Each masked pixel is the mean of the visible ones, weighted by a Gaussian of their distance."""
    reach = REACH * len(square)
    filled = square.astype(float).copy()
    for row, column in np.argwhere(mask):
        total, weights = np.zeros(3), 0.0
        for other_row, other_column in np.argwhere(~mask):
            far = (row - other_row) ** 2 + (column - other_column) ** 2
            weight = math.exp(-far / (2 * reach**2))
            total += weight * square[other_row, other_column]
            weights += weight
        filled[row, column] = total / weights
    return filled


@pytest.mark.parametrize(
    "part", [(0.75, 0, 1, 1), (0.25, 0.25, 0.75, 0.75), (0, 0, 0.1, 0.1), (0, 0, 1, 0.9)]
)
def test_covering_is_normalised_convolution(part):
    square = np.random.default_rng(0).integers(0, 256, (SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    mask = Rectangle(*part).mask(SIZE_PX)
    found = covered(square[None], mask[None])[0]
    assert np.abs(found - literal(square, mask)).max() <= 1
    assert np.array_equal(found[~mask], square[~mask])


def test_each_photo_may_have_a_mask_of_its_own():
    squares = np.random.default_rng(1).integers(0, 256, (2, 40, 40, 3), dtype=np.uint8)
    masks = np.stack([Rectangle(0, 0, 0.2, 1).mask(40), Rectangle(0.8, 0, 1, 1).mask(40)])
    both = covered(squares, masks)
    for number in range(2):
        assert np.array_equal(both[number], covered(squares[[number]], masks[[number]])[0])


def test_where_nothing_is_visible_it_is_grey():
    square = np.full((1, 6, 6, 3), 9, dtype=np.uint8)
    assert (covered(square, np.ones((1, 6, 6), dtype=bool)) == 128).all()


def judge_of(squares: np.ndarray, units: np.ndarray) -> SimpleNamespace:
    subject = SimpleNamespace(squares=squares, units=units)
    return SimpleNamespace(subject=subject, mask=lambda part: part.mask(SIZE_PX))


def test_a_mark_is_alike_and_noise_is_not():
    random = np.random.default_rng(2)
    squares = random.integers(0, 256, (20, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    squares[:, -3:] = squares[0, -3:]
    judge, rows = judge_of(squares, np.arange(20)), np.arange(20)
    assert alikeness(judge, Rectangle(0.75, 0, 1, 1), rows, seed=0) == pytest.approx(1.0)
    assert abs(alikeness(judge, Rectangle(0, 0, 0.25, 1), rows, seed=0)) < 0.1


def test_photos_of_one_trip_say_nothing_of_likeness():
    squares = np.full((5, SIZE_PX, SIZE_PX, 3), 7, dtype=np.uint8)
    judge = judge_of(squares, np.zeros(5, dtype=np.int64))
    assert alikeness(judge, Rectangle(0, 0, 1, 1), np.arange(5), seed=0) == 0


def test_the_words_to_train_again_are_a_key_of_recipes():
    from graticule.training.recipe.files import read_recipe

    words = how_to_retrain(Rectangle(0.8, 0.05, 1, 0.9)).partition("--set '")[2].partition("'")[0]
    recipe = read_recipe("quick", ["photos.table=photos", words])
    assert recipe.augmentation.region == (0.8, 0.05, 1.0, 0.9)
