"""Which files are photos, and which file a row means."""

from __future__ import annotations

from pathlib import Path

import pytest

from graticule.errors import MissingFileError, PhotoError
from graticule.photos.files import FileIndex, list_photos, require_folder

FILES = ["b.JPG", "a.jpg", "sub/a.jpg", "sub/c.HEIC", "45/77/3228.jpg", "e1_55_47.jpg"]
FILES += [".hidden.jpg", ".git/d.jpg", "notes.txt", "photo.raw"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def reason_of(index: FileIndex, said: str) -> str:
    with pytest.raises(PhotoError) as caught:
        index.find(said)
    return caught.value.reason


def test_photos_are_listed_by_name_without_hidden_ones(folder):
    names = [path.relative_to(folder).as_posix() for path in list_photos(folder)]
    assert names == ["45/77/3228.jpg", "a.jpg", "b.JPG", "e1_55_47.jpg", "sub/a.jpg", "sub/c.HEIC"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("a.jpg", "a.jpg"),
        ("./a.jpg", "a.jpg"),
        (" sub/a.jpg ", "sub/a.jpg"),
        ("sub\\a.jpg", "sub/a.jpg"),
        ("c.HEIC", "sub/c.HEIC"),
        ("elsewhere/c.HEIC", "sub/c.HEIC"),
        ("c", "sub/c.HEIC"),
        ("3228", "45/77/3228.jpg"),
        ("e1/55/47.jpg", "e1_55_47.jpg"),
        ("photo.raw", "photo.raw"),
    ],
)
def test_what_a_row_says_is_found(folder, said, found):
    assert FileIndex(folder).find(said) == folder / found


def test_absolute_and_outer_paths(folder):
    index = FileIndex(folder / "sub")
    assert index.find(str(folder / "a.jpg")) == folder / "a.jpg"
    assert index.find("../b.JPG").samefile(folder / "b.JPG")
    assert reason_of(index, "../none.jpg") == "missing"


def test_what_is_not_there_or_not_clear_is_refused(folder):
    (folder / "other").mkdir()
    (folder / "other/c.HEIC").touch()
    index = FileIndex(folder)
    assert reason_of(index, "none.jpg") == "missing"
    assert reason_of(index, "c.HEIC") == "ambiguous-path"
    with pytest.raises(PhotoError, match=r"any of 2 files, such as 'other/c.HEIC', 'sub/c.HEIC'"):
        index.find("c")
    with pytest.raises(PhotoError, match="is a web address; download it first"):
        index.find("https://example.org/a.jpg")


def test_links_are_followed_but_not_in_circles(tmp_path, folder):
    (folder / "sub" / "again").symlink_to(folder)
    (folder / "linked").symlink_to(folder.parent / "outside")
    (folder.parent / "outside").mkdir(exist_ok=True)
    (folder.parent / "outside" / "z.jpg").touch()
    names = [path.name for path in list_photos(folder)]
    assert names.count("a.jpg") == 2
    assert "z.jpg" in names


def test_folders_that_are_not_there(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "a.jpg").touch()
    with pytest.raises(
        MissingFileError, match=r"There is no file or folder '.*photo'\.\nDid you mean:  .*photos"
    ):
        require_folder(tmp_path / "photo")
    with pytest.raises(MissingFileError, match="is a file, and a folder was expected"):
        list_photos(tmp_path / "a.jpg")
    with pytest.raises(MissingFileError, match="Look where it lies"):
        FileIndex(tmp_path / "photos" / "x" / "y")


def test_photos_inside_archives_are_found_when_they_do_not_lie_in_the_open(folder):
    import zipfile

    with zipfile.ZipFile(folder / "sub" / "00.zip", "w") as archive:
        archive.writestr("00/17.jpg", b"x")
        archive.writestr("00/a.jpg", b"x")
        archive.writestr("00/notes.txt", b"x")
    index = FileIndex(folder)
    assert len(index) == 6
    assert index.find("45/77/3228.jpg") == folder / "45/77/3228.jpg"
    assert len(index) == 6
    for said in ("17", "17.jpg", "00/17.jpg"):
        assert index.find(said) == folder / "sub/00.zip::00/17.jpg"
    assert index.find("sub/00.zip::00/17.jpg") == folder / "sub/00.zip::00/17.jpg"
    assert len(index) == 8
    assert reason_of(index, "notes") == "missing"
    assert index.problems == []


def test_archives_that_cannot_be_read_are_told(folder):
    (folder / "a.tar").write_bytes(b"no tar" * 200)
    index = FileIndex(folder)
    assert reason_of(index, "17") == "missing"
    assert [problem.startswith(f"'{folder / 'a.tar'}' cannot be read as") for problem in index.problems] == [
        True
    ]
