"""A step of masked-autoencoder pre-training against a supervised step of the same vision transformer.

    python bench/mae.py [--size base] [--size-px 224] [--batch 16] [--rounds 5] [--precision float32] [--json]
    python bench/mae.py --small     # tiny, 112 px, 32 photos: seconds on a processor

Both sides are whole steps on the same photos: forward, backward, AdamW. The supervised one is timm's vision
transformer of that size with a linear layer for 1,000 cells, cross-entropy; the other hides three quarters of
the patches and restores them, as ``graticule pretrain`` does. They take turns, and what counts is the median
over the rounds of the ratio within a round; beside it stand its least and greatest.

On a processor one thread works and its own seconds are measured, which other work on the machine disturbs
less than the clock; on a GPU the clock, after everything is done there. It exits with 1 where the bound is
missed, which is set for the size ``base`` alone. No weights are downloaded.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from graticule.models.backbone import create_backbone
from graticule.models.mae import ENCODERS, MaeSettings, create_autoencoder

BOUND = 0.4
PUBLISHED = 0.7
"""S3, 5.1: 7 epochs of the supervised transformer in the time of 10 of the autoencoder, on an A100."""

CELLS = 1000


def step(
    network: nn.Module, loss: Callable[[], Tensor], device: torch.device, dtype: Any
) -> Callable[[], None]:
    """A function that makes one step of AdamW."""
    network.to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def one() -> None:
        with torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
            found = loss()
        found.float().backward()
        optimizer.step()
        optimizer.zero_grad()

    return one


def sides(settings: argparse.Namespace, device: torch.device) -> dict[str, Callable[[], None]]:
    dtype = torch.bfloat16 if settings.precision == "bf16" else None
    photos = torch.rand(settings.batch, 3, settings.size_px, settings.size_px, device=device)
    cells = torch.randint(CELLS, (settings.batch,), device=device)
    backbone = create_backbone(ENCODERS[settings.size], pooling="token", size_px=settings.size_px)
    classifier = nn.Sequential(backbone, nn.Linear(backbone.num_features, CELLS))  # type: ignore[arg-type]
    restorer = create_autoencoder(MaeSettings(settings.size, size_px=settings.size_px))

    def supervised() -> Tensor:
        return functional.cross_entropy(classifier((photos - 0.5) / 0.5), cells)

    def masked() -> Tensor:
        noise = torch.rand(settings.batch, restorer.patches, device=device)
        return restorer.losses(photos, noise).mean()

    return {
        "supervised": step(classifier, supervised, device, dtype),
        "mae": step(restorer, masked, device, dtype),
    }


def seconds(function: Callable[[], None], device: torch.device) -> float:
    if device.type != "cuda":
        start = time.process_time()
        function()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    function()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(settings: argparse.Namespace) -> dict[str, Any]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)
    both = sides(settings, device)
    for one in both.values():
        one()
    taken: dict[str, list[float]] = {name: [] for name in both}
    for number in range(settings.rounds):
        for name in list(both)[:: 1 if number % 2 else -1]:
            taken[name].append(seconds(both[name], device))
    ratios = [mae / supervised for mae, supervised in zip(taken["mae"], taken["supervised"], strict=True)]
    return {
        "size": settings.size,
        "size_px": settings.size_px,
        "batch": settings.batch,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu, one thread",
        "precision": settings.precision,
        "supervised_s": statistics.median(taken["supervised"]),
        "mae_s": statistics.median(taken["mae"]),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "greatest": max(ratios),
        "bound": BOUND if settings.size == "base" else None,
        "published": PUBLISHED,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=list(ENCODERS), default="base")
    parser.add_argument("--size-px", type=int, default=224)
    parser.add_argument("--batch", type=int, help="photos in a step  [default: 64 on a GPU, else 16]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", choices=["float32", "bf16"], default="float32")
    parser.add_argument("--small", action="store_true", help="tiny, 112 px, 32 photos")
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    settings.batch = settings.batch or (64 if torch.cuda.is_available() else 16)
    if settings.small:
        settings.size, settings.size_px, settings.batch = "tiny", 112, 32
    found = measure(settings)
    if settings.json:
        print(json.dumps(found, indent=2))
    else:
        print(
            f"{found['size']}, {found['size_px']} px, {found['batch']} photos, {found['device']}, "
            f"{found['precision']}: supervised {found['supervised_s']:.3f} s, "
            f"autoencoder {found['mae_s']:.3f} s"
        )
        print(
            f"ratio {found['ratio']:.3f} ({found['least']:.3f} to {found['greatest']:.3f} in "
            f"{settings.rounds} rounds); "
            f"bound {found['bound'] or 'none at this size'}; S3 {PUBLISHED}"
        )
    return 1 if found["bound"] is not None and found["ratio"] > found["bound"] else 0


if __name__ == "__main__":
    sys.exit(main())
