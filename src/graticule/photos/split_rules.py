"""How photos are to be split: what is typed after ``graticule split``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graticule.errors import UsageError
from graticule.photos.duplicates import NEAR_BITS

BY: Final = ("group", "place", "photo")
"""What may be kept together: authors and sequences; places alone; or no more than pictures and days."""


@dataclass(frozen=True)
class SplitRules:
    """How to split.

    Convention:
        - ``by``: one of ``BY``; ``embargo_km``: no two photos of different splits lie within it, 0 for none
        - ``val``, ``test``: shares in [0, 1); the rest is train
        - ``near_bits``: hashes that differ in at most so many of 64 bits are one picture
        - ``keep_days``: photos of one day in one S2 cell stay together, where the table has days
        - ``stratify``: a column, each of whose values is split in the same proportions
    """

    by: str = "group"
    embargo_km: float = 0.0
    val: float = 0.1
    test: float = 0.2
    seed: int = 0
    near_bits: int = NEAR_BITS
    keep_days: bool = True
    stratify: str | None = None

    def check(self) -> None:
        """Refuse rules that make no sense.

        Raises:
            UsageError: says which, and what to type.
        """
        if self.by not in BY:
            raise UsageError(f"Photos cannot be split by '{self.by}'.\nGive one of:  --by {' | '.join(BY)}")
        if not (0 <= self.val < 1 and 0 <= self.test < 1 and 0 < self.val + self.test < 1):
            raise UsageError(
                f"Shares of {self.val:g} for val and {self.test:g} for test leave nothing to split; expected "
                "two shares from 0 to 1 that add up to more than 0 and less than 1.\n"
                "For example:  --val 0.1 --test 0.2"
            )
        if not 0 <= self.embargo_km <= 10_000:
            raise UsageError(
                f"An embargo of {self.embargo_km:g} km makes no sense.\n"
                "Give 0 to 10,000, for example:  --embargo-km 1"
            )
        if self.by == "place" and self.embargo_km == 0:
            raise UsageError(
                "To split by place it has to be known how far apart places are to be.\n"
                "Say so:  --by place --embargo-km 1"
            )

    def shares(self) -> NDArray[np.float64]:
        """Shares of ``SPLITS``, in their order."""
        return np.array([1 - self.val - self.test, self.val, self.test])
