"""Augmentation of a batch at once against torchvision's, photo by photo: time per photo, side by side.

    python bench/augmentation.py

Both work on uint8 tensors of 224 px on one thread, in turns, and the median of the turns counts.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torchvision.transforms import v2

from graticule.training.augmentation import vary_batch
from graticule.training.recipe import AugmentationSection

BATCH = 32
TURNS = 7


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    torch.set_num_threads(1)
    photos = torch.randint(0, 256, (BATCH, 3, 224, 224), dtype=torch.uint8)
    seeds = torch.arange(BATCH)
    colour = v2.ColorJitter(0.3, 0.3, 0.3)
    pairs = {
        "crop-jitter-rotate": v2.Compose([colour, v2.RandomRotation(10, v2.InterpolationMode.BILINEAR)]),
        "randaugment-noflip": v2.RandAugment(2, 5, interpolation=v2.InterpolationMode.BILINEAR),
        "rotate90-flip-colour": v2.RandomApply(
            [v2.RandomChoice([v2.RandomHorizontalFlip(1.0), colour])], 0.5
        ),
    }
    print(f"{'policy':24} {'batch':>10} {'photo by photo':>16}  ratio")
    for policy, transform in pairs.items():
        section = AugmentationSection(policy=policy)

        def ours(section: AugmentationSection = section) -> None:
            vary_batch(photos.float() / 255, seeds, section)

        def theirs(transform: v2.Transform = transform) -> None:
            torch.stack([transform(photo) for photo in photos]).float().div(255)

        ours(), theirs()
        turns = [(seconds(ours), seconds(theirs)) for _ in range(TURNS)]
        one, other = (statistics.median(column) / BATCH * 1e3 for column in zip(*turns, strict=True))
        print(f"{policy:24} {one:7.2f} ms {other:13.2f} ms  {other / one:5.2f}")


if __name__ == "__main__":
    main()
