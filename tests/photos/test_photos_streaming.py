"""Tables read in blocks give the rows that they give when read at once."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graticule.errors import MissingFileError, TableError, UsageError
from graticule.photos import streaming
from graticule.photos.places import read_places
from graticule.photos.streaming import stream_places
from graticule.photos.table import write_photo_table


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "BLOCK_BYTES", 700)
    monkeypatch.setattr(streaming, "BLOCK_ROWS", 37)


def frame(rows: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    names = [f'place "{row}"' + ("\nsecond line" if row % 7 == 0 else "") for row in range(rows)]
    return pl.DataFrame(
        {
            "name": names,
            "lat": rng.uniform(-80, 80, rows).round(6),
            "lng": rng.uniform(-180, 180, rows).round(6),
            "n": rng.integers(0, 4, rows),
        }
    ).with_columns(lat=pl.when(pl.int_range(rows) % 50 == 3).then(None).otherwise("lat"))


def write(table: pl.DataFrame, path: Path) -> Path:
    name = path.name.removesuffix(".gz")
    plain = path.with_name(name)
    if name.endswith(".parquet"):
        table.write_parquet(plain, row_group_size=50)
    elif name.endswith(".jsonl"):
        table.write_ndjson(plain)
    else:
        table.write_csv(plain, separator="\t" if name.endswith(".tsv") else ";" if "semi" in name else ",")
    if path != plain:
        path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


@pytest.mark.parametrize(
    "name", ["a.csv", "a.csv.gz", "semi.csv", "a.tsv", "a.parquet", "a.jsonl", "a.jsonl.gz"]
)
@pytest.mark.parametrize("photos", [None, "n"])
def test_same_rows_as_at_once(tmp_path: Path, name: str, photos: str | None) -> None:
    table = frame()
    if name.endswith(".tsv"):
        table = table.with_columns(pl.col("name").str.replace("\n", " "))
    path = write(table, tmp_path / name)
    whole = read_places(path, weights=photos)
    blocks = list(stream_places(path, weights=photos))
    assert len(blocks) > 3
    np.testing.assert_array_equal(np.concatenate([block.latlon for block in blocks]), whole.latlon)
    if photos:
        np.testing.assert_array_equal(np.concatenate([block.photos for block in blocks]), whole.photos)
    assert sum(block.rows for block in blocks) == whole.rows == 200
    refused = sum(sum(block.refused.values()) for block in blocks)
    assert refused == sum(whole.refused.values())


def test_header_with_a_mark_blank_lines_and_windows_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    body = "".join(f"{row},{row / 2}\r\n" for row in range(1, 80))
    path.write_bytes(b"\xef\xbb\xbf" + f"lat , lng\r\n{body}".encode())
    latlon = np.concatenate([block.latlon for block in stream_places(path)])
    assert latlon.tolist() == [[row, row / 2] for row in range(1, 80)]


def test_last_line_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("lat,lng\n1,2\n3,4")
    assert np.concatenate([block.latlon for block in stream_places(path)]).tolist() == [[1, 2], [3, 4]]


def test_a_photo_table_and_its_splits(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "photo_id": [str(row) for row in range(100)],
            "path": [f"{row}.jpg" for row in range(100)],
            "latitude": np.linspace(-50, 50, 100),
            "longitude": np.linspace(10, 90, 100),
            "split": ["train", "val"] * 50,
        }
    )
    write_photo_table(table, tmp_path / "photos")
    train = np.concatenate([block.latlon for block in stream_places(tmp_path / "photos", split="train")])
    np.testing.assert_array_equal(train, read_places(tmp_path / "photos").latlon)
    everything = list(stream_places(tmp_path / "photos", split="all"))
    assert sum(len(block.latlon) for block in everything) == 100
    assert {block.split for block in everything} == {None}
    with pytest.raises(UsageError, match=r"splits in column 'split'(.|\n)*`split=train`   or   `split=all`"):
        next(stream_places(tmp_path / "photos"))


def test_tables_that_cannot_be_streamed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(MissingFileError):
        next(stream_places(path))
    path.write_text("lat,lng\n1,2\n")
    with pytest.raises(UsageError, match="has no split 'val': it has no column of splits"):
        next(stream_places(path, split="val"))
    with pytest.raises(UsageError, match="has no column 'latt'"):
        next(stream_places(path, latitude="latt"))
    path.write_text("name,height\nBen,3\n")
    with pytest.raises(TableError, match="no columns that look like"):
        next(stream_places(path))
    path.write_bytes("lat,lng\n1,2\n".encode("utf-16"))
    with pytest.raises(TableError, match=r"is UTF-16, which cannot be streamed.\nSave it as UTF-8"):
        next(stream_places(path))
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"lat,lng\n" + b"1,2\n" * 5000)[:-20])
    with pytest.raises(TableError, match="is not gzip, or ends early"):
        list(stream_places(tmp_path / "b.csv.gz"))
    path.write_text("lat,lng\n" + "1,2\n" * 400 + "1,2,3,4\n" * 400)
    with pytest.raises(TableError, match="cannot be read as CSV"):
        list(stream_places(path))


def test_swapped_columns_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    path = tmp_path / "a.csv"
    pl.DataFrame({"lat": rng.uniform(-180, 180, 90), "lng": rng.uniform(-80, 80, 90)}).write_csv(path)
    with pytest.raises(TableError, match="exchanged"):
        next(stream_places(path))
