"""What stays together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from graticule.geo import s2
from graticule.photos.units import DAY_CELL_LEVEL, day_labels, joined, picture_labels


def test_joined_through_others_and_nulls_apart() -> None:
    one = pl.Series(["a", "a", None, "b", None, None])
    other = pl.Series([None, 7, 7, None, 8, None])
    assert joined([one, other], 6).tolist() == [0, 0, 0, 1, 2, 3]
    assert joined([], 3).tolist() == [0, 1, 2]
    assert joined([pl.Series([None, None], dtype=pl.String)], 2).tolist() == [0, 1]
    assert joined([one], 6, links=np.array([[5, 0]])).tolist() == [0, 0, 1, 2, 3, 0]


def test_joined_like_a_flood() -> None:
    chance = np.random.default_rng(0)
    labels = [pl.Series(chance.integers(0, 150, 200)) for _ in range(2)]
    unit = np.arange(200)
    for _ in range(200):
        for label in labels:
            for value in label.unique():
                same = (label == value).to_numpy()
                unit[np.isin(unit, unit[same])] = unit[same].min()
    found = joined(labels, 200)
    np.testing.assert_array_equal(found[:, None] == found[None], unit[:, None] == unit[None])


def test_pictures_by_file_and_by_hash(frame_of: Callable[..., pl.DataFrame]) -> None:
    frame = frame_of([None] * 5, sha256=["x", "x", "y", "z", None], phash=[None, 0, 1, (1 << 40) - 1, None])
    assert joined(picture_labels(frame, 1), 5).tolist() == [0, 0, 0, 1, 2]


def test_days_in_cells(frame_of: Callable[..., pl.DataFrame]) -> None:
    near, far = (48.85, 2.35), (48.85, 3.35)
    frame = frame_of(
        [near, (48.851, 2.351), far, near, None, near],
        captured_at=["2021-07-03 08:00", "2021-07-03 20:00", "2021-07-03", "2021-07-04", "2021-07-03", None],
    )
    assert (s2.cell_ids([near, (48.851, 2.351)], DAY_CELL_LEVEL) == s2.cell_ids(near, DAY_CELL_LEVEL)).all()
    label = day_labels(frame)
    assert label is not None
    assert joined([label], 6).tolist() == [0, 0, 1, 2, 3, 4]
    assert day_labels(frame.drop("captured_at")) is None
    nowhere = day_labels(
        frame.with_columns(latitude=pl.lit(None, pl.Float64), longitude=pl.lit(None, pl.Float64))
    )
    assert nowhere is not None
    assert nowhere.null_count() == 6
