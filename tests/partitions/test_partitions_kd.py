"""The k-d tree against a slow, literal recursion over lists of photos."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import CoordinateError, TableError, UsageError
from graticule.geo.sphere import great_circle_km
from graticule.partitions import Partition
from graticule.partitions.boxes.kd import KdSettings, build_kd


def towns(seed: int, count: int) -> np.ndarray:
    """Places in towns of very different sizes, with poles, the antimeridian and many equal coordinates."""
    rng = np.random.default_rng(seed)
    centres = np.column_stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 9))), rng.uniform(-180, 180, 9)])
    centres = np.vstack([centres, [[90, 0], [-90, 30], [10, 180], [-17, -180]]])
    chosen = centres[rng.choice(len(centres), count, p=rng.dirichlet(np.full(len(centres), 0.5)))]
    places = chosen + rng.standard_normal((count, 2)) * rng.choice([0.0, 0.01, 3.0], (count, 1))
    places = np.round(places, 2)
    places[:, 0] = np.clip(places[:, 0], -90, 90)
    places[:, 1] = (places[:, 1] + 180) % 360 - 180
    return places


def reference(latlon, weights, limits: KdSettings) -> dict[str, int]:
    """Photos of each leaf by the way to it, each box's photos in a list."""

    def on_map(latitude, longitude):
        return latitude, 0.0 if abs(latitude) == 90 else (-180.0 if longitude == 180 else longitude)

    def cut(photos, axis):
        total = sum(weight for _, weight in photos)
        values = sorted({place[axis] for place, _ in photos})
        cuts = []
        for low, high in pairwise(values):
            before = sum(weight for place, weight in photos if place[axis] <= low)
            cuts.append((high - low, before, low, high))
        share = max(limits.min_photos, math.ceil(limits.least_share * total))
        fair = [entry for entry in cuts if min(entry[1], total - entry[1]) >= share]
        if fair:
            return max(fair, key=lambda entry: entry[0])
        allowed = [entry for entry in cuts if min(entry[1], total - entry[1]) >= limits.min_photos]
        return min(allowed, key=lambda entry: abs(2 * entry[1] - total)) if allowed else None

    leaves = {}

    def grow(way, box, photos):
        total = sum(weight for _, weight in photos)
        south, west, north, east = box
        widest = 0 if south <= 0 <= north else min(abs(south), abs(north))
        wide = (east - west) * math.cos(math.radians(widest)) >= north - south
        found = None
        if total > limits.max_photos:
            for axis in (1, 0) if wide else (0, 1):
                found = cut(photos, axis)
                if found:
                    break
        if not found:
            leaves[way] = total
            return
        _, _, low, high = found
        at = low / 2 + high / 2
        before = [entry for entry in photos if entry[0][axis] < at]
        after = [entry for entry in photos if entry[0][axis] >= at]
        boxes = (
            ((south, west, at, east), (at, west, north, east))
            if axis == 0
            else ((south, west, north, at), (south, at, north, east))
        )
        for letter, part, inside in zip("sn" if axis == 0 else "we", boxes, (before, after), strict=True):
            grow(way + letter, part, inside)

    photos = [
        (on_map(*place), weight)
        for place, weight in zip(latlon.tolist(), weights.tolist(), strict=True)
        if weight
    ]
    grow("k", (-90.0, -180.0, 90.0, 180.0), photos)
    return leaves


def check(latlon, limits: KdSettings, weights=None) -> Partition:
    counts = np.ones(len(latlon), dtype=int) if weights is None else weights
    partition = build_kd(latlon, **dataclasses.asdict(limits), weights=weights)
    assert dict(zip(partition.tokens, partition.photos.tolist(), strict=True)) == reference(
        latlon, counts, limits
    )
    check_invariants(partition, latlon, counts)
    return partition


def check_invariants(partition: Partition, latlon, counts) -> None:
    """Every photo lies in the leaf that counted it, the leaves cover the Earth, the tree adds up."""
    found = partition.encode(latlon)
    assert (found >= 0).all()
    np.testing.assert_array_equal(np.bincount(found, counts, partition.count), partition.photos)
    assert partition.source.dropped_photos == 0
    assert partition.areas_km2.sum() == pytest.approx(4 * math.pi * EARTH_RADIUS_KM**2, rel=1e-12)
    rng = np.random.default_rng(3)
    anywhere = np.column_stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 500))), rng.uniform(-180, 180, 500)])
    assert (partition.encode(anywhere) >= 0).all()
    photos, parents = partition.tree["photos"].to_numpy(), partition.parents
    below = np.bincount(np.maximum(parents, 0), photos * (parents >= 0), len(photos))
    inner = np.setdiff1d(np.arange(len(photos)), partition.leaf_nodes)
    np.testing.assert_array_equal(below[inner], photos[inner])
    assert [len(token) - 1 for token in partition.tree["token"]] == partition.levels.tolist()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "limits",
    [
        KdSettings(30),
        KdSettings(30, 10),
        KdSettings(1),
        KdSettings(20, 1, None, 0.5),
        KdSettings(9, 4, None, 0.0),
    ],
    ids=str,
)
def test_same_cells_as_the_literal_recursion(seed: int, limits: KdSettings) -> None:
    check(towns(seed, 300), limits)


@pytest.mark.parametrize("seed", range(3))
def test_same_cells_with_numbers_of_photos(seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 9, 250)
    check(towns(seed, 250), KdSettings(60, 5), weights)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-4, 4)), min_size=1, max_size=40),
    st.integers(1, 6),
    st.integers(1, 3),
)
def test_any_places_of_a_small_grid(points, most, least) -> None:
    latlon = np.array(points, dtype=float) * [30, 45]
    check(latlon, KdSettings(max(most, least), least))


def test_a_million_copies_of_one_place_stop() -> None:
    places = np.vstack([np.full((1_000_000, 2), (48.86, 2.35)), [[39.9, 116.4]], [[39.9, 116.5]]])
    partition = build_kd(places, max_photos=10)
    assert sorted(partition.photos.tolist()) == [2, 1_000_000]
    assert build_kd(places[:1_000_000], max_photos=10).count == 1


def test_one_place_is_the_whole_earth() -> None:
    partition = build_kd([[48.86, 2.35]], max_photos=10)
    assert partition.tokens == ["k"]
    assert partition.encode([[90, 0], [-90, 7], [0, 180]]).tolist() == [0, 0, 0]
    assert partition.centres[0] == pytest.approx([48.86, 2.35])
    assert Partition.read(partition.to_bytes()).fingerprint == partition.fingerprint


def test_antipodes_have_no_mean_and_get_the_middle_of_the_box() -> None:
    partition = build_kd([[0, 0], [0, -180]], max_photos=2)
    assert partition.centres.tolist() == [[0.0, 0.0]]


def test_poles_and_the_antimeridian_are_one_place_each() -> None:
    partition = build_kd(towns(1, 400), max_photos=20)
    around = np.linspace(-180, 180, 37)
    for latitude in (90, -90):
        assert len(set(partition.encode([[latitude, longitude] for longitude in around]).tolist())) == 1
    for latitude in (-60.0, 0.0, 10.0, 71.3):
        east, west, turned = partition.encode([[latitude, 180], [latitude, -180], [latitude, 540]]).tolist()
        assert east == west == turned


def test_a_place_on_a_cut_lies_north_and_east_of_it() -> None:
    partition = build_kd([[10, -100], [10, 20], [60, 20], [60, 21]], max_photos=1)
    boxes = partition.tree.filter(pl.col("cell").is_not_null()).select("south", "west").to_numpy()
    inside = (np.abs(boxes[:, 0]) < 90) & (np.abs(boxes[:, 1]) < 180)
    assert inside.any()
    assert partition.encode(boxes[inside]).tolist() == np.flatnonzero(inside).tolist()


def test_so_many_cells() -> None:
    places = towns(2, 500)
    partition = build_kd(places, cells=17)
    assert partition.count == 17
    check_invariants(partition, places, np.ones(500, dtype=int))
    # the fullest is cut first, so nothing is left to cut that is fuller than what was cut
    assert build_kd(places, cells=18).photos.max() <= partition.photos.max()
    assert build_kd(places, cells=10**6, max_photos=100).count == build_kd(places, max_photos=100).count


def test_cells_are_numbered_as_the_tree_is_walked() -> None:
    partition = build_kd(towns(5, 300), max_photos=10)
    walked = [token.translate(str.maketrans("swne", "0011")) for token in partition.tokens]
    assert walked == sorted(walked)
    assert (np.diff(partition.leaf_nodes) > 0).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "Nothing says when to stop"),
        (
            {"max_photos": 3, "min_photos": 9},
            "at most 3 and at least 9 (?s:.*)`max_photos=36, min_photos=9`",
        ),
        ({"max_photos": 0}, "`max_photos=0` cannot be"),
        ({"cells": 0}, "`cells=0` cannot be"),
        ({"max_photos": 9, "least_share": 0.7}, "A share of 0.7 .*\n.*`least_share=0.25`"),
    ],
)
def test_words_that_cannot_be(words, message) -> None:
    with pytest.raises(UsageError, match=message):
        build_kd([[0, 0]], **words)


def test_places_that_cannot_be() -> None:
    with pytest.raises(TableError, match="no places"):
        build_kd(np.empty((0, 2)), max_photos=1)
    with pytest.raises(CoordinateError):
        build_kd([[91, 0]], max_photos=1)
    with pytest.raises(TableError, match="0 photos"):
        build_kd([[1, 0]], max_photos=1, weights=[0])


def test_real_places_lose_none_and_are_balanced(shared) -> None:
    places = pl.read_csv(shared / "data" / "coords" / "mp16_sample_100k.csv.gz").to_numpy()
    partition = build_kd(places, max_photos=300, min_photos=30)
    check_invariants(partition, places, np.ones(len(places), dtype=int))
    assert partition.photos.min() >= 75  # a quarter of what was cut
    assert partition.photos.max() <= 300
    # the reason for cutting through gaps: nearer to the centre than cuts at the median
    median = build_kd(places, cells=partition.count, least_share=0.5)
    gaps_km, median_km = (
        np.median(great_circle_km(places, each.centres[each.encode(places)])) for each in (partition, median)
    )
    assert gaps_km < 0.8 * median_km
