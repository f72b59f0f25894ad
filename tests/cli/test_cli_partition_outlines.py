"""The methods admin, semantic, clusters and confusion on the command line, and what they refuse."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely

from graticule.cli.main import main
from graticule.cli.partition import command
from graticule.partitions import Partition
from graticule.partitions.methods import METHODS, OPTIONS, build_partition


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def _run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["partition", *map(str, words)])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return _run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    towns = np.array([[51.5, -0.12], [48.86, 2.35], [52.5, 13.4], [40.85, 14.3], [40.4, -3.7]])
    latlon = np.repeat(towns, 200, axis=0) + rng.normal(size=(1000, 2)) * 0.2
    path = tmp_path / "places.csv"
    pl.DataFrame({"lat": latlon[:, 0], "lng": latlon[:, 1]}).write_csv(path)
    return path


def test_admin_of_countries(run, table: Path, tmp_path: Path) -> None:
    output, page = tmp_path / "cells.parquet", tmp_path / "cells.html"
    words = ["--method", "admin", "--cells", 8, "--min", 20, "-o", output, "--map", page, "--json"]
    status, out, err = run(table, *words)
    document = json.loads(out)
    partition = Partition.read(output)
    assert status == 0
    assert document["method"] == partition.method == "admin"
    assert document["cells"] == partition.count == 8
    assert document["parameters"] == {"cells": 8, "min_photos": 20, "reach_km": 25.0}
    assert {token.partition("/")[0] for token in partition.tokens} == {"GB", "FR", "DE", "IT", "ES"}
    assert "Polygons without photos, left out: 241 of 246." in err
    text = page.read_text(encoding="utf-8")
    assert all(name in text for name in partition.names)


def test_admin_of_polygons(run, table: Path, tmp_path: Path) -> None:
    halves = [shapely.box(-10, 35, 2, 60), shapely.box(2, 35, 20, 60)]
    features = [
        {"type": "Feature", "properties": {"navn": name}, "geometry": json.loads(shapely.to_geojson(half))}
        for name, half in zip(["West", "East"], halves, strict=True)
    ]
    polygons = tmp_path / "halves.geojson"
    polygons.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    output = tmp_path / "cells.parquet"
    words = ["--method", "admin", "--cells", 2, "--polygons", polygons, "--polygon-names", "navn"]
    status, _, _ = run(table, *words, "--reach", 0, "-o", output)
    assert status == 0
    partition = Partition.read(output)
    assert sorted(partition.names) == ["East", "West"]
    assert partition.parameters["reach_km"] == 0


def test_semantic(run, table: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    output = tmp_path / "cells.parquet"
    status, out, _ = run(table, "--method", "semantic", "--max", 150, "--min", 20, "-o", output)
    assert status == 0
    partition = Partition.read(output)
    assert partition.photos.max() <= 150
    assert partition.photos.min() >= 20
    assert f"cells               {partition.count}" in out


def test_clusters(run, table: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    report = tmp_path / "report.html"
    words = ["--method", "clusters", "--groups", 2, "--features", "climate-geography"]
    status, out, err = run(table, *words, "--report", report, "--json")
    document = json.loads(out)
    assert status == 0
    assert document["cells"] == 2
    assert [row["groups"] for row in document["curves"]] == [1, 2, 3, 4, 5]
    assert sum(document["sizes"]) == document["countries"] == 5
    assert f"Wrote {report}" in err
    assert "2 groups of 5 countries" in report.read_text(encoding="utf-8")


def test_confusion(run, table: Path, tmp_path: Path) -> None:
    matrix = tmp_path / "matrix.csv"
    matrix.write_text("UK,France,Germany\n8,1,1\n0,6,4\n0,5,5\n")
    output = tmp_path / "cells.parquet"
    words = ["--method", "confusion", "--confusion", matrix, "--groups", 2, "-o", output, "--json"]
    status, out, _ = run(table, *words)
    document = json.loads(out)
    assert status == 0
    assert document["confused"] == pytest.approx(11 / 30)
    assert document["still_confused"] == pytest.approx(2 / 30)
    assert sorted(Partition.read(output).names) in (["France, Germany", "United Kingdom"],
                                                    ["Germany, France", "United Kingdom"])  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--method", "s2", "--cells", 3], 2, "The method 's2' takes no --cells (it takes --preset, --max"),
        (["--method", "admin", "--max", 3], 2, "The method 'admin' takes no --max (it takes --cells, --min"),
        (["--method", "clusters", "--polygons", "x"], 2, "The method 'clusters' takes no --polygons"),
        (["--method", "confusion"], 2, "needs a model's confusion matrix.\nName it with:  --confusion"),
        (["--method", "admin", "--layer", "a"], 2, "none is named.\nName it with --polygons"),
        (["--method", "admin", "--polygons", "none.gpkg"], 1, "There is no file of polygons 'none.gpkg'"),
        (["--method", "admin", "--cells", 0], 2, "--cells 0 cannot be, expected a whole number"),
        (["--method", "semantic", "--max", 3, "--min", 4], 2, "at most 3 and at least 4 photos"),
        (["--method", "clusters", "--groups", 99], 2, "99 groups cannot be made of 5 countries"),
        (["--method", "clusters", "--features", "climat"], 1, "Did you mean:  --features climate"),
        (["--method", "admin", "--report", "r.html"], 2, "Only groups of countries have such a report"),
        (["--method", "admin", "--reach", "-1"], 2, "A reach of -1.0 km is not possible"),
    ],
)
def test_words_that_cannot_be(run, table: Path, words, status, message) -> None:
    found, out, err = run(table, *words)
    assert found == status
    assert message in err
    assert out == ""


def test_projected_polygons_are_refused(run, table: Path, tmp_path: Path) -> None:
    path = tmp_path / "utm.geojson"
    path.write_text(shapely.to_geojson(shapely.box(500_000, 6_000_000, 510_000, 6_010_000)))
    status, _, err = run(table, "--method", "admin", "--polygons", path)
    assert status == 1
    assert "ogr2ogr -t_srs EPSG:4326" in err


def test_help_says_whose_each_option_is() -> None:
    helps = {option.opts[0]: option.help for option in command.params if getattr(option, "help", None)}
    for name, option in OPTIONS.items():
        owners = [method for method, found in METHODS.items() if name in found.takes]
        assert owners
        assert helps[option.flag].startswith(f"({', '.join(owners)})")


def test_registry_refuses_unknown_methods() -> None:
    from graticule.errors import UsageError

    with pytest.raises(UsageError, match=r"no method 'admn'(?s:.*)Did you mean:  `method=admin`"):
        build_partition("admn", np.zeros((1, 2)), None, {})


def test_one_place_and_places_at_sea(run, tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("latitude,longitude\n39.9,116.4\n")
    status, _, err = run(path, "--method", "admin", "--min", 1)
    assert status == 0
    assert "Fewer cells than 129 were made, 1: " in err
    assert "raise --cells and lower --min" in err
    assert "Lower --min to cut further" not in err
    path.write_text("latitude,longitude\n10.0,-40.0\n")
    status, _, err = run(path, "--method", "admin", "--min", 1)
    assert status == 1
    assert "No place lies in any of the polygons" in err


def test_agreement_in_comparisons(run, table: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    run(table, "--method", "admin", "--cells", 5, "-o", one)
    run(table, "--method", "s2", "--max", 5000, "-o", other)
    status, out, _ = run("--compare", one, one, other, "--photos", table, "--json")
    assert status == 0
    same, again, apart = json.loads(out)["partitions"]
    assert same["ari"] == again["ari"] == 1
    assert again["nmi"] == pytest.approx(1)
    assert 0 < apart["ari"] < 1


@pytest.mark.parametrize("method", ["semantic", "clusters"])
def test_without_scikit_learn_the_extra_is_named(run, table: Path, monkeypatch, method: str) -> None:
    for name in ("sklearn", "sklearn.cluster"):
        monkeypatch.setitem(sys.modules, name, None)
    more = {"semantic": ["--max", 60], "clusters": ["--groups", 2]}[method]
    status, _, err = run(table, "--method", method, *more)
    assert status == 1
    assert "pip install 'graticule[cells]'" in err
