"""Samples on disk: cells of every kind, photos matched, nothing lost silently."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graticule.errors import MissingFileError, TableError, UsageError
from graticule.geo import s2
from graticule.partitions import Partition
from graticule.photos.places import read_places
from graticule.photos.sample_files import SampleRules, sample_table
from graticule.photos.table import photo_paths, read_photo_table, write_photo_table

TOWNS = {"Paris": (48.86, 2.35), "Beijing": (39.9, 116.4), "Sydney": (-33.9, 151.2)}


@pytest.fixture
def addresses(tmp_path: Path) -> Path:
    """Forty addresses in each of three towns, half of them in one district; and rows that are no use."""
    chance = np.random.default_rng(0)
    lines = ["LON,LAT,NUMBER,CITY,DISTRICT,cell"]
    for town, (latitude, longitude) in TOWNS.items():
        for number in range(40):
            north, east = chance.uniform(-0.05, 0.05, 2)
            district = "centre" if number < 20 else f"suburb {number % 4}"
            lines.append(f"{longitude + east:.5f},{latitude + north:.5f},{number},{town},{district},x")
    lines += ["0,0,1,Null Island,,x", "200,10,1,Nowhere,,x", ",,1,Lost,,x", "-30,0.5,1,Atlantic,,x"]
    file = tmp_path / "addresses.csv"
    file.write_text("\n".join(lines))
    return file


def test_by_column_in_proportion_to_units(addresses: Path, tmp_path: Path) -> None:
    report = sample_table(
        addresses, tmp_path / "out.csv", SampleRules(per_cell=8, by="CITY", units="DISTRICT")
    )
    assert (report.rows, report.unplaced) == (124, 1)
    assert report.refused == {"out-of-range": 1, "zero-position": 1}
    assert (report.cells, report.sampled, report.written) == (4, 25, 25)
    assert report.short == {"Atlantic": 1}
    drawn = pl.read_csv(tmp_path / "out.csv")
    counts = drawn.filter(pl.col("CITY") == "Paris")["unit"].value_counts().sort("unit").rows()
    assert counts == [("centre", 4), *((f"suburb {number}", 1) for number in range(4))]
    assert drawn["cell"].to_list() == drawn["CITY"].to_list()
    assert {"latitude", "longitude", "NUMBER", "original_cell"} <= set(drawn.columns)
    assert not {"LAT", "LON"} & set(drawn.columns)
    assert len(read_places(tmp_path / "out.csv").latlon) == 25  # partition and collect can read it


def test_by_partition_and_by_country(addresses: Path, tmp_path: Path, three_cells: Partition) -> None:
    report = sample_table(addresses, tmp_path / "out.parquet", SampleRules(per_cell=5), partition=three_cells)
    drawn = pl.read_parquet(tmp_path / "out.parquet")
    assert report.outside == 1
    assert sorted(drawn["cell"].unique()) == sorted(three_cells.tokens)
    units, cells = s2.from_token(drawn["unit"].to_list()), s2.from_token(drawn["cell"].to_list())
    assert (s2.level(units) == s2.level(cells) + 2).all()
    assert (s2.parent(units, s2.level(cells)) == cells).all()
    report = sample_table(addresses, tmp_path / "land.parquet", SampleRules(per_cell=5, unit_level=12))
    drawn = pl.read_parquet(tmp_path / "land.parquet")
    assert report.cells_are == "countries, by outline"
    assert drawn["cell"].value_counts().sort("cell").rows() == [("AU", 5), ("CN", 5), ("FR", 5)]
    assert set(s2.level(s2.from_token(drawn["unit"].to_list()))) == {12}


def test_nearest_photos_become_a_photo_table(
    addresses: Path, tmp_path: Path, frame_of: Callable[..., pl.DataFrame]
) -> None:
    places = [(48.86, 2.35), (48.87, 2.36), (48.88, 2.34), None, (39.9, 116.4), (-33.9, 151.2)]
    hashes = [0x0F0F0F0F0F0F0F0F, 0x00FF00FF00FF00FF, 0x00FF00FF00FF00FE, None, 0x5555555555555555, 0xFFFF]
    write_photo_table(frame_of(places, phash=hashes, unit=["own"] * 6), tmp_path / "photos")
    (tmp_path / "photos" / "p0.jpg").touch()
    rules = SampleRules(per_cell=30, by="CITY", within_km=20)
    report = sample_table(addresses, tmp_path / "deep" / "out", rules, photos=tmp_path / "photos")
    table = read_photo_table(tmp_path / "deep" / "out")
    assert sorted(table["photo_id"]) in (["p0", "p1", "p4", "p5"], ["p0", "p2", "p4", "p5"])
    assert report.photos is not None
    assert report.photos["dropped"] == {"no-photo-near": 1, "same-photo": 91 - 1 - 5, "near-duplicate": 1}
    assert (report.photos["given"], report.photos["kept"], report.written) == (6, 4, 4)
    assert table["place_km"].max() < 2
    assert table["original_unit"].to_list() == ["own"] * 4
    first = photo_paths(table.filter(photo_id="p0"), tmp_path / "deep" / "out")[0]
    assert first.resolve() == (tmp_path / "photos" / "p0.jpg").resolve()


def test_the_same_seed_writes_the_same_file(addresses: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        sample_table(addresses, tmp_path / f"{name}.csv", SampleRules(per_cell=5, seed=1))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    sample_table(addresses, tmp_path / "c.csv", SampleRules(per_cell=5, seed=2))
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "c.csv").read_bytes()


def test_files_are_replaced_only_when_said(addresses: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        sample_table(addresses, output, SampleRules(per_cell=5))
    assert output.read_text() == "mine"
    sample_table(addresses, output, SampleRules(per_cell=5), replace=True)
    assert output.read_text() != "mine"


def test_words_that_make_no_sense(addresses: Path, tmp_path: Path, three_cells: Partition) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(UsageError, match="Did you mean:  --by CITY"):
        sample_table(addresses, out, SampleRules(5, by="CTY"))
    with pytest.raises(UsageError, match="Leave out --cells or --by"):
        sample_table(addresses, out, SampleRules(5, by="CITY"), partition=three_cells)
    with pytest.raises(UsageError, match="Leave out --units or --unit-level"):
        sample_table(addresses, out, SampleRules(5, units="DISTRICT", unit_level=3))
    with pytest.raises(UsageError, match="no S2 level 31"):
        sample_table(addresses, out, SampleRules(5, unit_level=31))
    with pytest.raises(UsageError, match=r"For example:  -o .*out\.parquet"):
        sample_table(addresses, tmp_path / "out.xlsx", SampleRules(5))
    with pytest.raises(MissingFileError):
        sample_table(tmp_path / "none.csv", out, SampleRules(5))
    assert not out.exists()


def test_places_in_no_cell(tmp_path: Path, three_cells: Partition) -> None:
    table = tmp_path / "sea.csv"
    table.write_text("latitude,longitude\n0.5,-30\n1,-31")
    with pytest.raises(TableError, match="None of the 2 places"):
        sample_table(table, tmp_path / "out.csv", SampleRules(5), partition=three_cells)
