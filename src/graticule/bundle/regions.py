"""Regions with a promise: which cells belong to the region that holds the truth as often as said.

In: stated probabilities (N, K). Out: for each photo the cells of its region. Every cell of every photo has
a score, low where the truth is likely; the region is all cells whose score lies below the threshold. The
thresholds are fitted in ``graticule.evaluation.calibration`` and stand in the card; fitting and predicting
score the cells here, so that both mean the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from graticule.errors import UsageError
from graticule.geo.countries import continent_of
from graticule.geo.outlines import country_of
from graticule.geo.sphere import great_circle_km

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.partitions import Partition

RegionMethod = Literal["aps", "raps", "distance"]
REGION_METHODS: Final[tuple[RegionMethod, ...]] = ("aps", "raps", "distance")

NEAR_LAND_KM: Final = 200.0
"""A cell whose mean place lies within this of a coast belongs to that country and its continent."""

ELSEWHERE: Final = "none"
"""Stands for the group of a cell on no continent."""

_ROUNDING: Final = 1e-12
_METRE_KM: Final = 1e-3  # a certain answer expects no distance at all, of which there is no multiple


class RegionRule(BaseModel):
    """How the cells of a region are chosen.

    Convention:
        - ``aps``: the score of a cell is the probability of all cells that are more likely
        - ``raps``: the same and ``penalty`` for each cell of them past the first ``free_cells``
        - ``distance``: the expected distance from the cell to the truth, as a multiple of the least of any
          cell; the region is compact, and larger where the probabilities are far apart
        - ``by``: "continent" when each continent has thresholds of its own
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: RegionMethod = "aps"
    penalty: float = Field(default=0.0, ge=0.0)
    free_cells: int = Field(default=0, ge=0)
    by: Literal["continent"] | None = None

    @property
    def needs_distances(self) -> bool:
        """Whether ``scores`` needs the distances between the cells."""
        return self.method == "distance"

    def scores(
        self, shares: NDArray[np.float64], between_km: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """The score (N, K) of each cell, low where the truth is likely.

        Convention:
            - ``shares``: (N, K) stated probabilities, rows sum to 1
            - ``between_km``: (K, K) distances of the cells' centres, for ``distance`` only

        Source:
            Y. Romano, M. Sesia, E. Candès, "Classification with Valid and Adaptive Coverage" (2020), and
            A. Angelopoulos et al., "Uncertainty Sets for Image Classifiers using Conformal Prediction"
            (2021), both without randomisation.

        Example:
            >>> RegionRule().scores(np.array([[0.2, 0.5, 0.3]])).round(2).tolist()
            [[0.8, 0.0, 0.5]]
        """
        if self.method == "distance":
            if between_km is None:
                raise ValueError("regions by distance need the distances between the centres")
            expected = shares @ between_km
            least = np.maximum(expected.min(axis=1, keepdims=True), _METRE_KM)
            ratio: NDArray[np.float64] = np.maximum(expected / least, 1.0)
            return ratio
        order = np.argsort(-shares, axis=1, kind="stable")
        ranked = np.take_along_axis(shares, order, axis=1)
        before = np.zeros_like(ranked)
        before[:, 1:] = ranked.cumsum(axis=1)[:, :-1]
        if self.method == "raps":
            before += self.penalty * np.maximum(0, np.arange(shares.shape[1]) + 1 - self.free_cells)
        scores = np.empty_like(before)
        np.put_along_axis(scores, order, before, axis=1)
        return scores


def cells_within(
    shares: NDArray[np.float64], scores: NDArray[np.float64], limits: float | NDArray[np.float64]
) -> list[NDArray[np.intp]]:
    """The cells of each photo whose score lies below the limit, the most probable first; never none.

    Convention:
        - ``shares``, ``scores``: (N, K); ``limits``: one for all cells, or (K,)

    Example:
        >>> shares = np.array([[0.2, 0.5, 0.3]])
        >>> [cells.tolist() for cells in cells_within(shares, RegionRule().scores(shares), 0.6)]
        [[1, 2]]
    """
    inside = is_within(scores, limits)
    order = np.argsort(-shares, axis=1, kind="stable")
    kept = np.take_along_axis(inside, order, axis=1)
    return [cells[chosen] for cells, chosen in zip(order, kept, strict=True)]


def is_within(scores: NDArray[np.float64], limits: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each cell (N, K) belongs to the region: below its limit, or the lowest of its photo."""
    inside: NDArray[np.bool_] = scores < np.asarray(limits) - _ROUNDING
    rows = np.arange(len(scores))
    inside[rows, scores.argmin(axis=1)] = True
    return inside


def continents_of_cells(partition: Partition) -> list[str]:
    """Two letters of the continent of each of the K cells, by its centre; ``none`` off every coast."""
    # without the gazetteer of towns the answer comes sooner
    countries = country_of(partition.centres, within_km=NEAR_LAND_KM, town_within_km=0.0)
    return [(continent_of(code) if code else None) or ELSEWHERE for code in countries]


def limits_of(
    pooled: float, by_group: dict[str, float] | None, groups: Sequence[str] | None
) -> float | NDArray[np.float64]:
    """The limit of each cell: its group's own, where it has one, else the pooled one.

    Example:
        >>> limits_of(0.9, {"EU": 0.8}, ["EU", "AF"]).tolist()
        [0.8, 0.9]
    """
    if not by_group or groups is None:
        return pooled
    return np.array([by_group.get(group, pooled) for group in groups], dtype=np.float64)


def distances_km(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle distances between all cell centres: (K, 2) degrees -> (K, K) km."""
    places = np.asarray(centres, dtype=np.float64)
    return great_circle_km(places[:, None], places[None, :])


def promise_key(share: float | str) -> str:
    """A promised coverage as the card writes it: "0.9".

    Raises:
        UsageError: it is no share between 0 and 1.

    Example:
        >>> promise_key(0.90), promise_key("0.95")
        ('0.9', '0.95')
    """
    try:
        value = float(share)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise UsageError(f"A promise is a share between 0 and 1, got '{share}'; for example 0.9 for 90 %.")
    return f"{value:g}"
