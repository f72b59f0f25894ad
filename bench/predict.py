"""How close `predict` on a folder comes to what its parts allow: decoding alone plus the bare session alone.

    python bench/predict.py [FOLDER] [--rounds 5]

Prints photos/s of each part and of `Model.predict`; the ratio of `predict` to the limit where the two parts
simply add up on these cores (bound: 0.9); the session against the same network in torch eager where torch is
installed (bound: 2); and the seconds of a fresh `graticule predict PHOTO` (bound: 1.5). Medians of rounds run
in turn.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from graticule.config import usable_cores
from graticule.inference import Model, load_model
from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode


def made_photos(folder: Path, count: int = 200) -> Path:
    """Photos of 1600 x 900 with structure, as JPEG, for machines without a folder of real ones."""
    rng = np.random.default_rng(0)
    for number in range(count):
        small = rng.integers(0, 255, (45, 80, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((1600, 900), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:04}.jpg", quality=88)
    return folder


def rounds(steps: dict[str, Callable[[], object]], count: int) -> dict[str, float]:
    """Median seconds of each step, run in turn so that a change in the machine's speed meets them all."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(count):
        for name, step in steps.items():
            begin = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def eager_step(model: Model, squares: np.ndarray) -> Callable[[], object] | None:
    """The same backbone in torch eager on the same squares; None without torch."""
    try:
        import timm
        import torch
    except ModuleNotFoundError:
        return None
    network = timm.create_model(
        model.card.architecture.split(",")[0], num_classes=model.partition.count
    ).eval()
    torch.set_num_threads(usable_cores())
    planes = torch.from_numpy(squares).permute(0, 3, 1, 2).float().div_(255).contiguous()

    def step() -> None:
        with torch.inference_mode():
            for batch in planes.split(32):
                network(batch).softmax(-1)

    return step


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        measure(words.folder or made_photos(Path(made)), words.rounds)


def measure(folder: Path, count: int) -> None:
    model = load_model("default")
    size_px, crop = model.network.size_px, model.network.crop_fraction
    paths = sorted(path for path in folder.iterdir() if path.is_file())

    def square(path: Path) -> np.ndarray:
        return centre_crop(
            decode(path, min_side_px=short_side_px(size_px, crop)), size_px=size_px, crop_fraction=crop
        )

    pool = ThreadPoolExecutor(usable_cores())
    squares = np.stack(list(pool.map(square, paths)))
    batches = [squares[start : start + 32] for start in range(0, len(squares), 32)]
    model.predict(paths[:32])
    steps: dict[str, Callable[[], object]] = {
        "decoding": lambda: list(pool.map(square, paths)),
        "session": lambda: [model.network(batch) for batch in batches],
        "predict": lambda: model.predict(folder),
        "start": lambda: subprocess.run(
            [sys.executable, "-m", "graticule", "predict", str(paths[0])], check=True, capture_output=True
        ),
    }
    eager = eager_step(model, squares)
    if eager is not None:
        steps["torch eager"] = eager
    seconds = rounds(steps, count)
    for name in ("decoding", "session", "predict", *(["torch eager"] if eager else [])):
        print(f"{name:12} {len(paths) / seconds[name]:8.1f} photos/s")
    limit = seconds["decoding"] + seconds["session"]
    print(f"predict reaches {limit / seconds['predict']:.2f} of the limit (bound 0.9)")
    if eager is not None:
        print(f"the session is {seconds['torch eager'] / seconds['session']:.2f} times torch eager (bound 2)")
    print(f"start to first answer {seconds['start']:.2f} s (bound 1.5)")


if __name__ == "__main__":
    main()
