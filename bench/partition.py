"""How long the adaptive S2 partition takes, and how much memory, beside the usual recursion over s2geometry.

    python bench/partition.py                      # 5 million places, on one core
    python bench/partition.py --places 20_000_000

Places are MP-16's from ../shared, drawn again and moved by some hundred metres; without them, towns at
random. Each step runs in a process of its own, tied to one core, and reports that process's peak memory.
The bounds (design: under 5 s and 2 GB to build, under 3 s to encode 5 million) are checked: exit status 1
when one is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

MAX_PHOTOS, MIN_PHOTOS, START_LEVEL, END_LEVEL = 300, 30, 2, 30
JITTER_DEG = 0.005
SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "coords" / "mp16_sample_100k.csv.gz"


def places(count: int) -> np.ndarray:
    """So many places, real ones drawn again with jitter, the same in every process."""
    rng = np.random.default_rng(16)
    if SHARED.is_file():
        import polars as pl

        known = pl.read_csv(SHARED).to_numpy()
    else:
        towns = np.column_stack(
            [np.degrees(np.arcsin(rng.uniform(-0.9, 0.9, 500))), rng.uniform(-180, 180, 500)]
        )
        spread = rng.lognormal(-2, 1.5, (100_000, 1))
        share = rng.pareto(1.1, 500)
        known = (
            towns[rng.choice(500, 100_000, p=share / share.sum())]
            + rng.standard_normal((100_000, 2)) * spread
        )
    drawn = known[rng.integers(len(known), size=count)] + rng.standard_normal((count, 2)) * JITTER_DEG
    drawn[:, 0] = np.clip(drawn[:, 0], -90, 90)
    return drawn


def ours(latlon: np.ndarray):
    from graticule.partitions import build_s2

    return build_s2(
        latlon, max_photos=MAX_PHOTOS, min_photos=MIN_PHOTOS, start_level=START_LEVEL, end_level=END_LEVEL
    )


def usual(latlon: np.ndarray) -> list[str]:
    """Tokens of the leaves, the usual way: photos in lists, cells split one by one."""
    from s2geometry import S2CellId, S2LatLng

    leaves = []

    def grow(cell, inside) -> None:
        if len(inside) > MAX_PHOTOS and cell.level() < END_LEVEL:
            parts = defaultdict(list)
            for photo in inside:
                parts[photo.parent(cell.level() + 1).id()].append(photo)
            for part in parts.values():
                grow(part[0].parent(cell.level() + 1), part)
        elif len(inside) >= MIN_PHOTOS:
            leaves.append(cell.ToToken())

    starts = defaultdict(list)
    for latitude, longitude in latlon.tolist():
        photo = S2CellId(S2LatLng.FromDegrees(latitude, longitude))
        starts[photo.parent(START_LEVEL).id()].append(photo)
    for inside in starts.values():
        grow(inside[0].parent(START_LEVEL), inside)
    return sorted(leaves)


def step(name: str, count: int, file: str) -> dict:
    """One measured step; what it needs is made before the clock starts."""
    from graticule.partitions import Partition

    latlon = places(count)
    start = time.process_time()
    if name == "build":
        partition = ours(latlon)
        seconds, built_mb = time.process_time() - start, peak_mb()
        partition.write(file)
        return {
            "seconds": seconds,
            "peak_mb": built_mb,
            "cells": partition.count,
            "nodes": partition.tree.height,
        }
    if name == "encode":
        partition = Partition.read(file)
        start = time.process_time()
        cells = partition.encode(latlon)
        seconds = time.process_time() - start
        told = {"covered": float((cells >= 0).mean())}
    elif name == "write":
        partition = ours(latlon)
        start = time.process_time()
        partition.write(file)
        seconds = time.process_time() - start
        told = {"nodes": partition.tree.height, "megabytes": Path(file).stat().st_size / 1e6}
    else:
        theirs = usual(latlon)
        usual_s = time.process_time() - start
        start = time.process_time()
        partition = ours(latlon)
        seconds = time.process_time() - start
        same = sorted(partition.tokens) == theirs
        told = {"usual_s": usual_s, "ratio": usual_s / seconds, "same_cells": same}
    return {"seconds": seconds, "peak_mb": peak_mb(), **told}


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(name: str, count: int, file: str) -> dict:
    """``step`` in a process of its own on one core."""
    environment = os.environ | {
        "POLARS_MAX_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, __file__, "--step", name, "--places", str(count), "--file", file]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--places", type=int, default=5_000_000)
    parser.add_argument("--sample", type=int, default=200_000, help="places for the usual way, which is slow")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.step:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        print(json.dumps(step(words.step, words.places, words.file)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "cells.parquet")
        build, encode, write = (measured(name, words.places, file) for name in ("build", "encode", "write"))
        beside = measured("beside", words.sample, file)
    source = "MP-16 places drawn again" if SHARED.is_file() else "random towns"
    print(f"{words.places:,} places ({source}), max {MAX_PHOTOS}, min {MIN_PHOTOS}, one core")
    for name, figures, limit_s in [("build", build, 5.0), ("encode", encode, 3.0), ("write", write, None)]:
        bound = f"   bound {limit_s:.0f} s" if limit_s and words.places == 5_000_000 else ""
        print(f"  {name:8}{figures['seconds']:8.2f} s   peak {figures['peak_mb']:6.0f} MB{bound}")
    print(f"  {build['cells']:,} cells, {build['nodes']:,} nodes, file {write['megabytes']:.1f} MB")
    print(f"{words.sample:,} places, beside the usual recursion over s2geometry")
    print(f"  ours {beside['seconds']:.3f} s   usual {beside['usual_s']:.2f} s   ratio {beside['ratio']:.0f}")
    print(f"  same cells: {'yes' if beside['same_cells'] else 'NO'}")
    broken = words.places == 5_000_000 and (
        build["seconds"] > 5 or encode["seconds"] > 3 or build["peak_mb"] > 2000
    )
    return 1 if broken or not beside["same_cells"] else 0


if __name__ == "__main__":
    sys.exit(main())
