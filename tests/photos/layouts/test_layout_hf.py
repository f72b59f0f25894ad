"""Hugging Face: image folders with metadata, and Parquet files with photos inside."""

from __future__ import annotations

import json

import polars as pl
import pytest

from graticule.errors import MissingFileError, TableError

PLACES = [(48.1, 11.5), (1.4, 103.8)]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_folder_per_split(copy, ending):
    for split, (latitude, longitude) in zip(("train", "validation"), PLACES, strict=True):
        copy.photos(f"{split}/sub/007.jpg")
        frame = pl.DataFrame(
            {"file_name": ["sub/007.jpg"], "lat": [latitude], "lng": [longitude], "score": [1.5]}
        )
        path = copy.file(f"{split}/metadata.{ending}", "")
        {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[ending](path)
    assert copy.layout() == "hf-folder"
    report, frame = copy.ingest()
    assert report.refused == {}
    assert report.layout_reason == f"'train/metadata.{ending}' names its photos in 'file_name'"
    assert frame["photo_id"].to_list() == ["train/sub/007.jpg", "validation/sub/007.jpg"]
    assert frame["split"].to_list() == ["train", "val"]
    assert frame.select("latitude", "longitude").rows() == PLACES
    assert frame["score"].to_list() == [1.5, 1.5]


def test_labels_that_name_countries(copy):
    copy.photos("a.jpg", "b.jpg", "c.jpg")
    labels = {"a.jpg": "South Korea", "b.jpg": "Chile", "c.jpg": "Atlantis"}
    copy.table("metadata.csv", [{"file_name": name, "label": label} for name, label in labels.items()])
    assert copy.layout() == "hf-folder"
    report, frame = copy.ingest()
    assert frame["country"].to_list() == ["KR", "CL", None]
    assert report.warnings == ["Not known as countries, left empty: 'Atlantis'."]


def test_metadata_about_something_else_is_no_such_folder(copy):
    copy.photos("a.jpg")
    copy.table("metadata.csv", [{"file_name": "a.jpg", "text": "a church"}])
    assert copy.layout() == "table"
    with pytest.raises(TableError, match=r"looks like latitudes, longitudes \(found: file_name, text\)"):
        copy.ingest(layout="hf-folder")
    with pytest.raises(TableError, match="holds no metadata"):
        copy.ingest(copy.folder.parent / "data" / "a.jpg", layout="hf-folder")


def parquet(copy, name: str, rows: dict, metadata: dict | None = None) -> None:
    words = {"metadata": {"huggingface": json.dumps(metadata)}} if metadata else {}
    pl.DataFrame(rows).write_parquet(copy.file(name, ""), **words)


def test_photos_inside_parquet_are_written_out(copy, tmp_path):
    pictures = [copy.picture() for _ in range(3)]
    structs = [{"bytes": data, "path": f"{n}.jpg"} for n, data in enumerate(pictures[:2])]
    places = {"latitude": [48.1, 1.4], "longitude": [11.5, 103.8], "note": ["x", None]}
    parquet(copy, "data/train-00000-of-00001.parquet", {"image": structs, **places})
    none = pl.Series([{"bytes": None, "path": "x"}], dtype=pl.Struct({"bytes": pl.Binary, "path": pl.String}))
    parquet(copy, "data/test-00000-of-00001.parquet", {"image": none, "note": ["y"]})
    assert copy.layout() == "hf-parquet"
    report, frame = copy.ingest()
    assert report.refused == {"no-position": 1}
    assert frame["path"].to_list() == [f"images/train-00000-of-00001/00000{n}.jpg" for n in (0, 1)]
    assert [(tmp_path / "out" / path).read_bytes() for path in frame["path"]] == pictures[:2]
    assert frame["original_path"].to_list() == ["0.jpg", "1.jpg"]
    assert frame.select("latitude", "longitude", "split").rows() == [
        (48.1, 11.5, "train"),
        (1.4, 103.8, "train"),
    ]
    before = [(tmp_path / "out" / path).stat().st_mtime_ns for path in frame["path"]]
    copy.ingest()
    assert [(tmp_path / "out" / path).stat().st_mtime_ns for path in frame["path"]] == before


def test_class_labels_become_countries(copy):
    """The layout of GeoGuessr-countries on the hub: image and label, names of classes in the metadata."""
    classes = {"names": ["Chile", "SouthKorea"], "_type": "ClassLabel"}
    features = {"info": {"features": {"label": classes, "image": {"_type": "Image"}}}}
    images = [{"bytes": copy.picture(), "path": None} for _ in range(3)]
    parquet(copy, "train/0000.parquet", {"image": images, "label": [1, 0, None]}, features)
    report, frame = copy.ingest()
    assert frame.select("country", "label", "split").rows() == [
        ("KR", "SouthKorea", "train"), ("CL", "Chile", "train"),
    ]  # fmt: skip
    assert frame["path"][0] == "images/train-0000/000000.jpg"
    assert report.refused == {"no-position": 1}


@pytest.mark.parametrize(
    ("form", "ending"), [("PNG", ".png"), ("WEBP", ".webp"), ("HEIF", ".heic"), ("TIFF", ".tif")]
)
def test_a_column_of_bytes_with_ids_of_its_own(copy, form, ending):
    rows = {"jpg": [copy.photo(form=form)], "id": ["007"], "lat": [48.1], "lon": [11.5]}
    parquet(copy, "a.parquet", rows)
    path = copy.folder / "a.parquet"
    assert copy.layout(path) == "hf-parquet"
    _, frame = copy.ingest(path)
    assert frame.select("photo_id", "path").row(0) == ("007", f"images/a/000000{ending}")


def test_guard_rails(copy, tmp_path):
    images = [{"bytes": copy.picture(), "path": None} for _ in range(3)]
    rows = {"image": images, "latitude": [0.0, 95.0, 48.1], "longitude": [0.0, 5.0, 11.5]}
    parquet(copy, "a.parquet", rows)
    report, _ = copy.ingest()
    assert report.refused == {"zero-position": 1, "out-of-range": 1}
    with pytest.raises(TableError, match="holds no Parquet files with a column of photos"):
        copy.ingest(tmp_path / "out", layout="hf-parquet")
    (tmp_path / "out" / "images" / "a").rename(tmp_path / "out" / "images" / "b")
    (tmp_path / "out" / "images" / "a").write_text("in the way")
    with pytest.raises(MissingFileError, match=r"cannot be written: .*\nName another folder after -o"):
        copy.ingest()
