"""The models that a server answers with, each with its batches and its areas."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from graticule.config import nearest
from graticule.errors import PhotoError
from graticule.inference import load_model
from graticule.inference.sources import Source
from graticule.photos.decode import open_header
from graticule.web.areas import Areas, areas_of
from graticule.web.batching import Batcher, Words
from graticule.web.chores import Chores
from graticule.web.measured import reports_of
from graticule.web.problems import ProblemError
from graticule.web.settings import ServerSettings
from graticule.web.uploads import Upload, check_kind

if TYPE_CHECKING:
    from graticule.inference import Model
    from graticule.predictions import Predictions


@dataclass(frozen=True)
class Served:
    """One model at work."""

    name: str
    model: Model
    areas: Areas
    batcher: Batcher
    reports: list[dict[str, Any]]

    @cached_property
    def geojson(self) -> bytes:
        """The areas as GeoJSON text, written once."""
        return json.dumps(self.areas.geojson(), separators=(",", ":")).encode()


class ServedModels:
    """All models of a server; the first is the one that answers when none is named.

    Raises:
        MissingFileError, BundleError: a model cannot be loaded.
        MissingFileError, TableError, UsageError: a report cannot, or is of another model.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self.chores = Chores(most=settings.chores, answer_s=settings.answer_s)
        self._all: dict[str, Served] = {}
        loaded = [load_model(name, threads=settings.threads) for name in settings.models]
        identities = [model.card.identity for model in loaded]
        for name, model in zip(settings.models, loaded, strict=True):
            reports = reports_of(model.card.identity, settings.reports, identities)
            batcher = Batcher(model, queue=settings.queue, workers=settings.threads)
            called = name if name not in self._all else f"{name}-{len(self._all)}"
            areas = areas_of(model, settings.finest)
            self._all[called] = Served(called, model, areas, batcher, reports)

    def __iter__(self) -> Iterator[Served]:
        return iter(self._all.values())

    @property
    def names(self) -> list[str]:
        """The models' names, the first one first."""
        return list(self._all)

    def named(self, name: str | None) -> Served:
        """The model of that name; the first when it is None.

        Raises:
            ProblemError: 404, there is none.
        """
        if name is None:
            return next(iter(self._all.values()))
        if name not in self._all:
            close = nearest(name, self._all)
            advice = f"Did you mean '{close}'?" if close else f"Known: {', '.join(self._all)}."
            raise ProblemError(404, "no-model", f"No model is called '{name}' here. {advice}")
        return self._all[name]

    async def predict(self, served: Served, uploads: tuple[Upload, ...], words: Words) -> list[Predictions]:
        """The answers for uploaded photos, in order, each a sequence of one.

        Raises:
            ProblemError: 429 too busy; 503 not answered in time.
        """
        sources = [self._source(upload) for upload in uploads]
        try:
            async with asyncio.timeout(self._settings.answer_s):
                return await served.batcher.predict(sources, words)
        except TimeoutError as error:
            detail = f"No answer within {self._settings.answer_s:g} s. Send fewer photos, or try again later."
            raise ProblemError(503, "too-slow", detail, retry_after_s=self._settings.answer_s) from error

    async def close(self) -> None:
        """Answer what waits, then stop."""
        for served in self:
            await served.batcher.close()
        self.chores.close()

    def photo(self, upload: Upload) -> bytes:
        """The bytes of an upload that is looked at on its own; only its header has been looked at here.

        Raises:
            ProblemError: 422, it is no photo, or one that is too large.
        """
        try:
            self._check(upload.data)
        except PhotoError as error:
            raise ProblemError(422, "no-photo", str(error)) from error
        return upload.data

    def _source(self, upload: Upload) -> Source:
        """The upload as a photo, or as the reason why it is none; only its header is looked at."""
        photo: Any = upload.data
        try:
            self._check(upload.data)
        except PhotoError as error:
            photo = error
        return Source(photo_id=upload.name, path=None, photo=photo)

    def _check(self, data: bytes) -> None:
        check_kind(data)
        taken = f"at most {self._settings.pixels / 1e6:.0f} megapixels are taken here"
        try:
            width_px, height_px = open_header(data, name="The photo").size
        except PhotoError as error:
            if error.reason == "too-large":  # the decoder's own limit is not what is taken here
                raise PhotoError(f"The photo is too large; {taken}.", reason="too-large") from error
            raise
        if width_px * height_px > self._settings.pixels:
            raise PhotoError(
                f"The photo has {width_px:,} x {height_px:,} pixels; {taken}.", reason="too-large"
            )
