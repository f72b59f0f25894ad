"""Anybody's tables: separators, encodings, types, and what is no table."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from graticule.errors import MissingFileError, TableError
from graticule.photos.tabular import is_table, read_rows, with_types

ROWS = [("007", "48.1", "Müller, A."), ("8", "-3", None)]


def written(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_and_encodings_are_found_out(tmp_path, separator, encoding):
    lines = [
        separator.join(row)
        for row in [("id", "lat", "author"), ("007", "48.1", '"Müller, A."'), ("8", "-3", "")]
    ]
    frame = read_rows(written(tmp_path, "a.csv", "\n".join(lines).encode(encoding)))
    assert frame.columns == ["id", "lat", "author"]
    assert frame.rows() == ROWS
    assert set(frame.dtypes) == {pl.String}


@pytest.mark.parametrize("ending", [b"\r\n", b"\n"])
def test_line_endings_quotes_and_empty_lines(tmp_path, ending):
    text = ending.join([b"id,note", b'1,"a ""b"", c"', b"", b'2,"two', b'lines"', b""])
    frame = read_rows(written(tmp_path, "a.csv", text))
    notes = [note for note in frame["note"] if note is not None]
    assert notes[0] == 'a "b", c'
    assert notes[1].split() == ["two", "lines"]


def test_a_comma_inside_quoted_names_is_no_separator(tmp_path):
    frame = read_rows(written(tmp_path, "a.csv", b'"a, in words, really";b\n1;2\n'))
    assert frame.columns == ["a, in words, really", "b"]


def test_blanks_around_names_and_nameless_columns(tmp_path):
    assert read_rows(written(tmp_path, "a.csv", b", lat , lng\n0,1,2\n")).columns == [
        "column_1",
        "lat",
        "lng",
    ]


def test_gzip_tsv_parquet_and_json_lines(tmp_path):
    frame = pl.DataFrame({"id": ["007", "8"], "lat": [48.1, None]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "a.jsonl")
    assert read_rows(tmp_path / "a.parquet").equals(frame)
    assert read_rows(tmp_path / "a.jsonl").equals(frame)
    assert read_rows(written(tmp_path, "a.tsv", b"id\tlat\n007\t48,1\n")).rows() == [("007", "48,1")]
    assert read_rows(written(tmp_path, "a.csv.gz", gzip.compress(b"id,lat\n007,48.1\n"))).rows() == [
        ("007", "48.1")
    ]


def test_json_lines_whose_keys_come_and_go(tmp_path):
    lines = [{"id": number} for number in range(500)] + [{"id": 500, "lat": 1.5}]
    frame = read_rows(written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)).encode()))
    assert frame["lat"].to_list()[-1] == 1.5


def test_the_head_of_a_long_table_is_read_without_the_rest(tmp_path):
    body = b"id,lat\n" + b"".join(b"%d,%d.5\n" % (number, number % 90) for number in range(100_000))
    for name, data in (("a.csv", body), ("b.csv.gz", gzip.compress(body))):
        head = read_rows(written(tmp_path, name, data), head_rows=50)
        assert head.height == 50
        assert head.row(49) == ("49", "49.5")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"", "is empty; expected a line of column names"),
        ("a.csv", b"\n\n", "is empty"),
        ("a.jsonl", b"", "is empty; expected one JSON object per line"),
        ("a.jsonl", b"{not json}\n", "cannot be read as JSONL"),
        ("a.jsonl", b'{"lat": 1}\n\n[2]\n', "\nLine 3 is no JSON object. Mend it in a text editor"),
        ("a.parquet", b"PAR1 no", "cannot be read as PARQUET"),
        ("a.parquet", b"PAR1 no", "\nExport or fetch it again"),
        ("a.csv.gz", b"id,lat\n1,2\n", "is not gzip"),
        ("a.csv", b"id,lat\n1,2,3,4\n", "cannot be read as CSV"),
        ("a.csv", b"\nid;lat\n\n1;2\n3;48;137\n", "has 3 values, and the first line names 2 columns. Mend"),
        ("a.xlsx", b"PK", "should end in one of .csv"),
    ],
)
def test_what_is_no_table_is_said_in_a_sentence(tmp_path, name, data, said):
    with pytest.raises(TableError, match=said.replace(".", r"\.")):
        read_rows(written(tmp_path, name, data))


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(MissingFileError, match="cannot be read: No such file"):
        read_rows(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.CSV", True), ("a.csv.gz", True), ("a.jsonl", True), ("a.gz", False), ("a.jpg", False)],
)
def test_tables_are_known_by_their_endings(name, expected):
    assert is_table(Path(name)) is expected


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("usable", ["true", "FALSE", None], pl.Boolean),
        ("level", ["1", "-20", None], pl.Int64),
        ("score", ["0.5", "1e-5", "3"], pl.Float64),
        ("zip", ["01067", "10115"], pl.String),
        ("photo_id", ["1", "2"], pl.String),
        ("sequenceId", ["1", "2"], pl.String),
        ("word", ["true", "maybe"], pl.String),
        ("big", ["12345678901234567890"], pl.Float64),
        ("void", [None, None], pl.String),
        ("humid", ["1", "2"], pl.Int64),
    ],
)
def test_types_of_the_sources_own_columns(name, values, kind):
    assert with_types(pl.DataFrame({name: pl.Series(values, dtype=pl.String)})).dtypes == [kind]


def test_a_table_without_a_line_of_names(tmp_path):
    file = tmp_path / "places.csv"
    file.write_text("a/1.jpg,48.1,11.5\nb/2.png,-33.9,151.2\n")
    frame = read_rows(file)
    assert frame.columns == ["path", "latitude", "longitude"]
    assert frame.rows() == [("a/1.jpg", "48.1", "11.5"), ("b/2.png", "-33.9", "151.2")]
    for other in ("a/1.jpg,95,11\n", "photo,48.1,11.5\n", "1.jpg,48.1\n", "1.jpg,48.1,11.5,x\n"):
        file.write_text(other)
        assert read_rows(file).height == 0  # its first line is taken for names, as ever


def test_a_spreadsheet_that_is_called_csv(tmp_path):
    file = tmp_path / "places.csv"
    file.write_bytes(b"PK\x03\x04\x14\x00xl/workbook.xml")
    with pytest.raises(TableError, match=r"a spreadsheet or an archive.*\n?Save it as CSV"):
        read_rows(file)
