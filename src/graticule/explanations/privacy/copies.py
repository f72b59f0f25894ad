"""Where clean copies are written: never over a photo, each under a name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from graticule.errors import MissingFileError, PhotoError, UsageError
from graticule.photos.metadata import FORMATS, format_for, suffix_for

if TYPE_CHECKING:
    from graticule.inference.sources import Source


@dataclass
class Copies:
    """Where the copies of some photos go.

    Convention:
        - ``target``: a file for one photo, a folder for several, None: nothing is written
        - names in the folder are those of the photos; the ending becomes that of the copy's format
    """

    sources: Sequence[Source]
    target: Path | None
    is_folder: bool
    taken: set[Path] = field(default_factory=set)

    @classmethod
    def planned(cls, sources: Sequence[Source], target: Path | None) -> Copies:
        """Check, before any work is done, that the copies can be written there.

        Raises:
            UsageError: the target is one of the photos, a file for several photos, or of no known format.
            MissingFileError: its folder cannot be made.
        """
        if target is None:
            return cls(sources, None, is_folder=False)
        is_folder = target.is_dir() or not target.suffix
        if not is_folder:
            if len(sources) != 1:
                raise UsageError(
                    f"'{target}' is one file, and there are {len(sources)} photos.\n"
                    f"Name a folder:  -o {target.with_suffix('')}"
                )
            format_for(target.suffix)
            _check_apart(target, sources)
        folder = target if is_folder else target.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MissingFileError(
                f"The folder '{folder}' cannot be made ({error.strerror or error}).\n"
                "Name one that you may write to:  -o clean/"
            ) from error
        if is_folder:
            for source in sources:
                _check_apart(target / _inside(source), [source])
        return cls(sources, target, is_folder=is_folder)

    @property
    def form(self) -> str | None:
        """The format that the file's ending asks for; None where each photo keeps its own."""
        return None if self.target is None or self.is_folder else format_for(self.target.suffix)

    def write(self, source: Source, clean: bytes, form: str) -> Path | None:
        """Write a copy; its path.

        Raises:
            UsageError: it would be written over one of the photos.
            MissingFileError: it cannot be written.
        """
        if self.target is None:
            return None
        path = self._place(source, form) if self.is_folder else self.target
        _check_apart(path, self.sources)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.name}.part")  # whole or not at all
            unfinished.write_bytes(clean)
            unfinished.replace(path)
        except OSError as error:
            raise MissingFileError(
                f"The copy '{path}' cannot be written ({error.strerror or error}).\n"
                "Name a place that you may write to:  -o clean/"
            ) from error
        return path

    def _place(self, source: Source, form: str) -> Path:
        """A path below the folder that no other copy of this run has."""
        assert self.target is not None  # the caller has made sure
        path = self.target / _inside(source)
        if FORMATS.get(path.suffix.lower()) != form:
            path = path.with_suffix(suffix_for(form))
        number = 1
        first = path
        while path in self.taken:
            number += 1
            path = first.with_stem(f"{first.stem}-{number}")
        self.taken.add(path)
        return path


def _inside(source: Source) -> Path:
    """The photo's own name and folders, without those that lead elsewhere."""
    parts = PurePosixPath(source.photo_id.replace("::", "/")).parts
    return Path(*[part for part in parts if part.strip("./")] or ["photo"])


def photo_of(source: Source) -> bytes | str | Path:
    """What is to be checked: a path, beside which a sidecar may lie, or bytes.

    Raises:
        PhotoError: the source could not be opened, or is no file.
    """
    photo = source.photo
    if isinstance(photo, PhotoError):
        raise photo
    if isinstance(photo, str | Path | bytes):
        return photo
    raise PhotoError(
        f"'{source.photo_id}' is a {type(photo).__name__}, not a file with metadata.",
        reason="not-an-image",
        advice="Give the path or the bytes of its file.",
    )


def _check_apart(path: Path, sources: Sequence[Source]) -> None:
    """Refuse to write over a photo, also where another name or link leads to it."""
    for source in sources:
        if source.path is None:
            continue
        photo = Path(source.path.partition("::")[0])
        if path.exists() and photo.exists() and path.samefile(photo):
            raise UsageError(
                f"'{path}' is the photo itself, which is never written over.\n"
                f"Name another place:  -o {path.with_stem(path.stem + '-clean')}"
            )
