"""``graticule predict -o FOLDER``: many photos into a folder of parts, which goes on after a kill."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import REFUSED_SOME, emit, progress, stderr
from graticule.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graticule.predictions import Predictions


@dataclass(frozen=True)
class Batch:
    """The options that only a folder of parts knows, as typed; None where left out.

    ``threads`` are those of each Ray actor.
    """

    chunk: int | None = None
    share: str | None = None
    engine: str | None = None
    actors: int | None = None
    ray_address: str | None = None

    def check_unused(self) -> None:
        """Refuse these options where no folder is written.

        Raises:
            UsageError: one of them was typed.
        """
        for field in fields(self):
            if getattr(self, field.name) is not None:
                raise UsageError(
                    f"--{field.name.replace('_', '-')} is for a folder of parts.\n"
                    "Name one, without an ending:  -o out/"
                )

    def fill(
        self, folder: Path, model: Any, model_name: str, sources: Any, **options: Any
    ) -> Predictions | None:
        """Make what is missing in ``folder``; all its predictions, or None while other shares are open."""
        from graticule.inference.batches import CHUNK_SIZE, BatchSettings, begin
        from graticule.predictions import Predictions
        from graticule.predictions.parts import PLAN, read_plan

        begun = read_plan(folder).answering.chunk_size if (folder / PLAN).is_file() else CHUNK_SIZE
        settings = BatchSettings(chunk_size=self.chunk or begun, share=share_of(self.share), **options)
        job = begin(model, sources, folder, settings)
        if there := job.plan.parts - len(job.plan.missing(folder)):
            stderr().print(
                f"'{folder}' holds {there:,} of {job.plan.parts:,} parts; {len(job.todo):,} are to do here."
            )
        with progress("photos") as bar:
            task = bar.add_task("predict", total=job.photos)
            self._run(model, model_name, job, lambda count: bar.advance(task, count))
        if open_parts := len(job.plan.missing(folder)):
            stderr().print(f"{open_parts:,} of {job.plan.parts:,} parts are left to the other shares.")
            return None
        return Predictions.read(folder)

    def _run(self, model: Any, model_name: str, job: Any, on_photos: Callable[[int], None]) -> None:
        if self.engine != "ray":
            from graticule.inference.batches import run

            run(model, job, on_photos=on_photos)
            return
        from graticule.inference.ray_engine import Cluster, run_on_ray

        run_on_ray(model_name, job, cluster=Cluster(self.ray_address, self.actors), on_photos=on_photos)


def batch_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a folder of parts, handed over together as ``batch``."""
    options = (
        click.option(
            "--chunk",
            type=click.IntRange(1),
            help="Photos per part of a folder, in whole batches.  [default: 1024]",
        ),
        click.option(
            "--share", help="N/M: every M-th part of the folder from the N-th on; others do the rest."
        ),
        click.option("--engine", type=click.Choice(["local", "ray"]), help="Who works.  [default: local]"),
        click.option(
            "--actors", type=click.IntRange(1), help="Ray: models at work.  [default: one per core]"
        ),
        click.option("--ray-address", help="Ray: a running cluster's address.  [default: this machine]"),
    )

    @functools.wraps(function)
    def together(**words: Any) -> Any:
        batch = Batch(**{field.name: words.pop(field.name) for field in fields(Batch)})
        return function(batch=batch, **words)

    whole: Callable[..., Any] = together
    for option in reversed(options):
        whole = option(whole)
    return whole


def share_of(text: str | None) -> tuple[int, int]:
    """``"3/16"`` as (3, 16); (1, 1) when left out.

    Raises:
        UsageError: it is not written so.

    Example:
        >>> share_of("3/16")
        (3, 16)
    """
    if text is None:
        return 1, 1
    number, _, of = text.partition("/")
    if not number.isdecimal() or not of.isdecimal() or not 1 <= int(number) <= int(of):
        raise UsageError(f"'{text}' is no share. Expected N/M with N from 1 to M, for example:  --share 3/16")
    return int(number), int(of)


def paths_from_stdin() -> Iterator[str]:
    """One path per line of stdin, or per NUL byte where there is one (``find -print0``)."""
    data = sys.stdin.buffer.read()
    separator = b"\0" if b"\0" in data else b"\n"
    for name in data.split(separator):
        if name.strip():
            yield os.fsdecode(name.rstrip(b"\r"))


def known_places(folder: Path) -> NDArray[np.float64] | None:
    """Known places (N, 2) in degrees of the photos of a folder of parts, NaN where unknown; None for none."""
    from graticule.predictions.parts import read_plan

    places = read_plan(folder).photos.select("latitude", "longitude")
    if places["latitude"].null_count() == places.height:
        return None
    return places.to_numpy()


def report(folder: Path, predictions: Predictions | None, *, as_json: bool) -> int:
    """Say what the folder holds now; the exit status."""
    if predictions is None:
        if as_json:
            emit({"output": str(folder), "complete": False})
        return 0
    if as_json:
        counts = {"photos": len(predictions), "failed": predictions.failed}
        emit({"output": str(folder), "complete": True, **counts})
    stderr().print(f"Wrote {folder}: {len(predictions):,} photos, {predictions.failed:,} without an answer")
    if predictions.failed == 0:
        return 0
    return 1 if predictions.failed == len(predictions) else REFUSED_SOME
