"""Small S2 cells merged instead of dropped: against a literal recursion, and what it promises."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import polars as pl
import pytest
import shapely

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import PartitionError
from graticule.geo import s2
from graticule.geo.sphere import unit_vectors
from graticule.partitions import Partition, S2Settings, build_s2
from graticule.partitions.s2.merging import FACES

EARTH_KM2 = 4 * math.pi * EARTH_RADIUS_KM**2


def towns(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.column_stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 12))), rng.uniform(-180, 180, 12)])
    centres = np.vstack([centres, [[90, 0], [-90, 30], [10, 180], [-17, -180]]])
    chosen = centres[rng.choice(len(centres), count, p=rng.dirichlet(np.full(len(centres), 0.4)))]
    places = chosen + rng.standard_normal((count, 2)) * rng.choice([0.001, 0.1, 3.0], (count, 1))
    places[:, 0] = np.clip(places[:, 0], -90, 90)
    places[:, 1] = (places[:, 1] + 180) % 360 - 180
    return places


def reference(latlon, limits: S2Settings) -> dict[str, tuple[int, set[str]]]:
    """Photos and annexes of each cell by its token; cells as nested dictionaries, parents after children."""
    ids = s2.cell_ids(latlon).tolist()
    vectors = unit_vectors(latlon)

    def bounds(cell):
        return int(s2.range_min(np.uint64(cell))), int(s2.range_max(np.uint64(cell)))

    def own(cell):
        low, high = bounds(cell)
        return [row for row, leaf in enumerate(ids) if low <= leaf <= high]

    cells: dict[int, np.ndarray] = {}  # cells that are left, with the mean of their own photos
    photos: dict[int, int] = {}
    annexes: dict[int, set[int]] = {}

    def keep(cell, rows):
        mean = vectors[rows].sum(axis=0)
        cells[cell], photos[cell], annexes[cell] = mean / np.linalg.norm(mean), len(rows), set()

    def give(cell, candidates):
        rows = own(cell)
        towards = vectors[rows].sum(axis=0) if rows else unit_vectors(s2.centre(np.uint64(cell)))
        best = max(sorted(candidates), key=lambda other: float(cells[other] @ towards))
        photos[best] += len(rows)
        annexes[best].add(cell)

    def settle(cell, level) -> set[int]:
        """The cells left at or below ``cell``; nothing when it is too small as a whole."""
        rows = own(cell)
        splits = rows and level < limits.end_level
        splits = splits and (len(rows) > limits.max_photos or level < limits.start_level)
        if splits:
            children = s2.children(np.uint64(cell)).tolist()
            left = {child: settle(child, level + 1) for child in children}
            below = set().union(*left.values())
            if below:
                for child in children:
                    if not left[child]:
                        give(child, below)
                return below
        if len(rows) < limits.min_photos:
            return set()
        keep(cell, rows)
        return {cell}

    faces = s2.from_token(list(FACES)).tolist()
    left = {face: settle(face, 0) for face in faces}
    everything = set().union(*left.values())
    for face in faces:
        if not left[face] and everything:
            give(face, everything)
    token = {cell: str(s2.token(np.uint64(cell))) for given in annexes.values() for cell in given}
    return {
        str(s2.token(np.uint64(cell))): (photos[cell], {token[given] for given in annexes[cell]})
        for cell in cells
    }


def merged(latlon, limits: S2Settings) -> Partition:
    return build_s2(latlon, **{**dataclasses.asdict(limits), "merge_small": True})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "limits",
    [
        S2Settings(40, 12),
        S2Settings(20, 20, 0, 30),
        S2Settings(9, 6, 4, 9),
        S2Settings(200, 100, 0),
        S2Settings(300, 300, 3, 3),
    ],
    ids=str,
)
def test_same_cells_as_the_literal_recursion(seed: int, limits: S2Settings) -> None:
    places = towns(seed, 400)
    expected = reference(places, limits)
    if not expected:
        with pytest.raises(PartitionError, match="No cell is left"):
            merged(places, limits)
        return
    partition = merged(places, limits)
    annexes = partition.tree["annexes"].to_list()
    found = {
        token: (int(photos), {str(s2.token(np.uint64(given))) for given in annexes[node]})
        for token, photos, node in zip(partition.tokens, partition.photos, partition.leaf_nodes, strict=True)
    }
    assert found == expected


@pytest.mark.parametrize("seed", range(3))
def test_no_photo_is_dropped_and_the_earth_is_covered(seed: int) -> None:
    places = towns(seed, 500)
    weights = np.random.default_rng(seed).integers(0, 5, 500)
    partition = build_s2(places, max_photos=60, min_photos=15, weights=weights, merge_small=True)
    cells = partition.encode(places)
    np.testing.assert_array_equal(np.bincount(cells, weights, partition.count), partition.photos)
    assert (partition.source.dropped_photos, partition.source.dropped_cells) == (0, 0)
    assert partition.photos.min() >= 15
    rng = np.random.default_rng(9)
    anywhere = np.column_stack(
        [np.degrees(np.arcsin(rng.uniform(-1, 1, 3000))), rng.uniform(-180, 180, 3000)]
    )
    assert (partition.encode(anywhere) >= 0).all()
    assert partition.areas_km2.sum() == pytest.approx(EARTH_KM2, rel=1e-9)


def test_the_tree_stays_consistent() -> None:
    partition = build_s2(towns(1, 800), max_photos=50, min_photos=12, merge_small=True)
    tree = partition.tree
    photos, parents = tree["photos"].to_numpy(), partition.parents
    below = np.bincount(np.maximum(parents, 0), photos * (parents >= 0), len(photos))
    inner = np.setdiff1d(np.arange(len(photos)), partition.leaf_nodes)
    np.testing.assert_array_equal(below[inner], photos[inner])
    ids, annexes = tree["cell_id"].to_list(), tree["annexes"].to_list()
    for node, parent in enumerate(parents.tolist()):
        if parent < 0:
            continue
        # the ground of a node lies in that of its parent
        ground = [ids[parent], *annexes[parent]]
        for cell in [ids[node], *annexes[node]]:
            assert any(
                s2.range_min(np.uint64(other)) <= cell <= s2.range_max(np.uint64(other)) for other in ground
            )


def test_cells_that_are_large_enough_keep_their_ground() -> None:
    places = towns(2, 600)
    dropped = build_s2(places, max_photos=50, min_photos=12)
    kept = build_s2(places, max_photos=50, min_photos=12, merge_small=True)
    assert set(dropped.tokens) <= set(kept.tokens)
    before = dropped.encode(places)
    inside = before >= 0
    same = [kept.tokens[cell] for cell in kept.encode(places[inside])]
    assert same == [dropped.tokens[cell] for cell in before[inside]]


def test_outlines_are_whole_and_hold_their_places() -> None:
    places = towns(4, 700)
    partition = build_s2(places, max_photos=40, min_photos=15, merge_small=True)
    shapes = shapely.from_wkb(partition.nodes["geometry"].to_numpy())
    assert shapely.is_valid(shapes).all()
    leaves = shapes[partition.leaf_nodes]
    assert shapely.area(leaves).sum() == pytest.approx(360 * 180, rel=1e-3)  # all of the map
    rng = np.random.default_rng(1)
    anywhere = np.column_stack([rng.uniform(-89, 89, 2000), rng.uniform(-180, 180, 2000)])
    cells = partition.encode(anywhere)
    inside = shapely.contains_xy(leaves[cells], anywhere[:, 1], anywhere[:, 0])
    assert inside.mean() > 0.998  # a geodesic and the edge drawn for it differ by some hundred metres


def test_rings_to_draw_cover_as_much_as_the_cells() -> None:
    partition = build_s2(towns(4, 700), max_photos=40, min_photos=15, merge_small=True)
    rings, owner = partition.parts()
    assert set(owner.tolist()) == set(range(partition.count))
    vectors = [unit_vectors(ring) for ring in rings]
    area = 0.0
    for ring in vectors:
        apex = ring.mean(axis=0) / np.linalg.norm(ring.mean(axis=0))
        after = np.roll(ring, -1, axis=0)
        rest = 1 + ring @ apex + after @ apex + (ring * after).sum(axis=1)
        area += float(2 * np.arctan2(np.cross(ring, after) @ apex, rest).sum()) * EARTH_RADIUS_KM**2
    assert area == pytest.approx(EARTH_KM2, rel=1e-6)


def test_written_and_read() -> None:
    partition = build_s2(towns(5, 300), max_photos=40, min_photos=15, merge_small=True)
    again = Partition.read(partition.to_bytes())
    assert again.fingerprint == partition.fingerprint
    assert again.parameters["merge_small"] is True
    places = towns(6, 300)
    np.testing.assert_array_equal(again.encode(places), partition.encode(places))
    plain = build_s2(towns(5, 300), max_photos=40, min_photos=15)
    assert "annexes" not in plain.nodes.columns
    assert plain.fingerprint != partition.fingerprint


def test_a_parent_stands_for_children_that_are_all_too_small() -> None:
    corner = s2.centre(s2.from_token("35f4"))
    children = s2.centre(s2.children(s2.from_token("35f4")))
    places = np.repeat(children, 3, axis=0)
    partition = build_s2(places, max_photos=5, min_photos=5, start_level=0, merge_small=True)
    # children of level 6 hold 3 each: their parent of level 5 holds enough, and is all there is
    assert partition.tokens == ["35f4"]
    assert partition.photos.tolist() == [12]
    assert partition.encode([corner, [-80.0, 0.0]]).tolist() == [0, 0]


def test_real_places_lose_none_and_stay_as_near(shared) -> None:
    places = pl.read_csv(shared / "data" / "coords" / "mp16_sample_100k.csv.gz").to_numpy()
    plain = build_s2(places, max_photos=300, min_photos=30)
    partition = build_s2(places, max_photos=300, min_photos=30, merge_small=True)
    assert plain.source.dropped_photos == 5461
    assert partition.source.dropped_photos == 0
    assert partition.tokens == plain.tokens  # here no parent had to stand for its children
    cells = partition.encode(places)
    np.testing.assert_array_equal(np.bincount(cells, minlength=partition.count), partition.photos)
