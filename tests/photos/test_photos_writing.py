"""Files are written all together or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import polars as pl
import pytest

from graticule.photos.writing import rebased, replace_files, write_parquet


def test_all_are_written(tmp_path: Path) -> None:
    files = {tmp_path / "new" / name: (lambda path, name=name: path.write_text(name)) for name in ("a", "b")}
    replace_files(files)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a", "b"]
    assert (tmp_path / "new" / "b").read_text() == "b"


def test_old_ones_are_kept_when_one_fails(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace_files({tmp_path / "a": lambda path: path.write_text("new"), tmp_path / "b": fail})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="No space left") as raised:
        write_parquet(pl.DataFrame({"latitude": [48.1]}), Path("/dev/full"))
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, "/dev/full")


def test_metadata_is_written(tmp_path: Path) -> None:
    write_parquet(pl.DataFrame({"latitude": [48.1]}), tmp_path / "a.parquet", metadata={"by": "us"})
    assert pl.read_parquet_metadata(tmp_path / "a.parquet")["by"] == "us"


def test_paths_lead_to_the_same_files(tmp_path: Path) -> None:
    source, target = tmp_path / "in" / "deep", tmp_path / "out"
    (tmp_path / "in").mkdir()
    source.mkdir()
    (tmp_path / "in" / "a.jpg").touch()
    (source / "b.jpg").touch()
    absolute = (source / "b.jpg").as_posix()
    paths = rebased(pl.Series("path", ["../a.jpg", "b.jpg", "x.tar::m/c.jpg", absolute]), source, target)
    assert paths.name == "path"
    assert paths.to_list() == ["../in/a.jpg", "../in/deep/b.jpg", "../in/deep/x.tar::m/c.jpg", absolute]
    target.mkdir()
    assert (target / paths[0]).is_file()
    assert (target / paths[1]).is_file()
    assert rebased(paths, target, source).to_list() == ["../a.jpg", "b.jpg", "x.tar::m/c.jpg", absolute]
