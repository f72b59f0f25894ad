"""How an error is measured and judged: the sphere, the comparison, the score.

The field's code bases measure on different Earths and compare with both ``<`` and ``<=``; two figures
can be put side by side only when their protocols are the same. So a protocol has a name, and every
report states it. A further protocol is one more entry of ``PROTOCOLS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.config import EARTH_RADIUS_KM, GEOSCORE_SCALE_KM, nearest
from graticule.errors import UsageError
from graticule.geo.ellipsoid import geodesic_km
from graticule.geo.sphere import great_circle_km

Array = NDArray[np.float64]

GEOSCORE_FULL: Final = 5000.0
"""Points of a perfect answer in GeoGuessr's score."""

_BLOCK: Final = 1 << 15
"""Pairs looked at together: what is between places and distances stays in the processor's cache."""


AreaRule = Literal["stated", "polygon", "nearest-town"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """The rules by which errors become figures.

    Convention:
        - ``radius_km``: the sphere that errors are measured on
        - ``geodesic``: errors are measured on the ellipsoid WGS 84 instead; ``radius_km`` is then that of
          the baselines that are sought or drawn on the sphere
        - ``strict``: a threshold counts errors below it (``<``); otherwise up to it (``<=``)
        - ``geoscore_scale_km``: decay length of the score; ``rounded``: each photo's points are whole
        - ``area_rule``: whether the answered country is the one that the predictions state (where they state
          none, that of the polygon), or of the polygon that holds the answer, or of the nearest town
        - ``note``: what else the published code does, and whether it is done here
    """

    name: str
    radius_km: float = EARTH_RADIUS_KM
    strict: bool = False
    geoscore_scale_km: float = GEOSCORE_SCALE_KM
    geodesic: bool = False
    rounded: bool = False
    area_rule: AreaRule = "stated"
    note: str = ""

    def distance_km(self, a: ArrayLike, b: ArrayLike, /) -> Array:
        """Distance in km between places of ``a`` and ``b``, (latitude, longitude) degrees, (..., 2)."""
        if self.geodesic:
            return geodesic_km(a, b)
        places, others = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
        if places.ndim != 2 or len(places) <= _BLOCK:
            return np.asarray(great_circle_km(a, b, radius_km=self.radius_km), dtype=np.float64)
        distances = np.empty(len(places))
        for start in range(0, len(places), _BLOCK):
            some = slice(start, start + _BLOCK)
            distances[some] = great_circle_km(places[some], others[some], radius_km=self.radius_km)
        return distances

    def is_within(self, error_km: ArrayLike, threshold_km: float) -> NDArray[np.bool_]:
        """Whether each error, in km, counts as within the threshold, in km."""
        errors = np.asarray(error_km, dtype=np.float64)
        return errors < threshold_km if self.strict else errors <= threshold_km

    def geoscore(self, error_km: ArrayLike) -> Array:
        """Points 0..5000 of each error in km; an infinite error has none.

        Source:
            Haas, Skreta, Alberti, Finn: PIGEON (2023), fitted to GeoGuessr's world map.
        """
        points = GEOSCORE_FULL * np.exp(np.asarray(error_km, dtype=np.float64) / -self.geoscore_scale_km)
        return np.asarray(np.round(points) if self.rounded else points, dtype=np.float64)

    @property
    def statement(self) -> str:
        """The rules in one sentence or two, for the report."""
        sign = "<" if self.strict else "≤"
        earth = (
            "geodesic distance on the ellipsoid WGS 84 (random draws: on a sphere of radius "
            f"{self.radius_km} km)"
            if self.geodesic
            else f"great-circle distance on a sphere of radius {self.radius_km} km"
        )
        rounding = "rounded to whole points for each photo" if self.rounded else "not rounded"
        area = {
            "stated": "the predicted country is the one stated, else of the polygon that holds the answer",
            "polygon": "the predicted country is that of the polygon that holds the answer",
            "nearest-town": "both countries are those of the nearest town of GeoNames",
        }[self.area_rule]
        return (
            f"Protocol '{self.name}': {earth}; within a threshold means error {sign} threshold; GeoScore is "
            f"the mean of {GEOSCORE_FULL:.0f} · exp(−error / {self.geoscore_scale_km} km), {rounding}; "
            f"{area}; a photo without an answer counts as wrong everywhere, with an "
            f"infinite error.{' ' if self.note else ''}{self.note}"
        )

    def to_dict(self) -> dict[str, Any]:
        """What ``metrics.json`` says about the protocol."""
        return {
            "name": self.name,
            "radius_km": None if self.geodesic else self.radius_km,
            "distance": "geodesic (WGS 84)" if self.geodesic else "great circle",
            "comparison": "<" if self.strict else "<=",
            "geoscore_scale_km": self.geoscore_scale_km,
            "rounding": "each photo's points" if self.rounded else None,
            "area_rule": self.area_rule,
            "statement": self.statement,
        }


GRATICULE: Final = Protocol("graticule")
"""The protocol of graticule's own reports."""

PROTOCOLS: Final = {
    protocol.name: protocol
    for protocol in (
        GRATICULE,
        # The rules as read in the code of each project; what a project does not define is ours.
        Protocol("osv5m", 6371.0, strict=True, area_rule="nearest-town"),
        Protocol("pigeon", 6378.137, strict=True, rounded=True, area_rule="polygon"),
        Protocol(
            "geoestimation", 6371.0, note="GeoEstimation defines no GeoScore; it is given all the same."
        ),
        Protocol("geoclip", geodesic=True, note="GeoCLIP defines no GeoScore; it is given all the same."),
        Protocol(
            "g3",
            geodesic=True,
            strict=True,
            note="G3 defines no GeoScore; it is given all the same. Its code puts an impossible answer at "
            "(0, 0); here it counts as wrong.",
        ),
    )
}


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
