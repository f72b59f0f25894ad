"""The same batch on Ray Data: each actor holds the model and makes whole parts. Needs the extra ``ray``.

Parts are the same to the bit as those of ``graticule.inference.batches.run``: one chunk, one part, the same
batches. An actor that dies loses nothing but the chunk in its hands, which another one does again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graticule.config import require, usable_cores
from graticule.errors import PredictionsError
from graticule.inference.batches import Job, finish, predict_chunk
from graticule.inference.model import Model, load_model
from graticule.predictions.parts import part_path, read_plan, write_part


@dataclass(frozen=True)
class Cluster:
    """Where the work is done.

    Convention:
        - ``address``: of a running Ray cluster (``auto``, ``ray://host:10001``); None: this machine
        - ``actors``: models at work at once; all cores, in actors of ``threads`` each, when left out
        - ``threads``: processor cores of each actor
    """

    address: str | None = None
    actors: int | None = None
    threads: int = 1


class PartMaker:
    """An actor: makes the parts that it is handed. Folder and photos have to be where it runs, too."""

    def __init__(self, model: str, folder: str, threads: int, started_in: str) -> None:
        os.chdir(started_in)  # the photos' paths are relative to where the user typed
        self.model: Model = load_model(model, threads=threads)
        self.folder = Path(folder)
        self.plan = read_plan(self.folder)
        if self.plan.answering.model != self.model.card.identity:
            raise PredictionsError(
                f"The model '{model}' on this machine is {self.model.card.identity}, the batch was begun "
                f"with {self.plan.answering.model}.\nPut the same model on every machine."
            )

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Make one part: ``{"part": index}`` -> the same with ``photos``, how many it holds."""
        part = int(row["part"])
        if not part_path(self.folder, part).is_file():  # done by an actor that died before it could say so
            write_part(self.folder, part, predict_chunk(self.model, self.plan, part).to_polars())
        return {"part": part, "photos": self.plan.chunk(part).height}


def run_on_ray(
    model: str, job: Job, *, cluster: Cluster | None = None, on_photos: Callable[[int], Any] | None = None
) -> None:
    """Make the parts of ``job`` that are to do on a Ray cluster.

    Convention:
        - ``model``: name or path, found on every machine of the cluster
        - ``on_photos``: called with the number of photos of each part that is done

    Raises:
        MissingPackageError: Ray is not installed.
        PredictionsError: parts are missing at the end.
    """
    ray, data = require("ray"), require("ray.data")
    place = cluster or Cluster()
    if not ray.is_initialized():
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of what Ray Data itself sets up
        ray.init(address=place.address, log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    data.DataContext.get_current().enable_progress_bars = False
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)  # the progress bar is ours
    actors = place.actors or max(1, min(len(job.todo), usable_cores() // place.threads))
    if job.todo:
        parts = data.from_items([{"part": part} for part in job.todo], override_num_blocks=len(job.todo))
        done = parts.map(
            PartMaker,
            fn_constructor_args=(model, str(job.folder.resolve()), place.threads, str(Path.cwd())),
            compute=data.ActorPoolStrategy(size=actors),
            num_cpus=place.threads,
        )
        for row in done.iter_rows():
            if on_photos is not None:
                on_photos(row["photos"])
    if missing := [part for part in job.todo if not part_path(job.folder, part).is_file()]:
        raise PredictionsError(
            f"{len(missing)} of {len(job.todo)} parts are missing in '{job.folder}', although Ray is done.\n"
            "The folder and the photos must be on a disk that every machine of the cluster shares."
        )
    finish(job)
