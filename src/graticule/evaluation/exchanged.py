"""Whether the answers look like the truth with latitude and longitude exchanged.

Places of which latitude and longitude could both be either (Europe, Africa) show nothing of it by themselves.
Beside the truth they do: exchanged, most answers lie nearer.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from graticule.evaluation.protocols import Array
from graticule.geo.sphere import great_circle_km

LEAST_PHOTOS: Final = 10
_MOST_PHOTOS: Final = 10_000
_NEARER: Final = 0.75


def exchanged_in_words(answers: Array, truth: Array) -> str | None:
    """A sentence where most answers lie nearer, and far nearer, when they are exchanged; else None.

    Convention:
        - (latitude, longitude) in degrees, shape (N, 2) each; NaN without an answer
        - of more than 10,000 photos a part is looked at

    Example:
        >>> truth = np.column_stack([np.linspace(40, 60, 20), np.linspace(0, 30, 20)])
        >>> exchanged_in_words(truth[:, ::-1], truth)[-56:]
        'exchanged, the median error would be 0 km, not 5,006 km.'
        >>> exchanged_in_words(truth, truth) is None
        True
    """
    step = len(answers) // _MOST_PHOTOS + 1
    said, true = answers[::step], truth[::step]
    answered = np.isfinite(said).all(axis=1)
    said, true = said[answered], true[answered]
    if len(said) < LEAST_PHOTOS or (np.abs(said) > 90).any():
        return None
    as_given, exchanged = great_circle_km(said, true), great_circle_km(said[:, ::-1], true)
    medians = float(np.median(as_given)), float(np.median(exchanged))
    if np.mean(exchanged < as_given) < _NEARER or medians[1] > medians[0] / 2:
        return None
    return (
        "Latitude and longitude look exchanged in one of the two tables: exchanged, the median error would "
        f"be {medians[1]:,.0f} km, not {medians[0]:,.0f} km."
    )
