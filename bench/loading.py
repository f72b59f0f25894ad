"""How fast photos reach training: the usual loader on originals, ours on originals, ours on shards.

    python bench/loading.py [--photos 256] [--size 1600x900] [--workers 1 2] [--rounds 3]

Photos are rendered here (the synthetic planet) and stored with ``ingest --max-side 512 --shards``. Each
loader makes batches of 64 random parts of 224 px in its own processes, torch's DataLoader around all of them;
printed are photos/s of wall-clock time, medians of rounds that take turns, and ratios to the usual loader
(Pillow and torchvision's RandomResizedCrop in a Dataset). Nothing is done with the batches.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import RandomResizedCrop

from graticule.photos.dealing import Dealing, DealtPhotos
from graticule.photos.ingest import IngestSettings, ingest
from graticule.photos.reading import PhotoReader
from graticule.photos.storing import Storage
from graticule.photos.synthetic import render
from graticule.photos.table import photo_paths, read_photo_table
from graticule.training.shard_loading import ShardLoader, loading_rate
from graticule.training.squares import random_square

SIZE_PX, MIN_AREA, BATCH = 224, 0.35, 64


class Usual(Dataset[Any]):
    """What most training code does."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.crop = RandomResizedCrop(SIZE_PX, scale=(MIN_AREA, 1.0))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> torch.Tensor:
        part = self.crop(Image.open(self.files[row]).convert("RGB"))
        return torch.from_numpy(np.array(part)).permute(2, 0, 1)


def drawn(folder: Path, count: int, size_px: tuple[int, int]) -> list[Path]:
    """Eight scenes, stored so often that there are ``count`` files."""
    folder.mkdir()
    files = []
    lines = ["path,latitude,longitude"]
    scenes = [
        render([48.8, 2.3], rng=np.random.default_rng(n), size_px=size_px, country="FR")[0] for n in range(8)
    ]
    for number in range(count):
        files.append(folder / f"{number:05}.jpg")
        scenes[number % len(scenes)].save(files[-1], quality=92)
        lines.append(f"{files[-1].name},48.8,2.3")
    (folder / "photos.csv").write_text("\n".join(lines))
    return files


def ours(paths: list[Path], workers: int) -> ShardLoader:
    """Our loader of these photos."""
    reader = PhotoReader(paths)
    make = partial(random_square, size_px=SIZE_PX, min_area=MIN_AREA)
    return ShardLoader(reader, DealtPhotos(Dealing(len(reader), batch_size=BATCH)), make, workers=workers)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--size", default="1600x900")
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=3)
    words = parser.parse_args()
    width, height = map(int, words.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        files = drawn(Path(name) / "originals", words.photos, (width, height))
        storage = Storage(max_side_px=512, shards=True)
        ingest(files[0].parent, Path(name) / "stored", IngestSettings(storage=storage, duplicates="keep"))
        stored = photo_paths(read_photo_table(Path(name) / "stored"), Path(name) / "stored")
        for workers in words.workers:
            usual = partial(DataLoader, Usual(files), batch_size=BATCH, shuffle=True, num_workers=workers)
            loaders: dict[str, tuple[Callable[[], Any], Callable[[Any], int]]] = {
                "usual, originals": (usual, len),
                "ours, originals": (partial(ours, files, workers), lambda batch: len(batch[1])),
                "ours, shards": (partial(ours, stored * 4, workers), lambda batch: len(batch[1])),
            }
            rates: dict[str, list[float]] = {each: [] for each in loaders}
            for _ in range(words.rounds):
                for each, (make, count) in loaders.items():
                    rates[each].append(loading_rate(make(), count))
            medians = {each: statistics.median(values) for each, values in rates.items()}
            print(f"{width} x {height}, {workers} processes")
            for each, rate in medians.items():
                print(
                    f"  {each:<18} {rate:7.0f} photos/s  {rate / medians['usual, originals']:5.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
