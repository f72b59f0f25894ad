"""Pictures of what an autoencoder restores: original, masked, restored, one below the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from graticule.models.mae import MaskedAutoencoder
from graticule.training.augmentation.draws import uniforms
from graticule.training.loading import Photos, collate
from graticule.training.module import as_image
from graticule.training.whole_files import write_whole

ROWS: Final = ("original", "masked", "restored")
MARGIN_PX: Final = 62
"""Room for the names of the rows."""

_GAP_PX: Final = 2
_MASKS: Final = 7


@dataclass(frozen=True, eq=False)
class Gallery:
    """Draws the same photos, with the same patches hidden, whenever it is asked.

    Convention:
        - ``photos``: evenly spaced among those that can be read, ``count`` of them
        - ``folder``: gets ``reconstructions/step_0000100.png``, and the latest as ``reconstructions.png``
    """

    photos: Photos
    count: int
    folder: Path
    seed: int = 0

    @cached_property
    def squares(self) -> Tensor:
        """(B, 3, H, W) uint8, as prediction sees them; none where none can be read."""
        rows = np.unique(np.linspace(0, len(self.photos) - 1, 2 * self.count).round().astype(int))
        read = [item for row in rows if (item := self.photos[int(row), 0]).square is not None]
        return collate(read[:: max(1, len(read) // self.count)][: self.count]).inputs

    @torch.no_grad()
    def draw(self, network: MaskedAutoencoder, step: int) -> None:
        """Draw what ``network`` restores after so many steps."""
        if not len(self.squares):
            return
        was_training = network.training
        network.eval()
        device = next(network.parameters()).device
        image = as_image(self.squares.to(device))
        seeds = torch.arange(len(image)) + self.seed
        noise = uniforms(seeds, network.patches, stream=_MASKS).to(device)
        masked, restored = network.restore(image, noise)
        network.train(was_training)
        picture = sheet([image, masked, restored])
        (self.folder / "reconstructions").mkdir(parents=True, exist_ok=True)
        for name in (f"reconstructions/step_{step:07}.png", "reconstructions.png"):
            write_whole(self.folder / name, lambda part: picture.save(part, format="PNG"))


def sheet(rows: list[Tensor]) -> Image.Image:
    """One picture: a row for each name of ``ROWS``, a column for each photo.

    Convention:
        - ``rows``: each (B, 3, H, W) RGB in [0, 1]
    """
    height, width = rows[0].shape[2] + _GAP_PX, rows[0].shape[3] + _GAP_PX
    picture = Image.new("RGB", (MARGIN_PX + width * len(rows[0]), height * len(rows)), "white")
    pen = ImageDraw.Draw(picture)
    for down, (name, photos) in enumerate(zip(ROWS, rows, strict=True)):
        pen.text((4, down * height + height // 2 - 6), name, fill="black")
        for across, photo in enumerate(photos):
            picture.paste(Image.fromarray(_pixels(photo)), (MARGIN_PX + across * width, down * height))
    return picture


def _pixels(photo: Tensor) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = (photo.permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()
    return pixels
