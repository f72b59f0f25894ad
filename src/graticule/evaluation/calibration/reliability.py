"""Does stated confidence come true? Reliability diagrams and calibration errors.

In: confidences, shares in [0, 1], and whether each answer was right. Out: bins with mean confidence and share
of right answers, and the expected calibration error (ECE) over them, a share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from graticule.errors import UsageError
from graticule.evaluation.calibration.inputs import Array, check_sums
from graticule.evaluation.metrics import BINS

_CHUNK: Final = 4_000_000  # probabilities looked at together: 32 MB

Spacing = Literal["width", "mass"]


@dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence beside what came true, bin by bin.

    Convention:
        - ``edges``: (B + 1,) confidences; ``counts``: (B,) photos
        - ``confidence``, ``accuracy``: (B,) means, NaN in an empty bin; ``low``, ``high``: the 95 %
          interval of the accuracy (Wilson)
    """

    edges: Array
    counts: NDArray[np.int64]
    confidence: Array
    accuracy: Array
    low: Array
    high: Array

    @property
    def weights(self) -> Array:
        """Share of the photos in each bin."""
        shares: Array = self.counts / max(1, self.counts.sum())
        return shares

    @property
    def error(self) -> float:
        """The expected calibration error: mean gap, each bin weighing as many photos as it has."""
        return float(np.nansum(self.weights * np.abs(self.accuracy - self.confidence)))

    @property
    def debiased(self) -> float:
        """The root mean square gap less what chance alone adds; 0 when chance explains it all.

        Even a perfect model has gaps in bins of few photos. Of each squared gap the variance of the
        accuracy is taken off; a bin of one photo tells no variance and is left out.

        Source:
            A. Kumar, P. Liang, T. Ma, "Verified Uncertainty Calibration" (2019), the debiased estimator.
        """
        known = self.counts > 1
        accuracy, counts = self.accuracy[known], self.counts[known]
        squared = (accuracy - self.confidence[known]) ** 2 - accuracy * (1 - accuracy) / (counts - 1)
        return float(np.sqrt(max(0.0, (self.weights[known] * squared).sum())))

    @property
    def highest(self) -> float:
        """The largest gap of any bin (maximum calibration error); NaN without a photo."""
        gaps = np.abs(self.accuracy - self.confidence)[self.counts > 0]
        return float(gaps.max()) if gaps.size else float("nan")

    @property
    def mean_confidence(self) -> float:
        """Mean stated confidence of all photos."""
        return float(np.nansum(self.weights * self.confidence))

    @property
    def mean_accuracy(self) -> float:
        """Share of all photos that were answered right."""
        return float(np.nansum(self.weights * self.accuracy))

    def to_dict(self) -> dict[str, Any]:
        """The figures and the bins, for ``metrics.json``."""
        bins = [
            {
                "from": float(self.edges[i]),
                "to": float(self.edges[i + 1]),
                "n": int(self.counts[i]),
                "confidence": float(self.confidence[i]),
                "accuracy": float(self.accuracy[i]),
                "interval": [float(self.low[i]), float(self.high[i])],
            }
            for i in range(len(self.counts))
            if self.counts[i]
        ]
        return {
            "n": int(self.counts.sum()),
            "ece": self.error,
            "ece_debiased": self.debiased,
            "highest_gap": self.highest,
            "mean_confidence": self.mean_confidence,
            "mean_accuracy": self.mean_accuracy,
            "bins": bins,
        }


def reliability(
    confidence: ArrayLike, is_right: ArrayLike, *, bins: int = BINS, spacing: Spacing = "width"
) -> Reliability:
    """Sort photos by stated confidence into bins and see how many were right.

    Convention:
        - ``confidence``: (N,) shares in [0, 1]; ``is_right``: (N,)
        - ``width``: bin i holds (i / bins, (i + 1) / bins], the first also 0; ``mass``: as many photos in
          each bin, by rank

    Raises:
        UsageError: no photo, fewer than one bin, shapes that do not belong together, or a confidence that
            is no share.

    Source:
        M. Naeini, G. Cooper, M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
        Binning" (2015); bins of equal mass: J. Nixon et al., "Measuring Calibration in Deep Learning" (2019).

    Example:
        >>> found = reliability([0.9, 0.9, 0.1], [True, False, False])
        >>> round(found.error, 3), found.counts.sum()
        (0.3, np.int64(3))
    """
    stated, right = np.asarray(confidence, dtype=np.float64), np.asarray(is_right, dtype=np.float64)
    _check(stated, right, bins)
    if spacing == "mass":
        ranked = np.sort(stated)
        starts = np.linspace(0, len(stated), bins + 1).round().astype(np.int64)
        index = np.empty(len(stated), dtype=np.int64)
        order = np.argsort(stated, kind="stable")
        index[order] = np.searchsorted(starts, np.arange(len(stated)), side="right") - 1
        edges = np.concatenate([[0.0], ranked[np.maximum(starts[1:-1], 1) - 1], [1.0]])
    else:
        index = np.clip(np.ceil(stated * bins - 1e-12).astype(np.int64) - 1, 0, bins - 1)
        edges = np.linspace(0, 1, bins + 1)
    counts = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(index, weights=stated, minlength=bins) / counts
        shares = np.bincount(index, weights=right, minlength=bins) / counts
    low, high = wilson(shares, counts)
    return Reliability(edges, counts, means, shares, low, high)


def _check(stated: Array, right: Array, bins: int) -> None:
    if not stated.size:
        raise UsageError("There is no photo with a stated confidence, so its truth cannot be measured.")
    if bins < 1 or stated.ndim != 1 or stated.shape != right.shape:
        raise UsageError(
            f"Confidences of shape {stated.shape}, answers of shape {right.shape} and {bins} bins do not "
            "belong "
            "together: expected (N,), (N,) and 1 bin or more."
        )
    if not ((stated >= 0) & (stated <= 1 + 1e-6)).all():
        raise UsageError(
            f"A confidence is a share in [0, 1]; found {stated.min():.4g} to {stated.max():.4g}.\n"
            "Divide percentages by 100; take a softmax of scores."
        )


def wilson(share: ArrayLike, count: ArrayLike, *, level: float = 0.95) -> tuple[Array, Array]:
    """The interval of a share that was counted over so many photos; NaN for none.

    Source:
        E. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927).

    Example:
        >>> [round(float(end), 3) for end in wilson(0.77, 300)]
        [0.719, 0.814]
    """
    p, n = np.asarray(share, dtype=np.float64), np.asarray(count, dtype=np.float64)
    z = float(ndtri((1 + level) / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = middle - half, middle + half
    return np.where(n > 0, np.maximum(low, 0.0), np.nan), np.where(n > 0, np.minimum(high, 1.0), np.nan)


def classwise_error(probabilities: ArrayLike, cells: ArrayLike, *, bins: int = BINS) -> float:
    """Mean over the cells of each cell's own calibration error: all probabilities count, not the best alone.

    Convention:
        - ``probabilities``: (N, K), rows sum to 1; ``cells``: (N,) true cell, -1 where none covers the place
        - bins of equal width; the result is a share, small where K is large since most probabilities are

    Raises:
        UsageError: no photo, or rows that are no probabilities.

    Source:
        M. Kull et al., "Beyond temperature scaling" (2019), classwise-ECE.

    Example:
        >>> round(classwise_error([[0.9, 0.1], [0.9, 0.1]], [0, 1]), 3)
        0.4
    """
    shares, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(cells, dtype=np.int64)
    if shares.ndim != 2 or not len(shares) or truth.shape != shares.shape[:1]:
        raise UsageError(
            f"Probabilities of shape {shares.shape} and cells of shape {truth.shape} do not belong together: "
            "expected (N, K) and (N,) with N of 1 or more."
        )
    check_sums(shares)
    count = shares.shape[1]
    gaps = np.zeros(count * bins)
    step = max(1, _CHUNK // count)
    for start in range(0, len(shares), step):
        part = shares[start : start + step]
        index = np.clip(np.ceil(part * bins - 1e-12).astype(np.int64) - 1, 0, bins - 1)
        index += np.arange(count) * bins
        right = truth[start : start + step, None] == np.arange(count)
        gaps += np.bincount(index.ravel(), weights=(right - part).ravel(), minlength=count * bins)
    return float(np.abs(gaps).sum() / len(shares) / count)


def share_within(probabilities: ArrayLike, points: ArrayLike, centres: ArrayLike, limit_km: float) -> Array:
    """How probable it is, by what was stated, that the truth lies within ``limit_km`` of the answer.

    Beside whether it does, this is the calibration that a user of distances cares for.

    Convention:
        - ``probabilities``: (N, K); ``points``: (N, 2) answers and ``centres``: (K, 2) of the cells, both
          (latitude, longitude) in degrees; a cell counts as a whole, by its centre
        - the result: (N,) shares

    Example:
        >>> share_within([[0.6, 0.3, 0.1]], [[0, 0]], [[0, 0], [0, 1], [0, 50]], 200).round(2).tolist()
        [0.9]
    """
    from graticule.geo.sphere import great_circle_km

    shares = np.asarray(probabilities, dtype=np.float64)
    places, middles = np.asarray(points, dtype=np.float64), np.asarray(centres, dtype=np.float64)
    found = np.empty(len(shares))
    step = max(1, _CHUNK // max(1, len(middles)))
    for start in range(0, len(shares), step):
        away = great_circle_km(places[start : start + step, None], middles[None])
        found[start : start + step] = (shares[start : start + step] * (away <= limit_km)).sum(axis=1)
    return np.minimum(found, 1.0)
