"""What a network wants to see: size, crop and normalisation. The one home of a backbone's normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Preprocessing:
    """How a photo becomes the input of a network.

    Convention:
        - the short side is resized to ``resize_px``, then the centre ``size_px`` x ``size_px`` is kept
        - ``crop``: size_px / resize_px, a share in (0, 1]
        - ``mean``, ``std``: of red, green, blue in [0, 1]

    Example:
        >>> Preprocessing(size_px=224, crop=0.875, mean=(0.5,) * 3, std=(0.5,) * 3).resize_px
        256
    """

    size_px: int
    crop: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def resize_px(self) -> int:
        """The short side, in pixels, before the centre crop."""
        return round(self.size_px / self.crop)

    @classmethod
    def of_card(
        cls,
        card: Mapping[str, Any],
        *,
        size_px: int | None = None,
        crop: float | None = None,
        mean: tuple[float, float, float] | None = None,
        std: tuple[float, float, float] | None = None,
    ) -> Preprocessing:
        """The preprocessing that timm's card of a backbone states, with what is given in its place.

        Convention:
            - ``card``: timm's ``pretrained_cfg`` as a mapping
        """
        return cls(
            size_px=size_px or int(card["input_size"][-1]),
            crop=crop or float(card.get("crop_pct") or 1.0),
            mean=_triple(mean or card["mean"]),
            std=_triple(std or card["std"]),
        )


class Normalise(nn.Module):
    """(image - mean) / std, inside the network so that an exported one holds it."""

    mean: Tensor
    std: Tensor

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(preprocessing.std).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in [0, 1] -> the same shape, normalised."""
        return (image - self.mean) / self.std


def _triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
