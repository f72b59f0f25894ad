"""Which layout a source is taken for, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from graticule.errors import GraticuleError, MissingFileError, TableError, UsageError
from graticule.photos.ingest import ingest
from graticule.photos.layouts import LAYOUTS, Words, choose_layout


@pytest.fixture
def originals(tmp_path, photo, gps) -> Path:
    """Two photos that carry a position, without a table."""
    for number in (1, 2):
        (tmp_path / f"{number}.jpg").write_bytes(photo(gps((48.0, float(number), 0.0), (11.0, 30.0, 0.0))))
    return tmp_path


@pytest.fixture
def bare(tmp_path, photo) -> Path:
    """Two photos that carry none."""
    for number in (1, 2):
        (tmp_path / f"{number}.jpg").write_bytes(photo())
    return tmp_path


def table(folder: Path, name: str, text: str = "file,latitude,longitude\n1.jpg,10.5,20.5\n") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def chosen(source: Path, words: Words | None = None) -> str:
    return choose_layout(source, "auto", words or Words())[0].name


def test_a_folder_of_photos_is_read_by_their_own_positions(originals):
    assert chosen(originals) == "exif"


def test_a_table_file_is_a_table(originals):
    assert chosen(table(originals, "any.csv")) == "table"


def test_a_table_beside_photos_without_positions_is_taken(bare):
    table(bare, "places.csv")
    layout, why = choose_layout(bare, "auto", Words())
    assert layout.name == "table"
    assert why == "'places.csv' beside the photos says where they were taken"


def test_the_cameras_own_positions_go_before_a_table_of_some_name(originals):
    table(originals, "expected.csv")
    layout, why = choose_layout(originals, "auto", Words())
    assert layout.name == "exif"
    assert "go before those of 'expected.csv'" in why
    assert "--layout table" in why


@pytest.mark.parametrize("name", ["photos.csv", "metadata.jsonl", "Metadata.csv.gz", "photos.parquet"])
def test_a_table_with_a_usual_name_goes_before_them(originals, name):
    import gzip

    import polars as pl

    frame = pl.DataFrame({"file": ["1.jpg"], "latitude": [10.5], "longitude": [20.5]})
    if name.endswith(".gz"):
        (originals / name).write_bytes(gzip.compress(frame.write_csv().encode()))
    elif name.endswith(".parquet"):
        frame.write_parquet(originals / name)
    else:
        (originals / name).write_text(frame.write_ndjson() if "json" in name else frame.write_csv())
    assert chosen(originals) == "table"


@pytest.mark.parametrize(
    "text",
    [
        "file,gps_ifd\n1.jpg,broken\n",
        "city,latitude,longitude\nBonn,50.7,7.1\n",
        "file,latitude,longitude\nx.jpg,1,2\n",
    ],
)
def test_a_table_that_says_nothing_of_the_photos_is_left_alone(bare, text):
    table(bare, "notes.csv", text)
    assert chosen(bare) == "exif"


def test_a_table_whose_places_have_strange_names_is_taken_so_that_the_error_can_say_so(bare):
    table(bare, "trip.csv", "file,breite,laenge\n1.jpg,48.1,11.5\n2.jpg,48.2,11.6\n")
    layout, _ = choose_layout(bare, "auto", Words())
    assert layout.name == "table"
    with pytest.raises(TableError, match=r"found: file, breite, laenge"):
        layout.read(bare, Words())


def test_words_about_columns_ask_for_a_table(originals):
    table(originals, "expected.csv")
    assert chosen(originals, Words(latitude="latitude")) == "table"
    assert chosen(originals, Words(images=originals)) == "table"


def test_several_tables_are_asked_about(bare):
    table(bare, "train.csv")
    table(bare, "test.csv")
    layout, _ = choose_layout(bare, "auto", Words())
    with pytest.raises(
        TableError, match=r"2 tables that could describe the photos: test\.csv, train\.csv\.\nName one"
    ):
        layout.read(bare, Words())
    table(bare, "photos.csv")
    assert layout.read(bare, Words()).read == 1


def test_a_table_that_was_made_of_this_folder_is_not_its_source(originals):
    for _ in range(2):
        assert ingest(originals, originals).layout == "exif"
    table(originals, "photos.csv")
    for _ in range(2):
        assert ingest(originals, originals).kept == 1


def test_a_usual_table_without_places_leaves_it_to_photos_that_carry_them(originals):
    table(originals, "metadata.csv", "file_name,text\n1.jpg,a church\n")
    assert chosen(originals) == "exif"


def test_a_usual_table_without_places_beside_photos_without_is_an_error_that_lists_its_columns(bare):
    table(bare, "metadata.csv", "file_name,text\n1.jpg,a church\n")
    with pytest.raises(TableError, match=r"looks like latitudes, longitudes \(found: file_name, text\)"):
        choose_layout(bare, "auto", Words())[0].read(bare, Words())


def test_a_layout_can_be_forced(originals):
    table(originals, "expected.csv")
    for layout in LAYOUTS:
        assert choose_layout(originals, layout.name, Words()) == (layout, "as said")


def test_a_folder_without_a_table_cannot_be_read_as_one(originals):
    with pytest.raises(TableError, match=r"holds no table that can be read .*\n.*--layout exif"):
        choose_layout(originals, "table", Words())[0].read(originals, Words())


def test_what_cannot_be_a_source(tmp_path, photo):
    (tmp_path / "one.jpg").write_bytes(photo())
    with pytest.raises(UsageError, match="is neither a folder nor a table of photos"):
        chosen(tmp_path / "one.jpg")
    with pytest.raises(
        MissingFileError, match=r"There is no file or folder '.*ome\.jpg'\.\nDid you mean:  .*one\.jpg"
    ):
        chosen(tmp_path / "ome.jpg")
    with pytest.raises(UsageError, match=r"There is no layout 'exiv'\.\nDid you mean:  --layout exif"):
        choose_layout(tmp_path, "exiv", Words())
    with pytest.raises(UsageError, match=r"Known: auto, .*osv5m, .*table, .*exif"):
        choose_layout(tmp_path, "zzz", Words())


def test_a_folder_without_photos_says_what_was_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    layout, _ = choose_layout(tmp_path, "auto", Words())
    with pytest.raises(GraticuleError, match="holds no photos"):
        layout.read(tmp_path, Words())
