"""How a bundle's calibration turns the network's probabilities into those that are stated.

In: probabilities (N, K) as the network gives them. Out: probabilities (N, K), rows sum to 1. What the
numbers are is in the card; ``graticule.evaluation.calibration`` fits them, predicting applies them, and
both do it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_SMALLEST = np.finfo(np.float64).tiny


class Scaling(BaseModel):
    """What is done to the probabilities after the temperature.

    Convention:
        - ``vector``: K slopes and K shifts: softmax of ``slope * log(p) + shift``
        - ``platt``: one of each: ``sigmoid(slope * logit(p) + shift)`` of every cell against the rest,
          normalised
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: Literal["vector", "platt"]
    slope: tuple[float, ...]
    shift: tuple[float, ...]

    @model_validator(mode="after")
    def _of_one_length(self) -> Scaling:
        if len(self.slope) != len(self.shift) or (self.method == "platt" and len(self.slope) != 1):
            raise ValueError(
                "slope and shift must be as many: one each for platt, one for each cell for vector"
            )
        return self

    def fits(self, cells: int) -> bool:
        """Whether the numbers are for so many cells."""
        return self.method == "platt" or len(self.slope) == cells

    def __call__(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """The probabilities (N, K) after scaling; rows sum to 1.

        Source:
            C. Guo et al., "On Calibration of Modern Neural Networks" (2017), section 4; for Platt's sigmoid
            over several classes B. Zadrozny, C. Elkan, "Transforming Classifier Scores into Accurate
            Multiclass Probability Estimates" (2002).

        Example:
            >>> scaling = Scaling(method="vector", slope=(1.0, 1.0), shift=(0.0, 1.0986))
            >>> scaling([[0.75, 0.25]]).round(2).tolist()
            [[0.5, 0.5]]
        """
        shares = np.asarray(probabilities, dtype=np.float64)
        slope, shift = np.array(self.slope), np.array(self.shift)
        if self.method == "vector":
            return softmax(slope * log_of(shares) + shift)
        raised = sigmoid(slope * logit(shares) + shift)
        normalised: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
        return normalised


def temper(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Probabilities after temperature scaling.

    Convention:
        - ``probabilities``: (N, K), rows sum to 1; ``temperature`` > 0, above 1 flattens
        - the result: (N, K), proportional to ``probabilities ** (1 / temperature)``

    Source:
        Guo et al., "On Calibration of Modern Neural Networks" (2017): dividing the logits by T is the
        same as raising the probabilities to 1 / T.

    Example:
        >>> temper([[0.8, 0.2]], 2.0).round(3).tolist()
        [[0.667, 0.333]]
    """
    return softmax(log_of(probabilities) / temperature)


def scaled(
    probabilities: ArrayLike, *, temperature: float = 1.0, scaling: Scaling | None = None
) -> NDArray[np.float64]:
    """The probabilities (N, K) that are stated: after the temperature, then after ``scaling``."""
    tempered = temper(probabilities, temperature)
    return tempered if scaling is None else scaling(tempered)


def log_of(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Natural logarithms; a probability of 0 counts as the smallest number there is."""
    logs: NDArray[np.float64] = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _SMALLEST))
    return logs


def logit(probabilities: ArrayLike) -> NDArray[np.float64]:
    """log(p / (1 - p)), finite also at 0 and 1."""
    shares = np.asarray(probabilities, dtype=np.float64)
    rest: NDArray[np.float64] = np.log(np.maximum(1.0 - shares, np.finfo(np.float64).epsneg))
    return log_of(shares) - rest


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of the last axis in proportion to exp(logits)."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-values)), without overflow; never 0, so that something is left to normalise."""
    bounded: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(values, -500.0, 500.0)))
    return bounded
