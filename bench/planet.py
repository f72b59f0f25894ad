"""What a small network learns of the synthetic planet, and what a planted car hood does to it.

    python bench/planet.py                     # two runs of five CPU minutes each
    python bench/planet.py --minutes 1 --photos 2000

A convolutional network of about one million parameters learns the country of street scenes of thirty
countries, once on a plain planet and once on one where the photos of five countries show a car hood. Time is
the processor's, of all threads, for training alone. Test photos are of other trips than those learned from.
A hood is covered with the mean of all photos there, or taken away: the same scenes, drawn without it.
Checked (exit status 1 when broken): at least five times chance on the plain planet; in the five countries
the hood raises the share that is right, and covering it takes more than that away, and more than covering
the same place takes from the network that never saw a hood.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from graticule.photos.synthetic import build_planet

HOODS = ("GH", "SN", "KE", "UG", "NG")
BATCH = 64
Pixels = np.ndarray


@dataclass
class Planet:
    """Photos as bytes (N, 3, H, W), their country's number, where a hood is (N, H, W), and the splits."""

    pixels: torch.Tensor
    country: torch.Tensor
    codes: list[str]
    hood: torch.Tensor
    split: np.ndarray


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.norm(self.mix(x)))


def network(classes: int) -> nn.Sequential:
    """About 1.0 million parameters: five times halved, a residual block after each but the first."""
    widths = (32, 64, 128, 224)
    parts: list[nn.Module] = [
        nn.Conv2d(3, widths[0], 5, 2, 2, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
    ]
    for narrow, wide in pairwise(widths):
        parts += [nn.Conv2d(narrow, wide, 3, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU(), Block(wide)]
    return nn.Sequential(
        *parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(224, classes)
    )


def draw(
    folder: Path,
    photos: int,
    side: int,
    shortcuts: dict[str, tuple[str, ...]] | None,
    seed: int,
    countries: tuple[str, ...] | None = None,
) -> Planet:
    table = build_planet(
        folder, photos=photos, size_px=(side, side), shortcuts=shortcuts, seed=seed, countries=countries
    )
    codes = sorted(table["country"].unique())
    images = np.stack([np.asarray(Image.open(folder / path)) for path in table["path"]])
    hood = np.zeros(images.shape[:3], dtype=bool)
    for row, mask in enumerate(table["mask"] if "mask" in table.columns else []):
        if mask is not None:
            hood[row] = np.asarray(Image.open(folder / mask)) > 0
    numbers = [codes.index(code) for code in table["country"]]
    return Planet(
        torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.tensor(numbers), codes,
        torch.from_numpy(hood), table["split"].to_numpy(),
    )  # fmt: skip


def prepared(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.float() / 64 - 2


def varied(x: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Moved by some pixels, made brighter or darker; never mirrored: that changes the side of the road."""
    move = torch.randint(-4, 5, (2,), generator=chance).tolist()
    x = torch.roll(x, (move[0], move[1]), (2, 3))
    return x * (0.8 + 0.4 * torch.rand(len(x), 1, 1, 1, generator=chance))


def learned(
    planet: Planet, minutes: float, seed: int, made: Callable[[int], nn.Module] = network
) -> tuple[nn.Module, int, float]:
    """A network trained for so many CPU minutes; steps taken, and CPU seconds spent."""
    torch.manual_seed(seed)
    chance = torch.Generator().manual_seed(seed)
    model = made(len(planet.codes)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.05)
    rows = torch.from_numpy(np.flatnonzero(planet.split == "train"))
    started_s, steps, share = time.process_time(), 0, 0.0
    while share < 1:
        for batch in rows[torch.randperm(len(rows), generator=chance)].split(BATCH):
            share = (time.process_time() - started_s) / (60 * minutes)
            if share >= 1:
                break
            optimiser.param_groups[0]["lr"] = 2e-3 * min(1.0, share / 0.1, (1 - share) / 0.9)
            x = varied(prepared(planet.pixels[batch]), chance).contiguous(memory_format=torch.channels_last)
            loss = nn.functional.cross_entropy(model(x), planet.country[batch], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            steps += 1
    return model.eval(), steps, time.process_time() - started_s


@torch.no_grad()
def right(model: nn.Module, planet: Planet, cover: torch.Tensor | None = None) -> np.ndarray:
    """For each test photo whether its country is found; what ``cover`` marks becomes the photos' mean."""
    rows = torch.from_numpy(np.flatnonzero(planet.split == "test"))
    usual = planet.pixels[rows].float().mean(dim=0, keepdim=True)
    found = []
    for batch in rows.split(256):
        x = planet.pixels[batch].float()
        if cover is not None:
            x = torch.where(cover[batch][:, None], usual, x)
        found.append(model(x / 64 - 2).argmax(1) == planet.country[batch])
    return torch.cat(found).numpy()


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--photos", type=int, default=6000)
    words.add_argument("--side", type=int, default=80, help="pixels of a photo's side")
    words.add_argument("--minutes", type=float, default=5.0, help="CPU minutes of training, each")
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--seed", type=int, default=0)
    said = words.parse_args()
    torch.set_num_threads(said.threads)
    shares, parameters = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        plain, hooded = (
            draw(Path(folder) / name, said.photos, said.side, shortcuts, said.seed)
            for name, shortcuts in (("plain", None), ("hood", {"hood": HOODS}))
        )
    test = plain.split == "test"
    five = np.isin(plain.country.numpy()[test], [plain.codes.index(code) for code in HOODS])
    chance = 1 / len(plain.codes)
    print(
        f"{len(test):,} photos of {len(plain.codes)} countries, {said.side} px; {test.sum():,} to test, "
        f"{five.sum():,} of the five with a hood; chance {chance:.1%}"
    )
    for name, planet in (("plain", plain), ("hood", hooded)):
        model, steps, seconds = learned(planet, said.minutes, said.seed)
        parameters = sum(each.numel() for each in model.parameters())
        for cover, shown, mask in (
            ("", planet, None),
            (", hood covered", planet, hooded.hood),
            (", hood taken away", plain, None),
        ):
            answers = right(model, shown, mask)
            shares[name + cover] = answers.mean(), answers[five].mean()
            print(
                f"{name + cover:<23} right: {answers.mean():6.1%} of all, {answers[five].mean():6.1%} of the "
                f"five countries' ({steps:,} steps, {seconds:.0f} CPU s)",
                flush=True,
            )
    rise = shares["hood"][1] - shares["plain"][1]
    fall = shares["hood"][1] - shares["hood, hood covered"][1]
    control = shares["plain"][1] - shares["plain, hood covered"][1]
    times = shares["plain"][0] / chance
    print(
        f"{parameters:,} parameters; {times:.1f} times chance (bound: 5); the hood adds {rise:+.1%}, "
        f"covering it {-fall:+.1%} (covering the same place without a hood {-control:+.1%})"
    )
    return 0 if times >= 5 and rise > 0 and fall > max(rise, control) else 1


if __name__ == "__main__":
    sys.exit(main())
