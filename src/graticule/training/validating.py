"""What validation measures, added up batch by batch: sums and counts, so that processes can be added too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """What validation measured: mean loss in nats, share of best cells that are right, median error in km.

    ``top1`` is None where no cells are learned.
    """

    loss: float
    top1: float | None
    median_km: float

    def columns(self) -> dict[str, float | None]:
        """As ``history.csv`` has them."""
        return {"val_loss": self.loss, "val_top1": self.top1, "val_median_km": self.median_km}

    def in_words(self) -> str:
        """For the log of a run."""
        return f"validation loss {self.loss:.3f}, top-1 {self.top1 or 0:.1%}, median {self.median_km:,.0f} km"


@dataclass
class Tally:
    """Sums over validation photos.

    Convention:
        - a photo that cannot be read is wrong, and infinitely far off; it has no loss
        - a photo that lies in no cell is wrong; it has no loss where the loss needs its cell
    """

    loss_sum: float = 0.0
    losses: int = 0
    right: int = 0
    photos: int = 0
    unreadable: set[int] = field(default_factory=set)
    errors_km: list[Floats] = field(default_factory=list)

    def add(self, losses: Floats, right: NDArray[np.bool_], errors_km: Floats) -> None:
        """B photos: their losses, NaN where there is none; whether the best cell is right; errors in km."""
        known = np.isfinite(losses)
        self.loss_sum += float(losses[known].sum())
        self.losses += int(known.sum())
        self.right += int(right.sum())
        self.photos += len(right)
        self.errors_km.append(errors_km)

    def add_unreadable(self, rows: list[int]) -> None:
        """Photos that could not be decoded."""
        self.unreadable.update(rows)
        self.photos += len(rows)
        self.errors_km.append(np.full(len(rows), np.inf))

    def merged(self, tallies: Sequence[Tally]) -> Tally:
        """All of them together, as if one had counted everything."""
        return Tally(
            loss_sum=sum(each.loss_sum for each in tallies),
            losses=sum(each.losses for each in tallies),
            right=sum(each.right for each in tallies),
            photos=sum(each.photos for each in tallies),
            unreadable=set().union(*(each.unreadable for each in tallies)),
            errors_km=[part for each in tallies for part in each.errors_km],
        )

    def scores(self) -> Scores:
        """The figures over all photos so far."""
        return Scores(
            loss=self.loss_sum / self.losses if self.losses else float("nan"),
            top1=self.right / max(1, self.photos),
            median_km=float(np.median(np.concatenate(self.errors_km))) if self.photos else float("nan"),
        )
