"""How fast duplicates are found, which copies are found, and which photos are merged wrongly.

    python bench/duplicates.py                      # 200,000 hashes
    python bench/duplicates.py --hashes 1_000_000

Seconds are the processor's, of one core. Photos are those of ../shared; without them only the search and the
check of made-up pictures are measured. The bounds (design of the issue: 200,000 hashes in under 60 s; hashing
and checking at least 150 photos/s at 512 px) are checked: exit status 1 when one is broken.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from graticule.photos.decode import decode
from graticule.photos.duplicates import NEAR_BITS, near_duplicates, near_pairs, perceptual_hash
from graticule.photos.inspection import inspect

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "photos" / "images"


def scene(seed: int) -> Image.Image:
    """A made-up picture, 512 x 384, with structure at every scale."""
    chance = np.random.default_rng(seed)
    total = np.zeros((384, 512, 3))
    for cells in (3, 6, 12, 24, 48, 96):
        coarse = Image.fromarray(chance.integers(0, 255, (cells, cells, 3), dtype=np.uint8))
        total += np.asarray(coarse.resize((512, 384), Image.Resampling.BICUBIC), float) / cells
    return Image.fromarray((total * (255 / total.max())).astype(np.uint8))


def search(count: int, known: np.ndarray | None) -> float:
    """Seconds to group so many hashes; a tenth are copies of others."""
    chance = np.random.default_rng(0)
    hashes = chance.integers(0, 1 << 64, count, dtype=np.uint64)
    if known is not None:
        # real ones with a quarter of their bits changed at random: bits set as often as in real ones
        noise = hashes & chance.integers(0, 1 << 64, count, dtype=np.uint64)
        hashes = known[chance.integers(0, len(known), count)] ^ noise
    copies = count // 10
    source = chance.integers(0, count - copies, copies)
    hashes[-copies:] = hashes[source]
    for _ in range(NEAR_BITS):
        hashes[-copies:] ^= np.uint64(1) << chance.integers(0, 64, copies).astype(np.uint64)
    started_s = time.process_time()
    groups = near_duplicates(hashes.tolist())
    seconds = time.process_time() - started_s
    found = (groups[-copies:] == groups[source]).mean()
    print(f"{count:>9,} hashes: {seconds:6.1f} s; {found:.2%} of {copies:,} copies found; "
          f"largest group {np.bincount(groups).max():,}")  # fmt: skip
    if found < 1:
        sys.exit("A copy was missed.")
    return seconds


def check() -> float:
    """Photos per second that ingest checks: read, decoded, both fingerprints."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number in range(60):
            files.append(Path(folder) / f"{number}.jpg")
            scene(number).save(files[-1], quality=90)
        started_s = time.process_time()
        for file in files * 5:
            assert inspect(file).phash is not None
        rate = 5 * len(files) / (time.process_time() - started_s)
    print(f"checking and hashing at 512 px: {rate:.0f} photos/s on one core")
    return rate


def copies_of(photo: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """Ways in which a photo is stored again."""
    width, height = photo.size

    def stored(image: Image.Image, form: str = "JPEG", quality: int = 85) -> Image.Image:
        file = io.BytesIO()
        image.save(file, form, quality=quality)
        return decode(file.getvalue(), min_side_px=64)

    yield "JPEG, quality 30", stored(photo, quality=30)
    yield "WebP, quality 50", stored(photo, "WEBP", 50)
    yield "half the size", stored(photo.resize((width // 2, height // 2)))
    yield "twice the size", stored(photo.resize((width * 2, height * 2)))
    yield "15 % brighter", stored(photo.point(lambda value: min(255, int(value * 1.15 + 5))))
    yield "10 % wider", stored(photo.resize((int(width * 1.1), height)))
    for share in (0.01, 0.02, 0.03, 0.05):
        x, y = round(width * share), round(height * share)
        yield f"cropped by {share:.0%} on each side", stored(photo.crop((x, y, width - x, height - y)))
    yield "lowest 6 % cut off", stored(photo.crop((0, 0, width, round(height * 0.94))))


def recall(files: list[Path]) -> None:
    """The share of copies found, by the way in which they were made."""
    found: dict[str, list[bool]] = {}
    for file in files:
        own = perceptual_hash(decode(file, min_side_px=64))
        for name, copy in copies_of(decode(file)):
            other = perceptual_hash(copy)
            near = own is not None and other is not None and (own ^ other).bit_count() <= NEAR_BITS
            found.setdefault(name, []).append(near)
    for name, hits in found.items():
        print(f"  {name:<34}{np.mean(hits):7.1%} of {len(hits)} found")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hashes", type=int, default=200_000)
    count = parser.parse_args().hashes
    known = None
    if SHARED.is_dir():
        files = sorted(SHARED.rglob("*.jpg"))
        hashes = [perceptual_hash(decode(file, min_side_px=64)) for file in files]
        known = np.array([value for value in hashes if value is not None], dtype=np.uint64)
        pairs = len(known) * (len(known) - 1) // 2
        near = {
            (min(a, b), max(a, b))
            for one, other in near_pairs(known)
            for a, b in zip(one, other, strict=True)
        }
        print(
            f"{len(files):,} real photos: {len(near)} of {pairs:,} pairs differ in {NEAR_BITS} bits or fewer"
        )
        recall(files[::20])
    seconds = search(count, known)
    rate = check()
    is_good = seconds < 60 * count / 200_000 and rate >= 150
    print("Bounds kept." if is_good else "A BOUND IS BROKEN.")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
