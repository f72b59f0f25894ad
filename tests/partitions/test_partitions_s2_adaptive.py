"""Adaptive S2 cells against a slow, literal recursion over Google's own library."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import s2geometry
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from graticule.errors import CoordinateError, PartitionError, TableError, UsageError
from graticule.geo.sphere import great_circle_km, spherical_mean
from graticule.partitions import PRESETS, Partition, S2Settings, build_s2
from graticule.partitions.s2.counts import S2Counts


def one_name(latitude: float, longitude: float) -> tuple[float, float]:
    """A place on Earth by one of its names: the antimeridian is 180, and poles have longitude 0."""
    return latitude, 0.0 if abs(latitude) == 90 else 180.0 if longitude == -180 else longitude


def reference(latlon, weights, limits: S2Settings):
    """Tokens of the leaves with their photos, dropped ones apart, by S4's Algorithm 1 taken literally."""
    ids = [
        s2geometry.S2CellId(s2geometry.S2LatLng.FromDegrees(*one_name(float(latitude), float(longitude))))
        for latitude, longitude in latlon
    ]
    kept, dropped = {}, {}

    def grow(cell, inside):
        photos = sum(weights[index] for index in inside)
        if photos > limits.max_photos and cell.level() < limits.end_level:
            for position in range(4):
                child = cell.child(position)
                grow(child, [index for index in inside if child.contains(ids[index])])
        elif photos:
            (kept if photos >= limits.min_photos else dropped)[cell.ToToken()] = photos

    for token in sorted({cell.parent(limits.start_level).ToToken() for cell in ids}):
        start = s2geometry.S2CellId.FromToken(token)
        grow(start, [index for index, cell in enumerate(ids) if start.contains(cell)])
    return kept, dropped


def check_against_reference(latlon, limits: S2Settings, weights=None) -> Partition | None:
    counts = np.ones(len(latlon), dtype=int) if weights is None else weights
    kept, dropped = reference(latlon, counts.tolist(), limits)
    if not kept:
        with pytest.raises(PartitionError, match="No cell is left"):
            build_s2(latlon, **dataclasses.asdict(limits), weights=weights)
        return None
    partition = build_s2(latlon, **dataclasses.asdict(limits), weights=weights)
    assert dict(zip(partition.tokens, partition.photos.tolist(), strict=True)) == kept
    assert partition.source.dropped_photos == sum(dropped.values())
    assert partition.source.dropped_cells == len(dropped)
    assert partition.source.photos == counts.sum()
    check_invariants(partition, latlon, counts)
    return partition


def check_invariants(partition: Partition, latlon, counts) -> None:
    cells = partition.encode(latlon)
    # every photo lies in exactly one leaf or is reported dropped
    found = np.bincount(cells[cells >= 0], counts[cells >= 0], partition.count)
    np.testing.assert_array_equal(found, partition.photos)
    assert counts[cells < 0].sum() == partition.source.dropped_photos
    ids = partition.tree["cell_id"].to_numpy()
    assert (np.diff(ids[partition.leaf_nodes].astype(object)) > 0).all()
    for node, parent in enumerate(partition.parents.tolist()):
        cell = s2geometry.S2CellId(int(ids[node]))
        assert cell.level() == partition.levels[node]
        assert cell.ToToken() == partition.tree["token"][node]
        assert parent < node
        if parent < 0:
            assert cell.is_face()
        else:
            assert cell.parent().id() == int(ids[parent])
    photos = partition.tree["photos"].to_numpy()
    inner = np.setdiff1d(np.arange(partition.tree.height), partition.leaf_nodes)
    below = np.bincount(np.maximum(partition.parents, 0), photos * (partition.parents >= 0), len(photos))
    np.testing.assert_array_equal(below[inner], photos[inner])
    assert (below[partition.leaf_nodes] * (partition.levels[partition.leaf_nodes] > 0) == 0).all()


def clustered(seed: int, count: int) -> np.ndarray:
    """Places in towns of very different sizes, all over the sphere, at poles and antimeridian too."""
    rng = np.random.default_rng(seed)
    towns = np.column_stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 12))), rng.uniform(-180, 180, 12)])
    towns = np.vstack([towns, [[90, 0], [-90, 30], [10, 180], [-17, -180]]])
    chosen = towns[rng.choice(len(towns), count, p=rng.dirichlet(np.full(len(towns), 0.4)))]
    places = chosen + rng.standard_normal((count, 2)) * rng.choice([0.001, 0.1, 3.0], (count, 1))
    places[:, 0] = np.clip(places[:, 0], -90, 90)
    places[:, 1] = (places[:, 1] + 180) % 360 - 180
    return places


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "limits",
    [
        S2Settings(50, 10),
        S2Settings(20, 20, 0, 30),
        S2Settings(7, 3, 5, 12),
        S2Settings(100, 1, 3, 3),
        S2Settings(1, 1, 0, 30),
    ],
    ids=str,
)
def test_same_cells_as_the_literal_recursion(seed: int, limits: S2Settings) -> None:
    check_against_reference(clustered(seed, 500), limits)


def test_same_cells_with_numbers_of_photos_at_each_place() -> None:
    rng = np.random.default_rng(5)
    partition = check_against_reference(clustered(5, 300), S2Settings(60, 12), rng.integers(0, 9, 300))
    assert partition is not None


@pytest.mark.parametrize("name", ["mp16_sample_100k", "sv_holdout_10k", "flickr_250k"])
def test_same_cells_on_real_places(shared: Path, name: str) -> None:
    table = pl.read_csv(shared / "data" / "coords" / f"{name}.csv.gz")
    places = table.sample(6000, seed=1).select("latitude", "longitude").to_numpy()
    partition = check_against_reference(places, S2Settings(100, 20))
    assert partition is not None
    assert partition.count > 20


corners = st.sampled_from(
    [
        [90.0, 0.0],
        [90.0, 77.0],
        [-90.0, -180.0],
        [0.0, 180.0],
        [0.0, -180.0],
        [0.0, 45.0],  # on the edge of two faces
        [35.26438968275466, 45.0],  # where three faces meet
        [0.0, 0.0],  # where four cells of level 1 meet
        [-12.5, 179.9999999],
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(corners, min_size=1, max_size=40),
    arrays(np.float64, (7, 2), elements=st.floats(-90, 90)),
    st.integers(1, 12),
    st.integers(0, 30),
)
def test_every_photo_in_one_leaf_or_dropped_at_poles_antimeridian_and_cell_edges(
    special, anywhere, most, level
) -> None:
    places = np.vstack([np.array(special), anywhere * [1, 2]])
    limits = S2Settings(most, max(1, most // 2), min(level, 8), max(level, 8))
    check_against_reference(places, limits)


@pytest.mark.parametrize("merge_small", [False, True])
def test_two_names_of_one_place_lie_in_one_cell(merge_small: bool) -> None:
    latitudes = np.linspace(-89.5, 89.5, 41)
    east = np.column_stack([latitudes, np.full(41, 180.0)])
    west = np.column_stack([latitudes, np.full(41, -180.0)])
    poles = np.array([[sign * 90.0, longitude] for sign in (-1, 1) for longitude in range(-180, 181, 15)])
    partition = build_s2(np.vstack([east, west, poles]), max_photos=4, min_photos=1, merge_small=merge_small)
    np.testing.assert_array_equal(partition.encode(east), partition.encode(west))
    assert len(set(partition.encode(poles).tolist())) == 2
    assert (partition.encode(np.vstack([east, poles])) >= 0).all()
    counts = S2Counts(13)
    counts.add(np.vstack([east, west, poles]))
    assert len(counts.cells().ids) == 41 + 2


def test_a_million_copies_of_one_place_stop_at_the_end_level() -> None:
    partition = build_s2(
        np.tile([48.8584, 2.2945], (1_000_000, 1)), max_photos=100, min_photos=20, end_level=16
    )
    assert partition.count == 1
    assert partition.photos.tolist() == [1_000_000]
    assert partition.levels[partition.path(0)].tolist() == list(range(17))
    np.testing.assert_allclose(partition.centres[0], [48.8584, 2.2945], atol=1e-9)
    deepest = build_s2(np.tile([48.8584, 2.2945], (1000, 1)), max_photos=100, min_photos=20)
    assert deepest.levels.max() == 30


def test_a_weight_counts_like_that_many_rows() -> None:
    places = clustered(2, 400)
    weights = np.random.default_rng(2).integers(0, 5, 400)
    once = build_s2(places, max_photos=30, min_photos=5, weights=weights)
    many = build_s2(np.repeat(places, weights, axis=0), max_photos=30, min_photos=5)
    assert once.fingerprint == many.fingerprint
    assert once.source.fingerprint == many.source.fingerprint
    assert (once.source.places, many.source.places) == (400, weights.sum())
    np.testing.assert_allclose(once.centres, many.centres, atol=1e-9)


def test_the_order_of_the_photos_does_not_matter() -> None:
    places = clustered(3, 2000)
    one = build_s2(places, max_photos=40, min_photos=5)
    other = build_s2(places[::-1], max_photos=40, min_photos=5)
    assert one.source == other.source
    assert one.tree.drop("latitude", "longitude").equals(other.tree.drop("latitude", "longitude"))
    moved = places.copy()
    moved[7] += 0.01
    assert build_s2(moved, max_photos=40, min_photos=5).source.fingerprint != one.source.fingerprint


def test_centres_are_the_spherical_means_of_the_photos() -> None:
    places = np.vstack([clustered(4, 3000), [[10.0, 179.99], [10.0, -179.99]] * 30])
    partition = build_s2(places, max_photos=80, min_photos=4)
    cells = partition.encode(places)
    for cell in range(partition.count):
        expected = spherical_mean(places[cells == cell])
        assert great_circle_km(partition.centres[cell], expected) < 1e-6
    np.testing.assert_array_equal(partition.encode(partition.centres), np.arange(partition.count))
    for node in np.flatnonzero(partition.parents < 0):
        leaves = [cell for cell in range(partition.count) if node in partition.path(cell)]
        expected = spherical_mean(places[np.isin(cells, leaves)])
        actual = partition.tree.select("latitude", "longitude").row(int(node))
        assert great_circle_km(actual, expected) < 1e-6


def test_cells_are_named_by_the_photo_nearest_to_their_centre() -> None:
    places = clustered(6, 2500)
    weights = np.random.default_rng(6).integers(0, 3, len(places))
    partition = build_s2(places, max_photos=60, min_photos=4, weights=weights)
    assert partition.named_at is not None
    cells = np.where(weights > 0, partition.encode(places), -1)
    for cell in range(partition.count):
        distances_km = great_circle_km(places[cells == cell], partition.centres[cell])
        mine_km = great_circle_km(partition.named_at[cell], partition.centres[cell])
        assert mine_km == pytest.approx(distances_km.min(), abs=1e-4)
    np.testing.assert_array_equal(partition.encode(partition.named_at), np.arange(partition.count))


def test_the_mean_of_places_around_a_pole_is_the_pole() -> None:
    partition = build_s2([[80, 0], [80, 180], [80, 90], [80, -90]], max_photos=9, min_photos=1, start_level=0)
    np.testing.assert_allclose(partition.centres[0, 0], 90)


def test_one_place_is_one_cell_of_the_start_level() -> None:
    partition = build_s2([[39.9, 116.4]], max_photos=1, min_photos=1)
    assert (partition.count, partition.levels.tolist()) == (1, [0, 1, 2])
    np.testing.assert_allclose(partition.centres, [[39.9, 116.4]])


def test_presets_hold_the_numbers_of_the_sources() -> None:
    figures = {name: (preset.max_photos, preset.min_photos) for name, preset in PRESETS.items()}
    assert figures == {
        "cnn-vit": (100, 20),
        "hmc-4": (350_000, 80_000),
        "hmc-14": (100_000, 25_000),
        "hmc-50": (40_000, 5_000),
        "hmc-110": (15_000, 3_000),
        "hmc-89": (20_000, 2_000),
    }


@pytest.mark.parametrize(
    ("name", "classes", "share"),
    [("hmc-4", 4, 0.726), ("hmc-14", 14, 0.874), ("hmc-50", 50, 0.939), ("hmc-110", 110, 0.877)],
)
def test_settings_of_s4_give_about_its_classes_on_flickr(shared: Path, name, classes, share) -> None:
    # its table 6.4, on 970,565 Flickr photos; these are 973,572 others, rounded to 100 m
    table = pl.read_csv(shared / "data" / "coords" / "flickr_250k.csv.gz")
    partition = build_s2(
        table.select("latitude", "longitude").to_numpy(),
        weights=table["n_photos"].to_numpy(),
        **dataclasses.asdict(PRESETS[name]),
    )
    assert abs(partition.count - classes) <= max(1, 0.15 * classes)
    kept = 1 - partition.source.dropped_photos / partition.source.photos
    assert kept == pytest.approx(share, abs=0.2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"max_photos": 20, "min_photos": 30},
            "at most 20 and at least 30 photos.\nType:  `max_photos=120, min_photos=30`",
        ),
        ({"min_photos": 0}, "a whole number of at least 1"),
        ({"start_level": 9, "end_level": 4}, "Levels 9 to 4 are not in order"),
        ({"end_level": 31}, "within 0 to 30"),
        ({"start_level": -1}, "`start_level=-1` cannot be"),
        ({"start_level": 2.5}, "`start_level=2.5` cannot be, expected a whole number of at least 0"),
        ({"max_photos": "20"}, "`max_photos=20` cannot be, expected a whole number"),
        ({"max_photos": 20.5}, "`max_photos=20.5` cannot be, expected a whole number"),
    ],
)
def test_contradicting_limits_are_refused(changes, message) -> None:
    with pytest.raises(UsageError) as error:
        build_s2([[1, 2]], **{"max_photos": 9, "min_photos": 1, **changes})
    assert message in str(error.value)


def test_no_cell_left_says_which_numbers_leave_one() -> None:
    places = np.vstack([np.tile([10.0, 10.0], (12, 1)), np.tile([10.4, 10.4], (12, 1))])
    with pytest.raises(PartitionError) as error:
        build_s2(places, max_photos=23, min_photos=20)
    message = str(error.value)
    assert "the fullest holds 12 of 24 photos, and at least 20 are asked for" in message
    assert "`max_photos=23, min_photos=12`   or   `max_photos=24, min_photos=20`" in message
    assert build_s2(places, max_photos=23, min_photos=12).count == 2
    assert build_s2(places, max_photos=24, min_photos=20).count == 1


def test_too_few_photos_altogether() -> None:
    with pytest.raises(
        PartitionError, match=r"fullest holds 1 of 1 photos.*\nType:  `max_photos=300, min_photos=1`$"
    ):
        build_s2([[1.0, 2.0]], max_photos=300, min_photos=30)


@pytest.mark.parametrize("empty", [[], np.empty((0, 2))])
def test_no_places_at_all(empty) -> None:
    with pytest.raises(TableError, match="There are no places"):
        build_s2(empty, max_photos=2, min_photos=1)


@pytest.mark.parametrize("place", [[91.0, 0.0], [float("nan"), 0.0], [0.0, float("inf")]])
def test_places_off_the_earth_are_refused(place) -> None:
    with pytest.raises(CoordinateError):
        build_s2([[1.0, 2.0], place], max_photos=2, min_photos=1)


@pytest.mark.parametrize("weights", [[1.5, 1], [-1, 2], [float("nan"), 1], ["a", "b"]])
def test_weights_must_be_whole(weights) -> None:
    with pytest.raises(UsageError, match="whole and not negative"):
        build_s2([[1, 2], [3, 4]], max_photos=2, min_photos=1, weights=weights)


def test_weights_must_fit_the_places() -> None:
    with pytest.raises(UsageError, match="There are 2 places but weights of shape"):
        build_s2([[1, 2], [3, 4]], max_photos=2, min_photos=1, weights=[1, 2, 3])
    with pytest.raises(TableError, match="All places have 0 photos"):
        build_s2([[1, 2], [3, 4]], max_photos=2, min_photos=1, weights=[0, 0])


def test_leaf_levels_differ_and_start_level_is_kept() -> None:
    partition = build_s2(clustered(1, 2000), max_photos=30, min_photos=2, start_level=3, end_level=9)
    levels = Counter(partition.levels[partition.leaf_nodes].tolist())
    assert min(levels) >= 3
    assert max(levels) <= 9
    assert len(levels) > 2
