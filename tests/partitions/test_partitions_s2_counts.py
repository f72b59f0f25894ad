"""Counting photos by S2 cell while a table streams by gives the cells that the places themselves give."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from graticule.errors import CoordinateError, PartitionError, TableError, UsageError
from graticule.geo import s2
from graticule.geo.sphere import great_circle_km, unit_vectors
from graticule.partitions import S2Settings, build_s2
from graticule.partitions.s2 import counts as module
from graticule.partitions.s2.adaptive import build_s2_from_counts
from graticule.partitions.s2.counts import S2Counts


def towns(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.vstack(
        [np.column_stack([rng.uniform(-60, 70, 9), rng.uniform(-180, 180, 9)]), [[90, 0], [3, 180]]]
    )
    places = centres[rng.integers(len(centres), size=count)] + rng.standard_normal((count, 2)) * rng.choice(
        [0.001, 0.1, 3.0], (count, 1)
    )
    return np.clip(places, [-90, -180], [90, 180])


def counted(places, weights, level: int, block: int, **words) -> S2Counts:
    counts = S2Counts(level, **words)
    for start in range(0, len(places), block):
        mine = slice(start, start + block)
        counts.add(places[mine], None if weights is None else weights[mine])
    return counts


@pytest.mark.parametrize("merge_small", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("level", [8, 13])
def test_same_partition_as_in_memory(level: int, weighted: bool, merge_small: bool) -> None:
    places = towns(1, 1500)
    weights = np.random.default_rng(3).integers(0, 5, 1500) if weighted else None
    counts = counted(places, weights, level, 97)
    limits = S2Settings(60, 10, 2, level, merge_small)
    whole = build_s2(places, **dataclasses.asdict(limits), weights=weights)
    streamed = build_s2_from_counts(counts, **dataclasses.asdict(dataclasses.replace(limits, end_level=30)))
    assert streamed.fingerprint == whole.fingerprint
    np.testing.assert_array_equal(streamed.photos, whole.photos)
    assert great_circle_km(streamed.centres, whole.centres).max() < 1e-3
    assert dict(streamed.parameters) == dict(whole.parameters)
    assert dataclasses.replace(streamed.source, fingerprint="") == dataclasses.replace(
        whole.source, fingerprint=""
    )


def test_counts_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PENDING", 50)  # blocks are joined often
    places, weights = towns(2, 800), np.random.default_rng(3).integers(0, 5, 800)
    cells = counted(places, weights, 7, 33).cells()
    expected: dict[int, int] = {}
    sums: dict[int, np.ndarray] = {}
    for place, weight in zip(places, weights.tolist(), strict=True):
        cell = int(s2.cell_ids(place, 7))
        if weight:
            expected[cell] = expected.get(cell, 0) + weight
            sums[cell] = sums.get(cell, 0) + weight * unit_vectors(place)
    assert dict(zip(cells.ids.tolist(), cells.photos.tolist(), strict=True)) == expected
    assert cells.ids.tolist() == sorted(expected)
    np.testing.assert_allclose(cells.sums, [sums[cell] for cell in sorted(sums)], atol=1e-9)


def test_too_many_cells_are_counted_coarser() -> None:
    places = towns(4, 3000)
    fine = counted(places, None, 13, 500)
    few = counted(places, None, 13, 500, most_cells=100)
    assert len(fine.cells().ids) > 100 >= len(few.cells().ids)
    assert few.level < 13
    assert set(s2.level(few.cells().ids).tolist()) == {few.level}
    again = counted(places, None, few.level, 3000)
    np.testing.assert_array_equal(few.cells().ids, again.cells().ids)
    np.testing.assert_array_equal(few.cells().photos, again.cells().photos)


def test_places_stand_at_the_mean_of_their_cell() -> None:
    places = towns(5, 500)
    counts = counted(places, None, 6, 100)
    means, photos = counts.places()
    assert photos.sum() == 500
    assert (s2.cell_ids(means, 6) == counts.cells().ids).all()


def test_nothing_to_count() -> None:
    counts = S2Counts()
    counts.add(np.empty((0, 2)))
    counts.add([[1.0, 2.0]], [0])
    assert (counts.rows, counts.photos) == (1, 0)
    with pytest.raises(TableError, match="no places"):
        counts.cells()


def test_words_that_cannot_be() -> None:
    with pytest.raises(UsageError, match=r"level 31, expected 1 to 30"):
        S2Counts(31)
    with pytest.raises(CoordinateError):
        S2Counts().add([[99.0, 0.0]])
    counts = counted(towns(1, 50), None, 5, 50)
    with pytest.raises(UsageError, match=r"cells start at level 6.\nType:  `start_level=5`"):
        build_s2_from_counts(counts, max_photos=9, min_photos=1, start_level=6)
    with pytest.raises(PartitionError, match="No cell is left"):
        build_s2_from_counts(counts, max_photos=900, min_photos=800)


def test_real_places(shared) -> None:
    frame = pl.read_csv(shared / "data" / "coords" / "flickr_250k.csv.gz")
    places, weights = frame.select("latitude", "longitude").to_numpy(), frame["n_photos"].to_numpy()
    counts = counted(places, weights, 13, 50_000)
    streamed = build_s2_from_counts(counts, max_photos=3000, min_photos=300)
    whole = build_s2(places, max_photos=3000, min_photos=300, end_level=13, weights=weights)
    assert streamed.fingerprint == whole.fingerprint
    np.testing.assert_array_equal(streamed.photos, whole.photos)
