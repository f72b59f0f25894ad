"""What a model says of photos of which a part is covered: is the country right, and how sure is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graticule.bundle.scaling import scaled
from graticule.errors import UsageError
from graticule.explanations.auditing.rectangles import Rectangle, random_rectangle

if TYPE_CHECKING:
    from graticule.explanations.auditing.subject import Subject
    from graticule.inference import Model

LEAST: Final = 1e-4
"""Probabilities below this count as this, in logarithms: else single photos would make a mean."""

_BATCH: Final = 64

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]


class Judged(NamedTuple):
    """Of n photos: ``right`` (n,) whether the country is; ``share`` (n,) its calibrated probability."""

    right: NDArray[np.float64]
    share: NDArray[np.float64]


class Judge:
    """Covers parts of a subject's photos and asks the model again.

    What is covered shows the mean of all photos there: the same in every photo, so that nothing of the single
    photo is left, and no edge that a network never saw.

    Raises:
        UsageError: the model gives no probabilities of cells.
    """

    def __init__(self, model: Model, subject: Subject) -> None:
        if not model.network.gives_cells:
            raise UsageError(
                f"The model '{model.card.name}' gives places and no probabilities of cells, so it has no countries to "
                "be right about.\nTake a model with cells:  --model default"
            )
        self.model, self.subject = model, subject
        codes = sorted({code for code in model.cell_countries if code is not None})
        index = {code: number for number, code in enumerate(codes)}
        self._members = np.zeros((model.partition.count, len(codes)))
        for cell, code in enumerate(model.cell_countries):
            if code is not None:
                self._members[cell, index[code]] = 1.0
        self._truth = np.array([index.get(str(code), -1) for code in subject.countries], dtype=np.intp)
        self.known = self._truth >= 0
        self.usual = subject.squares.mean(axis=0, dtype=np.float64).round().astype(np.uint8)

    def __call__(self, rows: Rows, mask: Mask | None = None) -> Judged:
        """The answers for some photos with a part covered.

        Convention:
            - ``rows``: (n,) of the subject; ``mask``: (S, S) for all or (n, S, S); nothing covered when None
        """
        right, share = np.zeros(len(rows)), np.zeros(len(rows))
        for start in range(0, len(rows), _BATCH):
            part = slice(start, start + _BATCH)
            batch = rows[part]
            squares = self.subject.squares[batch]
            if mask is not None:
                covered = mask[part] if mask.ndim == 3 else mask[None]
                squares = np.where(covered[..., None], self.usual, squares)
            right[part], share[part] = self._asked(batch, squares)
        return Judged(right, share)

    def _asked(
        self, rows: Rows, squares: NDArray[np.uint8]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        card = self.model.card
        found = self.model.network(squares).probabilities
        assert found is not None  # the constructor has made sure
        shares = scaled(found, temperature=card.temperature, scaling=card.scaling) @ self._members
        truth = self._truth[rows]
        of_truth = np.where(truth >= 0, shares[np.arange(len(rows)), truth], 0.0)
        return (shares.argmax(axis=1) == truth) & (truth >= 0), of_truth

    def at_random(self, rows: Rows, area: float, *, draws: int, seed: int) -> Judged:
        """The mean answers with random rectangles of one area covered, others in each photo and draw."""
        random = np.random.default_rng([seed, round(area * 1e6)])
        size_px = self.model.network.size_px
        found = []
        for _ in range(draws):
            masks = np.stack([random_rectangle(area, random).mask(size_px) for _ in rows])
            found.append(self(rows, masks))
        return Judged(*(np.mean([each[field] for each in found], axis=0) for field in range(2)))

    def mask(self, part: Rectangle | Mask) -> Mask:
        """The pixels of a rectangle; a mask is itself."""
        return part.mask(self.model.network.size_px) if isinstance(part, Rectangle) else part

    def embedded(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The network's features of squares (n, S, S, 3), each of length 1, (n, D)."""
        parts = [self.model.network(crops[at : at + _BATCH]).embedding for at in range(0, len(crops), _BATCH)]
        found = np.concatenate(parts).astype(np.float64)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def logarithm(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithm, of at least ``LEAST``."""
    return np.log(np.maximum(share, LEAST))
