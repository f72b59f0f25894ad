"""Finds photos in folders, and the file that a row of a table means."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NoReturn

from graticule.config import IMAGE_SUFFIXES, nearest
from graticule.errors import MissingFileError, PhotoError
from graticule.photos.archives import SEPARATOR, is_archive, is_photo_there, list_members
from graticule.photos.names import NameIndex

_PUT: Final = "Put it there, or name the folder that the table's paths start from."

_WEB: Final = ("http://", "https://", "ftp://")


def list_photos(folder: Path, *, problems: list[str] | None = None) -> list[Path]:
    """The photos in a folder and below it, by their endings, in the order of their names; no hidden ones.

    Convention:
        - ``problems``: sentences on links to folders that lead nowhere are added to it

    Raises:
        MissingFileError: there is no such folder, or it cannot be read.
    """
    return [folder / name for name in sorted(_names(folder, problems)) if _is_photo(name)]


def list_archives(folder: Path) -> list[Path]:
    """The archives in a folder and below it, by their endings, in the order of their names; no hidden ones.

    Raises:
        MissingFileError: there is no such folder, or it cannot be read.
    """
    return [folder / name for name in sorted(_names(folder)) if is_archive(name)]


def list_top(folder: Path) -> list[Path]:
    """What lies directly in a folder, by name.

    Raises:
        MissingFileError: there is no such folder, or it cannot be read.
    """
    require_folder(folder)
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise MissingFileError(
            f"Folder '{folder}' cannot be read: {error.strerror}.\nCheck that you may read it."
        ) from error


def require_folder(path: Path) -> None:
    """Refuse a folder that is not there.

    Raises:
        MissingFileError: says whether something of the name exists, and the nearest name beside it.
    """
    if path.is_dir():
        return
    if path.exists():
        raise MissingFileError(f"'{path}' is a file, and a folder was expected.\nName:  {path.parent}")
    raise no_such(path)


def no_such(path: Path) -> MissingFileError:
    """The error for a path that does not exist, with the nearest name beside it."""
    beside = sorted(item.name for item in path.parent.iterdir()) if path.parent.is_dir() else []
    close = nearest(path.name, beside)
    advice = (
        f"\nDid you mean:  {path.parent / close}" if close else "\nLook where it lies, and name it again."
    )
    return MissingFileError(f"There is no file or folder '{path}'.{advice}")


class FileIndex:
    """All photos below a folder, found by the path, the name or the stem that a table gives.

    The folder is walked once, so that a table of a million rows costs no million look-ups on disk. Photos
    inside its archives are found too: those are looked through when a photo does not lie in the open.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []
        """What kept archives from being looked through, as sentences."""
        self._archives: list[str] = []
        self._plain = NameIndex(self._noting_archives(_names(folder, self.problems)))
        self._archives.sort()
        self._packed: NameIndex | None = None

    def __len__(self) -> int:
        """How many photos there are; those in archives only once one of them was needed."""
        return len(self._plain) + (len(self._packed) if self._packed else 0)

    def find(self, said: str) -> Path:
        r"""The file that a table's ``said`` means.

        Convention:
            - tried in turn: the path from the folder, the name anywhere below it, the name without its
              ending; ``\`` counts as ``/``, and ``45/77/3.jpg`` is also looked for as ``45_77_3.jpg``
            - a photo inside an archive is ``archive::member``

        Raises:
            PhotoError: ``reason`` is ``missing``, or ``ambiguous-path`` when several files match.
        """
        path = said.strip().replace("\\", "/").removeprefix("./")
        if path in self._plain:
            return self.folder / path
        if path.startswith(_WEB):
            message = f"Photo '{said}' is a web address; download it first and name the file."
            raise PhotoError(message, reason="missing", advice="")
        elsewhere = path.startswith(("/", "../")) or path[1:3] == ":/" or SEPARATOR in path
        if elsewhere and is_photo_there(self.folder / path):
            return self.folder / path
        if found := _find(self._plain, path, said):
            return self.folder / found
        if is_photo_there(
            self.folder / path
        ):  # with an ending that is not known: named outright, it is tried
            return self.folder / path
        if found := _find(self._in_archives(), path, said):
            return self.folder / found
        message = f"There is no photo '{said}' in '{self.folder}' or below it."
        raise PhotoError(message, reason="missing", advice=_PUT)

    def _noting_archives(self, names: Iterable[str]) -> Iterator[str]:
        """The photos among the names; the archives are noted on the way."""
        for name in names:
            if _is_photo(name):
                yield name
            elif is_archive(name):
                self._archives.append(name)

    def _in_archives(self) -> NameIndex:
        if self._packed is None:
            self._packed = NameIndex(self._members())
        return self._packed

    def _members(self) -> Iterator[str]:
        for archive in self._archives:
            try:
                listing = list_members(self.folder / archive)
            except PhotoError as error:
                self.problems.append(str(error))
                continue
            if listing.problem is not None:
                self.problems.append(str(listing.problem))
            shard = archive.lower().endswith((".msg", ".msgpack"))  # whose ids may lack an ending
            yield from (f"{archive}{SEPARATOR}{name}" for name in listing.names if shard or _is_photo(name))


def _find(index: NameIndex, path: str, said: str) -> str | None:
    """The path meant, or None; an error when it could be several."""
    name = path.rpartition("/")[2]
    other = path.replace("/", "_")
    found = index.named(name) or (index.named(other) if other != name else []) or index.with_stem(name)
    return _only(found, path, said) if found else None


def _only(names: list[str], path: str, said: str) -> str:
    """The one file meant; of several, the one whose path ends as the table says."""
    fitting = [name for name in names if name.endswith((f"/{path}", f"{SEPARATOR}{path}"))] or names
    if len(fitting) == 1:
        return fitting[0]
    some = "', '".join(sorted(fitting)[:3])
    message = f"Photo '{said}' could be any of {len(fitting)} files, such as '{some}'. Give its path."
    raise PhotoError(message, reason="ambiguous-path")


def _is_photo(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 -- a million times


def _names(folder: Path, problems: list[str] | None = None) -> Iterator[str]:
    """Paths of all files below a folder, relative to it, with ``/``; hidden files and folders left out."""

    def refuse(error: OSError) -> NoReturn:
        raise MissingFileError(
            f"Folder '{error.filename}' cannot be read: {error.strerror}.\nCheck that you may read it."
        ) from error

    def is_new(path: str) -> bool:
        try:
            found = os.stat(path)  # noqa: PTH116 -- a million times
        except OSError as error:
            refuse(error)
        known = len(seen)
        seen.add((found.st_dev, found.st_ino))
        return len(seen) > known

    require_folder(folder)
    seen: set[tuple[int, int]] = set()
    is_new(str(folder))
    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        visible = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in visible if is_new(f"{root}/{name}")]  # links may lead in circles
        below = os.path.relpath(root, folder).replace(os.sep, "/")
        for name in names:
            if problems is not None and "." not in name and _leads_nowhere(f"{root}/{name}"):
                problems.append(
                    f"'{root}/{name}' is a link that leads nowhere, so photos behind it are not read. "
                    "Mend the link, or remove it."
                )
            elif not name.startswith("."):
                yield name if below == "." else f"{below}/{name}"


def _leads_nowhere(path: str) -> bool:
    return os.path.islink(path) and not os.path.exists(path)  # noqa: PTH110, PTH114 -- a million times
