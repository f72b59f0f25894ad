"""The bytes of photos by row, from wherever they lie."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from graticule.errors import PhotoError
from graticule.photos import archives
from graticule.photos.decode import read_bytes
from graticule.photos.ingest import IngestSettings, ingest
from graticule.photos.reading import PhotoReader
from graticule.photos.storing import Storage
from graticule.photos.table import photo_paths, read_photo_table


@pytest.fixture
def stored(tmp_path, photo):
    """The paths of twelve photos in three shards."""
    folder = tmp_path / "trip"
    folder.mkdir()
    lines = ["path,latitude,longitude"]
    for number in range(12):
        (folder / f"{number}.jpg").write_bytes(photo(size=(40 + number, 36)))
        lines.append(f"{number}.jpg,{number},2")
    (folder / "photos.csv").write_text("\n".join(lines))
    settings = IngestSettings(storage=Storage(shards=True, photos_per_shard=5), duplicates="keep")
    ingest(folder, tmp_path / "out", settings)
    return photo_paths(read_photo_table(tmp_path / "out"), tmp_path / "out")


def test_shards_are_read_by_their_index_and_not_looked_through(stored, monkeypatch):
    expected = [read_bytes(path) for path in stored]
    monkeypatch.setattr(
        archives.reading, "tar_members", lambda path: pytest.fail(f"{path} was looked through")
    )
    archives.reading._known.clear()
    reader = PhotoReader(stored)
    assert [reader.read(row) for row in range(12)] == expected
    assert sorted(set(reader.shards.tolist())) == [0, 1, 2]
    again = pickle.loads(pickle.dumps(reader))
    assert [again.read(row) for row in range(12)] == expected


def test_plain_files_and_shards_mixed(stored, tmp_path):
    reader = PhotoReader([stored[3], tmp_path / "trip" / "4.jpg", str(stored[5])])
    assert reader.shards.tolist()[1] == -1
    assert [reader.read(row) for row in range(3)] == [
        (tmp_path / "trip" / f"{number}.jpg").read_bytes() for number in (3, 4, 5)
    ]


@pytest.mark.parametrize("harm", ["none", "damaged", "of others"])
def test_shards_without_their_index_are_looked_through(stored, harm):
    expected = [read_bytes(path) for path in stored]
    shard = Path(str(stored[0]).split("::", maxsplit=1)[0])
    index = shard.with_name("index.parquet")
    if harm == "none":
        index.unlink()
    elif harm == "damaged":
        index.write_bytes(b"no index")
    else:
        for file in shard.parent.glob("*.tar"):  # longer than it says
            file.write_bytes(file.read_bytes() + bytes(10_240))
    reader = PhotoReader(stored)
    assert [reader.read(row) for row in range(12)] == expected


def test_a_lost_shard_and_a_lost_member(stored, tmp_path):
    shard = tmp_path / "out" / "shards" / "000000.tar"
    reader = PhotoReader([*stored, f"{shard}::none.jpg"])
    with pytest.raises(PhotoError, match="holds no such file"):
        reader.read(12)
    for file in shard.parent.glob("*.tar"):
        file.unlink()
    with pytest.raises(PhotoError) as caught:
        reader.read(0)
    assert caught.value.reason == "missing"
    assert reader.name(0) == f"Photo '{stored[0]}'"


def test_no_photos():
    assert len(PhotoReader([])) == 0
