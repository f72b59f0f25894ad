"""Reading true places from whatever holds them."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from graticule.errors import MissingFileError, TableError, UsageError
from graticule.evaluation import evaluate_predictions, read_truth
from graticule.photos.table import write_photo_table

CITIES = {"paris": (48.86, 2.35), "lima": (-12.05, -77.04), "tokyo": (35.68, 139.69), "cairo": (30.04, 31.24)}


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "IMG_ID,AUTHOR,LAT,LON\n007,ann,48.86,2.35\n8,bob,-12.05,-77.04\n"),
        ("t.tsv", "id\tlongitude\tlatitude\tcreator\n007\t2.35\t48.86\tann\n8\t-77.04\t-12.05\tbob\n"),
        (
            "t.jsonl",
            '{"key": "007", "lat": 48.86, "lng": 2.35, "user": "ann"}\n'
            '{"key": "8", "lat": -12.05, "lng": -77.04, "user": "bob"}\n',
        ),
        ("t.csv", "photo_id,geometry,author\n007,POINT (2.35 48.86),ann\n8,POINT (-77.04 -12.05),bob\n"),
    ],
)
def test_columns_are_found_and_ids_stay_text(tmp_path: Path, name: str, text: str) -> None:
    truth = read_truth(_write(tmp_path / name, text))
    assert truth["photo_id"].to_list() == ["007", "8"]
    assert truth.select("latitude", "longitude").rows() == [(48.86, 2.35), (-12.05, -77.04)]
    assert truth["group"].to_list() == ["ann", "bob"]
    assert truth["reason"].to_list() == [None, None]


def test_gzip_parquet_and_photo_table(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "t.csv.gz", "wt") as file:
        file.write("id,lat,lon\na,1,2\n")
    assert read_truth(tmp_path / "t.csv.gz").height == 1
    frame = pl.DataFrame(
        {"photo_id": ["a"], "path": ["x/a.jpg"], "latitude": [48.0], "longitude": [2.0], "country": ["FR"]}
    )
    write_photo_table(frame, tmp_path / "photos")
    for path in (tmp_path / "photos", tmp_path / "photos" / "photos.parquet"):
        row = read_truth(path).row(0, named=True)
        assert (row["photo_id"], row["path"], row["country"]) == ("a", "x/a.jpg", "FR")


def test_folder_with_one_table_and_with_several(tmp_path: Path) -> None:
    _write(tmp_path / "only.csv", "id,lat,lon\na,1,2\n")
    assert read_truth(tmp_path).height == 1
    _write(tmp_path / "other.csv", "id,lat,lon\na,1,2\n")
    with pytest.raises(MissingFileError, match=r"2 tables \('only.csv', 'other.csv'\).*\n.*--truth"):
        read_truth(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFileError, match="no table"):
        read_truth(tmp_path / "empty")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_truth(tmp_path / "nowhere.csv")


def test_said_columns(tmp_path: Path) -> None:
    file = _write(tmp_path / "t.csv", "who,id,north,east\nann,1,48.86,2.35\n")
    truth = read_truth(file, photo_id="who", latitude="north", longitude="east")
    assert truth.row(0, named=True)["photo_id"] == "ann"
    assert truth.select("latitude", "longitude").row(0) == (48.86, 2.35)
    with pytest.raises(UsageError, match="no column 'nord'"):
        read_truth(file, latitude="nord")


def test_no_position_column_and_no_id(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"looks like a latitude or longitude \(found: id, town\)"):
        read_truth(_write(tmp_path / "a.csv", "id,town\n1,Rome\n"))
    with pytest.raises(TableError, match=r"looks like a id \(found: lat, lon\)"):
        read_truth(_write(tmp_path / "b.csv", "lat,lon\n1,2\n"))


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="has no rows"):
        read_truth(_write(tmp_path / "t.csv", "id,lat,lon\n"))


def test_unusable_positions_are_kept_as_rows_with_a_reason(tmp_path: Path) -> None:
    rows = ["good,1.5,2.5", "none,,", "nan,nan,nan", "half,1,", "zero,0,0", "text,north,2", "far,95,2"]
    truth = read_truth(_write(tmp_path / "t.csv", "\n".join(["id,lat,lon", *rows])))
    assert dict(truth.select("photo_id", "reason").iter_rows()) == {
        "good": None,
        "none": None,
        "nan": None,
        "half": "half-position",
        "zero": "zero-position",
        "text": "not-a-number",
        "far": "out-of-range",
    }
    assert truth["latitude"].drop_nulls().to_list() == [1.5]


def test_swapped_columns_are_detected_unless_said(tmp_path: Path) -> None:
    rows = [f"{name}{i},{lon + i / 10},{lat}" for name, (lat, lon) in CITIES.items() for i in range(4)]
    file = _write(tmp_path / "t.csv", "\n".join(["id,lat,lon", *rows]))
    with pytest.raises(TableError, match=r"exchanged.*\n.*--latitude lon --longitude lat"):
        read_truth(file)
    truth = read_truth(file, latitude="lon", longitude="lat")
    assert truth["latitude"][0] == 48.86


def test_swapped_within_range_is_seen_by_the_land_below(tmp_path: Path) -> None:
    places = [(51.5, -0.1), (55.9, -3.2), (53.5, -2.2), (52.2, 0.1), (54.6, -1.6)] * 4
    rows = [f"{i},{lon},{lat}" for i, (lat, lon) in enumerate(places)]
    with pytest.raises(TableError, match="exchanged"):
        read_truth(_write(tmp_path / "t.csv", "\n".join(["id,lat,lon", *rows])))


def test_doubled_rows(tmp_path: Path) -> None:
    same = _write(tmp_path / "same.csv", "id,lat,lon\na,1,2\na,1,2\nb,3,4\n")
    assert read_truth(same)["photo_id"].to_list() == ["a", "b"]
    with pytest.raises(TableError, match=r"1 photo stands at more than one place: 'a'"):
        read_truth(_write(tmp_path / "t.csv", "id,lat,lon\na,1,2\na,1,3\n"))


def test_countries_become_codes(tmp_path: Path) -> None:
    text = "id,lat,lon,country\na,37.5,127,South Korea\nb,51.5,-0.1,UnitedKingdom\nc,48,2,Narnia\nd,48,2,\n"
    assert read_truth(_write(tmp_path / "t.csv", text))["country"].to_list() == ["KR", "GB", None, None]


def test_split(tmp_path: Path) -> None:
    file = _write(tmp_path / "t.csv", "id,lat,lon,split\na,1,2,train\nb,1,2,test\n")
    assert read_truth(file, split="test")["photo_id"].to_list() == ["b"]
    with pytest.raises(
        UsageError, match=r"no photo of the split 'tst' \(found: test, train\).*\n.*--split test"
    ):
        read_truth(file, split="tst")
    with pytest.raises(UsageError, match="no column 'split'"):
        read_truth(_write(tmp_path / "u.csv", "id,lat,lon\na,1,2\n"), split="test")


def test_the_published_table_of_im2gps3k(shared: Path) -> None:
    truth = read_truth(shared / "data" / "layouts" / "im2gps3k")
    assert truth.height == 300
    assert truth["reason"].null_count() == 300
    assert truth["group"].n_unique() == 111


def test_repeated_rows_are_counted(tmp_path: Path) -> None:
    truth = read_truth(_write(tmp_path / "same.csv", "id,lat,lon\na,1,2\na,1,2\nb,3,4\n"))
    answers = pl.DataFrame({"photo_id": ["a", "b"], "latitude": [1.0, 3.0], "longitude": [2.0, 4.0]})
    document = evaluate_predictions(answers, truth, resamples=0).metrics
    assert document["matching"]["repeated_true_rows"] == 1
    assert (
        "1 row repeats another of the same photo with the same true place: counted once."
        in (document["remarks"])
    )


def test_rows_without_an_id_are_refused(tmp_path: Path) -> None:
    lacking = _write(tmp_path / "t.csv", "id,lat,lon\n,1,2\n,3,4\nb,3,4\n")
    with pytest.raises(TableError, match=r"2 of 3 rows have no id in the column 'id'"):
        read_truth(lacking)


def test_decimal_commas_are_read(tmp_path: Path) -> None:
    table = _write(tmp_path / "t.csv", "id;lat;lon\na;48,5;9,25\nb;-1,5;-100,0\n")
    assert read_truth(table).select("latitude", "longitude").rows() == [(48.5, 9.25), (-1.5, -100.0)]
