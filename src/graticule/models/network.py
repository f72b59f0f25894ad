"""The whole network: normalisation, backbone, pooling, dropout, head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from graticule.models.backbone import create_backbone, feature_count, pretrained_card
from graticule.models.heads import HEADS
from graticule.models.preprocessing import Normalise, Preprocessing
from graticule.models.weights import load_backbone_weights


class PlaceNetwork(nn.Module):
    """Scores the K cells of a partition for each photo.

    Convention:
        - ``embed``: (B, 3, H, W) RGB in [0, 1] -> (B, D) features
        - ``classify``: (B, D) -> (B, K) logits, as training sees them
        - ``forward``: (B, 3, H, W) -> probabilities (B, K) and embedding (B, D), as an exported model gives
          them: with ``logit_shift`` (K), the correction for where the photos to be located come from
    """

    logit_shift: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        head: nn.Module,
        *,
        preprocessing: Preprocessing,
        cells: int,
        dropout: float = 0.0,
        feature_norm: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.normalise = Normalise(preprocessing)
        self.backbone = backbone
        self.feature_norm = feature_norm or nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.head = head
        self.register_buffer("logit_shift", torch.zeros(cells))

    def embed(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in [0, 1] -> (B, D) pooled features."""
        features: Tensor = self.backbone(self.normalise(image))
        return features

    def classify(self, features: Tensor) -> Tensor:
        """(B, D) features -> (B, K) logits without the shift."""
        logits: Tensor = self.head(self.dropout(self.feature_norm(features)))
        return logits

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) RGB in [0, 1] -> probabilities (B, K), embedding (B, D)."""
        embedding = self.embed(image)
        return torch.softmax(self.classify(embedding) + self.logit_shift, dim=1), embedding


def create_network(
    *,
    backbone: str,
    cells: int,
    weights: str = "none",
    pooling: str = "avg",
    head: str = "mc",
    dropout: float = 0.0,
    feature_norm: bool = False,
    kwargs: Mapping[str, Any] | None = None,
    identity_modules: Sequence[str] = (),
    image_size_px: int | None = None,
    crop: float | None = None,
    mean: tuple[float, float, float] | None = None,
    std: tuple[float, float, float] | None = None,
) -> PlaceNetwork:
    """Build a network and give its backbone its first weights.

    Convention:
        - the names are the keys of a recipe's section ``network``; see there for their meaning
        - ``cells``: K

    Raises:
        RecipeError: no such network, or an argument that it does not take.
        MissingFileError, TrainingError: the weights are not there, or not of this network.
    """
    body = create_backbone(
        backbone,
        pooling=pooling,
        size_px=image_size_px,
        kwargs=kwargs,
        identity_modules=identity_modules,
        pretrained=weights == "pretrained",
    )
    if weights not in ("pretrained", "none"):
        load_backbone_weights(body, weights, architecture=backbone)
    preprocessing = Preprocessing.of_card(
        pretrained_card(body), size_px=image_size_px, crop=crop, mean=mean, std=std
    )
    features = feature_count(body, preprocessing.size_px)
    return PlaceNetwork(
        body,
        HEADS[head](features, cells),
        preprocessing=preprocessing,
        cells=cells,
        dropout=dropout,
        feature_norm=nn.BatchNorm1d(features, affine=False) if feature_norm else None,
    )
