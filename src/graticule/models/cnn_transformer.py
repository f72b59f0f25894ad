"""A convolutional network whose feature map is read by the blocks of a vision transformer."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers import resample_abs_pos_embed  # type: ignore[attr-defined]
from torch import Tensor, nn

from graticule.errors import RecipeError


class TransformerBlocks(nn.Module):
    """The blocks of a vision transformer, with its position embedding and its last norm.

    Convention:
        - ``forward``: (B, grid * grid, width) patches, row by row -> the same shape
        - class token and patch embedding are not taken: the patches come from elsewhere

    Raises:
        RecipeError: ``source`` is no plain vision transformer of timm.
    """

    def __init__(self, source: nn.Module, *, grid: int, name: str) -> None:
        super().__init__()
        vit: Any = source
        if not all(hasattr(vit, part) for part in ("blocks", "pos_embed", "norm", "embed_dim")):
            raise RecipeError(
                f"network.transformer: '{name}' is no plain vision transformer of timm, whose blocks could "
                "be taken.\nName one, for example:  --set network.transformer.name=vit_small_patch16_224"
            )
        self.width = int(vit.embed_dim)
        with torch.no_grad():
            positions = resample_abs_pos_embed(
                vit.pos_embed, [grid, grid], num_prefix_tokens=vit.num_prefix_tokens
            )
        self.positions = nn.Parameter(positions[:, -grid * grid :].clone())
        self.blocks = vit.blocks
        self.norm = vit.fc_norm if isinstance(vit.norm, nn.Identity) else vit.norm

    def forward(self, patches: Tensor) -> Tensor:
        """(B, grid * grid, width) -> (B, grid * grid, width)."""
        seen: Tensor = self.norm(self.blocks(patches + self.positions))
        return seen


class CnnTransformer(nn.Module):
    """Feature map of a CNN -> grid x grid patches -> projection -> blocks of a ViT -> mean over the patches.

    Convention:
        - ``forward``: (B, 3, H, W) normalised -> (B, width)
        - ``num_features``: width of the transformer

    Raises:
        RecipeError: the first network gives no feature map.

    Source:
        S1 (CNN + ViT for geolocation, 2025), section "Model": ResNet-50, 14 x 14, 384, ViT-S/16. The text
        does not say whether the ViT's own position embedding is added; here it is, since its grid is the
        same 14 x 14.
    """

    def __init__(self, cnn: nn.Module, transformer: TransformerBlocks, *, grid: int, size_px: int) -> None:
        super().__init__()
        self.cnn = cnn
        self.pool = nn.AdaptiveAvgPool2d(grid)
        self.projection = nn.Linear(self._channels(size_px), transformer.width)
        self.transformer = transformer
        self.num_features = transformer.width

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, width)."""
        grid: Tensor = self.pool(self._map(image))  # (B, C, grid, grid)
        patches = self.projection(grid.flatten(2).transpose(1, 2))  # (B, grid * grid, width)
        mean: Tensor = self.transformer(patches).mean(dim=1)
        return mean

    def _map(self, image: Tensor) -> Tensor:
        cnn: Any = self.cnn
        found: Tensor = cnn.forward_features(image)
        if getattr(cnn, "output_fmt", None) == "NHWC":
            found = found.permute(0, 3, 1, 2)
        return found

    @torch.no_grad()
    def _channels(self, size_px: int) -> int:
        was_training = self.cnn.training
        self.cnn.eval()
        found = self._map(torch.zeros(1, 3, size_px, size_px))
        self.cnn.train(was_training)
        if found.ndim != 4:
            raise RecipeError(
                f"The backbone {type(self.cnn).__name__} gives no feature map that a transformer could read "
                f"(shape {tuple(found.shape)}).\n"
                "Name a convolutional network in network.backbone.name, or leave network.transformer out."
            )
        return int(found.shape[1])
