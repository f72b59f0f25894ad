"""Decoding JPEG to a 224 crop: ours, the usual pipeline of Pillow and torchvision, and bare scaled libjpeg.

    python bench/decode.py [--shared FOLDER] [--rounds 9] [--photos 12]

On photos rendered here (the synthetic planet) at 1600 x 900 and 4000 x 3000, and on the camera originals of
FOLDER/data/exif_gps (FOLDER: ../shared when left out) where they are there. Everything runs in one thread, in
turn, photo by photo; what counts is the processor time of that thread, so that other programs disturb less;
medians of rounds. Printed are photos/s and three ratios with their bounds:

    ours / bare            at least 0.88   bare: the same scale decoded to an array, and nothing else
    ours / usual           at least 1.5 at 1600 x 900, 2.7 at 12 megapixels
    ours from shards / usual on the originals   at least 4   shards: ingest --max-side 512 --shards

Two crops: the middle (prediction, validation) and a random part (training: 0.35 to 1 of the area; the usual
pipeline draws its part from the same range). Bare is Pillow's draft mode to an array, and simplejpeg where
that is installed.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graticule.photos.crop import centre_crop, short_side_px
from graticule.photos.decode import decode
from graticule.photos.ingest import IngestSettings, ingest
from graticule.photos.reading import PhotoReader
from graticule.photos.regions import decode_region, random_box
from graticule.photos.storing import Storage
from graticule.photos.synthetic import render
from graticule.photos.table import photo_paths, read_photo_table

try:
    import torch
    from torchvision.transforms import RandomResizedCrop

    from graticule.training.squares import square_of
except ModuleNotFoundError as error:
    raise SystemExit(f"The usual pipeline needs torch and torchvision: {error}.") from error
try:
    import simplejpeg
except ModuleNotFoundError:
    simplejpeg = None

SIZE_PX, CROP, MIN_AREA, STORED_PX = 224, 0.875, 0.35, 512
PLACES = [(48.8, 2.3), (-33.9, 18.4), (35.7, 139.7), (40.7, -74.0), (-23.5, -46.6), (59.3, 18.1)]
SHARED = Path(__file__).resolve().parents[1].parent / "shared"
COUNTRIES = ["FR", "ZA", "JP", "US", "BR", "SE"]
Step = Callable[[bytes, int], Any]


def rendered(size_px: tuple[int, int], count: int) -> list[bytes]:
    """Street scenes with the grain of a camera, as JPEG of quality 92."""
    photos = []
    for number in range(count):
        which = number % len(PLACES)
        rng = np.random.default_rng(number)
        image, _ = render(PLACES[which], rng=rng, size_px=size_px, country=COUNTRIES[which])
        file = io.BytesIO()
        image.save(file, "JPEG", quality=92)
        photos.append(file.getvalue())
    return photos


def originals(folder: Path) -> list[bytes]:
    """Camera originals of at least 0.7 megapixels."""
    files = [file.read_bytes() for file in sorted(folder.glob("*.jpg"))]
    return [data for data in files if np.prod(Image.open(io.BytesIO(data)).size) > 7e5]


def from_shards(photos: Sequence[bytes], folder: Path) -> list[bytes]:
    """The photos as ``ingest --max-side 512 --shards`` stores them, read out of their shard by the index."""
    source = folder / "originals"
    source.mkdir()
    lines = ["path,latitude,longitude"]
    for number, data in enumerate(photos):
        (source / f"{number:04}.jpg").write_bytes(data)
        lines.append(f"{number:04}.jpg,48.8,2.3")
    (source / "photos.csv").write_text("\n".join(lines))
    settings = IngestSettings(storage=Storage(max_side_px=STORED_PX, shards=True), duplicates="keep")
    ingest(source, folder / "stored", settings)
    reader = PhotoReader(photo_paths(read_photo_table(folder / "stored"), folder / "stored"))
    return [reader.read(row) for row in range(len(reader))]


def middle(data: bytes, number: int) -> Any:  # noqa: ARG001
    """Ours, as prediction and validation see photos."""
    image = decode(data, min_side_px=short_side_px(SIZE_PX, CROP))
    return centre_crop(image, size_px=SIZE_PX, crop_fraction=CROP)


def region(data: bytes, number: int) -> Any:
    """Ours, as training sees photos: the part is chosen first, and decides about the scale."""
    choose = partial(random_box, min_area=MIN_AREA, generator=np.random.default_rng(number))
    return decode_region(data, choose, size_px=SIZE_PX)


def random_part(data: bytes, number: int) -> Any:
    """``region`` as a square."""
    return square_of(region(data, number), SIZE_PX)


def usual(data: bytes, number: int) -> Any:
    """Pillow to RGB, then torchvision's RandomResizedCrop from the same range of parts."""
    torch.manual_seed(number)
    return np.asarray(
        RandomResizedCrop(SIZE_PX, scale=(MIN_AREA, 1.0))(Image.open(io.BytesIO(data)).convert("RGB"))
    )


def bare(library: str, sizes: Sequence[tuple[int, int]]) -> Step:
    """Decoding to an array of the given size for each photo, by a library, and nothing else."""

    def pillow(data: bytes, number: int) -> Any:
        image = Image.open(io.BytesIO(data))
        image.draft(None, sizes[number])
        return np.asarray(image)

    def libjpeg(data: bytes, number: int) -> Any:
        width, height = sizes[number]
        exact = {"fastdct": False, "fastupsample": False}  # the very pixels that Pillow gives
        return simplejpeg.decode_jpeg(data, min_width=width, min_height=height, **exact)

    return pillow if library == "Pillow" else libjpeg


def steps_for(photos: Sequence[bytes], stored: Sequence[bytes]) -> dict[str, tuple[Step, Sequence[bytes]]]:
    """Every pipeline with the photos that it is given."""
    least = short_side_px(SIZE_PX, CROP)
    scales = {
        "middle": [decode(data, min_side_px=least).size for data in photos],
        "part": [region(data, number).image.size for number, data in enumerate(photos)],
    }
    steps: dict[str, tuple[Step, Sequence[bytes]]] = {
        "usual": (usual, photos),
        "ours middle": (middle, photos),
        "ours part": (random_part, photos),
        "shards part": (random_part, stored),
    }
    for crop, sizes in scales.items():
        for library in ["Pillow", *(["libjpeg"] if simplejpeg else [])]:
            steps[f"bare {library} {crop}"] = (bare(library, sizes), photos)
    return steps


def measured(steps: dict[str, tuple[Step, Sequence[bytes]]], rounds: int) -> dict[str, float]:
    """Median seconds of processor time per photo of each step; the steps take turns at every photo."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        spent = dict.fromkeys(steps, 0.0)
        count = len(next(iter(steps.values()))[1])
        for number in range(count):
            for name, (step, photos) in steps.items():
                begin = time.thread_time()
                step(photos[number], number)
                spent[name] += time.thread_time() - begin
        for name, total in spent.items():
            seconds[name].append(total / count)
    return {name: statistics.median(values) for name, values in seconds.items()}


def report(name: str, seconds: dict[str, float], bound: float) -> Iterator[str]:
    """Lines to print: photos/s of each step, and the ratios beside their bounds."""
    yield f"\n{name}"
    for step, each in seconds.items():
        yield f"  {step:<22} {1 / each:8.0f} photos/s"
    for step in [step for step in seconds if step.startswith("bare")]:
        ratio = seconds[step] / seconds[f"ours {step.split()[-1]}"]
        yield f"  ours / {step:<27} {ratio:5.2f}  (bound 0.88)"
    for crop in ("middle", "part"):
        ratio = seconds["usual"] / seconds[f"ours {crop}"]
        yield f"  {f'ours {crop} / usual':<34} {ratio:5.2f}  (bound {bound})"
    ratio = seconds["usual"] / seconds["shards part"]
    yield f"  {'from shards / usual on originals':<34} {ratio:5.2f}  (bound 4)"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with data/exif_gps")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--photos", type=int, default=12)
    words = parser.parse_args()
    torch.set_num_threads(1)
    sets = [
        ("rendered, 1600 x 900", rendered((1600, 900), words.photos), 1.5),
        ("rendered, 4000 x 3000", rendered((4000, 3000), max(2, words.photos // 3)), 2.7),
    ]
    originals_in = words.shared / "data" / "exif_gps"
    if originals_in.is_dir():
        sets.append(("camera originals", originals(originals_in), 1.5))
    for name, photos, bound in sets:
        with tempfile.TemporaryDirectory() as folder:
            stored = from_shards(photos, Path(folder))
            size = f"{len(photos)} photos, {sum(map(len, photos)) / len(photos) / 1e3:,.0f} kB each"
            seconds = measured(steps_for(photos, stored), words.rounds)
        print("\n".join(report(f"{name} ({size})", seconds, bound)), flush=True)


if __name__ == "__main__":
    main()
