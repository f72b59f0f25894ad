"""How an error is measured and judged: the sphere, the comparison, the score.

The field's code bases measure on different Earths and compare with both ``<`` and ``<=``; two figures
can be put side by side only when their protocols are the same. So a protocol has a name, and every
report states it. A further protocol is one more entry of ``PROTOCOLS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.config import EARTH_RADIUS_KM, GEOSCORE_SCALE_KM, nearest
from graticule.errors import UsageError
from graticule.geo.sphere import great_circle_km

Array = NDArray[np.float64]

GEOSCORE_FULL: Final = 5000.0
"""Points of a perfect answer in GeoGuessr's score."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """The rules by which errors become figures.

    Convention:
        - ``radius_km``: the sphere that errors are measured on
        - ``strict``: a threshold counts errors below it (``<``); otherwise up to it (``<=``)
        - ``geoscore_scale_km``: decay length of the score
    """

    name: str
    radius_km: float = EARTH_RADIUS_KM
    strict: bool = False
    geoscore_scale_km: float = GEOSCORE_SCALE_KM

    def distance_km(self, a: ArrayLike, b: ArrayLike, /) -> Array:
        """Distance in km between places of ``a`` and ``b``, (latitude, longitude) degrees, (..., 2)."""
        return np.asarray(great_circle_km(a, b, radius_km=self.radius_km), dtype=np.float64)

    def is_within(self, error_km: ArrayLike, threshold_km: float) -> NDArray[np.bool_]:
        """Whether each error, in km, counts as within the threshold, in km."""
        errors = np.asarray(error_km, dtype=np.float64)
        return errors < threshold_km if self.strict else errors <= threshold_km

    def geoscore(self, error_km: ArrayLike) -> Array:
        """Points 0..5000 of each error in km; an infinite error has none.

        Source:
            Haas, Skreta, Alberti, Finn: PIGEON (2023), fitted to GeoGuessr's world map.
        """
        errors = np.asarray(error_km, dtype=np.float64)
        return GEOSCORE_FULL * np.exp(-errors / self.geoscore_scale_km)

    @property
    def statement(self) -> str:
        """The rules in one sentence, for the report."""
        sign = "<" if self.strict else "≤"
        return (
            f"Protocol '{self.name}': great-circle distance on a sphere of radius {self.radius_km} km; "
            f"within a threshold means error {sign} threshold; GeoScore is the mean of "
            f"{GEOSCORE_FULL:.0f} · exp(−error / {self.geoscore_scale_km} km), not rounded; "
            "a photo without an answer counts as wrong everywhere, with an infinite error."
        )

    def to_dict(self) -> dict[str, Any]:
        """What ``metrics.json`` says about the protocol."""
        return {
            "name": self.name,
            "radius_km": self.radius_km,
            "comparison": "<" if self.strict else "<=",
            "geoscore_scale_km": self.geoscore_scale_km,
            "statement": self.statement,
        }


GRATICULE: Final = Protocol("graticule")
"""The protocol of graticule's own reports."""

PROTOCOLS: Final = {protocol.name: protocol for protocol in (GRATICULE,)}


def protocol_named(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UsageError: there is none.

    Example:
        >>> protocol_named("graticule").radius_km
        6371.0088
    """
    if name not in PROTOCOLS:
        advice = nearest(name, PROTOCOLS) or "graticule"
        raise UsageError(
            f"There is no protocol '{name}' (known: {', '.join(PROTOCOLS)}).\nTry:  --protocol {advice}"
        )
    return PROTOCOLS[name]
