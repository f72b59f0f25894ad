"""The one place that knows the form ``archive::member`` and the kinds of archives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from graticule.errors import PhotoError
from graticule.photos.archives.index import Member, MemberIndex
from graticule.photos.archives.msgpack_shards import msgpack_members
from graticule.photos.archives.tar_files import tar_members
from graticule.photos.archives.zip_files import zip_content, zip_members

SEPARATOR: Final = "::"
"""Stands between an archive and the name of a photo inside it."""


def _plain(file: BinaryIO, member: Member, max_bytes: int) -> bytes:  # noqa: ARG001 -- the form of all kinds
    file.seek(member.start)
    data = file.read(member.size)
    if len(data) < member.size:
        raise PhotoError("the archive ends early", reason="truncated")
    return data


class _Kind(NamedTuple):
    members: Callable[[Path], Iterator[Member]]
    content: Callable[[BinaryIO, Member, int], bytes]


_KINDS: Final = {
    ".zip": _Kind(zip_members, zip_content),
    ".tar": _Kind(tar_members, _plain),
    ".msg": _Kind(msgpack_members, _plain),
    ".msgpack": _Kind(msgpack_members, _plain),
}

ARCHIVE_SUFFIXES: Final = tuple(_KINDS)
"""File endings (lower case) of archives whose photos can be read in place."""

_PATH: Final = re.compile(
    rf"(.*?(?:{'|'.join(re.escape(suffix) for suffix in ARCHIVE_SUFFIXES)})){SEPARATOR}(.+)", re.I | re.S
)


@dataclass(frozen=True)
class Listing:
    """The names of an archive's files, in order, and what kept the rest from being read, or None."""

    names: list[str]
    problem: PhotoError | None


@dataclass(frozen=True)
class _Known:
    stamp: tuple[int, int]  # length and time of last change of the archive
    index: MemberIndex
    problem: PhotoError | None


_known: dict[str, _Known] = {}


def is_archive(path: str | Path) -> bool:
    """Whether the ending of a file's name is that of an archive."""
    return str(path).lower().endswith(ARCHIVE_SUFFIXES)


def member_of(path: str | Path) -> tuple[Path, str] | None:
    """The archive and the name inside it that a path means, or None for the path of a plain file.

    Example:
        >>> archive, name = member_of("images/00.zip::00/17.jpg")
        >>> archive.as_posix(), name, member_of("images/17.jpg")
        ('images/00.zip', '00/17.jpg', None)
    """
    match = _PATH.fullmatch(str(path)) if SEPARATOR in str(path) else None
    return None if match is None else (Path(match[1]), match[2].replace("\\", "/"))


def list_members(archive: Path) -> Listing:
    """The files in an archive, of whatever kind they are.

    Raises:
        PhotoError: there is no such archive (``missing``), or it cannot be opened (``unreadable``).
    """
    names: list[str] = []
    known = _look_through(archive, names)
    return Listing(names, known.problem)


def read_member(archive: Path, name: str, *, max_bytes: int) -> bytes:
    """The bytes of one file inside an archive.

    Raises:
        PhotoError: ``reason`` is ``missing``, ``unreadable``, ``damaged``, ``truncated``, ``empty`` or
            ``too-large`` (more than ``max_bytes``).
    """
    photo = f"Photo '{archive}{SEPARATOR}{name}'"
    known = _index_of(archive)
    member = known.index.find(name)
    if member is None:
        if known.problem is not None:
            raise known.problem
        raise PhotoError(f"{photo} does not exist: the archive holds no such file.", reason="missing")
    if member.size > max_bytes:
        message = f"{photo} has {member.size:,} bytes; at most {max_bytes:,} are read."
        raise PhotoError(message, reason="too-large")
    try:
        with archive.open("rb") as file:
            data = _kind(archive).content(file, member, max_bytes)
    except PhotoError as error:
        said = f"{photo} cannot be read: {error.args[0]}."
        raise PhotoError(said, reason=error.reason, advice=error.advice) from error
    except OSError as error:
        raise _unreadable(archive, error) from error
    if not data:
        raise PhotoError(f"{photo} is empty (0 bytes).", reason="empty")
    return data


def is_photo_there(path: Path) -> bool:
    """Whether a path means a file that exists, plain or inside an archive."""
    inside = member_of(path)
    if inside is None:
        return path.is_file()
    archive, name = inside
    try:
        return archive.is_file() and _index_of(archive).index.find(name) is not None
    except PhotoError:
        return False


def _kind(archive: Path) -> _Kind:
    return next(kind for suffix, kind in _KINDS.items() if archive.name.lower().endswith(suffix))


def _index_of(archive: Path) -> _Known:
    """What is known of an archive; looked through again only when it has changed."""
    known = _known.get(str(archive))
    return known if known is not None and known.stamp == _stamp(archive) else _look_through(archive, None)


def _look_through(archive: Path, names: list[str] | None) -> _Known:
    """Make the index of an archive, and note the names on the way where they are asked for."""
    problem: PhotoError | None = None

    def members() -> Iterator[Member]:
        nonlocal problem
        try:
            for member in _kind(archive).members(archive):
                if names is not None:
                    names.append(member.name)
                yield member
        except PhotoError as error:  # what came before it can be used
            problem = error
        except OSError as error:
            raise _unreadable(archive, error) from error

    stamp = _stamp(archive)
    index = MemberIndex(members())
    _known[str(archive)] = known = _Known(stamp, index, problem)
    return known


def _stamp(archive: Path) -> tuple[int, int]:
    try:
        found = archive.stat()
    except OSError as error:
        raise _unreadable(archive, error) from error
    return found.st_size, found.st_mtime_ns


def _unreadable(archive: Path, error: OSError) -> PhotoError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return PhotoError(f"Archive '{archive}' does not exist.", reason="missing")
    return PhotoError(f"Archive '{archive}' cannot be read: {error.strerror or error}.", reason="unreadable")
