"""Photos stored by ingest: complete, resumable, the same whatever happened on the way."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from storing_scenes import make_scene, make_trip

from graticule.errors import UsageError
from graticule.photos.decode import read_bytes
from graticule.photos.ingest import IngestSettings, ingest
from graticule.photos.storing import Storage, clear
from graticule.photos.storing.locking import only_run
from graticule.photos.table import photo_paths, read_photo_table


@pytest.fixture
def scene() -> Callable[..., bytes]:
    """The maker of scenes."""
    return make_scene


@pytest.fixture
def trip(tmp_path) -> Path:
    """A folder with thirty photos."""
    return make_trip(tmp_path / "trip")


def stored_as(**words) -> IngestSettings:
    force = words.pop("force", False)
    return IngestSettings(storage=Storage(**{"photos_per_shard": 8} | words), workers=2, force=force)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but the report, which says how long it took."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != "ingest.json"]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def whole(output: Path, count: int) -> pl.DataFrame:
    """The table, after a look at each photo: its bytes are those of its hash, and it is there once."""
    frame = read_photo_table(output)
    paths = photo_paths(frame, output)
    assert len(set(paths)) == frame.height == count
    digests = [hashlib.sha256(read_bytes(path)).hexdigest() for path in paths]
    assert digests == frame["sha256"].to_list()
    return frame


def test_shards_hold_each_photo_once_and_all_that_is_known(tmp_path, trip):
    report = ingest(trip, tmp_path / "out", stored_as(max_side_px=96, shards=True))
    frame = whole(tmp_path / "out", 30)
    assert report.stored is not None
    assert report.stored["containers"] == 4
    assert frame["path"][0].startswith("shards/00000")
    assert "::" in frame["path"][0]
    assert frame["photo_id"].to_list() == [f"{number:03}" for number in range(30)]
    assert (frame["width"].unique().to_list(), frame["height"].unique().to_list()) == ([96], [72])
    originals = [
        hashlib.sha256((trip / "images" / f"{n:03}.jpg").read_bytes()).hexdigest() for n in range(30)
    ]
    assert frame["original_sha256"].to_list() == originals
    with tarfile.open(tmp_path / "out" / "shards" / "000000.tar") as tar:
        names = tar.getnames()
        known = json.load(tar.extractfile(names[1]))  # type: ignore[arg-type]
    assert len(names) == 16
    assert names[0].removesuffix(".jpg") == names[1].removesuffix(".json")
    row = frame.filter(pl.col("photo_id") == known["photo_id"]).row(0, named=True)
    assert known == {name: value for name, value in row.items() if value is not None and name != "path"}


def test_shards_do_not_mix_splits_more_than_they_must(tmp_path, trip):
    ingest(trip, tmp_path / "out", stored_as(max_side_px=64, shards=True))
    frame = read_photo_table(tmp_path / "out").with_columns(pl.col("path").str.slice(0, 13).alias("shard"))
    val = frame.filter(pl.col("split") == "val")["shard"].unique().to_list()
    assert val == ["shards/000003"]
    first = frame.filter(pl.col("shard") == "shards/000000")["photo_id"].to_list()
    assert first != sorted(first[:1] * 8)
    assert max(map(int, first)) > 15


def test_the_index_says_where_each_photo_starts(tmp_path, trip):
    ingest(trip, tmp_path / "out", stored_as(max_side_px=64, shards=True))
    shards = tmp_path / "out" / "shards"
    index = pl.read_parquet(shards / "index.parquet")
    assert index.height == 30
    for row in index.iter_rows(named=True):
        with tarfile.open(shards / row["shard"]) as tar:
            data = tar.extractfile(row["member"]).read()  # type: ignore[union-attr]
        raw = (shards / row["shard"]).read_bytes()
        assert raw[row["offset"] : row["offset"] + row["size"]] == data
        assert (
            json.loads(raw[row["json_offset"] : row["json_offset"] + row["json_size"]])["sha256"]
            == row["sha256"]
        )


def test_loose_photos(tmp_path, trip):
    ingest(trip, tmp_path / "out", stored_as(max_side_px=64))
    frame = whole(tmp_path / "out", 30)
    assert frame["path"][7] == "photos/000002/007.jpg" or frame["path"][7].startswith("photos/0000")
    assert len(list((tmp_path / "out" / "photos").glob("*/*.jpg"))) == 30


def test_shards_of_the_photos_as_they_are(tmp_path, trip):
    ingest(trip, tmp_path / "out", stored_as(shards=True))
    frame = whole(tmp_path / "out", 30)
    assert frame["sha256"].to_list() == frame["original_sha256"].to_list()


def test_a_table_of_a_former_ingest_keeps_its_columns(tmp_path, trip):
    ingest(trip, tmp_path / "im")
    before = read_photo_table(tmp_path / "im")
    ingest(tmp_path / "im", tmp_path / "out", stored_as(max_side_px=64, shards=True))
    after = whole(tmp_path / "out", 30)
    changed = ["path", "width", "height", "sha256"]
    assert after.drop(*changed, "original_sha256").equals(before.drop(changed))
    assert after["original_sha256"].to_list() == before["sha256"].to_list()
    ingest(tmp_path / "out", tmp_path / "smaller", stored_as(max_side_px=32, shards=True))
    smaller = whole(tmp_path / "smaller", 30)
    assert smaller["original_sha256"].to_list() == before["sha256"].to_list()
    assert smaller["split"].to_list() == before["split"].to_list()


def test_the_shards_alone_are_a_data_set(tmp_path, trip):
    ingest(trip, tmp_path / "out", stored_as(max_side_px=64, shards=True))
    report = ingest(tmp_path / "out" / "shards" / "000000.tar", tmp_path / "again")
    assert (report.layout, report.kept) == ("webdataset", 8)
    again, first = read_photo_table(tmp_path / "again"), read_photo_table(tmp_path / "out")
    both = first.join(again, on="photo_id", suffix="_again")
    for name in ("latitude", "longitude", "country", "split", "sha256", "weather"):
        assert both[name].to_list() == both[f"{name}_again"].to_list()


@pytest.mark.parametrize("words", [{"shards": True, "max_side_px": 200}, {"max_side_px": 200}])
def test_killed_in_the_middle_and_run_again(tmp_path, trip, words, scene):
    for number in range(30):  # larger, so that there is a middle
        (trip / "images" / f"{number:03}.jpg").write_bytes(scene(number, size=(1600, 1200)))
    output = tmp_path / "killed"
    line = [sys.executable, "-m", "graticule", "ingest", str(trip), "-o", str(output), "--max-side", "200"]
    line += ["--shard-photos", "4", "--workers", "1", *(["--shards"] if "shards" in words else [])]
    folder = output / ("shards" if "shards" in words else "photos")
    killed_at = []
    for wanted in (1, 4):
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while (
            time.monotonic() < deadline and len(list(folder.glob("0*"))) < wanted and process.poll() is None
        ):
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        killed_at.append(len(list(folder.glob("0*"))))
        assert not (output / "photos.parquet").exists()
    assert 1 <= killed_at[0] < 8
    assert killed_at[0] <= killed_at[1] < 8
    finished = {file.name: file.stat().st_mtime_ns for file in folder.glob("0*")}
    settings = stored_as(**words, photos_per_shard=4)
    ingest(trip, output, settings)
    whole(output, 30)
    assert {name: (folder / name).stat().st_mtime_ns for name in finished} == finished  # not written again
    ingest(trip, tmp_path / "whole", settings)
    assert contents(output) == contents(tmp_path / "whole")


def test_once_more_changes_nothing(tmp_path, trip):
    settings = stored_as(max_side_px=64, shards=True)
    ingest(trip, tmp_path / "out", settings)
    before = contents(tmp_path / "out")
    steps: list[tuple[int, int]] = []
    ingest(trip, tmp_path / "out", settings, on_stored=lambda *step: steps.append(step))
    assert contents(tmp_path / "out") == before
    assert steps == [(30, 30)]


def test_a_lost_shard_is_written_again(tmp_path, trip):
    settings = stored_as(max_side_px=64, shards=True)
    ingest(trip, tmp_path / "out", settings)
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "shards" / "000001.tar").unlink()
    ingest(trip, tmp_path / "out", settings)
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize(
    "changed", [{"max_side_px": 65}, {"shards": False}, {"quality": 50}, {"photos_per_shard": 7}]
)
def test_other_words_are_refused_unless_forced(tmp_path, trip, changed):
    words = {"max_side_px": 64, "shards": True}
    ingest(trip, tmp_path / "out", stored_as(**words))
    before = contents(tmp_path / "out")
    with pytest.raises(UsageError, match=r"--max-side 64.*\n.*--force"):
        ingest(trip, tmp_path / "out", stored_as(**words | changed))
    assert contents(tmp_path / "out") == before
    ingest(trip, tmp_path / "out", stored_as(**words | changed, force=True))
    whole(tmp_path / "out", 30)
    ingest(trip, tmp_path / "fresh", stored_as(**words | changed))
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_a_table_without_storing_does_not_orphan_what_is_stored(tmp_path, trip):
    ingest(trip, tmp_path / "out", stored_as(max_side_px=64))
    with pytest.raises(UsageError, match="left where they are"):
        ingest(trip, tmp_path / "out")
    ingest(trip, tmp_path / "out", IngestSettings(force=True))
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["ingest.json", "photos.parquet"]
    whole(tmp_path / "out", 30)


def test_other_photos_are_refused_unless_forced(tmp_path, trip):
    ingest(trip, tmp_path / "out", stored_as(max_side_px=64))
    table = trip / "photos.csv"
    table.write_text(table.read_text().replace("a1,dry", "a1,wet"))
    with pytest.raises(UsageError, match="are not the same"):
        ingest(trip, tmp_path / "out", stored_as(max_side_px=64))
    ingest(trip, tmp_path / "out", stored_as(max_side_px=64, force=True))
    assert "wet" in whole(tmp_path / "out", 30)["weather"].to_list()


def test_a_changed_photo_is_seen_without_its_pixels(tmp_path, trip, scene):
    settings = IngestSettings(storage=Storage(max_side_px=64), check_pixels=False)
    ingest(trip, tmp_path / "out", settings)
    whole(tmp_path / "out", 30)
    (trip / "images" / "003.jpg").write_bytes(scene(99))
    with pytest.raises(UsageError, match="are not the same"):
        ingest(trip, tmp_path / "out", settings)


def test_originals_are_never_removed(tmp_path, trip):
    ingest(trip, tmp_path / "out", stored_as(max_side_px=64))
    ingest(tmp_path / "out", tmp_path / "table")
    with pytest.raises(UsageError, match="themselves"):
        ingest(tmp_path / "table", tmp_path / "out", stored_as(max_side_px=32, force=True))
    whole(tmp_path / "out", 30)
    (tmp_path / "mine" / "photos").mkdir(parents=True)
    with pytest.raises(UsageError, match="not made by ingest"):
        ingest(trip, tmp_path / "mine", stored_as(max_side_px=64))
    with pytest.raises(UsageError, match="source itself"):
        ingest(tmp_path / "table", tmp_path / "table", stored_as(max_side_px=32))


def test_photos_that_cannot_be_decoded_are_refused_by_name(tmp_path, trip, scene):
    (trip / "images" / "004.jpg").write_bytes(scene(4)[:-2000])
    (trip / "images" / "005.jpg").write_bytes(b"no photo")
    settings = IngestSettings(storage=Storage(max_side_px=64, shards=True), check_pixels=False)
    for _ in range(2):  # also when it is all there already
        report = ingest(trip, tmp_path / "out", settings)
        assert report.refused == {"truncated": 1, "not-an-image": 1}
        assert report.kept == 28
        assert sorted(refusal.photo_id for refusal in report.refusals) == ["004", "005"]
        whole(tmp_path / "out", 28)


@pytest.mark.parametrize(
    "words", [{}, {"max_side_px": 0}, {"max_side_px": 70_000}, {"shards": True, "photos_per_shard": 0}]
)
def test_numbers_that_make_no_sense(words):
    with pytest.raises(UsageError):
        Storage(**words)


def test_two_runs_at_a_time_are_refused(tmp_path, trip):
    (tmp_path / "out").mkdir()
    settings = stored_as(max_side_px=64)
    with only_run(tmp_path / "out"), pytest.raises(UsageError, match="Another run is storing"):
        ingest(trip, tmp_path / "out", settings)
    ingest(trip, tmp_path / "out", settings)
    whole(tmp_path / "out", 30)
    assert not list((tmp_path / "out").glob(".*"))


def test_a_removal_cut_short_leaves_nothing_that_looks_whole(tmp_path, trip, monkeypatch):
    ingest(trip, tmp_path / "out", stored_as(max_side_px=64))
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)  # as if killed before
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        clear(tmp_path / "out", [])
    assert not (tmp_path / "out" / "photos").exists()
    ingest(trip, tmp_path / "out", stored_as(max_side_px=64))
    whole(tmp_path / "out", 30)
