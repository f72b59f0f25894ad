"""Predictions in parts: a folder that fills chunk by chunk, so that a batch that was killed goes on.

The folder holds ``plan.parquet`` (which photos, in order, in chunks of how many, answered by what) and one
``part-000000.parquet`` per chunk that is done. A part appears whole or not at all; a part that is there is
never made again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import polars as pl

from graticule.errors import PredictionsError
from graticule.predictions.parquet import write_parquet
from graticule.predictions.table import SCHEMA, conform

PLAN: Final = "plan.parquet"
_KEY: Final = "graticule.plan"
_PHOTOS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "photo_id": pl.String,
    "path": pl.String,
    "file": pl.Binary,
    "problem": pl.String,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
}
PLAN_SCHEMA: Final = pl.Schema(_PHOTOS)
"""Columns of the plan. ``file``: the path as bytes where ``path`` cannot spell it, else null; ``problem``:
why there is nothing to decode, or null; ``latitude``, ``longitude``: the known place in degrees, or null."""


@dataclass(frozen=True)
class Answering:
    """What answers depend on besides the photos.

    Convention:
        - ``model``: name and revision; ``estimate``: how the point is chosen; ``top``: candidates kept
        - ``promise``: how often regions hold the truth, a share in text; None for no regions
        - ``chunk_size``: photos per part; ``batch_size``: photos that the network sees together
    """

    model: str
    estimate: str
    top: int
    batch_size: int
    chunk_size: int
    promise: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a folder of parts is to hold: N photos in ``ceil(N / chunk_size)`` parts."""

    photos: pl.DataFrame
    answering: Answering

    @property
    def parts(self) -> int:
        """How many parts there will be."""
        return -(-self.photos.height // self.answering.chunk_size)

    def chunk(self, part: int) -> pl.DataFrame:
        """The photos of a part, columns of ``PLAN_SCHEMA``."""
        return self.photos.slice(part * self.answering.chunk_size, self.answering.chunk_size)

    def begin(self, folder: Path) -> None:
        """Write the plan into ``folder``, or find there the same plan.

        Raises:
            PredictionsError: the folder was begun with another plan, or holds something else.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / PLAN).is_file():
            self._check_same(read_plan(folder), folder)
            return
        if strangers := sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")):
            raise PredictionsError(
                f"The folder '{folder}' is not empty and was not begun by `predict` "
                f"(found: {', '.join(strangers[:3])}).\n"
                "Name a new folder:  -o FOLDER"
            )
        document = json.dumps(asdict(self.answering))
        _replace(folder / PLAN, lambda path: self.photos.write_parquet(path, metadata={_KEY: document}))

    def _check_same(self, begun: Plan, folder: Path) -> None:
        ours, theirs = asdict(self.answering), asdict(begun.answering)
        for name in ours:
            if ours[name] != theirs[name]:
                raise PredictionsError(
                    f"'{folder}' was begun with {name.replace('_', ' ')} {theirs[name]}, "
                    f"now it is {ours[name]}.\n"
                    "Type the same as then to go on, or name a new folder:  -o FOLDER"
                )
        if not begun.photos.equals(self.photos):
            raise PredictionsError(
                f"The photos are no longer those that '{folder}' was begun with: "
                f"{_difference(begun.photos, self.photos)}.\n"
                "Put them back to go on, or name a new folder:  -o FOLDER"
            )

    def missing(self, folder: Path) -> list[int]:
        """The parts that are not yet in ``folder``, in order."""
        return [part for part in range(self.parts) if not part_path(folder, part).is_file()]


def part_path(folder: Path, part: int) -> Path:
    """Where a part lies or will lie."""
    return folder / f"part-{part:06}.parquet"


def write_part(folder: Path, part: int, table: pl.DataFrame) -> None:
    """Put a part, answers in the columns of ``SCHEMA``, into the folder, whole or not at all."""
    _replace(part_path(folder, part), lambda path: write_parquet(table, path))


def read_plan(folder: Path) -> Plan:
    """The plan of a folder of parts.

    Raises:
        PredictionsError: the folder has none, or it is damaged.
    """
    path = folder / PLAN
    if not path.is_file():
        raise PredictionsError(
            f"The folder '{folder}' holds no predictions: it has no '{PLAN}'.\n"
            f"Make some:  graticule predict PHOTOS -o {folder}"
        )
    try:
        answering = Answering(**json.loads(pl.read_parquet_metadata(path)[_KEY]))
        return Plan(pl.read_parquet(path).select(PLAN_SCHEMA.names()), answering)
    except (pl.exceptions.PolarsError, KeyError, TypeError, ValueError) as error:
        raise PredictionsError(
            f"'{path}' is damaged: {str(error).splitlines()[0]}\nName a new folder:  -o FOLDER"
        ) from error


def read_parts(folder: Path) -> pl.DataFrame:
    """All answers (columns of ``SCHEMA``) of a folder whose parts are complete, in the order of the plan.

    Raises:
        PredictionsError: a part is missing or damaged; the message says how to make it.
    """
    plan = read_plan(folder)
    if missing := plan.missing(folder):
        raise PredictionsError(
            f"'{folder}' holds {plan.parts - len(missing)} of {plan.parts} parts: the batch is not done.\n"
            f"Go on with the same line as before:  graticule predict PHOTOS -o {folder}"
        )
    frames = [_read_part(part_path(folder, part), plan.chunk(part).height) for part in range(plan.parts)]
    return conform(pl.concat(frames)) if frames else pl.DataFrame(schema=SCHEMA)


def tidy(folder: Path) -> None:
    """Remove what killed processes left behind; only when nobody writes any more."""
    for path in folder.glob(".*.unfinished"):
        path.unlink(missing_ok=True)


def _read_part(path: Path, rows: int) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise PredictionsError(
            f"'{path}' is damaged: {str(error).splitlines()[0]}\nDelete it and run the same line again."
        ) from error
    if frame.height != rows:
        raise PredictionsError(
            f"'{path}' holds {frame.height} photos, its plan says {rows}.\n"
            "Delete it and run the same line again."
        )
    return frame


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    write(unfinished)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())  # a part that is there after a power cut is whole
    unfinished.replace(path)


def _difference(then: pl.DataFrame, now: pl.DataFrame) -> str:
    if then.height != now.height:
        return f"{then.height:,} then, {now.height:,} now"
    pairs = zip(then["path"], now["path"], strict=True)
    first = next(((a, b) for a, b in pairs if a != b), None)
    return "their known places or ids differ" if first is None else f"'{first[0]}' then, '{first[1]}' now"
