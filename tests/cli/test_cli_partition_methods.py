"""The verb ``partition``: every way to cut, comparing, streaming and drawing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely

from graticule.cli.main import main
from graticule.partitions import Partition
from graticule.partitions.methods import METHODS, OPTIONS
from graticule.partitions.partition import MultiPartition


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def _run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["partition", *map(str, words)])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return _run


def town_places(count: int = 2000, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    towns = np.array([[51.5, -0.12], [48.86, 2.35], [39.9, 116.4], [-33.9, 151.0], [40.7, -74.0]])
    return towns[rng.integers(len(towns), size=count)] + rng.standard_normal((count, 2)) * 0.3


def write(path: Path, latlon: np.ndarray) -> Path:
    pl.DataFrame({"lat": latlon[:, 0], "lng": latlon[:, 1]}).write_csv(path)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "places.csv", town_places())


@pytest.mark.parametrize(
    ("words", "method"),
    [
        (["--method", "kd", "--max", 100], "kd"),
        (["--method", "kd", "--max", 10], "kd"),
        (["--method", "kd", "--cells", 7], "kd"),
        (["--method", "quadtree", "--max", 100], "quadtree"),
        (["--method", "quadtree", "--preset", "osv5m-500", "--min", 3], "quadtree"),
        (["--merge-small"], "s2"),
        (["--method", "multi", "--max", 100], "s2"),
        (["--method", "multi", "--of", "kd", "--resolutions", "400,100"], "kd"),
    ],
    ids=str,
)
def test_every_way_writes_a_file_that_is_read_again(run, table: Path, tmp_path: Path, words, method) -> None:
    output, page = tmp_path / "new" / "cells.parquet", tmp_path / "cells.html"
    status, out, err = run(table, *words, "-o", output, "--map", page, "--json")
    assert status == 0, err
    document = json.loads(out)
    partition = Partition.read(output)
    assert partition.method == method
    assert document["cells"] == partition.count
    assert document["fingerprint"] == partition.fingerprint
    assert document["photos"] == 2000
    cells = partition.encode(town_places())
    np.testing.assert_array_equal(np.bincount(cells[cells >= 0], minlength=partition.count), partition.photos)
    assert document["dropped_photos"] == (cells < 0).sum()
    rows = pl.read_parquet(output)
    assert shapely.is_valid(shapely.from_wkb(rows["geometry"].to_numpy())).all()
    by_resolution = rows.partition_by("resolution") if "resolution" in rows.columns else [rows]
    assert all(part["name"].n_unique() == part.height for part in by_resolution)
    text = page.read_text(encoding="utf-8")
    assert all(token in text for token in partition.tokens)


def test_geopandas_opens_every_file(run, table: Path, tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    for method in ("kd", "quadtree"):
        output = tmp_path / f"{method}.parquet"
        assert run(table, "--method", method, "-o", output)[0] == 0
        frame = geopandas.read_parquet(io.BytesIO(output.read_bytes()))
        assert frame.crs is not None
        assert frame.geometry.is_valid.all()


def test_a_published_quadtree_is_taken_as_it_is(run, table: Path, tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(
        "cluster_id,min_lat,min_lon,max_lat,max_lon,mean_lat,mean_lon\n"
        "0,-60.0,-90.0,0.0,90.0,-10.0,2.0\n1,-60.0,90.0,0.0,270.0,-30.0,150.0\n2,0.0,-90.0,60.0,90.0,48.0,2.0\n"
    )
    document = json.loads(run(table, "--method", "quadtree", "--from", path, "--json")[1])
    places = town_places()
    in_europe_and_america = int(((places[:, 0] > 0) & (places[:, 1] < 90)).sum())
    assert document["cells"] == 3
    assert document["photos_per_cell"]["max"] == in_europe_and_america
    assert document["parameters"] == {"file": "cells.csv", "depth": 1, "cells": 3}
    status, _, err = run(table, "--method", "quadtree", "--from", path, "--max", 9)
    assert status == 2
    assert "are made already, so --max has no say" in err


def test_multi_says_what_each_resolution_holds(run, table: Path, tmp_path: Path) -> None:
    output = tmp_path / "multi.parquet"
    _, out, err = run(table, "--method", "multi", "--max", 60, "--min", 9, "-o", output, "--json")
    document = json.loads(out)
    multi = Partition.read(output)
    assert isinstance(multi, MultiPartition)
    assert document["method"] == "multi"
    assert {name: each["cells"] for name, each in document["resolutions"].items()} == {
        name: each.count for name, each in multi.resolutions.items()
    }
    assert f"coarse: {multi.resolutions['coarse'].count} cells; " in err
    assert [each.parameters["max_photos"] for each in multi.resolutions.values()] == [300, 120, 60]


def test_streaming_gives_the_same_cells(run, table: Path, tmp_path: Path) -> None:
    whole = json.loads(run(table, "--max", 60, "--end-level", 13, "--json")[1])
    status, out, err = run(table, "--max", 60, "--streaming", "--json")
    streamed = json.loads(out)
    assert status == 0
    assert streamed["fingerprint"] == whole["fingerprint"]
    assert streamed["photos_per_cell"] == whole["photos_per_cell"]
    assert (streamed["rows"], streamed["counting_level"]) == (2000, 13)
    assert "counted in S2 cells of level 13, so no cell is finer" in err
    coarse = json.loads(run(table, "--max", 60, "--streaming", "--counting-level", 6, "--json")[1])
    assert max(map(int, coarse["cells_by_level"])) <= 6
    status, out, err = run(table, "--method", "kd", "--streaming", "--json")
    assert json.loads(out)["dropped_photos"] == 0
    assert "stand at the mean place of each" in err


def test_streaming_counts_refused_rows(run, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", np.vstack([town_places(500), [[95.0, 1.0], [0.0, 0.0]]]))
    status, out, _ = run(path, "--streaming", "--json")
    assert status == 3
    assert json.loads(out)["refused"] == {"out-of-range": 1, "zero-position": 1}
    path.write_text("lat,lng\n,\n95,3\n")
    status, _, err = run(path, "--streaming")
    assert status == 1
    assert "has no row with a place: of 2 rows 1 have none, 1 out-of-range" in err


@pytest.fixture
def two(run, table: Path, tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "a.parquet", tmp_path / "b.parquet"
    assert run(table, "--max", 60, "-o", paths[0])[0] == 0
    assert run(table, "--method", "kd", "--max", 60, "-o", paths[1])[0] == 0
    return paths


def test_comparing(run, two, table: Path, tmp_path: Path) -> None:
    photos = write(tmp_path / "test.csv", town_places(300, seed=7))
    status, out, err = run("--compare", *two, "--photos", photos, "--json")
    assert status == 0, err
    document = json.loads(out)
    assert document["photos"] == str(photos)
    first, second = document["partitions"]
    assert (first["name"], second["name"]) == ("a", "b")
    assert (first["method"], second["method"]) == ("s2", "kd")
    assert second["dropped_photos"] == 0
    assert first["photos"] == second["photos"] == 300
    assert 0 < second["gini"] < 1 < second["effective_cells"] <= second["cells"]
    assert set(first["floor_within_km"]) == {"1", "25", "200", "750", "2500"}
    printed = run("--compare", *two, "--photos", photos)[1]
    lines = {line[:26].strip(): line.split()[-2:] for line in printed.splitlines()[2:]}
    assert lines["cells"] == [f"{first['cells']:,}", f"{second['cells']:,}"]
    assert lines["Gini"] == [f"{first['gini']:.3f}", f"{second['gini']:.3f}"]
    assert lines["within 200 km"] == [f"{each['floor_within_km']['200']:.1%}" for each in (first, second)]


def test_files_of_one_name_are_told_apart_by_their_folders(run, two, table: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    same = tmp_path / "other" / "a.parquet"
    same.write_bytes(two[1].read_bytes())
    document = json.loads(run("--compare", two[0], same, "--photos", table, "--json")[1])
    assert [each["name"] for each in document["partitions"]] == [str(two[0]), str(same)]


def test_figure(run, table: Path, tmp_path: Path) -> None:
    pytest.importorskip("cartopy")
    picture = tmp_path / "cells.svg"
    status, out, err = run(table, "--method", "kd", "--figure", picture, "--json")
    assert status == 0
    assert json.loads(out)["figure"] == str(picture)
    assert f"Wrote {picture}" in err
    assert "cells of places.csv" in picture.read_text(encoding="utf-8")
    status, _, err = run(table, "--figure", tmp_path / "cells.jpeg")
    assert status == 2
    assert "does not end in .png, .svg or .pdf" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "There are 0 tables to cut cells from, expected one"),
        (["TABLE", "TABLE"], "There are 2 tables"),
        (["TABLE", "--photos", "TABLE"], "nothing is compared"),
        (
            ["--compare", "TABLE", "--photos", "TABLE"],
            "There is 1 partition to compare, expected",
        ),
        (["--compare", "--photos", "TABLE"], "There are 0 partitions to compare"),
        (["--compare", "TABLE", "TABLE"], "no table of photos is named"),
        (["--compare", "A", "B", "--photos", "TABLE", "--max", "3"], "--max is for building cells"),
        (["--compare", "A", "B", "--photos", "TABLE", "-o", "x"], "--output is for building cells"),
        (["TABLE", "-o", "x.csv"], "GeoParquet is what is written there.\nType:  -o x.parquet"),
        (["TABLE", "--map", "x"], "does not end in .html or .htm, and an HTML page is what is written"),
        (["TABLE", "--method", "clusters", "--report", "r.pdf"], "Type:  --report r.html"),
        (["--compare", "A", "B", "--photos", "TABLE", "--streaming"], "--streaming is for building cells"),
        (["TABLE", "--counting-level", "9"], "--counting-level is about streamed tables"),
        (["TABLE", "--streaming", "--counting-level", "0"], "expected 1 to 30"),
        (["TABLE", "--method", "kd", "--start-level", "3"], "The method 'kd' takes no --start-level"),
        (["TABLE", "--method", "quadtree", "--preset", "osv5m-1001"], "Did you mean:  --preset osv5m-1000"),
    ],
    ids=str,
)
def test_words_that_cannot_be(run, table: Path, words, message) -> None:
    status, out, err = run(*(table if word == "TABLE" else word for word in words))
    assert status == 2
    assert message in err
    assert out == ""


def test_what_is_no_partition(run, table: Path, two, tmp_path: Path) -> None:
    status, _, err = run("--compare", two[0], table, "--photos", table)
    assert status == 1
    assert "is not a Parquet file" in err
    status, _, err = run("--compare", two[0], tmp_path / "none.parquet", "--photos", table)
    assert status == 1
    assert "There is no partition file" in err


@pytest.mark.parametrize("method", ["s2", "kd", "quadtree", "multi"])
def test_places_on_poles_and_the_antimeridian(run, tmp_path: Path, method: str) -> None:
    edges = np.array(
        [[90, 0], [90, 77], [-90, 0], [10, 180], [10, -180], [-45, 180], [0, 90], [0, -90], [45, 45]]
    )
    path = write(tmp_path / "edges.csv", np.repeat(edges.astype(float), 20, axis=0))
    output, page = tmp_path / "cells.parquet", tmp_path / "cells.html"
    limits = ["--max", 25, "--min", 1]
    status, out, err = run(path, "--method", method, *limits, "-o", output, "--map", page, "--json")
    assert status == 0, err
    partition = Partition.read(output)
    assert json.loads(out)["dropped_photos"] == 0
    cells = partition.encode(edges)
    assert (cells >= 0).all()
    assert partition.photos.sum() == 180


@pytest.mark.parametrize("method", ["s2", "kd", "multi"])
def test_many_copies_of_one_place(run, tmp_path: Path, method: str) -> None:
    path = write(tmp_path / "one.csv", np.full((5000, 2), (39.9, 116.4)))
    status, out, _ = run(path, "--method", method, "--json")
    if method == "multi":  # three times the same cells are three resolutions all the same
        assert [each["cells"] for each in json.loads(out)["resolutions"].values()] == [1, 1, 1]
    assert status == 0
    document = json.loads(out)
    assert (document["cells"], document["photos_per_cell"]["max"]) == (1, 5000)


def test_every_option_belongs_to_a_method() -> None:
    taken = {name for method in METHODS.values() for name in method.takes}
    assert taken == set(OPTIONS)
