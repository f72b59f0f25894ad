"""The figures of an evaluation as torchmetrics, for training loops: they gather, the formulas are elsewhere.

Each ``update`` takes a batch, ``compute`` gives the figure over all batches so far, on all processes. The
formulas are those of ``graticule.evaluation``: a training run and a report mean the same by a figure.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from graticule.evaluation import metrics
from graticule.evaluation.classification import FIGURES, ClassCounts
from graticule.evaluation.protocols import protocol_named


class _Errors(Metric):
    """Errors in km of all photos so far; subclasses say what becomes of them.

    Convention:
        - ``update``: answers and true places, (latitude, longitude) in degrees, shape (B, 2); an answer with
          NaN is a photo without one, wrong everywhere
        - ``protocol``: how distances are measured, as ``graticule evaluate --protocol``
    """

    is_differentiable = False
    full_state_update = False
    errors_km: list[Tensor]

    def __init__(self, *, protocol: str = "graticule", **words: Any) -> None:
        super().__init__(**words)
        self.protocol = protocol_named(protocol)
        self.add_state("errors_km", default=[], dist_reduce_fx="cat")

    def update(self, answers: Tensor, truth: Tensor) -> None:
        """Take a batch."""
        found = metrics.errors_km(_numbers(answers), _numbers(truth), protocol=self.protocol)
        self.errors_km.append(torch.as_tensor(found, dtype=torch.float64, device=self.device))

    def gathered(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """All errors so far, in km, shape (N,)."""
        return _numbers(dim_zero_cat(self.errors_km)) if self.errors_km else np.empty(0)


class WithinKm(_Errors):
    """Share of photos within ``limit_km`` of their true place.

    Example:
        >>> share = WithinKm(25.0)
        >>> share.update(torch.tensor([[48.9, 2.3], [0.0, 0.0]]), torch.tensor([[48.8, 2.3], [9.0, 9.0]]))
        >>> float(share.compute())
        0.5
    """

    higher_is_better = True

    def __init__(self, limit_km: float, **words: Any) -> None:
        super().__init__(**words)
        self.limit_km = limit_km

    def compute(self) -> Tensor:
        """The share, in [0, 1]; NaN before the first photo."""
        errors = self.gathered()
        if not errors.size:
            return torch.tensor(float("nan"))
        return torch.tensor(float(self.protocol.is_within(errors, self.limit_km).mean()))


class MedianKm(_Errors):
    """Median error in km; infinite when at least half of the photos have no answer."""

    higher_is_better = False

    def compute(self) -> Tensor:
        """The median in km; NaN before the first photo."""
        errors = self.gathered()
        return torch.tensor(metrics.median_km(errors) if errors.size else float("nan"))


class MeanKm(_Errors):
    """Mean error in km of the photos that have an answer."""

    higher_is_better = False

    def compute(self) -> Tensor:
        """The mean in km; NaN where no photo has an answer."""
        return torch.tensor(metrics.mean_km(self.gathered()))


class GeoScore(_Errors):
    """Mean GeoScore, 0 to 5000; a photo without an answer has 0 points."""

    higher_is_better = True

    def compute(self) -> Tensor:
        """The mean score; NaN before the first photo."""
        errors = self.gathered()
        return torch.tensor(metrics.geoscore(errors, protocol=self.protocol) if errors.size else float("nan"))


class TopK(Metric):
    """Share of photos whose true cell is among the ``k`` with the highest scores.

    Convention:
        - ``update``: scores (B, K), logits or probabilities; true cells (B,), -1 where no cell covers the
          photo, which is never right

    Example:
        >>> top = TopK(1)
        >>> top.update(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
        >>> float(top.compute())
        0.5
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    right: Tensor
    photos: Tensor

    def __init__(self, k: int, **words: Any) -> None:
        super().__init__(**words)
        self.k = k
        self.add_state("right", default=torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("photos", default=torch.tensor(0), dist_reduce_fx="sum")

    def update(self, scores: Tensor, cells: Tensor) -> None:
        """Take a batch."""
        ranked = scores.topk(min(self.k, scores.shape[1]), dim=1).indices
        found = metrics.is_in_top_k(_integers(cells), _integers(ranked), self.k)
        self.right += int(found.sum())
        self.photos += len(found)

    def compute(self) -> Tensor:
        """The share, in [0, 1]; NaN before the first photo."""
        return self.right / self.photos


class ClassFigures(Metric):
    """Accuracy, balanced accuracy, mean precision, mean and weighted F1 over classes.

    Convention:
        - ``update``: answered and true class of each photo, shape (B,), -1 for none

    Example:
        >>> figures = ClassFigures(2)
        >>> figures.update(torch.tensor([0, 0, 0, 0]), torch.tensor([0, 0, 0, 1]))
        >>> float(figures.compute()["balanced_accuracy"])
        0.5
    """

    is_differentiable = False
    full_state_update = False
    truth: Tensor
    said: Tensor
    right: Tensor

    def __init__(self, classes: int, **words: Any) -> None:
        super().__init__(**words)
        self.classes = classes
        for name in ("truth", "said", "right"):
            self.add_state(name, default=torch.zeros(classes, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, answers: Tensor, truth: Tensor) -> None:
        """Take a batch."""
        counts = ClassCounts.of(_integers(truth), _integers(answers), self.classes)
        self.truth += torch.as_tensor(counts.truth, device=self.device)
        self.said += torch.as_tensor(counts.said, device=self.device)
        self.right += torch.as_tensor(counts.right, device=self.device)

    def compute(self) -> dict[str, Tensor]:
        """The figures by name, shares in [0, 1]."""
        counts = ClassCounts(_numbers(self.truth), _numbers(self.said), _numbers(self.right))
        found = counts.figures()
        return {name: torch.tensor(found[name]) for name in FIGURES}


def _numbers(values: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(values.detach().cpu().numpy(), dtype=np.float64)


def _integers(values: Tensor) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(values.detach().cpu().numpy(), dtype=np.int64)
