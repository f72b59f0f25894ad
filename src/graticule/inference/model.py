"""A loaded model: photos in, predictions out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from graticule.bundle.regions import cells_within, continents_of_cells, limits_of, promise_key
from graticule.bundle.scaling import scaled
from graticule.config import nearest, usable_cores
from graticule.errors import BundleError, PhotoError, UsageError
from graticule.geo.outlines import country_of
from graticule.inference.estimate import (
    FROM_CELLS,
    Estimate,
    best_groups,
    chosen_cells,
    distances_km,
)
from graticule.inference.network import Network
from graticule.inference.registry import find_bundle
from graticule.inference.sources import Source, find_sources
from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode
from graticule.predictions import Predictions
from graticule.predictions.predictions import SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.bundle import Bundle, BundleCard
    from graticule.partitions import Partition

NEAR_LAND_KM: Final = 200.0
"""A cell whose mean place lies within this of a coast belongs to that country."""

PROMISE: Final = "0.9"
"""The coverage of the region in a prediction, when the user does not say and the model offers it."""


def load_model(name: str | Path = "default", *, threads: int | None = None) -> Model:
    """Load a model by name, from a bundle's path, or from the Hugging Face hub.

    Convention:
        - ``name``: ``"default"`` (ships inside the package), a folder or ``.graticule`` file, or
          ``"hf-hub:owner/name"``
        - ``threads``: processor cores to use; all that this process may use when left out

    Raises:
        MissingFileError: no such model.
        BundleError: a file of it is missing or damaged.
        UsageError: the name is empty or no text, or ``threads`` is below 1.
    """
    return Model(find_bundle(name), threads=threads)


class Model:
    """A bundle ready to answer.

    Raises:
        BundleError: the network and the cells do not belong together.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        if threads is not None:
            _check_count("threads", threads)
        self.card: BundleCard = bundle.card
        self.partition: Partition = bundle.partition
        self.model_card: str = bundle.model_card
        self.network = Network(bundle.model_onnx, threads=threads)
        self._threads = threads or usable_cores()
        if self.network.cells not in (None, self.partition.count):
            raise BundleError(
                f"The network of '{self.card.name}' has {self.network.cells} cells, its cells.parquet "
                f"{self.partition.count}: they are of different models.\n"
                "Export it again:  graticule export RUN -o BUNDLE"
            )
        if self.card.scaling is not None and not self.card.scaling.fits(self.partition.count):
            raise BundleError(
                f"The scaling of '{self.card.name}' is for {len(self.card.scaling.slope)} cells, its "
                f"cells.parquet has {self.partition.count}.\n"
                "Calibrate it again:  graticule calibrate MODEL --photos TABLE -o MODEL2"
            )

    @property
    def promises(self) -> list[str]:
        """The coverages that the model's regions can promise, as shares in text: ["0.8", "0.9"]."""
        return sorted(self.card.conformal, key=float)

    def __repr__(self) -> str:
        return f"Model({self.card.identity!r}, {self.partition.count} cells)"

    def predict(
        self,
        photos: Any,
        *,
        top: int = 10,
        estimate: Estimate | None = None,
        promise: float | str | None = None,
        batch_size: int = 32,
    ) -> Predictions:
        """Where each photo was taken.

        Convention:
            - ``photos``: a path, bytes, a PIL image, an array (H, W, 3) uint8, a folder, a photo table
              (path or Polars frame), or a list of such photos
            - ``top``: how many candidates to keep for each photo, at least 1
            - ``estimate``: ``"best-cell"``: the mean place of the best cell's photos;
              ``"expected-distance"``: the cell centre with the least expected error in km;
              ``"position"``: the place that the network itself gives, where it gives one; the
              model's own choice when left out
            - a model without cells gives places alone: no confidence, no candidates, no region
            - ``promise``: how often the region is to hold the truth, a share; one of ``promises``. When
              left out 0.9 where the model offers it
            - a photo that cannot be read is a prediction with ``error``, never an exception

        Raises:
            MissingFileError: a folder or table that was named does not exist.
            UsageError: ``top`` or ``batch_size`` below 1, an unknown ``estimate``, or a ``promise`` that
                the model was not calibrated for.
        """
        sources = find_sources(photos)
        return Predictions.concat(
            self.predict_batches(sources, top=top, estimate=estimate, promise=promise, batch_size=batch_size)
        )

    def predict_batches(
        self,
        sources: Iterable[Source],
        *,
        top: int = 10,
        estimate: Estimate | None = None,
        promise: float | str | None = None,
        batch_size: int = 32,
    ) -> Iterator[Predictions]:
        """Answers batch by batch, in order, while the next photos are decoded in other threads.

        Convention:
            - ``sources``: from ``graticule.inference.sources.find_sources``
            - memory holds a few batches, however many photos there are

        Raises:
            UsageError: as ``predict``.
        """
        _check_count("top", top)
        _check_count("batch_size", batch_size)
        words: Any = {"top": top, "estimate": self._estimate(estimate), "promise": self._promised(promise)}
        for batch, squares in self._decoded(sources, batch_size):
            yield self.answer(batch, squares, **words)

    def raw_probabilities(
        self, sources: Iterable[Source], *, batch_size: int = 32
    ) -> Iterator[tuple[list[str | None], NDArray[np.float32]]]:
        """What the network says before calibration, batch by batch: what calibration is fitted on.

        Convention:
            - each item: for B photos None or why it cannot be read, and (B, K) probabilities, NaN there
        """
        for batch, squares in self._decoded(sources, batch_size):
            raw = np.full((len(batch), self.partition.count), np.nan, dtype=np.float32)
            readable = {
                row: square for row, square in enumerate(squares) if not isinstance(square, PhotoError)
            }
            if readable:
                found = self.network(np.stack(list(readable.values()))).probabilities
                if found is None:
                    raise UsageError(
                        f"The model '{self.card.name}' gives places and no probabilities of cells: there is "
                        "nothing to calibrate.\nTake a model with cells, for example a mixture: "
                        "network.head=von-mises-fisher."
                    )
                raw[list(readable)] = found
            yield [str(square) if isinstance(square, PhotoError) else None for square in squares], raw

    def _estimate(self, estimate: Estimate | None) -> Estimate:
        chosen = estimate or self.card.estimate
        offers = FROM_CELLS if self.network.gives_cells else ()
        offers = (*offers, "position") if self.network.gives_position else offers
        if chosen not in offers:
            raise UsageError(
                f"The model '{self.card.name}' has no estimate '{chosen}'. Expected {' or '.join(offers)}."
            )
        return chosen

    def _promised(self, promise: float | str | None) -> str | None:
        """The key of a promise in the card; None when none was asked for and the model has no 0.9."""
        if promise is None:
            return PROMISE if PROMISE in self.card.conformal else None
        key = promise_key(promise)
        if key not in self.card.conformal:
            offers = ", ".join(self.promises)
            close = nearest(key, self.promises)
            raise UsageError(
                f"The model '{self.card.name}' makes no promise of {key} (it offers: {offers or 'none'}).\n"
                + (f"Ask for {close}, or calibrate" if close else "Calibrate")
                + f" it for that:  graticule calibrate MODEL --photos TABLE --promise {key} -o MODEL2"
            )
        return key

    def embed(self, photos: Any, *, batch_size: int = 32) -> NDArray[np.float32]:
        """The network's features, (N, D) float32; a row of NaN for a photo that cannot be read."""
        rows = []
        for _, squares in self._decoded(find_sources(photos), batch_size):
            readable = [square for square in squares if not isinstance(square, PhotoError)]
            if readable:
                found = iter(self.network(np.stack(readable)).embedding)
            rows += [None if isinstance(square, PhotoError) else next(found) for square in squares]
        width = self.network.features or next((len(row) for row in rows if row is not None), 0)
        unknown = np.full(width, np.nan, np.float32)
        return np.array([unknown if row is None else row for row in rows], np.float32).reshape(-1, width)

    def square(self, source: Source) -> NDArray[np.uint8] | PhotoError:
        """The pixels that the network sees, uint8 RGB (size_px, size_px, 3), or why there are none."""
        size_px, crop = self.network.size_px, self.network.crop_fraction
        if isinstance(source.photo, PhotoError):
            return source.photo
        try:
            image = decode(source.photo, min_side_px=short_side_px(size_px, crop))
            return centre_crop(image, size_px=size_px, crop_fraction=crop)
        except PhotoError as error:
            return error

    def _decoded(
        self, sources: Iterable[Source], batch_size: int
    ) -> Iterator[tuple[tuple[Source, ...], list[NDArray[np.uint8] | PhotoError]]]:
        batches = _batches(sources, batch_size)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="decode") as pool:

            def begin(batch: tuple[Source, ...]) -> tuple[tuple[Source, ...], list[Future[Any]]]:
                return batch, [pool.submit(self.square, source) for source in batch]

            waiting = [begin(batch) for batch in islice(batches, 2)]
            while waiting:
                batch, squares = waiting.pop(0)
                waiting += [begin(following) for following in islice(batches, 1)]
                yield batch, [square.result() for square in squares]

    def answer(
        self,
        sources: Sequence[Source],
        squares: Sequence[NDArray[np.uint8] | PhotoError],
        *,
        top: int = 10,
        estimate: Estimate | None = None,
        promise: float | str | None = None,
    ) -> Predictions:
        """The answers for a batch that was decoded already (``square``); the words are those of ``predict``.

        Raises:
            UsageError: as ``predict``.
        """
        _check_count("top", top)
        chosen, promised = self._estimate(estimate), self._promised(promise)
        readable = {row: square for row, square in enumerate(squares) if not isinstance(square, PhotoError)}
        width = self.partition.count if self.network.gives_cells else 0
        kept = np.zeros((len(sources), width), dtype=np.float32)
        answers: list[dict[str, Any]] = [{} for _ in sources]
        if readable:
            found = self.network(np.stack(list(readable.values())))
            points = found.position if chosen == "position" else None
            if found.probabilities is None:
                described = _placed(np.asarray(points))
            else:
                shares = scaled(
                    found.probabilities, temperature=self.card.temperature, scaling=self.card.scaling
                )
                kept[list(readable)] = shares
                described = self._described(shares, top, chosen, promised, points)
            for row, answer in zip(readable, described, strict=True):
                answers[row] = answer
        rows = [
            dict.fromkeys(SCHEMA)
            | {
                "photo_id": source.photo_id,
                "path": source.path,
                "model": self.card.identity,
                "candidates": [],
            }
            | answer
            | ({"error": str(square)} if isinstance(square, PhotoError) else {})
            for source, square, answer in zip(sources, squares, answers, strict=True)
        ]
        table = pl.DataFrame(rows, schema=SCHEMA)
        return Predictions(table, partition=self.partition, probabilities=kept if width else None)

    def _described(
        self,
        shares: NDArray[np.float64],
        top: int,
        estimate: Estimate,
        promise: str | None,
        points: NDArray[np.floating] | None = None,
    ) -> list[dict[str, Any]]:
        """The fields of an answer for each row of calibrated probabilities (N, K).

        Convention:
            - ``points``: (N, 2) degrees, the network's own places; None: chosen from the cells
        """
        if points is None:
            between_km = self._between_km if estimate == "expected-distance" else None
            points = self.partition.centres[chosen_cells(shares, estimate, between_km)]
        best = np.argsort(-shares, axis=1, kind="stable")[:, :top]
        countries, country_shares = best_groups(shares, self._country_of_cell, len(self._countries))
        regions = None if promise is None else self._regions(shares, promise)
        return [
            {
                "latitude": float(points[row, 0]),
                "longitude": float(points[row, 1]),
                "confidence": float(shares[row, best[row, 0]]),
                "candidates": [self._candidate(cell, shares[row, cell]) for cell in best[row]],
                "country": self._countries[countries[row]] if countries[row] >= 0 else None,
                "country_confidence": float(country_shares[row]) if countries[row] >= 0 else None,
                "region_cells": None if regions is None else regions[row].tolist(),
                "region_km2": None if regions is None else float(self._areas_km2[regions[row]].sum()),
                "region_promise": None if promise is None else float(promise),
            }
            for row in range(len(shares))
        ]

    def _regions(self, shares: NDArray[np.float64], promise: str) -> list[NDArray[np.intp]]:
        card = self.card
        between_km = self._between_km if card.region_rule.needs_distances else None
        groups = self._continents if card.region_rule.by == "continent" else None
        limits = limits_of(card.conformal[promise], card.conformal_by_group.get(promise), groups)
        return cells_within(shares, card.region_rule.scores(shares, between_km), limits)

    def _candidate(self, cell: int, probability: float) -> dict[str, Any]:
        latitude, longitude = self.partition.centres[cell]
        return {
            "cell": int(cell),
            "token": self.partition.tokens[cell],
            "name": self.partition.names[cell],
            "latitude": float(latitude),
            "longitude": float(longitude),
            "probability": float(probability),
        }

    @cached_property
    def _between_km(self) -> NDArray[np.float64]:
        return distances_km(self.partition.centres)

    @cached_property
    def _continents(self) -> list[str]:
        return continents_of_cells(self.partition)

    @cached_property
    def _areas_km2(self) -> NDArray[np.float64]:
        return self.partition.areas_km2

    @cached_property
    def _countries(self) -> list[str]:
        return sorted({code for code in self.cell_countries if code is not None})

    @cached_property
    def _country_of_cell(self) -> NDArray[np.intp]:
        index = {code: number for number, code in enumerate(self._countries)}
        return np.array([-1 if code is None else index[code] for code in self.cell_countries], dtype=np.intp)

    @cached_property
    def cell_countries(self) -> list[str | None]:
        """ISO 3166-1 alpha-2 of the country that each cell's mean place lies in; None in the open sea."""
        # A mean place can lie off the coast; without the gazetteer the first answer comes sooner.
        return list(country_of(self.partition.centres, within_km=NEAR_LAND_KM, town_within_km=0.0))


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{name} must be a whole number of at least 1; got {value!r}.")


def _placed(points: NDArray[np.floating]) -> list[dict[str, Any]]:
    """The fields of an answer that is a place (N, 2) in degrees and no more."""
    countries = country_of(points, within_km=NEAR_LAND_KM, town_within_km=0.0)
    return [
        {"latitude": float(latitude), "longitude": float(longitude), "country": country}
        for (latitude, longitude), country in zip(points, countries, strict=True)
    ]


def _batches(sources: Iterable[Source], size: int) -> Iterator[tuple[Source, ...]]:
    remaining = iter(sources)
    while batch := tuple(islice(remaining, size)):
        yield batch
