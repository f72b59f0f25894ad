"""From a source to a photo table: what is kept, what is refused, and that every photo is accounted for."""

from __future__ import annotations

import csv
import hashlib
import json
import warnings
from pathlib import Path

import polars as pl
import pytest

from graticule.errors import MissingFileError, TableError, UsageError
from graticule.geo.sphere import great_circle_km
from graticule.photos.ingest import IngestSettings, ingest
from graticule.photos.split import SplitRules
from graticule.photos.split_files import split_table
from graticule.photos.table import COLUMNS, photo_paths, read_photo_table

PARIS, ROME, SYDNEY = (48.857, 2.352), (41.9, 12.5), (-33.87, 151.21)


@pytest.fixture
def trip(tmp_path, photo) -> Path:
    """A folder with ten photos and no table yet."""
    folder = tmp_path / "trip"
    (folder / "images").mkdir(parents=True)
    for number in range(10):
        (folder / "images" / f"{number:03}.jpg").write_bytes(photo(size=(60 + number, 40)))
    return folder


def write_table(folder: Path, rows: list[dict], name: str = "photos.csv", **words) -> Path:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, **words)
        writer.writeheader()
        writer.writerows(rows)
    return folder / name


def row(number: int, place=PARIS, **more) -> dict:
    return {
        "photo_id": f"{number:03}",
        "path": f"images/{number:03}.jpg",
        "latitude": place[0],
        "longitude": place[1],
    } | more


def accounted(report) -> None:
    """Nothing is dropped without a word, and the file says what the report says."""
    assert report.read == report.kept + sum(report.refused.values())
    assert len(report.refusals) == sum(report.refused.values())
    written = json.loads(Path(report.table).with_name("ingest.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(report.to_dict()))
    assert read_photo_table(report.table).height == report.kept
    assert all(refusal.message.endswith(".") for refusal in report.refusals)


def refused_as(tmp_path, trip, *rows, **words) -> list[str]:
    """The reasons for which the rows are refused; one good row is added that must be kept."""
    write_table(trip, [row(9), *rows])
    report = ingest(trip, tmp_path / "out", IngestSettings(**words))
    accounted(report)
    assert read_photo_table(tmp_path / "out")["photo_id"][0] == "009"
    return [refusal.reason for refusal in report.refusals]


def test_a_table_beside_its_photos(tmp_path, trip):
    own = {"source": "own", "licence": "CC0"}
    france = row(7, country="France", split="training", group="anna", usable="true", score="0.5", **own)
    italy = row(8, ROME, country="IT", split="valid", group="ben", usable="false", score="1", **own)
    write_table(trip, [france, italy, row(9, SYDNEY, split="test", usable="true")])
    report = ingest(trip, tmp_path / "out")
    accounted(report)
    frame = read_photo_table(tmp_path / "out")
    assert frame.columns == [*COLUMNS, "usable", "score", "continent", "place"]
    assert frame.select("continent", "place").rows() == [
        ("EU", "Paris, FR"),
        ("EU", "Rome, IT"),
        ("OC", "Sydney, AU"),
    ]
    assert frame["photo_id"].to_list() == ["007", "008", "009"]
    assert frame["country"].to_list() == ["FR", "IT", "AU"]
    assert frame["split"].to_list() == ["train", "val", "test"]
    assert frame["group"].to_list() == ["anna", "ben", None]
    assert frame["usable"].to_list() == [True, False, True]
    assert frame["score"].to_list() == [0.5, 1.0, None]
    assert frame["width"].to_list() == [67, 68, 69]
    assert frame["height"].to_list() == [40, 40, 40]
    assert frame["phash"].null_count() == 3
    paths = photo_paths(frame, tmp_path / "out")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert frame["sha256"].to_list() == digests
    assert (report.splits, report.countries, report.continents) == (
        {"test": 1, "train": 1, "val": 1}, {"AU": 1, "FR": 1, "IT": 1}, {"EU": 2, "OC": 1},
    )  # fmt: skip
    assert "7 photos belong to no row" in report.warnings[0]


def test_photos_with_a_country_but_no_place_are_kept_and_counted(tmp_path, trip):
    reasons = refused_as(
        tmp_path, trip, row(1, ("", ""), country="Kenya"), row(2, ("", "")), row(3, (1.5, ""))
    )
    assert reasons == ["no-position", "half-position"]
    frame = read_photo_table(tmp_path / "out")
    assert frame.select("latitude", "longitude", "country").row(1) == (None, None, "KE")


@pytest.mark.parametrize(
    ("place", "reason", "said"),
    [
        ((91, 2), "out-of-range", "latitude 91"),
        ((1, 181), "out-of-range", "longitude 181"),
        (("nan", "nan"), "nan-position", "not a number"),
        ((0, 0), "zero-position", "(0, 0)"),
        (("north", "2"), "not-a-number", "'north', '2'"),
        (("5", ""), "half-position", "but not both ('5', '')"),
        (("48°51'N", "2°21'E"), "not-a-number", "48°51'N"),
    ],
)
def test_nonsense_positions_are_refused_row_by_row(tmp_path, trip, place, reason, said):
    write_table(trip, [row(1, place, country="FR"), row(2), row(3)])
    report = ingest(trip, tmp_path / "out")
    accounted(report)
    assert report.refused == {reason: 1}
    assert said in report.refusals[0].message
    assert (report.refusals[0].photo_id, report.refusals[0].path) == ("001", "images/001.jpg")
    assert report.kept == 2


def test_missing_files_and_repeated_ids(tmp_path, trip):
    twice = row(2) | {"photo_id": "009"}
    nameless = {"photo_id": "", "path": "", "latitude": 1, "longitude": 2}
    assert refused_as(tmp_path, trip, row(77), twice, nameless) == ["missing", "missing", "duplicate-id"]


@pytest.mark.parametrize("kind", ["semicolon", "tab", "mark", "gzip"])
def test_tables_as_spreadsheets_write_them(tmp_path, trip, kind):
    import gzip

    path = write_table(
        trip, [row(1, note="a, b"), row(2)], delimiter={"semicolon": ";", "tab": "\t"}.get(kind, ",")
    )
    if kind == "mark":
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    if kind == "gzip":
        path.with_name("photos.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    report = ingest(trip, tmp_path / "out")
    accounted(report)
    frame = read_photo_table(tmp_path / "out")
    assert frame["note"].to_list() == ["a, b", None]
    assert frame["latitude"].to_list() == [PARIS[0]] * 2


def test_decimal_commas_are_read_when_said(tmp_path, trip):
    write_table(trip, [row(1, ("48,857", "2,352"))], delimiter=";")
    with pytest.raises(TableError, match=r"--decimal-comma$"):
        ingest(trip, tmp_path / "out")
    ingest(trip, tmp_path / "out", IngestSettings(decimal_comma=True))
    assert read_photo_table(tmp_path / "out").select("latitude", "longitude").row(0) == PARIS


@pytest.mark.parametrize("form", ["parquet", "jsonl", "geojson-points"])
def test_other_forms_of_tables(tmp_path, trip, form):
    frame = pl.DataFrame({"id": ["001", "002"], "file_name": ["001.jpg", "images/002.jpg"]})
    if form == "geojson-points":
        points = [{"type": "Point", "coordinates": [place[1], place[0]]} for place in (PARIS, ROME)]
        frame.with_columns(pl.Series("geometry", points)).write_ndjson(trip / "metadata.jsonl")
    else:
        frame = frame.with_columns(lat=pl.Series([PARIS[0], ROME[0]]), lng=pl.Series([PARIS[1], ROME[1]]))
        getattr(frame, "write_parquet" if form == "parquet" else "write_ndjson")(trip / f"any.{form}")
    report = ingest(trip, tmp_path / "out")
    accounted(report)
    assert read_photo_table(tmp_path / "out")["latitude"].to_list() == [PARIS[0], ROME[0]]
    assert report.countries == {"FR": 1, "IT": 1}


def test_ids_that_name_files_without_their_ending(tmp_path, trip):
    write_table(trip, [{"id": "001", "lat": 48.857, "lon": 2.352}, {"id": "002", "lat": 41.9, "lon": 12.5}])
    ingest(trip, tmp_path / "out")
    frame = read_photo_table(tmp_path / "out")
    assert frame["photo_id"].to_list() == ["001", "002"]
    assert [path.name for path in photo_paths(frame, tmp_path / "out")] == ["001.jpg", "002.jpg"]


def test_images_in_another_folder(tmp_path, trip):
    table = write_table(tmp_path, [row(1)], name="elsewhere.csv")
    assert ingest(table, tmp_path / "out", IngestSettings(images=trip)).kept == 1
    assert ingest(table, tmp_path / "out", IngestSettings(images=trip / "images")).kept == 1
    report = ingest(table, tmp_path / "out", IngestSettings(images=tmp_path / "out"))
    assert report.refused == {"missing": 1}


def test_columns_that_were_said(tmp_path, trip):
    rows = [{"nr": "1", "bild": "001.jpg", "b": 48.857, "l": 2.352, "latitude": 0.5}]
    write_table(trip, rows)
    ingest(trip, tmp_path / "out", IngestSettings(latitude="b", longitude="l", path="bild", photo_id="nr"))
    frame = read_photo_table(tmp_path / "out")
    assert frame.select("photo_id", "latitude", "longitude", "original_latitude").row(0) == ("1", *PARIS, 0.5)
    with pytest.raises(UsageError, match=r"no column 'latitud' .*\nDid you mean:  --latitude latitude"):
        ingest(trip, tmp_path / "out", IngestSettings(latitude="latitud"))


def test_swapped_columns_are_found_and_the_line_to_type_works(tmp_path, trip):
    write_table(trip, [row(number, (PARIS[1] + 100, PARIS[0])) for number in range(4)])
    with pytest.raises(TableError, match="latitudes and longitudes swapped") as caught:
        ingest(trip, tmp_path / "out")
    assert f"graticule ingest {trip} -o {tmp_path / 'out'} --latitude longitude --longitude latitude" in str(
        caught.value
    )
    assert (
        ingest(trip, tmp_path / "out", IngestSettings(latitude="longitude", longitude="latitude")).kept == 4
    )


def test_swapped_columns_inside_the_range_are_found_by_country(tmp_path, trip):
    write_table(trip, [row(number, (PARIS[1], PARIS[0]), country="France") for number in range(6)])
    with pytest.raises(TableError, match="0% of the places lie in the country stated for them, but 100% do"):
        ingest(trip, tmp_path / "out")
    report = ingest(trip, tmp_path / "out", IngestSettings(latitude="latitude", longitude="longitude"))
    assert report.kept == 6
    assert "look swapped" in report.warnings[0]


def test_unknown_countries_and_splits_are_told(tmp_path, trip):
    write_table(trip, [row(1, country="Atlantis", split="extra"), row(2)])
    report = ingest(trip, tmp_path / "out")
    assert "Not known as countries, left empty: 'Atlantis'." in report.warnings
    assert any("Not known as splits" in warning for warning in report.warnings)
    assert report.countries == {"FR": 2}


def test_countries_that_disagree_and_places_at_sea_are_told(tmp_path, trip):
    write_table(trip, [row(1, country="Peru"), row(2, (-50.0, -120.0))])
    report = ingest(trip, tmp_path / "out")
    assert "1 of 1 photos lie in another country than the source states." in report.warnings
    assert any("open sea" in warning for warning in report.warnings)
    assert read_photo_table(tmp_path / "out")["country"].to_list() == ["PE", None]


def test_broken_photos_are_refused_and_the_batch_goes_on(tmp_path, trip, photo):
    images = trip / "images"
    (images / "001.jpg").write_bytes(b"")
    (images / "002.jpg").write_bytes(b"not an image at all")
    (images / "003.jpg").write_bytes(photo(size=(400, 300))[:-300])
    (images / "004.jpg").unlink()
    (images / "004.jpg").mkdir()
    (images / "005.jpg").write_bytes(photo(form="PNG"))
    write_table(trip, [row(number) for number in range(1, 8)])
    report = ingest(trip, tmp_path / "out")
    accounted(report)
    reasons = {refusal.photo_id: refusal.reason for refusal in report.refusals}
    assert reasons == {"001": "empty", "002": "not-an-image", "003": "truncated", "004": "missing"}
    assert report.kept == 3


def test_a_file_that_cannot_be_read(tmp_path, trip, monkeypatch):
    write_table(trip, [row(1), row(2)])
    reader = Path.open

    def refuse(path, *args, **words):
        if path.name == "001.jpg":
            raise PermissionError(13, "Permission denied")
        return reader(path, *args, **words)

    monkeypatch.setattr(Path, "open", refuse)
    report = ingest(trip, tmp_path / "out")
    assert report.refused == {"unreadable": 1}
    assert "Permission denied" in report.refusals[0].message


def test_pixels_are_left_alone_when_said(tmp_path, trip):
    (trip / "images" / "001.jpg").write_bytes(b"not an image at all")
    write_table(trip, [row(1), row(2)])
    report = ingest(trip, tmp_path / "out", IngestSettings(check_pixels=False))
    assert report.kept == 2
    assert read_photo_table(tmp_path / "out")["sha256"].null_count() == 2


def test_sizes_are_those_of_the_upright_photo(tmp_path, photo, gps):
    folder = tmp_path / "dcim"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(
        photo(gps((48.0, 0.0, 0.0), (11.0, 0.0, 0.0)), size=(64, 48), orientation=6)
    )
    for check_pixels in (True, False):
        ingest(folder, tmp_path / "out", IngestSettings(check_pixels=check_pixels))
        frame = read_photo_table(tmp_path / "out")
        assert frame.select("width", "height").row(0) == (48, 64)
        assert frame["sha256"].null_count() == (0 if check_pixels else 1)


def test_originals_with_a_sidecar_below_a_folder(tmp_path, photo, gps):
    folder = tmp_path / "dcim"
    (folder / "100APPLE").mkdir(parents=True)
    (folder / "100APPLE" / "a.HEIC").write_bytes(photo(gps((48.0, 0.0, 0.0), (11.0, 0.0, 0.0)), form="HEIF"))
    (folder / "b.jpg").write_bytes(photo())
    report = ingest(folder, tmp_path / "out", IngestSettings(source_name="my phone"))
    accounted(report)
    assert report.refused == {"no-position": 1}
    frame = read_photo_table(tmp_path / "out")
    assert frame.select("photo_id", "latitude", "country", "source", "position_source").row(0) == (
        "100APPLE/a.HEIC", 48.0, "DE", "my phone", "exif",
    )  # fmt: skip


def test_paths_lead_from_the_table_to_the_photos_through_links(tmp_path, trip):
    write_table(trip, [row(1)])
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "er")
    ingest(trip, tmp_path / "link" / "out")
    frame = read_photo_table(tmp_path / "link" / "out")
    assert frame["path"][0] == "../../../trip/images/001.jpg"
    assert photo_paths(frame, tmp_path / "link" / "out")[0].is_file()
    ingest(trip, trip)
    assert read_photo_table(trip)["path"][0] == "images/001.jpg"


def test_the_output_of_ingest_can_be_ingested_again(tmp_path, trip):
    write_table(trip, [row(1, usable="true"), row(2)])
    ingest(trip, tmp_path / "one")
    report = ingest(tmp_path / "one", tmp_path / "two")
    accounted(report)
    first, second = (read_photo_table(tmp_path / name) for name in ("one", "two"))
    assert first.equals(second)


def test_words_of_places_leave_the_sources_own_alone(tmp_path, trip):
    lost = row(3, ("", ""), country="BR") | {"place": "somewhere"}
    write_table(trip, [row(1, (0.5, -30)) | {"place": "a boat"}, row(2), lost])
    ingest(trip, tmp_path / "out")
    frame = read_photo_table(tmp_path / "out").sort("photo_id")
    assert frame["continent"].to_list() == [None, "EU", "SA"]
    assert frame["place"].to_list() == ["a boat", None, "somewhere"]


def test_splits_that_a_new_table_lacks_are_not_lost_without_a_word(tmp_path, trip):
    write_table(trip, [row(number, (48 + number / 10, 9)) for number in range(10)])
    out = tmp_path / "out"
    assert ingest(trip, out).replaced is None
    split_table(out, SplitRules(by="photo", val=0.4, test=0.3))
    assert ingest(out, out).replaced is None  # the table itself: its splits stay
    lost = ingest(trip, out).replaced
    assert lost.startswith(
        "The table that was here had splits, made by graticule split; the new one has not."
    )
    assert lost.endswith(f"graticule split {out} --by photo --val 0.4 --test 0.3")
    assert ingest(trip, out).replaced is None


def test_progress_counts_up_to_the_end(tmp_path, trip):
    write_table(trip, [row(number) for number in range(5)])
    seen: list[tuple[int, int]] = []
    ingest(trip, tmp_path / "out", IngestSettings(workers=3), on_progress=lambda *step: seen.append(step))
    assert seen == [(number, 5) for number in range(1, 6)]


def test_an_output_that_is_a_file_is_refused_before_anything_is_done(tmp_path, trip):
    write_table(trip, [row(1)])
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match=r"is a file. Name a folder"):
        ingest(trip, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_an_output_that_cannot_be_written_to_is_told_before_the_work(tmp_path, trip, monkeypatch):
    write_table(trip, [row(1)])
    (tmp_path / "file").touch()
    seen = []
    with pytest.raises(
        MissingFileError, match=r"cannot be written to: Not a directory\.\nName another after -o"
    ):
        ingest(trip, tmp_path / "file" / "out", on_progress=lambda *step: seen.append(step))
    assert seen == []


def test_all_photos_refused_still_leaves_a_report_and_an_empty_table(tmp_path, trip):
    write_table(trip, [row(77)])
    report = ingest(trip, tmp_path / "out")
    accounted(report)
    assert report.kept == 0


def test_warnings_of_pillow_stay_inside(tmp_path, trip):
    import struct

    block = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 30, 0x010F, 2, 9_000, 70_000)
    from PIL import Image

    Image.new("RGB", (16, 16)).save(trip / "images" / "001.jpg", exif=block)
    write_table(trip, [row(1)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert ingest(trip, tmp_path / "out").kept == 1
    assert [str(warning.message) for warning in caught] == []


def test_the_real_photos(shared, tmp_path):
    report = ingest(shared / "data" / "photos", tmp_path / "out", IngestSettings(check_pixels=False))
    accounted(report)
    assert (report.read, report.kept, report.layout) == (4975, 4975, "table")
    assert report.splits == {"train": 4035, "val": 485, "test": 455}
    frame = read_photo_table(tmp_path / "out")
    assert frame["usable"].sum() == 2995
    assert frame["latitude"].null_count() == report.without_place > 0
    assert frame["country"].n_unique() >= 204
    assert all(path.is_file() for path in photo_paths(frame, tmp_path / "out")[::97])


@pytest.mark.parametrize("layout", ["auto", "exif", "table"])
def test_the_real_originals_are_where_they_should_be_by_either_layout(shared, tmp_path, layout):
    folder = shared / "data" / "exif_gps"
    report = ingest(folder, tmp_path / "out", IngestSettings(layout=layout, check_pixels=False))
    accounted(report)
    assert report.layout == ("exif" if layout == "auto" else layout)
    frame = read_photo_table(tmp_path / "out")
    found = {row["photo_id"]: row for row in frame.iter_rows(named=True)}
    with (folder / "expected.csv").open(encoding="utf-8") as file:
        for expected in csv.DictReader(file):
            place = found[expected["file"]]
            truth = [float(expected["latitude"]), float(expected["longitude"])]
            assert great_circle_km([place["latitude"], place["longitude"]], truth) < 0.05
    assert len(found) == 44


def test_the_real_originals_without_a_position(shared, tmp_path):
    report = ingest(shared / "data" / "exif_no_position", tmp_path / "out")
    accounted(report)
    assert report.refused == {"empty-gps": 6, "zero-position": 3, "nan-position": 2}


def test_the_real_im2gps3k(shared, tmp_path):
    report = ingest(
        shared / "data" / "layouts" / "im2gps3k", tmp_path / "out", IngestSettings(check_pixels=False)
    )
    assert (report.read, report.kept, report.layout) == (300, 300, "im2gps3k")
    assert read_photo_table(tmp_path / "out")["group"].null_count() == 0
