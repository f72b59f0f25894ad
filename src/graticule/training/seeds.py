"""Random numbers that depend on where a run is, not on how it got there: resuming needs no saved state."""

from __future__ import annotations

import numpy as np


def derived_seed(*keys: int) -> int:
    """A seed of 63 bits for the point of a run that ``keys`` name (seed, phase, epoch, batch, ...).

    Example:
        >>> derived_seed(0, 1, 2) == derived_seed(0, 1, 2), derived_seed(0, 1, 2) == derived_seed(0, 2, 1)
        (True, False)
    """
    return int(np.random.SeedSequence(keys).generate_state(1, np.uint64)[0] >> np.uint64(1))
