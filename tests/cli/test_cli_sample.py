"""``graticule sample`` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from graticule.cli.main import main
from graticule.partitions import Partition

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """What ``graticule sample WORDS`` exits with and prints: (status, stdout, stderr)."""

    def typed(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["sample", *(str(word) for word in words)])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return typed


@pytest.fixture
def places(tmp_path: Path) -> Path:
    lines = ["lat,lon,town,district"]
    lines += [f"{48.8 + number / 1000},2.35,Paris,{number % 4}" for number in range(40)]
    lines += [f"{39.9 + number / 1000},116.4,Beijing,{number % 2}" for number in range(10)]
    (tmp_path / "places.csv").write_text("\n".join(lines))
    return tmp_path / "places.csv"


def test_places_by_column(run: Run, places: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    words = ("--by", "town", "--units", "district", "--per-cell", 20, "-o", output)
    status, out, err = run(places, *words)
    assert status == 0
    assert "Cells are values of column 'town'; units are values of column 'district'." in out
    assert ["places", "drawn", "30"] in [line.split() for line in out.splitlines()]
    assert "Note: 1 of 2 cells have fewer than 20 rows, such as 'Beijing' with 10" in err
    assert output.read_text().splitlines()[0] == "latitude,longitude,town,district,cell,unit"
    status, out, err = run(places, *words)
    assert status == 2
    assert "exists already" in err


def test_columns_that_are_not_found_are_named_by_options(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("north,town\n48.8,Paris\n")
    status, _, err = run(table, "--per-cell", 5, "-o", tmp_path / "out.csv")
    assert status == 1
    assert "or name them:  --latitude COLUMN --longitude COLUMN" in err


def test_refused_rows_exit_3(run: Run, places: Path, tmp_path: Path) -> None:
    with places.open("a") as file:
        file.write("\n95,2,Nowhere,1")
    status, out, _ = run(places, "--by", "town", "--per-cell", 5, "-o", tmp_path / "out.parquet", "--json")
    assert status == 3
    assert json.loads(out)["refused"] == {"out-of-range": 1}


def test_cells_of_a_partition(run: Run, places: Path, tmp_path: Path, three_cells: Partition) -> None:
    three_cells.write(tmp_path / "cells.parquet")
    words = ("--cells", tmp_path / "cells.parquet", "--per-cell", 5, "-o", tmp_path / "out.csv")
    status, out, _ = run(places, *words, "--json")
    document = json.loads(out)
    assert status == 0
    assert (document["cells"], document["sampled"]) == (2, 10)
    assert document["units_are"] == "S2 cells 2 levels below each cell"


def test_wrong_words(run: Run, places: Path, tmp_path: Path) -> None:
    output = ("-o", tmp_path / "out.csv")
    for words, message in (
        ((places, "--per-cell", 0, *output), "Give at least 1"),
        ((places, "--per-cell", 5, "--within-km", 3, *output), "Name a photo table with --photos"),
        ((places, "--per-cell", 5, "--by", "twon", *output), "Did you mean:  --by town"),
        ((places, "--per-cell", 5, "-o", tmp_path / "folder"), "expected a name in .parquet or .csv"),
        ((places, *output), "--per-cell"),
    ):
        status, out, err = run(*words)
        assert (status, out) == (2, ""), words
        assert message in err
    assert not (tmp_path / "out.csv").exists()
