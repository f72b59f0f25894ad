"""Draws the photos of a plan into a folder, on several cores; killed, it goes on where it was."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Final

import polars as pl
from PIL import Image

from graticule._version import __version__
from graticule.errors import GraticuleError, MissingFileError, UsageError
from graticule.photos.synthetic.plan import PlanetSettings, plan_photos
from graticule.photos.synthetic.scene import render
from graticule.photos.synthetic.trip import Trip, scene_numbers
from graticule.photos.table import TABLE_NAME, read_photo_table, write_photo_table

Row = dict[str, Any]
PLANET_NAME: Final = "planet.json"
_QUALITY: Final = 90
_CHUNK: Final = 32  # photos that a worker is given at once


def build_planet(
    folder: str | Path,
    *,
    photos: int,
    size_px: tuple[int, int] = (224, 224),
    shortcuts: Mapping[str, Collection[str]] | None = None,
    seed: int = 0,
    countries: Sequence[str] | None = None,
    spread: str = "country",
    workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Draw a synthetic planet into ``folder``, or complete one that was cut short; returns its photo table.

    Convention:
        - ``size_px`` is (width, height)
        - ``shortcuts`` maps each of ``SHORTCUTS`` that is wanted to the countries it is planted in
        - ``countries``: codes or names; thirty on all continents when left out, and those of ``shortcuts``
        - ``spread``: "country" for as many photos in each, "area" for as many on each square kilometre
        - ``workers``: processes that draw; with more than one, call this under ``if __name__ == "__main__"``
        - ``on_progress(done, total)`` is called as photos are drawn
        - the folder gets ``images/``, ``masks/`` (255 where planted), ``photos.parquet`` (a photo table with
          ``shortcut``, ``mask``, ``month``) and ``planet.json``; the same settings give the same bytes

    Raises:
        UsageError: a setting is wrong, or the folder holds another planet or somebody's photos.
        MissingFileError: the folder cannot be written.
        GraticuleError: a worker was ended from outside.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = build_planet(folder, photos=2, size_px=(32, 32), countries=["NO"])
        >>> table["country"].to_list(), table["licence"][0]
        (['NO', 'NO'], 'CC0-1.0')
    """
    settings = PlanetSettings.checked(
        photos=photos, size_px=size_px, seed=seed, countries=countries, spread=spread, shortcuts=shortcuts
    )
    folder = Path(folder)
    plan = plan_photos(settings)
    try:
        _claim(folder, settings)
        for code in plan["country"].unique():
            (folder / "images" / code).mkdir(parents=True, exist_ok=True)
            if settings.shortcuts_in(code):
                (folder / "masks" / code).mkdir(parents=True, exist_ok=True)
        known = _drawn(folder, plan)
        if on_progress:
            on_progress(len(known), plan.height)
        for told in _draw_all(folder, plan.filter(~pl.col("photo_id").is_in(list(known))), settings, workers):
            known |= told
            if on_progress:
                on_progress(len(known), plan.height)
        _write_table(folder, plan, known)
    except OSError as error:
        raise MissingFileError(
            f"Folder '{folder}' cannot be written: {error.strerror or error}.\nGive another one:  -o FOLDER"
        ) from error
    return read_photo_table(folder)


def _claim(folder: Path, settings: PlanetSettings) -> None:
    """Write ``planet.json``, or check that the one there is of the same planet."""
    file = folder / PLANET_NAME
    if not file.is_file():
        if any((folder / name).exists() for name in ("images", "masks", TABLE_NAME)):
            raise UsageError(
                f"Folder '{folder}' holds photos, but no {PLANET_NAME}.\n"
                "Draw into another one:  -o NEW_FOLDER"
            )
        folder.mkdir(parents=True, exist_ok=True)
        written = settings.as_json() | {"made_by": f"graticule {__version__}", "licence": "CC0-1.0"}
        _write(file, json.dumps(written, indent=2).encode() + b"\n")
        return
    try:
        found = json.loads(file.read_bytes())
    except ValueError:
        found = {}
    wanted = settings.as_json()
    if other := [name for name, value in wanted.items() if found.get(name) != value]:
        raise UsageError(
            f"Folder '{folder}' holds another planet: {', '.join(other)} differ.\n"
            f"Draw into a new folder:  -o NEW_FOLDER    (the settings of the old one are in {file})"
        )


def _drawn(folder: Path, plan: pl.DataFrame) -> dict[str, str]:
    """sha256 by ``photo_id`` of what an earlier run has drawn: photos whose file is there, and their mask."""
    known = {}
    for photo_id, path, mask in plan.select("photo_id", "path", "mask").iter_rows():
        if (folder / path).is_file() and (mask is None or (folder / mask).is_file()):
            known[photo_id] = hashlib.sha256((folder / path).read_bytes()).hexdigest()
    return known


def _draw_all(
    folder: Path, plan: pl.DataFrame, settings: PlanetSettings, workers: int
) -> Iterator[dict[str, str]]:
    """Draw the photos of ``plan``; yields the sha256 by ``photo_id`` of those just drawn."""
    chunks = [chunk.to_dicts() for chunk in plan.iter_slices(_CHUNK)]
    if workers <= 1 or len(chunks) <= 1:
        for chunk in chunks:
            for row in chunk:
                yield _draw_chunk(folder, [row], settings)
        return
    spawn = multiprocessing.get_context("spawn")  # Polars' threads do not survive a fork
    pool = ProcessPoolExecutor(min(workers, len(chunks)), mp_context=spawn, initializer=_follow_parent)
    try:
        for future in as_completed([pool.submit(_draw_chunk, folder, chunk, settings) for chunk in chunks]):
            yield future.result()
    except BrokenProcessPool as error:
        raise GraticuleError(
            "A process that drew photos was ended from outside, for want of memory perhaps.\n"
            "The same line again goes on from here; with fewer at once:  --workers 1"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _follow_parent() -> None:
    """In a worker: leave Ctrl-C to the parent, and end when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _draw_chunk(folder: Path, rows: list[Row], settings: PlanetSettings) -> dict[str, str]:
    return {row["photo_id"]: _draw(folder, row, settings) for row in rows}


def _draw(folder: Path, row: Row, settings: PlanetSettings) -> str:
    """Draw one photo and its mask, the photo last: it marks both as done. Returns its sha256."""
    photo, mask = render(
        (row["latitude"], row["longitude"]),
        rng=scene_numbers(settings.seed, row["country"], row["trip"], 1 + row["number"]),
        size_px=settings.size_px,
        shortcut=settings.shortcuts_in(row["country"]),
        country=row["country"],
        trip=Trip.of(settings.seed, row["country"], row["trip"]),
    )
    if row["mask"]:
        _write(folder / row["mask"], _encoded(Image.fromarray(mask), "PNG"))
    data = _encoded(photo, "JPEG", quality=_QUALITY)
    _write(folder / row["path"], data)
    return hashlib.sha256(data).hexdigest()


def _write_table(folder: Path, plan: pl.DataFrame, known: Mapping[str, str]) -> None:
    """``photos.parquet``, written when every photo is there; files that a killed run left half-written go."""
    sums = pl.Series("sha256", [known[photo_id] for photo_id in plan["photo_id"]])
    write_photo_table(plan.with_columns(sums).drop("trip", "number"), folder)
    for kind in ("images", "masks"):
        for unfinished in (folder / kind).glob("*/.*"):
            unfinished.unlink(missing_ok=True)


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _write(file: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.write_bytes(data)
    unfinished.replace(file)
