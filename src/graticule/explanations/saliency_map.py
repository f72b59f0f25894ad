"""A map of what mattered in one photo: the form that every method of explaining gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SaliencyMap:
    """How much each part of the square that a network sees spoke for a target.

    Convention:
        - ``values``: (h, w), row 0 on top; above 0 speaks for the target, below 0 against it, in ``unit``
        - ``method``: ``gradcam``, ``occlusion``, ...; ``target``: in words
        - ``weights``: (K,), what the target means for this photo (``targets.Target``)
        - ``score``: the explained number for the photo as it is, in nats, of the probabilities that the model
          states (``targets.log_probability``)
        - ``passes``: how many pictures the network was shown for it
        - ``meaning``: what the values are, as a sentence
    """

    method: str
    target: str
    values: NDArray[np.float32]
    weights: NDArray[np.float64]
    score: float
    passes: int
    meaning: str
    unit: str = "nats"

    @property
    def takes_sides(self) -> bool:
        """Whether it says what speaks for the target and what against it; attention says where it looks."""
        return self.unit == "nats"

    def resized(self, height: int, width: int) -> NDArray[np.float32]:
        """The values at another size, (height, width), between them linearly.

        Example:
            >>> values = np.eye(2, dtype=np.float32)
            >>> SaliencyMap("gradcam", "best", values, np.ones(1), 0.0, 1, "").resized(4, 4).shape
            (4, 4)
        """
        picture = Image.fromarray(np.ascontiguousarray(self.values, dtype=np.float32))
        return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)

    def shares(self) -> NDArray[np.float32]:
        """The part that speaks for the target, scaled to a sum of 1; all zeros where nothing does."""
        positive = np.maximum(self.values, 0)
        total = positive.sum()
        return positive / total if total > 0 else positive

    def to_dict(self, *, side: int = 14) -> dict[str, Any]:
        """The map as plain values: at most ``side`` x ``side`` numbers, rounded to four places."""
        rows, columns = (min(side, size) for size in self.values.shape)
        small = self.resized(rows, columns)
        return {
            "method": self.method,
            "target": self.target,
            "score": round(self.score, 4),
            "unit": self.unit,
            "meaning": self.meaning,
            "passes": self.passes,
            "values": [[float(f"{value:.4g}") for value in row] for row in small.tolist()],
        }
