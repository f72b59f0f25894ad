"""Writes files whole or not at all, and keeps the paths in a table right when it goes to another folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

_SYSTEM_ERROR: Final = re.compile(r"\(os error (\d+)\)")


def replace_files(writers: Mapping[Path, Callable[[Path], object]]) -> None:
    """Write several files; should any fail to be written, all are left as they were.

    Convention:
        - ``writers``: each file to write, and what writes it to the path that it is called with

    Raises:
        OSError: a file cannot be written.
    """
    unfinished = {file: file.with_name(f".{file.name}.{os.getpid()}") for file in writers}
    try:
        for file, write in writers.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            write(unfinished[file])
        for file, path in unfinished.items():
            path.replace(file)
    finally:
        for path in unfinished.values():
            path.unlink(missing_ok=True)


def write_parquet(
    frame: pl.DataFrame, file: Path | BinaryIO, *, metadata: dict[str, str] | None = None
) -> None:
    """Write a table; a full disk raises ``OSError``, which Polars would hide in an error of its own.

    Raises:
        OSError: the file cannot be written.
    """
    try:
        frame.write_parquet(file, compression="zstd", metadata=metadata)
    except pl.exceptions.ComputeError as error:
        found = _SYSTEM_ERROR.search(str(error))
        if found is None:
            raise
        number, name = int(found[1]), str(file) if isinstance(file, Path) else None
        raise OSError(number, os.strerror(number), name) from error


def rebased(paths: pl.Series, source: Path, target: Path) -> pl.Series:
    """Paths relative to the folder ``source`` as paths relative to the folder ``target``.

    Convention:
        - ``shard.tar::member`` keeps its member; absolute paths stay

    Example:
        >>> rebased(pl.Series(["../a/1.jpg", "s.tar::2.jpg"]), Path("/d/in"), Path("/d/out/x")).to_list()
        ['../../a/1.jpg', '../../in/s.tar::2.jpg']
    """
    root = os.path.realpath(target)
    folders: dict[str, str] = {}
    moved = []
    for path in paths:
        file, mark, member = path.partition("::")
        folder, name = os.path.split(file)
        if folder not in folders:
            there = os.path.realpath(source / folder)
            folders[folder] = there if Path(folder).is_absolute() else os.path.relpath(there, root)
        where = os.path.join(folders[folder], name)  # noqa: PTH118 -- a million times
        moved.append(where.replace(os.sep, "/").removeprefix("./") + mark + member)
    return pl.Series(paths.name, moved, dtype=pl.String)
