"""Cells of polygons: every covered place in one cell, counts as encode gives them, the small joined."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import shapely

from graticule.errors import CoordinateError, TableError, UsageError
from graticule.geo.sphere import great_circle_km
from graticule.partitions import Partition
from graticule.partitions.outlines.admin import build_admin
from graticule.partitions.outlines.regions import Regions, repaired_regions
from graticule.partitions.outlines.splitting import halve, middle_cut

TOWNS = np.array([[55.7, 12.6], [56.2, 10.2], [-17.8, 178.0], [-16.8, -179.9], [64.5, 177.5], [66.0, -172.0]])


def grid(names: str = "abcdefghi", gap: float = 0.0) -> Regions:
    """Squares of 1 degree, 3 by 3, row by row from the south-west."""
    squares = [shapely.box(x + gap, y + gap, x + 1, y + 1) for y in range(3) for x in range(3)]
    return repaired_regions(list(names), np.array(squares, dtype=object), "File")


def photos_in(counts: list[int], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    places = [
        np.stack([rng.uniform(y + 0.05, y + 0.95, n), rng.uniform(x + 0.05, x + 0.95, n)], axis=1)
        for n, (y, x) in zip(counts, [(y, x) for y in range(3) for x in range(3)], strict=True)
    ]
    return np.concatenate(places)


def check(partition: Partition, latlon: np.ndarray) -> np.ndarray:
    """Photos counted and dropped are those that ``encode`` finds."""
    cells = partition.encode(latlon)
    np.testing.assert_array_equal(np.bincount(cells[cells >= 0], minlength=partition.count), partition.photos)
    assert partition.source.photos == len(latlon)
    assert partition.source.dropped_photos == np.count_nonzero(cells < 0)
    assert len(set(partition.names)) == partition.count
    assert len(set(partition.tokens)) == partition.count
    return cells


def test_polygons_with_enough_photos_stay_as_they_are() -> None:
    latlon = photos_in([40] * 9)
    built = build_admin(latlon, cells=9, min_photos=30, regions=grid())
    assert sorted(built.partition.tokens) == list("abcdefghi")
    assert built.remarks == ()
    cells = check(built.partition, latlon)
    assert [built.partition.tokens[cell] for cell in cells[::40]] == list("abcdefghi")


def test_the_fullest_is_split_until_there_are_enough() -> None:
    latlon = photos_in([40, 40, 40, 40, 900, 40, 40, 40, 40])
    partition = build_admin(latlon, cells=20, min_photos=20, regions=grid()).partition
    assert partition.count == 20
    assert sum(token.startswith("e/") for token in partition.tokens) == 12
    assert partition.photos.min() >= 20
    assert partition.photos.max() < 200
    check(partition, latlon)


def test_each_split_halves_the_cell_with_most_photos() -> None:
    latlon = photos_in([100, 300, 500, 60, 60, 60, 60, 60, 60])
    before = build_admin(latlon, cells=9, min_photos=10, regions=grid()).partition
    for cells in range(10, 16):
        after = build_admin(latlon, cells=cells, min_photos=10, regions=grid()).partition
        gone = set(before.tokens) - set(after.tokens)
        assert len(gone) == 1
        assert before.photos[before.tokens.index(gone.pop())] == before.photos.max()
        before = after


def test_small_polygons_join_a_neighbour_that_touches() -> None:
    latlon = photos_in([50, 5, 60, 40, 70, 80, 90, 90, 90])
    built = build_admin(latlon, cells=None, min_photos=30, regions=grid())
    partition = built.partition
    assert partition.count == 8
    joined = shapely.from_wkb(
        partition.nodes.filter(pl.col("token").str.contains("+", literal=True))["geometry"][0]
    )
    assert joined.geom_type == "Polygon"
    assert joined.area == pytest.approx(2)
    assert joined.contains(shapely.Point(1.5, 0.5))
    assert "Polygons with too few photos, joined to a neighbour: 1." in built.remarks
    check(partition, latlon)


def test_gaps_between_neighbours_do_not_keep_them_apart() -> None:
    latlon = photos_in([50, 5, 60, 40, 70, 80, 90, 90, 90])
    regions = grid(gap=0.005)
    built = build_admin(latlon, cells=None, min_photos=30, regions=regions)
    assert built.partition.count == 8
    assert built.partition.encode([[0.5, 1.0025], [1.002, 0.5]]).min() >= 0  # in a gap: the nearest


def test_polygons_without_photos_are_left_out() -> None:
    latlon = photos_in([50, 0, 60, 0, 0, 0, 0, 0, 50])
    built = build_admin(latlon, cells=None, min_photos=30, regions=grid(), reach_km=10)
    assert built.partition.count == 3
    assert built.partition.encode([[1.5, 1.5], [0.5, 0.5]]).tolist()[0] == -1
    assert "Polygons without photos, left out: 6 of 9." in built.remarks


def test_more_polygons_than_cells_join() -> None:
    latlon = photos_in([10, 20, 30, 40, 50, 60, 70, 80, 90])
    for cells in (1, 4, 8):
        partition = build_admin(latlon, cells=cells, min_photos=1, regions=grid()).partition
        assert partition.count == cells
        check(partition, latlon)


def test_holes_are_handled() -> None:
    frame = shapely.box(0, 0, 3, 3) - shapely.box(1, 1, 2, 2)
    regions = repaired_regions(
        ["frame", "hole"], np.array([frame, shapely.box(1, 1, 2, 2)], dtype=object), "F"
    )
    latlon = photos_in([50] * 9)
    partition = build_admin(latlon, cells=2, min_photos=5, regions=regions).partition
    found = dict(zip(partition.tokens, partition.photos.tolist(), strict=True))
    assert found == {"frame": 400, "hole": 50}
    rings, owner = partition.parts()
    assert len(rings) == len(owner) == 3
    alone = regions.at(np.array([True, False]))
    cells = build_admin(latlon, cells=None, min_photos=5, regions=alone, reach_km=1).partition
    assert cells.encode([[1.5, 1.5], [0.5, 0.5]]).tolist() == [-1, 0]


def test_fiji_and_russia_over_the_antimeridian() -> None:
    rng = np.random.default_rng(0)
    latlon = np.repeat(TOWNS, 60, axis=0) + rng.normal(size=(360, 2)) * 0.05
    latlon[:, 1] = (latlon[:, 1] + 180) % 360 - 180
    partition = build_admin(latlon, cells=6, min_photos=20).partition
    cells = check(partition, latlon)
    assert partition.count == 6
    tokens = [partition.tokens[cell] for cell in cells[::60]]
    assert [token.partition("/")[0] for token in tokens] == ["DK", "DK", "FJ", "FJ", "RU", "RU"]
    assert len(set(tokens)) == 6
    assert shapely.is_valid(shapely.from_wkb(partition.nodes["geometry"].to_numpy())).all()
    chukotka = partition.centres[cells[300]]
    assert great_circle_km(chukotka, TOWNS[5]) < 20


def test_poles() -> None:
    latlon = np.array([[-90.0, 0], [-89.9, 77], [-75, 0], [90, 0]] * 30)
    built = build_admin(latlon, cells=2, min_photos=20)
    assert built.partition.count == 2
    assert built.partition.encode([[-90, 5], [90, 5]]).tolist()[1] == -1
    assert built.partition.source.dropped_photos == 30
    assert "Photos in no cell nor within 25 km of one, dropped: 30." in built.remarks
    check(built.partition, latlon)


def test_reach() -> None:
    offshore = np.array([[57.0, 7.6]] * 40)  # 40 km off Jutland
    with pytest.raises(TableError, match="No place lies in any of the polygons"):
        build_admin(offshore, cells=1, min_photos=1)
    assert build_admin(offshore, cells=1, min_photos=1, reach_km=60).partition.tokens == ["DK"]


@pytest.mark.parametrize("copies", [1, 1000])
def test_one_place_cannot_be_split(copies: int) -> None:
    built = build_admin([[48.86, 2.35]] * copies, cells=129, min_photos=1)
    assert built.partition.count == 1
    assert built.partition.names == ["France"]
    assert any("Fewer cells than 129 were made, 1:" in remark for remark in built.remarks)


def test_weights_count_like_rows() -> None:
    latlon = photos_in([30] * 9)
    times = np.random.default_rng(1).integers(0, 4, size=len(latlon))
    weighted = build_admin(latlon, cells=15, min_photos=5, regions=grid(), weights=times).partition
    repeated = build_admin(np.repeat(latlon, times, axis=0), cells=15, min_photos=5, regions=grid()).partition
    assert weighted.fingerprint == repeated.fingerprint
    np.testing.assert_array_equal(weighted.photos, repeated.photos)


def test_order_of_the_table_does_not_matter() -> None:
    latlon = photos_in([90] * 9)
    shuffled = np.random.default_rng(2).permutation(latlon)
    one, other = (
        build_admin(each, cells=20, min_photos=5, regions=grid()).partition for each in (latlon, shuffled)
    )
    assert one.fingerprint == other.fingerprint
    assert one.source.fingerprint == other.source.fingerprint


def test_written_and_read_it_is_the_same(tmp_path) -> None:
    latlon = photos_in([90] * 9)
    partition = build_admin(latlon, cells=25, min_photos=5, regions=grid()).partition
    again = Partition.read(partition.write(tmp_path / "cells.parquet"))
    assert again.fingerprint == partition.fingerprint
    assert again.names == partition.names
    probes = np.random.default_rng(4).uniform(-0.3, 3.3, size=(2000, 2))
    np.testing.assert_array_equal(again.encode(probes), partition.encode(probes))
    assert [ring.tolist() for ring in again.polygons()] == [ring.tolist() for ring in partition.polygons()]


def test_a_file_that_lost_its_definition_is_refused(tmp_path) -> None:
    from graticule.errors import PartitionError
    from graticule.partitions.partition.geoparquet import to_geoparquet

    partition = build_admin(photos_in([40] * 9), cells=9, min_photos=5, regions=grid()).partition
    header = {"method": "admin", "parameters": {}, "source": {}, "fingerprint": ""}
    content = to_geoparquet(partition.nodes.drop("definition"), header, spherical=False)
    with pytest.raises(PartitionError, match="lacks the column definition"):
        Partition.read(content)


def test_geopandas_opens_it(tmp_path) -> None:
    geopandas = pytest.importorskip("geopandas")
    partition = build_admin(photos_in([90] * 9), cells=12, min_photos=5, regions=grid()).partition
    frame = geopandas.read_parquet(partition.write(tmp_path / "cells.parquet"))
    assert len(frame) == partition.tree.height
    leaves = frame[frame.cell.notna()]
    assert leaves.geometry.is_valid.all()
    assert shapely.area(leaves.geometry.to_numpy()).sum() == pytest.approx(9, rel=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"cells": 0}, "`cells=0` cannot be"),
        ({"min_photos": 0}, "Type:  `min_photos=1`"),
        ({"reach_km": -1}, "Type:  `reach_km=25`"),
        ({"reach_km": float("nan")}, "Type:  `reach_km=25`"),
        ({"weights": [1.5]}, "whole and not negative"),
    ],
)
def test_numbers_that_cannot_be(words, message) -> None:
    with pytest.raises(UsageError, match=message):
        build_admin([[48.86, 2.35]], **words)


def test_places_that_cannot_be() -> None:
    with pytest.raises(TableError, match="no places"):
        build_admin(np.empty((0, 2)))
    with pytest.raises(CoordinateError):
        build_admin([[95, 0]])


def test_names_are_of_polygons_and_of_places() -> None:
    latlon = np.array([[48.86, 2.35]] * 40 + [[43.3, 5.4]] * 40 + [[39.9, 116.4]] * 40)
    partition = build_admin(latlon, cells=3, min_photos=10).partition
    assert sorted(partition.names) == ["China", "Marseille, FR", "Paris, FR"]
    assert partition.nodes["name"][partition.parents.tolist().index(-1)] in ("China", "France")


def test_middle_cut_halves_the_photos_across_the_spread() -> None:
    rng = np.random.default_rng(0)
    from graticule.geo.sphere import unit_vectors

    latlon = np.stack([rng.normal(0, 0.1, 501), rng.normal(179.9, 3, 501)], axis=1)
    vectors = unit_vectors(latlon)
    seeds = middle_cut(vectors, np.ones(501))
    first = (vectors @ seeds.T).argmax(axis=1) == 0
    assert abs(int(first.sum()) - 250) <= 1
    assert middle_cut(vectors[:1].repeat(5, axis=0), np.ones(5)) is None


def test_outliers_do_not_stop_the_splitting() -> None:
    # k-means cuts off the three far photos, which are too few; then the middle is cut.
    from graticule.partitions.outlines.growing import Growth, sites_of

    rng = np.random.default_rng(0)
    latlon = np.concatenate([rng.normal(0, 0.1, size=(400, 2)), [[0, 80], [0, 80.1], [0, 80.2]]])
    growth = Growth(sites_of(latlon, None))
    root = growth.root(shapely.box(-5, -5, 90, 5), np.arange(len(growth.sites.latlon)), "x", 0.0)
    children = halve(growth, root, least=50)
    assert len(children) == 2
    assert min(growth.photos(child) for child in children) > 190


def test_real_places(shared) -> None:
    latlon = pl.read_csv(shared / "data" / "coords" / "mp16_sample_100k.csv.gz").to_numpy()
    built = build_admin(latlon)
    assert built.partition.count == 129
    assert built.partition.photos.min() >= 30
    assert built.partition.source.dropped_photos < 500
    check(built.partition, latlon)
