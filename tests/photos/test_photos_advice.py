"""What is said of photos and tables that cannot be used: what was wrong, what was expected, what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from graticule.errors import PHOTO_ADVICE, MissingFileError, PhotoError, TableError
from graticule.photos.decode import decode
from graticule.photos.ingest import IngestSettings, ingest
from graticule.photos.table import read_photo_table

Photo = Callable[..., bytes]


def test_every_reason_of_a_photo_comes_with_advice() -> None:
    for reason, advice in PHOTO_ADVICE.items():
        assert str(PhotoError("Photo 'a' is bad.", reason=reason)) == f"Photo 'a' is bad. {advice}"
    assert str(PhotoError("Gone.", reason="gone")) == "Gone."
    assert str(PhotoError("Bad.", reason="empty", advice="Try b.")) == "Bad. Try b."
    again = PhotoError(str(PhotoError("Bad.", reason="empty")), reason="empty")
    assert str(again).count("Copy or fetch it again.") == 1


def test_links_pipes_and_folders_are_refused_each_with_its_reason(
    tmp_path: Path, photo: Photo, gps: Callable[..., dict[int, object]]
) -> None:
    trip = tmp_path / "trip"
    (trip / "folder.jpg").mkdir(parents=True)
    (trip / "good.jpg").write_bytes(photo(gps((48.0, 0.0, 0.0), (11.0, 0.0, 0.0))))
    (trip / "broken.jpg").symlink_to("nowhere.jpg")
    (trip / "more").symlink_to(tmp_path / "unplugged")
    os.mkfifo(trip / "pipe.jpg")
    report = ingest(trip, tmp_path / "out")
    assert (report.read, report.kept) == (3, 1)
    (warning,) = report.warnings
    assert warning.endswith("more' is a link that leads nowhere, so photos behind it are not read. "
                            "Mend the link, or remove it.")  # fmt: skip
    told = {refusal.photo_id: refusal.message for refusal in report.refusals}
    assert told["broken.jpg"].endswith(
        "is a link to 'nowhere.jpg', which does not exist. Look where it lies, and name it again."
    )
    assert told["pipe.jpg"].endswith(
        "is a pipe or device, and a file was expected. Name a file, or leave it out."
    )
    with pytest.raises(PhotoError, match="is a folder, and a file was expected"):
        decode(trip / "folder.jpg")


def test_a_table_without_rows_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "photos.csv").write_text("file,lat,lon\n")
    with pytest.raises(MissingFileError, match=r"names no photo: .* no row\.\nAdd a row for each photo"):
        ingest(tmp_path / "photos.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "content"), [("photos.csv", b""), ("metadata.parquet", b"PAR1?")])
def test_a_bad_table_beside_good_photos_is_told_and_stops_nothing(
    tmp_path: Path, photo: Photo, gps: Callable[..., dict[int, object]], name: str, content: bytes
) -> None:
    trip = tmp_path / "trip"
    trip.mkdir()
    (trip / "good.jpg").write_bytes(photo(gps((48.0, 0.0, 0.0), (11.0, 0.0, 0.0))))
    (trip / name).write_bytes(content)
    report = ingest(trip, tmp_path / "out")
    assert report.kept == 1
    (warning,) = report.warnings
    assert name in warning
    assert "It is not used." in warning
    assert json.loads((tmp_path / "out" / "ingest.json").read_text())["warnings"] == [warning]
    with pytest.raises(TableError, match=name):
        ingest(trip, tmp_path / "out", IngestSettings(layout="table"))


def test_a_damaged_photo_table_says_how_to_use_the_photos(tmp_path: Path) -> None:
    (tmp_path / "photos.parquet").write_bytes(b"PAR1?")
    with pytest.raises(TableError, match=r"Make it anew: .*or move it away, to use photos beside it"):
        read_photo_table(tmp_path)


def test_rows_say_what_was_expected(tmp_path: Path, photo: Photo) -> None:
    for number in range(8):
        (tmp_path / f"{number}.jpg").write_bytes(photo())
    rows = ["north,11", "48.1,", "nan,11", "95,11", "0,0", ",", "48.1,11.5"]
    lines = [f"{number}.jpg,{row}" for number, row in enumerate(rows)] + [",48,11", "9.jpg,48,11"]
    (tmp_path / "photos.csv").write_text("\n".join(["path,lat,lon", *lines]))
    report = ingest(tmp_path / "photos.csv", tmp_path / "out", IngestSettings(duplicates="keep"))
    assert report.kept == 1
    expected = [
        "Expected are degrees", "Fill in the other", "Expected are degrees", "Expected is -90 to 90",
        "Fill in the place", "Fill in its place", "Fill in its path", "Put it there",
    ]  # fmt: skip
    for refusal, advice in zip(report.refusals, expected, strict=True):
        assert advice in refusal.message
