"""The folder of a datasheet."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from graticule.errors import MissingFileError, UsageError
from graticule.photos.table import write_photo_table
from graticule.reports.datasheet import coverage_map, write_datasheet

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    count = 60
    frame = pl.DataFrame(
        {
            "photo_id": [f"p{number}" for number in range(count)],
            "path": [f"p{number}.jpg" for number in range(count)],
            "latitude": [None if number == 3 else float(number % 6) * 10 for number in range(count)],
            "longitude": [None if number == 3 else float(number % 6) * 30 for number in range(count)],
            "source": [EVIL] * count,
        }
    )
    write_photo_table(frame, tmp_path / "set")
    return tmp_path / "set"


def test_the_folder(table: Path, tmp_path: Path) -> None:
    facts = write_datasheet(table, tmp_path / "out", name="Sixty photos")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "coverage.png", "coverage.svg", "datasheet.json", "datasheet.md", "index.html",
    ]  # fmt: skip
    assert json.loads((tmp_path / "out" / "datasheet.json").read_text()) == facts
    assert (tmp_path / "out" / "datasheet.md").read_text().startswith("# Datasheet: Sixty photos\n")


def test_the_page_opens_offline_and_shows_text_as_text(table: Path, tmp_path: Path) -> None:
    write_datasheet(table, tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert EVIL not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert not re.search(r"(src|href)=\"?https?:", page)
    assert "default-src 'none'" in page
    opened: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
            if tag in ("div", "section", "table", "main"):
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag in ("div", "section", "table", "main"):
                assert opened.pop() == tag

    Tags().feed(page)
    assert opened == []
    assert page.count("<section>") == 9


def test_a_dot_for_each_place_larger_for_more_photos(table: Path) -> None:
    dots = [
        item
        for item in coverage_map(pl.read_parquet(table / "photos.parquet")).items
        if hasattr(item, "hint")
    ]
    assert sorted(dot.hint for dot in dots) == ["10 photos"] * 5 + ["9 photos"]
    assert max(dot.radius for dot in dots) == pytest.approx(3.0)
    assert dots[0].radius > dots[-1].radius


def test_nothing_is_replaced_silently(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.html").write_text("mine")
    with pytest.raises(UsageError, match=r"holds index\.html already"):
        write_datasheet(table, out)
    assert (out / "index.html").read_text() == "mine"
    write_datasheet(table, out, replace=True)
    assert (out / "index.html").read_text() != "mine"
    with pytest.raises(UsageError, match="is a file"):
        write_datasheet(table, out / "index.html")
    with pytest.raises(MissingFileError):
        write_datasheet(tmp_path / "none", tmp_path / "new")
    assert not (tmp_path / "new").exists()
