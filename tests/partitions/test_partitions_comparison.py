"""Figures by which partitions are compared, and neighbours, against slow counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.config import THRESHOLDS_KM
from graticule.geo import s2
from graticule.geo.sphere import great_circle_km
from graticule.partitions import Partition, build_s2
from graticule.partitions.boxes.kd import build_kd
from graticule.partitions.boxes.quadtree import build_quadtree
from graticule.partitions.comparison import compare, effective_number, floor_distances_km, gini
from graticule.partitions.neighbours import neighbours


def towns(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.vstack(
        [np.column_stack([rng.uniform(-60, 70, 9), rng.uniform(-180, 180, 9)]), [[89, 0], [3, 179]]]
    )
    places = centres[rng.integers(len(centres), size=count)] + rng.standard_normal((count, 2)) * rng.choice(
        [0.1, 4.0], (count, 1)
    )
    return np.clip(places, [-90, -180], [90, 180])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_gini_is_half_the_mean_difference_over_the_mean(counts) -> None:
    mean = sum(counts) / len(counts)
    pairs = sum(abs(one - other) for one in counts for other in counts) / len(counts) ** 2
    assert gini(counts) == pytest.approx(pairs / 2 / mean if mean else 0.0, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any))
def test_effective_number_lies_between_one_and_all(counts) -> None:
    entropy = -sum(n / sum(counts) * math.log(n / sum(counts)) for n in counts if n)
    assert effective_number(counts) == pytest.approx(math.exp(entropy))
    assert 1 - 1e-9 <= effective_number(counts) <= sum(map(bool, counts)) + 1e-9


def test_equal_cells_are_as_many_as_they_are() -> None:
    assert effective_number([7] * 40) == pytest.approx(40)


def test_figures_by_hand() -> None:
    places = towns(1, 600)
    partition = build_s2(places, max_photos=60, min_photos=15)
    photos = towns(2, 150)
    weights = np.random.default_rng(3).integers(0, 4, 150)
    figures = compare("mine", partition, photos, weights)
    repeated = np.repeat(photos, weights, axis=0)  # the slow way: one row for each photo
    cells = partition.encode(repeated)
    counts = [int((cells == cell).sum()) for cell in range(partition.count)]
    floors = []
    for place, cell in zip(repeated, cells.tolist(), strict=True):
        to_all = [float(great_circle_km(place, centre)) for centre in partition.centres]
        floors.append(to_all[cell] if cell >= 0 else min(to_all))
    assert (figures.name, figures.method, figures.cells) == ("mine", "s2", partition.count)
    assert figures.photos == len(repeated)
    assert figures.dropped_photos == (cells < 0).sum() > 0
    assert figures.photos_per_cell == {
        "min": min(counts),
        "median": float(np.median(counts)),
        "max": max(counts),
    }
    assert figures.empty_cells == counts.count(0)
    assert figures.gini == pytest.approx(gini(counts))
    assert figures.floor_median_km == pytest.approx(np.median(floors))
    assert figures.floor_mean_km == pytest.approx(np.mean(floors))
    assert figures.floor_within_km == {
        str(limit): pytest.approx(np.mean(np.array(floors) <= limit)) for limit in THRESHOLDS_KM
    }
    assert figures.to_dict()["neighbours"]["max"] >= 1


def test_floor_of_photos_at_the_centres_is_nothing() -> None:
    partition = build_kd(towns(1, 300), max_photos=20)
    assert floor_distances_km(partition, partition.centres).max() < 1e-6


def slow_s2_neighbours(partition: Partition) -> set[tuple[int, int]]:
    """By S2's own neighbours: those of the smaller cell lie in the larger, or are it."""
    ids = partition.tree["cell_id"].to_numpy()[partition.leaf_nodes]
    found = set()
    for cell, own in enumerate(ids):
        for beside in s2.edge_neighbours(own):
            low, high = s2.range_min(beside), s2.range_max(beside)
            for other, their in enumerate(ids):
                if s2.range_min(their) <= beside <= s2.range_max(their) or low <= their <= high:
                    larger_has_it = s2.level(their) <= s2.level(own)
                    if larger_has_it:
                        found.add((min(cell, other), max(cell, other)))
    return found


def test_neighbours_of_s2_cells() -> None:
    partition = build_s2(towns(3, 900), max_photos=25, min_photos=1)
    assert {tuple(pair) for pair in neighbours(partition).tolist()} == slow_s2_neighbours(partition)


@pytest.mark.parametrize("build", [build_kd, build_quadtree])
@pytest.mark.parametrize("seed", range(3))
def test_neighbours_of_boxes(build, seed: int) -> None:
    partition = build(towns(seed, 500), max_photos=20)
    boxes = partition.tree[partition.leaf_nodes].select("west", "south", "east", "north").to_numpy()
    shapes = shapely.box(*boxes.T)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    shared = shapely.length(shapely.intersection(shapes[left], shapes[right])) > 1e-6
    on_map = {
        (one, other)
        for one, other in zip(left[shared].tolist(), right[shared].tolist(), strict=True)
        if one < other
    }
    # on the sphere also across the antimeridian, but not along the edge of the map that is a pole
    around = set()
    for one in np.flatnonzero(boxes[:, 0] == -180).tolist():
        for other in np.flatnonzero(boxes[:, 2] == 180).tolist():
            if min(boxes[one, 3], boxes[other, 3]) - max(boxes[one, 1], boxes[other, 1]) > 1e-6:
                around.add((min(one, other), max(one, other)))
    assert {tuple(pair) for pair in neighbours(partition).tolist()} == (on_map | around) - {
        (cell, cell) for cell in range(partition.count)
    }


def test_one_cell_has_no_neighbour() -> None:
    assert neighbours(build_s2([[1, 1]], max_photos=5, min_photos=1)).shape == (0, 2)
    assert neighbours(build_kd([[1, 1]], max_photos=5)).shape == (0, 2)
