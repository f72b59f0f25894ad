"""Predicting many photos into a folder of parts: killed at any moment, it goes on with what is missing.

Photos in (``graticule.inference.sources``), one Parquet part per chunk out (``graticule.predictions.parts``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from graticule.errors import MissingFileError, PhotoError, UsageError
from graticule.inference.sources import Source
from graticule.predictions import Predictions
from graticule.predictions.parts import PLAN_SCHEMA, Answering, Plan, tidy, write_part

if TYPE_CHECKING:
    from graticule.inference.estimate import Estimate
    from graticule.inference.model import Model

CHUNK_SIZE: Final = 1024
"""Photos per part when nothing else is said: half a minute's work on a small machine."""

BLOCK: Final = 65_536
"""Photos gathered into columns at a time while the plan is made."""


@dataclass(frozen=True)
class BatchSettings:
    """How a batch is answered and cut.

    Convention:
        - ``chunk_size``: photos per part, rounded up to whole batches of ``batch_size``, so that the network
          sees the same photos together whichever chunks are still to do
        - ``share``: (n, of): this process does every ``of``-th chunk from the ``n``-th on, counted from 1;
          so several machines fill one folder
    """

    top: int = 10
    estimate: Estimate | None = None
    promise: float | str | None = None
    batch_size: int = 32
    chunk_size: int = CHUNK_SIZE
    share: tuple[int, int] = (1, 1)

    def answering(self, model: Model) -> Answering:
        """What the plan says of these settings with that model."""
        whole = -(-self.chunk_size // self.batch_size) * self.batch_size
        words = model.words(top=self.top, estimate=self.estimate, promise=self.promise)
        return Answering(
            model.card.identity, words.estimate, words.top, self.batch_size, whole, words.promise
        )


@dataclass(frozen=True)
class Job:
    """A batch about to be done: its plan, its folder, and the parts that are this process's to make."""

    plan: Plan
    folder: Path
    todo: tuple[int, ...]

    @property
    def photos(self) -> int:
        """Photos in the parts to be made."""
        return sum(self.plan.chunk(part).height for part in self.todo)


def begin(model: Model, sources: Iterable[Source], folder: Path, settings: BatchSettings) -> Job:
    """Write the plan of a batch into ``folder``, or find what is missing of the same batch there.

    Raises:
        UsageError: a photo is in memory, there is none, or the share is out of range.
        PredictionsError: the folder was begun with other photos, another model or other settings.
    """
    number, of = settings.share
    if not 1 <= number <= of:
        raise UsageError(f"The share {number}/{of} does not exist. Expected 1/{of} to {of}/{of}.")
    if settings.chunk_size < 1 or settings.batch_size < 1:
        raise UsageError(
            "chunk_size and batch_size must be at least 1; "
            f"got {settings.chunk_size} and {settings.batch_size}."
        )
    plan = Plan(_table(sources), settings.answering(model))
    if plan.photos.is_empty():
        raise MissingFileError("There is no photo to predict.\nName files, folders, archives or tables.")
    plan.begin(folder)
    todo = tuple(part for part in plan.missing(folder) if part % of == number - 1)
    return Job(plan, folder, todo)


def run(model: Model, job: Job, *, on_photos: Callable[[int], Any] | None = None) -> None:
    """Make the parts that are to do, one after the other; each is whole on disk before the next is begun.

    Convention:
        - ``on_photos``: called with the number of photos just answered
    """
    waiting = list(job.todo)
    done: list[Predictions] = []
    for part in _answers(model, job.plan, job.todo):
        done.append(part.without_probabilities())
        if on_photos is not None:
            on_photos(len(part))
        if sum(len(answers) for answers in done) == job.plan.chunk(waiting[0]).height:
            write_part(job.folder, waiting.pop(0), Predictions.concat(done).to_polars())
            done = []
    finish(job)


def finish(job: Job) -> None:
    """Clear away what killed processes left, once all parts of all processes are there."""
    if not job.plan.missing(job.folder):
        tidy(job.folder)


def predict_chunk(model: Model, plan: Plan, part: int) -> Predictions:
    """The answers for one chunk of a plan."""
    return Predictions.concat(answers.without_probabilities() for answers in _answers(model, plan, (part,)))


def _answers(model: Model, plan: Plan, parts: tuple[int, ...]) -> Iterator[Predictions]:
    """Answers of several chunks in one stream, so that the next chunk is decoded while this one is answered.

    Batches do not straddle chunks: all chunks but the plan's last are whole batches.
    """
    answering = plan.answering
    words: Any = {"top": answering.top, "estimate": answering.estimate, "promise": answering.promise}
    sources = (source for part in parts for source in _sources(plan.chunk(part)))
    yield from model.predict_batches(sources, batch_size=answering.batch_size, **words)


def _table(sources: Iterable[Source]) -> pl.DataFrame:
    """The photos as columns, ``PLAN_SCHEMA``: a tenth of the memory of so many objects."""
    blocks: list[pl.DataFrame] = []
    rows: list[tuple[Any, ...]] = []
    for source in sources:
        rows.append(_row(source))
        if len(rows) == BLOCK:
            blocks.append(pl.DataFrame(rows, schema=PLAN_SCHEMA, orient="row"))
            rows = []
    return pl.concat([*blocks, pl.DataFrame(rows, schema=PLAN_SCHEMA, orient="row")])


def _row(source: Source) -> tuple[Any, ...]:
    if source.path is None:
        raise UsageError(
            "A batch that can go on after a kill needs photos in files; this one is in memory.\n"
            "Use model.predict(photos) for it."
        )
    problem = str(source.photo) if isinstance(source.photo, PhotoError) else None
    odd = problem is None and str(source.photo) != source.path
    file = os.fsencode(source.photo) if odd else None
    return source.photo_id, source.path, file, problem, *(source.truth or (None, None))


def _sources(photos: pl.DataFrame) -> Iterator[Source]:
    for row in photos.iter_rows(named=True):
        photo: Any = Path(os.fsdecode(row["file"]) if row["file"] is not None else row["path"])
        if row["problem"] is not None:
            photo = PhotoError(row["problem"], reason="damaged")
        yield Source(row["photo_id"], row["path"], photo)
