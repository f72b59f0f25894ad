"""``graticule datasheet`` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from graticule.cli.main import main
from graticule.photos.table import write_photo_table

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """What ``graticule datasheet WORDS`` exits with and prints: (status, stdout, stderr)."""

    def typed(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["datasheet", *(str(word) for word in words)])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return typed


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = {
        "photo_id": ["a", "b"],
        "path": ["a.jpg", "b.jpg"],
        "latitude": [1.0, 2.0],
        "longitude": [3.0, 4.0],
    }
    write_photo_table(pl.DataFrame(rows), tmp_path / "trip")
    return tmp_path / "trip"


def test_markdown_on_stdout(run: Run, table: Path) -> None:
    status, out, err = run(table, "--name", "My trip")
    assert (status, err) == (0, "")
    assert out.startswith("# Datasheet: My trip\n\n2 photos, 2 of them with a place")
    assert out.endswith("no photo was opened.\n")


def test_a_folder_and_json(run: Run, table: Path, tmp_path: Path) -> None:
    status, out, err = run(table, "-o", tmp_path / "out", "--json")
    assert (status, err) == (0, f"Wrote {tmp_path / 'out' / 'index.html'}\n")
    assert json.loads(out) == json.loads((tmp_path / "out" / "datasheet.json").read_text())
    status, out, err = run(table, "-o", tmp_path / "out")
    assert (status, out) == (2, "")
    assert "--replace" in err
    assert run(table, "-o", tmp_path / "out", "--replace")[:2] == (0, "")


def test_no_table(run: Run, tmp_path: Path) -> None:
    status, out, err = run(tmp_path)
    assert (status, out) == (1, "")
    assert "holds no photo table" in err
