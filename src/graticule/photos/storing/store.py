"""Stores the photos of a table: each once, in parallel; a run that was killed goes on where it stopped.

Photos are dealt to shards by split and by a hash of their ids, so that each is a fair sample of its split,
whatever the order of the table. A shard depends on nothing but its rows: which process wrote it, when, and
how often the run was killed leave no trace.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import polars as pl

from graticule.config import usable_cores
from graticule.errors import PhotoError
from graticule.photos.archives import SEPARATOR
from graticule.photos.decode import read_bytes
from graticule.photos.layouts.base import Refusal
from graticule.photos.parallel import map_in_order
from graticule.photos.storing.containers import UNFINISHED, Container, new_folder, new_tar, sync_folder
from graticule.photos.storing.journal import begin
from graticule.photos.storing.keys import storage_keys
from graticule.photos.storing.locking import only_run
from graticule.photos.storing.reencoding import Encoded, as_it_is, reencoded
from graticule.photos.storing.storage import Storage
from graticule.photos.table import SPLITS
from graticule.photos.writing import write_parquet

INDEX_NAME: Final = "index.parquet"
"""Beside the shards: where each photo starts and how long it is, so that any can be read without a scan."""

ORIGINAL: Final = "original_sha256"
"""Column with the fingerprint of the file that a stored photo was made from."""

_PARTS: Final = "parts"

_INDEX: Final[dict[str, pl.DataType]] = {
    "photo_id": pl.String(),
    "shard": pl.String(),
    "member": pl.String(),
    "offset": pl.Int64(),
    "size": pl.Int64(),
    "json_offset": pl.Int64(),
    "json_size": pl.Int64(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "sha256": pl.String(),
    ORIGINAL: pl.String(),
    "reason": pl.String(),
    "message": pl.String(),
}


@dataclass(frozen=True)
class Stored:
    """What became of the photos.

    Convention:
        - ``rows``: of the photo table; ``file``, ``width``, ``height``, ``sha256`` are of what is stored
        - ``refused``: photos that could not be decoded
        - ``summary``: the form, how many photos, containers and bytes; ready for JSON
    """

    rows: pl.DataFrame
    refused: list[Refusal]
    summary: dict[str, Any]


def store_photos(
    rows: pl.DataFrame,
    output: Path,
    storage: Storage,
    *,
    force: bool = False,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Stored:
    """Store the photos of ``rows`` in the folder ``output``; what a former run finished is kept.

    Convention:
        - ``rows``: of the photo table, with ``file``, the path of each original, instead of ``path``
        - ``workers``: threads; one per usable core when left out
        - ``on_progress(done, total)`` counts photos, those of former runs too

    Raises:
        UsageError: photos are stored there already, others or in another form, and not ``force``; or another
            run is at it.
        OSError: the folder cannot be written to, or its disk is full; the same call goes on.
    """
    folder = output / storage.folder
    with only_run(output), _naming(folder):
        begin(output, storage, rows, force=force)
        (folder / _PARTS).mkdir(parents=True, exist_ok=True)
        for place in (output, folder):
            _remove_unfinished(place)
        if not (folder / INDEX_NAME).is_file() or not _is_whole(folder):
            _store_all(rows, folder, storage, workers, on_progress)
        shutil.rmtree(folder / _PARTS)
    index = pl.read_parquet(folder / INDEX_NAME)
    if on_progress is not None:
        on_progress(rows.height, rows.height)
    return _stored(rows, index, folder, storage)


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    """An error of the system that names no file, as a full disk's, names the folder that was written to."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(folder)
        raise


def _store_all(
    rows: pl.DataFrame,
    folder: Path,
    storage: Storage,
    workers: int | None,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Every shard that is not there yet, then the index of all."""
    dealt = _dealt(rows)
    parts = []
    for number, start in enumerate(range(0, dealt.height, storage.photos_per_shard)):
        some = dealt.slice(start, storage.photos_per_shard)
        step = partial(_step, on_progress, start, dealt.height)
        parts.append(_shard(folder, number, some, storage, workers, step))
    _write_index(parts, folder)


def _step(on_progress: Callable[[int, int], None] | None, start: int, total: int, done: int) -> None:
    if on_progress is not None:
        on_progress(start + done, total)


def _dealt(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by split, then by a hash, with a key for each."""
    keys = pl.Series("key", storage_keys(rows["photo_id"].to_list()), dtype=pl.String)
    lots = [hashlib.blake2b(name.encode(), digest_size=8).digest().hex() for name in rows["photo_id"]]
    order = pl.DataFrame(
        {
            "split": rows["split"].replace_strict(list(SPLITS), range(len(SPLITS)), default=len(SPLITS)),
            "lot": lots,
        }
    )
    return rows.with_columns(keys)[order.select(pl.arg_sort_by("split", "lot")).to_series()]


def _remove_unfinished(folder: Path) -> None:
    """What a killed run left half written."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_whole(folder: Path) -> bool:
    """Whether all that a finished index names is there."""
    named = pl.read_parquet(folder / INDEX_NAME, columns=["shard"])["shard"].drop_nulls().unique()
    return all((folder / name).exists() for name in named)


def _shard(
    folder: Path,
    number: int,
    rows: pl.DataFrame,
    storage: Storage,
    workers: int | None,
    step: Callable[[int], None],
) -> Path:
    """Write the shard of some rows and the part of the index about it, unless both are there.

    The part is put in place before the shard is: a shard that is there has its part.
    """
    shard = folder / (f"{number:06}.tar" if storage.shards else f"{number:06}")
    part = folder / _PARTS / f"{number:06}.parquet"
    if shard.exists() and part.exists():
        step(rows.height)
        return part
    if shard.is_dir():
        shutil.rmtree(shard)
    known = rows.drop("key", "file")
    encode = partial(_encoded, storage=storage)
    files = list(zip(rows["file"], rows["sha256"], strict=True))
    found = []
    with (new_tar if storage.shards else new_folder)(shard) as container:
        results = map_in_order(encode, files, workers=workers or usable_cores())
        for done, (key, row, result) in enumerate(
            zip(rows["key"], known.iter_rows(named=True), results, strict=True), start=1
        ):
            found.append(_entry(container, shard.name, key, row, result))
            step(done)
        _write_parquet(pl.DataFrame(found, schema=_INDEX), part)
    return part


def _encoded(original: tuple[str, str | None], storage: Storage) -> tuple[Encoded, str] | PhotoError:
    """A photo in its stored form with the hash of its original; what is wrong with it, not raised."""
    file, _ = original
    name = f"Photo '{file}'"
    try:
        data = read_bytes(file)
        if storage.max_side_px is None:
            photo = as_it_is(data, name=name)
        else:
            photo = reencoded(data, max_side_px=storage.max_side_px, quality=storage.quality, name=name)
    except PhotoError as error:
        return error
    return photo, hashlib.sha256(data).hexdigest()


def _entry(
    container: Container, shard: str, key: str, row: dict[str, Any], result: tuple[Encoded, str] | PhotoError
) -> dict[str, Any]:
    """Put a photo into its shard; the row of the index about it."""
    if isinstance(result, PhotoError):
        return {"photo_id": row["photo_id"], "reason": result.reason, "message": str(result)}
    photo, read_sha256 = result
    measured = {
        "width": photo.width_px,
        "height": photo.height_px,
        "sha256": hashlib.sha256(photo.data).hexdigest(),
        ORIGINAL: row.get(ORIGINAL) or read_sha256,
    }
    told = {name: value for name, value in (row | measured).items() if value is not None}
    image, *others = container.put(key, photo, told)
    entry = {"photo_id": row["photo_id"], "shard": shard, **image._asdict(), **measured}
    for other in others:
        entry |= {"json_offset": other.offset, "json_size": other.size}
    return entry


def _write_index(parts: list[Path], folder: Path) -> None:
    frames = [pl.read_parquet(part) for part in parts]
    _write_parquet(pl.concat(frames) if frames else pl.DataFrame(schema=_INDEX), folder / INDEX_NAME)


def _write_parquet(frame: pl.DataFrame, file: Path) -> None:
    unfinished = file.with_name(f"{UNFINISHED}{file.name}.{os.getpid()}")
    with unfinished.open("wb") as handle:
        write_parquet(frame, handle)
        handle.flush()
        os.fsync(handle.fileno())
    unfinished.replace(file)
    sync_folder(file.parent)


def _stored(rows: pl.DataFrame, index: pl.DataFrame, folder: Path, storage: Storage) -> Stored:
    """The rows with what the index says of each, in their own order."""
    mark = SEPARATOR if storage.shards else "/"
    told = index.select(
        "photo_id",
        (pl.lit(f"{folder}{os.sep}") + pl.col("shard") + mark + pl.col("member")).alias("file"),
        *("width", "height", "sha256", ORIGINAL, "reason", "message"),
    )
    replaced = [name for name in told.columns if name != "photo_id" and name in rows.columns]
    joined = rows.rename({"file": "original"}).drop(replaced, strict=False)
    joined = joined.join(told, on="photo_id", how="left", maintain_order="left")
    refused = [
        Refusal(row["photo_id"], row["original"], row["reason"], row["message"])
        for row in joined.filter(pl.col("reason").is_not_null()).iter_rows(named=True)
    ]
    kept = joined.filter(pl.col("reason").is_null())
    own = [name for name in rows.columns if name in kept.columns]
    kept = kept.select(*own, *([] if ORIGINAL in own else [ORIGINAL]))
    summary = storage.form() | {
        "folder": storage.folder,
        "photos": kept.height,
        "bytes": int(index["size"].sum()),
        "containers": index["shard"].n_unique() - int(index["shard"].null_count() > 0),
        "encoder": _encoder(),
    }
    return Stored(kept, refused, summary)


def _encoder() -> str:
    """What wrote the JPEG files: their bytes are the same only where it is."""
    from PIL import __version__, features

    return f"Pillow {__version__}, libjpeg {features.version('jpg')}"
