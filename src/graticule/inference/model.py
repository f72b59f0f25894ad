"""A loaded model: photos in, predictions out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from graticule.bundle.regions import promise_key
from graticule.config import nearest
from graticule.errors import BundleError, UsageError
from graticule.inference.describing import Describing, Wording
from graticule.inference.estimate import FROM_CELLS, Estimate
from graticule.inference.looking import Looking, Seen
from graticule.inference.registry import find_bundle
from graticule.inference.sources import Source, find_sources
from graticule.predictions import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.bundle import Bundle, BundleCard
    from graticule.inference.network import Answer
    from graticule.partitions import Partition

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
        self.model_onnx: bytes = bundle.model_onnx
        self._looking = Looking(bundle.model_onnx, threads=threads)
        self.network = self._looking.network
        self._describing = Describing(bundle.card, bundle.partition, gives_cells=self.network.gives_cells)
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

    @property
    def threads(self) -> int:
        """Processor cores that it uses."""
        return self._looking.threads

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
        words = self.words(top=top, estimate=estimate, promise=promise)
        _check_count("batch_size", batch_size)
        for seen in self._looking.stream(sources, batch_size):
            yield self.describe(seen, words)

    def raw_probabilities(
        self, sources: Iterable[Source], *, batch_size: int = 32
    ) -> Iterator[tuple[list[str | None], NDArray[np.float32]]]:
        """What the network says before calibration, batch by batch: what calibration is fitted on.

        Convention:
            - each item: for B photos None or why it cannot be read, and (B, K) probabilities, NaN there
        """
        for seen in self._looking.stream(sources, batch_size):
            raw = np.full((len(seen.sources), self.partition.count), np.nan, dtype=np.float32)
            if seen.answer is not None:
                if seen.answer.probabilities is None:
                    raise UsageError(
                        f"The model '{self.card.name}' gives places and no probabilities of cells: there is "
                        "nothing to calibrate.\nTake a model with cells, for example a mixture: "
                        "network.head=von-mises-fisher."
                    )
                raw[seen.readable] = seen.answer.probabilities
            yield [None if refusal is None else str(refusal) for refusal in seen.refusals], raw

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
        parts = list(self._looking.stream(find_sources(photos), batch_size))
        answers = [part.answer.embedding for part in parts if part.answer is not None]
        width = self.network.features or (answers[0].shape[1] if answers else 0)
        rows = np.full((sum(len(part.sources) for part in parts), width), np.nan, np.float32)
        readable = [refusal is None for part in parts for refusal in part.refusals]
        if answers:
            rows[readable] = np.concatenate(answers)
        return rows

    def words(
        self,
        *,
        top: int = 10,
        estimate: Estimate | None = None,
        promise: float | str | None = None,
    ) -> Wording:
        """What an answer is to hold, checked; the words are those of ``predict``.

        Raises:
            UsageError: as ``predict``.
        """
        _check_count("top", top)
        return Wording(top, self._estimate(estimate), self._promised(promise))

    @property
    def cell_countries(self) -> list[str | None]:
        """ISO 3166-1 alpha-2 of the country that each cell's mean place lies in; None in the open sea."""
        return self._describing.cell_countries

    def look(self, sources: Sequence[Source], *, with_all_cores: bool = True) -> Seen:
        """What the network says of photos; for who batches by himself (see ``Looking.look``)."""
        return self._looking.look(sources, with_all_cores=with_all_cores)

    def answers(self, batches: Iterable[NDArray[np.uint8]]) -> Iterator[Answer]:
        """What the network says of squares that were made elsewhere (see ``Looking.answers``)."""
        return self._looking.answers(batches)

    def describe(self, seen: Seen, words: Wording) -> Predictions:
        """The answers of what was seen, in those words."""
        return self._describing.describe(seen, words)


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{name} must be a whole number of at least 1; got {value!r}.")
