"""What a partition was built from."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Source:
    """What a partition was built from, and what it left out.

    Convention:
        - ``photos``: number of photos that went in; ``places``: number of rows that they came in
        - ``dropped_photos``, ``dropped_cells``: those in cells with too few photos
        - ``fingerprint``: SHA-256 of the places, whatever their order
    """

    photos: int
    places: int
    dropped_photos: int
    dropped_cells: int
    fingerprint: str
