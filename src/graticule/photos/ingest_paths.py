"""Paths of photos as a photo table has them: relative to its folder, so that both can be moved together."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl


def relative_paths(files: pl.Series, output: Path) -> pl.Series:
    """``files`` relative to the folder ``output``, with ``/``, as the column ``path``.

    Convention:
        - a file on another drive stays absolute; ``archive::member`` keeps its member
    """
    root = os.path.realpath(output)
    folders: dict[str, str] = {}

    def from_table(file: str) -> str:
        folder, name = os.path.split(file)
        if folder not in folders:
            try:
                folders[folder] = os.path.relpath(os.path.realpath(folder), root)
            except ValueError:  # another drive
                folders[folder] = os.path.realpath(folder)
        return os.path.join(folders[folder], name).replace(os.sep, "/").removeprefix("./")  # noqa: PTH118

    return pl.Series("path", [from_table(file) for file in files], dtype=pl.String)
