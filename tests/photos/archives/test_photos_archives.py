"""Photos inside archives: listed, found, read at random, and refused with a reason when broken."""

from __future__ import annotations

import io
import multiprocessing
import os
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgpack
import pytest

from graticule.errors import PhotoError
from graticule.photos.archives import is_archive, is_photo_there, list_members, member_of, read_member
from graticule.photos.archives.index import Member, MemberIndex
from graticule.photos.decode import decode, read_bytes

CONTENT = {"a.jpg": b"first", "sub/b.jpg": b"second " * 40, "sub/ü c.png": b"third"}
MANY = 1 << 20


def make_zip(path: Path, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.mkdir("sub")
        for name, data in CONTENT.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path, prefix: str = "") -> Path:
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("sub"))
        for name, data in CONTENT.items():
            entry = tarfile.TarInfo(prefix + name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def make_shard(path: Path, *, raw: bool = False, **words) -> Path:
    records = [{"image": data, "id": name} for name, data in CONTENT.items()]
    if raw:
        records = [{key.encode(): value for key, value in record.items()} for record in records]
    path.write_bytes(b"".join(msgpack.packb(record, **words) for record in records))
    return path


MAKERS = {
    "stored.zip": make_zip,
    "DEFLATED.ZIP": lambda path: make_zip(path, zipfile.ZIP_DEFLATED),
    "a.tar": make_tar,
    "dotted.tar": lambda path: make_tar(path, "./"),
    "shard_0.msg": make_shard,
    "bytes_keys.msg": lambda path: make_shard(path, raw=True),
    "old_types.msgpack": lambda path: make_shard(path, use_bin_type=False),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_member_is_listed_and_read(tmp_path, name):
    archive = MAKERS[name](tmp_path / name)
    assert is_archive(archive)
    listing = list_members(archive)
    assert listing.problem is None
    assert [each.removeprefix("./") for each in listing.names if each != "sub"] == list(CONTENT)
    for member, data in reversed(CONTENT.items()):
        assert read_member(archive, member, max_bytes=MANY) == data
        assert read_bytes(f"{archive}::{member}") == data
        assert read_bytes(Path(f"{archive}::{member}")) == data
        assert is_photo_there(Path(f"{archive}::./{member}"))
    assert not is_photo_there(Path(f"{archive}::none.jpg"))


def test_which_paths_mean_a_member():
    assert member_of("a.zip::b/c.jpg") == (Path("a.zip"), "b/c.jpg")
    assert member_of("x/A.TAR::b::c.jpg") == (Path("x/A.TAR"), "b::c.jpg")
    assert member_of("odd::name/s.msg::1") == (Path("odd::name/s.msg"), "1")
    for plain in ("a.jpg", "a.zip", "a.zip::", "a::b.jpg", "a.zip:b.jpg"):
        assert member_of(plain) is None


def test_a_photo_is_decoded_from_inside(tmp_path, photo):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("p.jpg", photo(size=(30, 20)))
    assert decode(tmp_path / "a.zip::p.jpg").size == (30, 20)


def test_the_shard_reader_agrees_with_the_package_on_odd_records(tmp_path):
    odd = {
        "more": [1, -5, 1.5, None, True, {"deep": [2**40, b"x" * 300, "y" * 40]}, -(2**40), 70_000, 200],
        "id": b"e1/55/1.jpg",
        "when": msgpack.Timestamp(1, 2),
        "image": b"z" * 70_000,
        "size": 70_000,
    }
    path = tmp_path / "odd.msg"
    path.write_bytes(msgpack.packb(odd) + msgpack.packb({"id": "2", "image": b"w", "l": list(range(99))}))
    with path.open("rb") as file:
        theirs = [record["image"] for record in msgpack.Unpacker(file, strict_map_key=False)]
    assert list_members(path).names == ["e1/55/1.jpg", "2"]
    ours = [read_member(path, name, max_bytes=MANY) for name in ("e1/55/1.jpg", "2")]
    assert ours == theirs


def reason_of(path: Path | str) -> tuple[str, str]:
    with pytest.raises(PhotoError) as caught:
        read_bytes(path)
    return caught.value.reason, str(caught.value)


def test_what_is_not_there(tmp_path):
    archive = make_zip(tmp_path / "a.zip")
    assert reason_of(f"{archive}::none.jpg") == (
        "missing",
        f"Photo '{archive}::none.jpg' does not exist: the archive holds no such file. "
        "Look where it lies, and name it again.",
    )
    reason, message = reason_of(tmp_path / "none.zip::a.jpg")
    assert (reason, message) == (
        "missing",
        f"Archive '{tmp_path / 'none.zip'}' does not exist. Look where it lies, and name it again.",
    )
    (tmp_path / "folder.tar").mkdir()
    assert reason_of(tmp_path / "folder.tar::a.jpg")[0] == "unreadable"


@pytest.mark.parametrize("name", ["stored.zip", "a.tar", "shard_0.msg"])
def test_a_damaged_archive_keeps_what_comes_before_the_damage(tmp_path, name):
    whole = MAKERS[name](tmp_path / name).read_bytes()
    archive = tmp_path / f"cut_{name}"
    archive.write_bytes(whole[: whole.rindex(b"third") + 2])
    listing = list_members(archive)
    assert listing.problem is not None
    assert listing.problem.reason == "damaged"
    reason, message = reason_of(f"{archive}::sub/ü c.png")
    assert reason == "damaged"
    assert message == str(listing.problem)
    if name != "stored.zip":  # whose table of contents is at its end
        assert read_bytes(f"{archive}::a.jpg") == b"first"


def test_what_is_no_archive_at_all(tmp_path):
    for name in MAKERS:
        path = tmp_path / name
        path.write_bytes(b"\xc1 nothing of the kind" * 100)
        assert reason_of(f"{path}::a.jpg")[0] == "damaged"
    (tmp_path / "empty.msg").touch()
    assert reason_of(tmp_path / "empty.msg::a.jpg")[0] == "missing"
    (tmp_path / "a.msg").write_bytes(msgpack.packb({"text": "no photo"}))
    assert "a record without 'image' and 'id'" in reason_of(tmp_path / "a.msg::a")[1]


def test_members_that_cannot_be_read(tmp_path):
    archive = make_zip(tmp_path / "a.zip", zipfile.ZIP_BZIP2)
    assert reason_of(f"{archive}::a.jpg") == (
        "unreadable",
        f"Photo '{archive}::a.jpg' cannot be read: it is packed in a way other than deflate. "
        "Unpack the archive.",
    )
    stored = bytearray(make_zip(tmp_path / "b.zip").read_bytes())
    stored[stored.index(b"PK\3\4", 4) + 6] |= 1  # of a.jpg; the first header is the folder's
    (tmp_path / "b.zip").write_bytes(stored)
    assert "it is encrypted" in reason_of(tmp_path / "b.zip::a.jpg")[1]
    deflated = make_zip(tmp_path / "c.zip", zipfile.ZIP_DEFLATED)
    data = bytearray(deflated.read_bytes())
    start = data.index(b"sub/b.jpg") + len(b"sub/b.jpg")
    data[start : start + 4] = b"\xff\xff\xff\xff"
    deflated.write_bytes(data)
    assert reason_of(f"{deflated}::sub/b.jpg")[0] == "damaged"
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as empty:
        empty.writestr("a.jpg", b"")
    assert reason_of(tmp_path / "d.zip::a.jpg")[0] == "empty"


def test_a_bomb_is_not_unpacked(tmp_path):
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive = tmp_path / f"bomb{method}.zip"
        with zipfile.ZipFile(archive, "w", method) as file:
            file.writestr("a.jpg", bytes(1 << 20))
        with pytest.raises(PhotoError) as caught:
            read_member(archive, "a.jpg", max_bytes=1000)
        assert caught.value.reason == "too-large"


def test_an_archive_that_changes_is_looked_through_again(tmp_path):
    archive = make_zip(tmp_path / "a.zip")
    assert read_bytes(f"{archive}::a.jpg") == b"first"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("new.jpg", b"fourth")
    os.utime(archive, ns=(1, 1))
    assert read_bytes(f"{archive}::new.jpg") == b"fourth"
    assert not is_photo_there(Path(f"{archive}::a.jpg"))


def _read(path: str) -> bytes:
    return read_bytes(path)


def test_threads_and_other_processes_read_at_once(tmp_path):
    paths = [f"{MAKERS[name](tmp_path / name)}::{member}" for name in MAKERS for member in CONTENT] * 5
    expected = [CONTENT[path.rpartition("::")[2]] for path in paths]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(_read, paths)) == expected
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_read, paths) == expected


def test_of_two_members_of_one_name_the_last_counts():
    index = MemberIndex([Member("a", 1, 2), Member("b", 3, 4), Member("./a", 5, 6)])
    assert len(index) == 3
    assert index.find("a") == Member("a", 5, 6)
    assert index.find("c") is None
    assert MemberIndex([]).find("a") is None
