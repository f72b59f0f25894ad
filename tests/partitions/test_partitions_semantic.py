"""Cells of districts: inside one country, within the range, and exactly as encode finds them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import shapely

from graticule.errors import PartitionError, TableError, UsageError
from graticule.geo.outlines import country_of
from graticule.geo.sphere import great_circle_km
from graticule.geo.towns import gazetteer, town_districts
from graticule.partitions import Partition
from graticule.partitions.outlines.regions import repaired_regions
from graticule.partitions.outlines.semantic import build_semantic

pytest.importorskip("sklearn")

CITIES = np.array(
    [[55.68, 12.57], [56.16, 10.2], [55.4, 10.39], [57.05, 9.92], [59.33, 18.07], [57.7, 11.97]]
)


def around(counts: list[int], spread_deg: float = 0.05, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.repeat(CITIES, counts, axis=0) + rng.normal(size=(sum(counts), 2)) * spread_deg


def check(partition: Partition, latlon: np.ndarray) -> np.ndarray:
    cells = partition.encode(latlon)
    np.testing.assert_array_equal(np.bincount(cells[cells >= 0], minlength=partition.count), partition.photos)
    assert partition.source.dropped_photos == np.count_nonzero(cells < 0)
    return cells


def test_counties_of_the_gazetteer() -> None:
    states, counties = town_districts()
    towns = gazetteer()
    assert len(states) == len(counties) == len(towns.city)
    at = [index for index in np.flatnonzero(towns.country == "DK") if towns.city[index] == "Hvidovre"]
    assert states[at[0]] == "Capital Region"
    assert counties[at[0]] == "Hvidovre Kommune"


def test_range_and_countries() -> None:
    latlon = around([900, 300, 200, 100, 400, 150])
    partition = build_semantic(latlon, max_photos=200, min_photos=30).partition
    cells = check(partition, latlon)
    assert partition.photos.min() >= 30
    assert partition.photos.max() <= 200
    countries = country_of(latlon)
    for cell in range(partition.count):
        code = partition.tokens[cell].partition("/")[0]
        assert set(countries[cells == cell]) <= {code, None}


def test_a_country_that_is_too_small_is_dropped_and_counted() -> None:
    latlon = np.concatenate([around([60, 60, 0, 0, 0, 0]), np.repeat([[64.14, -21.9]], 10, axis=0)])
    built = build_semantic(latlon, max_photos=100, min_photos=30)
    assert built.partition.source.dropped_photos == 10
    assert built.partition.source.dropped_cells == 1
    assert "Countries or polygons with too few photos, dropped: 1." in built.remarks
    check(built.partition, latlon)


def test_one_district_one_cell() -> None:
    partition = build_semantic(around([50, 0, 0, 0, 0, 0]), max_photos=100, min_photos=30).partition
    assert partition.tokens == ["DK"]
    assert partition.names == ["Denmark"]


def test_dense_places_become_cells_of_their_own() -> None:
    # Two dense places 20 km apart inside one polygon, and a thin scatter.
    rng = np.random.default_rng(0)
    dense = [rng.normal(centre, 0.01, size=(300, 2)) for centre in ([0.5, 0.4], [0.5, 0.6])]
    thin = rng.uniform(0, 1, size=(60, 2))
    latlon = np.concatenate([*dense, thin])
    regions = repaired_regions(["a"], np.array([shapely.box(0, 0, 1, 1)], dtype=object), "File")
    partition = build_semantic(latlon, max_photos=500, min_photos=20, regions=regions).partition
    cells = check(partition, latlon)
    assert partition.count == 2
    assert len(set(cells[:300].tolist())) == 1
    assert len(set(cells[300:600].tolist())) == 1
    assert cells[0] != cells[300]


def test_polygons_of_the_user_join_inside_their_country_only() -> None:
    squares = [shapely.box(x, 55, x + 1, 56) for x in (8, 9)] + [
        shapely.box(x, 58, x + 1, 59) for x in (13, 14)
    ]
    regions = repaired_regions(list("abcd"), np.array(squares, dtype=object), "File")
    assert regions.countries.tolist() == ["DK", "DK", "SE", "SE"]
    rng = np.random.default_rng(1)
    latlon = np.concatenate(
        [
            np.stack([rng.uniform(y, y + 1, n), rng.uniform(x, x + 1, n)], axis=1)
            for (x, y), n in zip([(8, 55), (9, 55), (13, 58), (14, 58)], [10, 40, 45, 5], strict=True)
        ]
    )
    partition = build_semantic(latlon, max_photos=100, min_photos=30, regions=regions).partition
    assert sorted(partition.tokens) == ["b+1", "c+1"]
    check(partition, latlon)


def test_districts_are_the_ground_nearest_to_their_towns() -> None:
    latlon = around([200, 200, 200, 200, 0, 0], spread_deg=0.3)
    built = build_semantic(latlon, max_photos=10_000, min_photos=60)
    partition = built.partition
    assert (partition.levels[partition.leaf_nodes] <= 1).all()
    cells = check(partition, latlon)
    towns = gazetteer()
    danish = np.flatnonzero(towns.country == "DK")
    states, counties = town_districts()
    # Photos of one county are all in one cell; some of the photos lie in Sweden.
    in_denmark = np.array([cell >= 0 and partition.tokens[cell].startswith("DK") for cell in cells])
    nearest = danish[towns.rows(danish).tree.query(_vectors(latlon))[1]]
    district = np.array([f"{states[town]}/{counties[town]}" for town in nearest])
    for each in np.unique(district):
        assert len(set(cells[(district == each) & in_denmark].tolist())) <= 1


def _vectors(latlon: np.ndarray) -> np.ndarray:
    from graticule.geo.sphere import unit_vectors

    return unit_vectors(latlon)


def test_a_million_copies_of_one_place_stay_one_cell_and_are_said() -> None:
    built = build_semantic([[55.68, 12.57]], weights=[1_000_000], max_photos=300, min_photos=30)
    assert built.partition.count == 1
    assert "Cells over `max_photos` that could not be split further: 1." in built.remarks


def test_over_the_antimeridian() -> None:
    rng = np.random.default_rng(2)
    latlon = np.repeat([[-17.8, 178.0], [-16.8, -179.95]], 100, axis=0) + rng.normal(size=(200, 2)) * 0.02
    latlon[:, 1] = (latlon[:, 1] + 180) % 360 - 180
    partition = build_semantic(latlon, max_photos=120, min_photos=20).partition
    cells = check(partition, latlon)
    assert len(set(cells[:100].tolist()) & set(cells[100:].tolist())) == 0
    for cell in range(partition.count):
        members = latlon[cells == cell]
        assert great_circle_km(members, partition.centres[cell]).max() < 60


def test_weights_count_like_rows_where_nothing_is_dense() -> None:
    latlon = around([60, 60, 60, 60, 60, 60], spread_deg=0.2)
    times = np.random.default_rng(1).integers(0, 3, size=len(latlon))
    weighted = build_semantic(latlon, max_photos=1000, min_photos=20, weights=times).partition
    repeated = build_semantic(np.repeat(latlon, times, axis=0), max_photos=1000, min_photos=20).partition
    assert weighted.fingerprint == repeated.fingerprint


def test_the_same_every_time_and_after_reading(tmp_path) -> None:
    latlon = around([900, 300, 200, 100, 400, 150])
    one = build_semantic(latlon, max_photos=200, min_photos=30).partition
    other = build_semantic(np.flip(latlon, axis=0), max_photos=200, min_photos=30).partition
    assert one.fingerprint == other.fingerprint
    again = Partition.read(one.write(tmp_path / "cells.parquet"))
    np.testing.assert_array_equal(again.encode(latlon), one.encode(latlon))


def test_drawn_ground_fills_the_countries() -> None:
    partition = build_semantic(around([900, 300, 200, 100, 0, 0]), max_photos=200, min_photos=30).partition
    shapes = shapely.from_wkb(partition.nodes["geometry"].to_numpy())
    assert shapely.is_valid(shapes).all()
    leaves, roots = shapes[partition.leaf_nodes], shapes[partition.parents < 0]
    assert shapely.area(leaves).sum() == pytest.approx(shapely.area(roots).sum(), rel=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"max_photos": 20, "min_photos": 30},
            "at most 20 and at least 30 photos.\nType:  `max_photos=120, min_photos=30`",
        ),
        ({"min_photos": 0}, "Type:  `min_photos=1`"),
        ({"reach_km": -2}, "Type:  `reach_km=25`"),
    ],
)
def test_numbers_that_cannot_be(words, message) -> None:
    with pytest.raises(UsageError, match=message):
        build_semantic(CITIES, **words)


def test_too_few_photos_or_none() -> None:
    with pytest.raises(PartitionError, match=r"most photos has 4 of 6, and at least 30(?s:.*)`min_photos=4`"):
        build_semantic(CITIES)
    with pytest.raises(PartitionError, match="has 0 of 3"):
        build_semantic([[0, -30]] * 3)
    with pytest.raises(TableError, match="no places"):
        build_semantic(np.empty((0, 2)))


def test_real_places(shared) -> None:
    latlon = pl.read_csv(shared / "data" / "coords" / "mp16_sample_100k.csv.gz").to_numpy()[::5]
    built = build_semantic(latlon, max_photos=300, min_photos=30)
    partition = built.partition
    check(partition, latlon)
    assert partition.photos.min() >= 30
    assert partition.photos.max() <= 300
    assert 100 < partition.count < 600
    assert len(set(partition.names)) == partition.count
