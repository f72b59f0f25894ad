"""The bytes of a table's photos by row: from files, and from shards by their index, without a scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.errors import PhotoError
from graticule.photos.archives import SEPARATOR, member_of
from graticule.photos.decode import read_bytes
from graticule.photos.storing import INDEX_NAME

_PLAIN: Final = -1
_BLOCK, _RECORD = (
    512,
    10_240,
)  # of tar: members begin at blocks, two empty ones and a whole record end the file


class PhotoReader:
    """Reads photos by row.

    What is kept is 20 bytes per photo, in arrays that forked processes share; no file stays open, so that
    processes and threads may read at once. Photos in other archives, and in shards that are not what their
    index says, are found as ``graticule.photos.decode.read_bytes`` finds them.

    Convention:
        - ``paths``: as ``graticule.photos.table.photo_paths`` gives them
        - ``shards``: (N,) which shard a row lies in, numbered from 0 in order of appearance; -1 for none

    Example:
        >>> reader = PhotoReader(["a.jpg", "b.jpg"])
        >>> len(reader), reader.shards.tolist()
        (2, [-1, -1])
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self.paths = paths
        self.files: list[Path] = []
        self.shards: NDArray[np.int32] = np.full(len(paths), _PLAIN, np.int32)
        self._offsets: NDArray[np.int64] = np.zeros(len(paths), np.int64)
        self._sizes: NDArray[np.int64] = np.zeros(len(paths), np.int64)
        self._find()

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, row: int) -> bytes:
        """The bytes of a photo.

        Raises:
            PhotoError: as ``graticule.photos.decode.read_bytes``.
        """
        size = int(self._sizes[row])
        if size == 0:
            return read_bytes(self.paths[row])
        shard = self.files[self.shards[row]]
        try:
            with shard.open("rb", buffering=0) as file:
                file.seek(int(self._offsets[row]))
                data = bytes(file.read(size) or b"")
        except OSError as error:
            raise PhotoError(
                f"Photo '{self.paths[row]}' cannot be read: {error.strerror or error}.",
                reason="missing" if isinstance(error, FileNotFoundError) else "unreadable",
            ) from error
        if len(data) < size:
            raise PhotoError(f"Photo '{self.paths[row]}' ends early, as its shard does.", reason="truncated")
        return data

    def name(self, row: int) -> str:
        """What begins the sentences of errors about a photo."""
        return f"Photo '{self.paths[row]}'"

    def _find(self) -> None:
        """Where the photos in indexed shards start."""
        rows: dict[str, tuple[list[int], list[str]]] = {}
        for row, path in enumerate(self.paths):
            archive, mark, member = str(path).partition(SEPARATOR)
            if mark and archive not in rows:  # asked once per archive: there are millions of paths
                inside = member_of(str(path))
                archive, member = (str(inside[0]), inside[1]) if inside is not None else ("", "")
            if mark and archive:
                numbers, members = rows.setdefault(archive, ([], []))
                numbers.append(row)
                members.append(member)
        indices: dict[Path, dict[str, pl.DataFrame]] = {}
        for number, (name, (numbers, members)) in enumerate(rows.items()):
            shard = Path(name)
            self.files.append(shard)
            self.shards[numbers] = number
            if shard.parent not in indices:
                indices[shard.parent] = _index(shard.parent)
            index = indices[shard.parent].get(shard.name)
            if index is not None and _is_of(index, shard):
                asked = pl.DataFrame({"member": members})
                found_there = asked.join(index, on="member", how="left", maintain_order="left")
                self._offsets[numbers] = found_there["offset"].fill_null(0).to_numpy()
                self._sizes[numbers] = found_there["size"].fill_null(0).to_numpy()


def _index(folder: Path) -> dict[str, pl.DataFrame]:
    """By the name of a shard where its members start; nothing where ingest wrote no index."""
    file = folder / INDEX_NAME
    if not file.is_file():
        return {}
    try:
        index = pl.read_parquet(
            file, columns=["shard", "member", "offset", "size", "json_offset", "json_size"]
        ).drop_nulls("member")
    except (pl.exceptions.PolarsError, OSError):
        return {}
    return {str(name): part for (name,), part in index.partition_by("shard", as_dict=True).items()}


def _is_of(index: pl.DataFrame, shard: Path) -> bool:
    """Whether a shard is as long as its index says: one written anew by others is looked through instead."""
    last = index.select(
        pl.max_horizontal(
            pl.col("offset") + pl.col("size"), pl.col("json_offset") + pl.col("json_size")
        ).max()
    )
    end = -(-int(last.item() or 0) // _BLOCK) * _BLOCK + 2 * _BLOCK
    try:
        return shard.stat().st_size == -(-end // _RECORD) * _RECORD
    except OSError:
        return False
