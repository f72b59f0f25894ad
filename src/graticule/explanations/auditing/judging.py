"""What a model says of photos of which a part is covered: is the country right, and how sure is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graticule.bundle.scaling import scaled
from graticule.errors import UsageError
from graticule.explanations.auditing.covering import covered
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

    What is covered shows what its surroundings lead one to expect (``covering``).

    Raises:
        UsageError: the model gives no probabilities of cells.
    """

    def __init__(self, model: Model, subject: Subject) -> None:
        if not model.network.gives_cells:
            raise UsageError(
                f"The model '{model.card.name}' gives places and no probabilities of cells, so it has no "
                "countries to be right about.\n"
                "Audit one with cells:  graticule audit default --photos TABLE -o DIR"
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
        self._answered: Rows | None = None
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
                squares = covered(squares, mask[part] if mask.ndim == 3 else mask[None])
            right[part], share[part] = self._asked(batch, squares)
        return Judged(right, share)

    def _shares(self, squares: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Calibrated probabilities of the countries, (n, C)."""
        card = self.model.card
        found = self.model.network(squares).probabilities
        assert found is not None  # the constructor has made sure
        return scaled(found, temperature=card.temperature, scaling=card.scaling) @ self._members

    def _asked(self, rows: Rows, squares: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        shares = self._shares(squares)
        truth = self._truth[rows]
        of_truth = np.where(truth >= 0, shares[np.arange(len(rows)), truth], 0.0)
        return (shares.argmax(axis=1) == truth) & (truth >= 0), of_truth

    def carried(self, donors: Rows, masks: Mask, *, seed: int) -> NDArray[np.float64]:
        """Whether another country's photo is taken for the donor's once its part is pasted in, (n,).

        Convention:
            - ``donors``: (n,) photos of one country; ``masks``: (n, S, S) or (1, S, S), what is pasted
            - each is pasted into another photo, drawn from those that are not taken for that country
        """
        hosts = self._hosts(int(self._truth[donors[0]]))
        if not len(hosts):
            return np.zeros(len(donors))
        chosen = np.random.default_rng([seed, 9]).permutation(np.resize(hosts, len(donors)))
        found = np.zeros(len(donors))
        for start in range(0, len(donors), _BATCH):
            part = slice(start, start + _BATCH)
            mask = masks[part] if len(masks) > 1 else masks
            own, other = self.subject.squares[donors[part]], self.subject.squares[chosen[part]]
            shares = self._shares(np.where(mask[..., None], own, other))
            found[part] = shares.argmax(axis=1) == self._truth[donors[part]]
        return found

    def carried_at_random(self, donors: Rows, area: float, *, draws: int, seed: int) -> NDArray[np.float64]:
        """The same with random rectangles of one area, mean over draws, (n,)."""
        found = [
            self.carried(donors, self._random_masks(len(donors), area, seed + draw), seed=seed)
            for draw in range(draws)
        ]
        mean: NDArray[np.float64] = np.mean(found, axis=0)
        return mean

    def _hosts(self, country: int) -> Rows:
        """Photos of other countries that are not taken for this one; asked for once."""
        if self._answered is None:
            rows = np.arange(len(self.subject))
            parts = [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]
            self._answered = np.concatenate(
                [self._shares(self.subject.squares[part]).argmax(axis=1) for part in parts]
            )
        return np.flatnonzero((self._truth != country) & (self._answered != country))

    def _random_masks(self, count: int, area: float, seed: int) -> Mask:
        random = np.random.default_rng([seed, round(area * 1e6)])
        size_px = self.model.network.size_px
        return np.stack([random_rectangle(area, random).mask(size_px) for _ in range(count)])

    def at_random(self, rows: Rows, area: float, *, draws: int, seed: int) -> Judged:
        """The mean answers with random rectangles of one area covered, others in each photo and draw."""
        found = [self(rows, self._random_masks(len(rows), area, seed + draw)) for draw in range(draws)]
        return Judged(*(np.mean([each[field] for each in found], axis=0) for field in range(2)))

    def mask(self, part: Rectangle | Mask) -> Mask:
        """The pixels of a rectangle; a mask is itself."""
        return part.mask(self.model.network.size_px) if isinstance(part, Rectangle) else part

    def embedded(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The network's features of squares (n, S, S, 3), each of length 1, (n, D)."""
        parts = [self.model.network(crops[at : at + _BATCH]).embedding for at in range(0, len(crops), _BATCH)]
        found = np.concatenate(parts).astype(np.float64)
        lengths: NDArray[np.float64] = np.linalg.norm(found, axis=1, keepdims=True)
        return found / np.maximum(lengths, 1e-12)


def logarithm(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithm, of at least ``LEAST``."""
    found: NDArray[np.float64] = np.log(np.maximum(share, LEAST))
    return found
