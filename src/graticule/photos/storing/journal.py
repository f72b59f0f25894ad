"""What a folder of stored photos was begun with: a run that was cut short goes on, and no other does."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import polars as pl

from graticule.errors import MissingFileError, UsageError
from graticule.photos.archives import member_of
from graticule.photos.ingest_paths import relative_paths
from graticule.photos.storing.containers import UNFINISHED, sync_folder
from graticule.photos.storing.storage import Storage
from graticule.photos.table import STORAGE_NAME

_FORMAT: Final = 1
_FOLDERS: Final = ("shards", "photos")
_ROWS: Final = 50_000


def check_form(output: Path, storage: Storage | None, *, force: bool) -> None:
    """Refuse to go on in a folder whose photos are stored in another form.

    Raises:
        UsageError: says the form there and the form asked for, and what to type.
    """
    journal = read_journal(output)
    asked = storage.form() if storage else None
    if journal is None or force or journal["form"] == asked:
        return
    raise UsageError(
        f"Folder '{output}' holds photos that are stored {_in_words(journal['form'])}; now they are to be "
        f"{'stored ' + _in_words(asked) if asked else 'left where they are'}.\n"
        "Name another folder after -o, or begin anew (what is stored there is removed):  --force"
    )


def begin(output: Path, storage: Storage, rows: pl.DataFrame, *, force: bool) -> None:
    """Note what is to be stored, or find it noted; with ``force`` what is there of other photos goes first.

    Convention:
        - ``rows``: of the photo table, with ``file``, the path of each original

    Raises:
        UsageError: other photos are stored there, or the originals lie among what would be removed.
    """
    journal = read_journal(output)
    wanted = {
        "format": _FORMAT,
        "form": storage.form(),
        "photos": rows.height,
        "fingerprint": fingerprint(rows, output),
    }
    if journal == wanted:
        return
    if journal is not None and not force:
        raise UsageError(
            f"Folder '{output}' holds {journal['photos']:,} stored photos, and the {rows.height:,} of this "
            "source are not the same: photos or what is known of them changed.\n"
            "Name another folder after -o, or begin anew (what is stored there is removed):  --force"
        )
    if journal is not None:
        clear(output, rows["file"].to_list())
    elif any((output / name).exists() for name in _FOLDERS):
        _refuse_strangers(output, storage)
    unfinished = output / f".{STORAGE_NAME}.{os.getpid()}"
    unfinished.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(output / STORAGE_NAME)
    sync_folder(output)


def clear(output: Path, files: list[str]) -> None:
    """Remove what was stored in a folder.

    Raises:
        UsageError: one of ``files`` lies there.
    """
    if read_journal(output) is None:
        return
    ours = [os.path.realpath(output / name) + os.sep for name in _FOLDERS]
    folders = {os.path.realpath(Path(member_of(file)[0] if "::" in file else file).parent) for file in files}  # type: ignore[index]
    if any((folder + os.sep).startswith(tuple(ours)) for folder in folders):
        raise UsageError(
            f"The photos lie in '{output}' themselves, so that what is stored there cannot be removed.\n"
            "Name another folder:  -o FOLDER"
        )
    for name in _FOLDERS:
        doomed = output / f"{UNFINISHED}{name}"  # half a folder must not look like a whole one
        if (output / name).exists():
            shutil.rmtree(doomed, ignore_errors=True)
            (output / name).rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
    (output / STORAGE_NAME).unlink()


def fingerprint(rows: pl.DataFrame, output: Path) -> str:
    """A hash of all that is known of the photos; where they have none, also of their files' size and date."""
    digest = hashlib.sha256()
    seen: dict[str, str] = {}
    paths = relative_paths(rows["file"], output)
    stamps = pl.Series(
        "stamp",
        [
            "" if known else _stamp(file, seen)
            for file, known in zip(rows["file"], rows["sha256"].is_not_null(), strict=True)
        ],
        dtype=pl.String,
    )
    told = rows.drop("file").with_columns(paths, stamps)
    for start in range(0, told.height, _ROWS):
        digest.update(told.slice(start, _ROWS).write_ndjson().encode())
    return digest.hexdigest()


def _stamp(file: str, seen: dict[str, str]) -> str:
    inside = member_of(file)
    path = str(inside[0]) if inside else file
    if path not in seen:
        try:
            found = os.stat(path)  # noqa: PTH116 -- a million times
            seen[path] = f"{found.st_size} {found.st_mtime_ns}"
        except OSError:
            seen[path] = "missing"
    return seen[path]


def read_journal(output: Path) -> dict[str, Any] | None:
    """What is noted of the photos stored in a folder; None where none are.

    Raises:
        MissingFileError: the note cannot be read.
    """
    file = output / STORAGE_NAME
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise MissingFileError(f"'{file}' cannot be read: {error}.\nName another folder after -o.") from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise MissingFileError(f"'{file}' is of a form that is not known.\nName another folder after -o.")
    return found


def _refuse_strangers(output: Path, storage: Storage) -> None:
    """A folder of that name that is not ours is left alone."""
    if (output / storage.folder).exists():
        raise UsageError(
            f"'{output / storage.folder}' exists and was not made by ingest, so it is not written into.\n"
            "Name another folder after -o."
        )


def _in_words(form: dict[str, Any]) -> str:
    side = form["max_side_px"]
    size = f"with --max-side {side}, --quality {form['quality']}" if side else "as they are"
    return f"{size} in {'shards' if form['shards'] else 'folders'} of {form['photos_per_shard']:,}"
