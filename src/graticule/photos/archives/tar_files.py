"""Members of tar files, as WebDataset and many others pack photos; uncompressed, so that any can be read."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from graticule.errors import PhotoError
from graticule.photos.archives.index import ARCHIVE_ADVICE, Member


def tar_members(path: Path) -> Iterator[Member]:
    """The files in a tar, in order.

    Raises:
        PhotoError: after the members that could be told: ``reason`` is ``damaged``.
    """
    total = path.stat().st_size
    try:
        with tarfile.open(path, "r:") as archive:
            for entry in archive:
                archive.members = []  # type: ignore[attr-defined]  # it would keep all, a kilobyte each
                if not entry.isreg():
                    continue
                if entry.offset_data + entry.size > total:
                    raise PhotoError(
                        f"Tar '{path}' ends early, within '{entry.name}'.",
                        reason="damaged",
                        advice=ARCHIVE_ADVICE,
                    )
                yield Member(entry.name, entry.offset_data, entry.size)
    except (tarfile.TarError, EOFError, ValueError) as error:
        if isinstance(error, PhotoError):
            raise
        raise PhotoError(
            f"'{path}' cannot be read as an uncompressed tar: {error}. If it is compressed, unpack it.",
            reason="damaged",
            advice=ARCHIVE_ADVICE,
        ) from error
