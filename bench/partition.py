"""How long partitions take and how much memory, on one core, beside the usual recursion over S2 libraries.

    python bench/partition.py                          # 5 million places; a minute or two
    python bench/partition.py --places 1_000_000 --rows 20_000_000 --only stream

Places are MP-16's from ../shared, drawn again and moved by some hundred metres; without them, towns at
random. Each step runs in a process of its own, tied to one core, and reports that core's seconds and the
process's peak memory. Steps:

    s2, s2-merged, kd, quadtree   build cells of at most 300 photos (quadtree: 999, ten levels deep)
    encode-...                    cells of all the places
    write                         the file of the S2 cells, with names and outlines
    names                         names for 10,000 cells
    stream                        S2 cells of a CSV of --rows rows, read in blocks
    beside-s2geometry, -s2sphere  adaptive splitting the usual way, on --sample places, and ours on the same

The bounds (issue 4: s2 under 5 s and 2 GB, kd and quadtree under 15 s, encode of 5 million under 3 s, 10,000
names under 5 s, a stream under 2 GB) are checked: exit status 1 when one is broken, or when our cells and the
usual ones differ. The wheels of the comparison:  pip install s2geometry s2sphere
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

MAX_PHOTOS, MIN_PHOTOS, START_LEVEL, END_LEVEL = 300, 30, 2, 30
JITTER_DEG = 0.005
ROWS_AT_ONCE = 1_000_000
SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "coords" / "mp16_sample_100k.csv.gz"

SECONDS = {
    "s2": 5,
    "kd": 15,
    "quadtree": 15,
    "encode-s2": 3,
    "encode-kd": 3,
    "encode-quadtree": 3,
    "names": 5,
}
"""Bounds for 5 million places (and 10,000 names)."""

MEGABYTES = {"s2": 2000, "stream": 2000}


def known_places() -> np.ndarray:
    if SHARED.is_file():
        import polars as pl

        return pl.read_csv(SHARED).to_numpy()
    rng = np.random.default_rng(1)
    towns = np.column_stack([np.degrees(np.arcsin(rng.uniform(-0.9, 0.9, 500))), rng.uniform(-180, 180, 500)])
    share = rng.pareto(1.1, 500)
    spread = rng.lognormal(-2, 1.5, (100_000, 1))
    return towns[rng.choice(500, 100_000, p=share / share.sum())] + rng.standard_normal((100_000, 2)) * spread


def places(count: int, seed: int = 16) -> np.ndarray:
    """So many places, real ones drawn again with jitter, the same in every process."""
    rng = np.random.default_rng(seed)
    known = known_places()
    drawn = known[rng.integers(len(known), size=count)] + rng.standard_normal((count, 2)) * JITTER_DEG
    drawn[:, 0] = np.clip(drawn[:, 0], -90, 90)
    drawn[:, 1] = (drawn[:, 1] + 180) % 360 - 180
    return drawn


def write_table(path: str, rows: int) -> None:
    """A CSV of so many places, never all of them in memory."""
    import polars as pl

    with Path(path).open("wb") as file:
        for block in range(0, rows, ROWS_AT_ONCE):
            drawn = places(min(ROWS_AT_ONCE, rows - block), seed=block)
            frame = pl.DataFrame({"latitude": drawn[:, 0], "longitude": drawn[:, 1]})
            frame.write_csv(file, include_header=block == 0, float_precision=6)


def build(method: str, latlon: np.ndarray):
    from graticule.partitions.boxes.kd import build_kd
    from graticule.partitions.boxes.quadtree import build_quadtree
    from graticule.partitions.s2.adaptive import build_s2

    limits = {"max_photos": MAX_PHOTOS, "min_photos": MIN_PHOTOS}
    if method == "kd":
        return build_kd(latlon, **limits)
    if method == "quadtree":
        return build_quadtree(latlon, max_photos=999, depth=10)
    levels = {"start_level": START_LEVEL, "end_level": END_LEVEL}
    return build_s2(latlon, **limits, **levels, merge_small=method == "s2-merged")


def stream(path: str):
    from graticule.partitions.s2.adaptive import build_s2_from_counts
    from graticule.partitions.s2.counts import S2Counts
    from graticule.photos.streaming import stream_places

    counts = S2Counts()
    for block in stream_places(path):
        counts.add(block.latlon, block.photos)
    partition = build_s2_from_counts(counts, max_photos=MAX_PHOTOS, min_photos=MIN_PHOTOS)
    return partition, counts


def usual(library: str, latlon: np.ndarray) -> list[str]:
    """Tokens of the leaves, the usual way: photos in lists, cells split one by one."""
    cells = list(_leaf_cells(library, latlon))
    leaves = []

    def grow(cell: Any, inside: list[Any]) -> None:
        if len(inside) > MAX_PHOTOS and cell.level() < END_LEVEL:
            parts = defaultdict(list)
            for photo in inside:
                parts[photo.parent(cell.level() + 1).id()].append(photo)
            for part in parts.values():
                grow(part[0].parent(cell.level() + 1), part)
        elif len(inside) >= MIN_PHOTOS:
            leaves.append(cell.ToToken() if library == "s2geometry" else cell.to_token())

    starts = defaultdict(list)
    for photo in cells:
        starts[photo.parent(START_LEVEL).id()].append(photo)
    for inside in starts.values():
        grow(inside[0].parent(START_LEVEL), inside)
    return sorted(leaves)


def _leaf_cells(library: str, latlon: np.ndarray) -> Iterator[Any]:
    if library == "s2geometry":
        from s2geometry import S2CellId, S2LatLng

        for latitude, longitude in latlon.tolist():
            yield S2CellId(S2LatLng.FromDegrees(latitude, longitude))
        return
    from s2sphere import CellId, LatLng

    for latitude, longitude in latlon.tolist():
        yield CellId.from_lat_lng(LatLng.from_degrees(latitude, longitude))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def step(name: str, count: int, file: str) -> dict[str, Any]:
    """One measured step; what it needs is made before the clock starts."""
    kind, _, method = name.partition("-")
    if name == "stream":
        seconds, (partition, counts) = timed(lambda: stream(file))
        return _told(seconds, cells=partition.count, counted=len(counts.cells().ids), level=counts.level)
    if name == "names":
        from graticule.partitions.boxes.kd import build_kd

        partition = build_kd(places(1_000_000), max_photos=1, cells=10_000)
        seconds, found = timed(lambda: partition.names)
        return _told(seconds, cells=len(found), different=len(set(found)))
    latlon = places(count)
    if kind == "beside":
        usual_s, theirs = timed(lambda: usual(method, latlon))
        build("s2", latlon[:1000])  # modules loaded
        seconds, partition = timed(lambda: build("s2", latlon))
        same = sorted(partition.tokens) == theirs
        return _told(seconds, usual_s=usual_s, ratio=usual_s / seconds, same_cells=same)
    if kind == "encode":
        partition = build(method, latlon)
        seconds, cells = timed(lambda: partition.encode(latlon))
        return _told(seconds, covered=float((cells >= 0).mean()))
    if name == "write":
        partition = build("s2", latlon)
        seconds, _ = timed(lambda: partition.write(file))
        return _told(seconds, nodes=partition.tree.height, file_mb=Path(file).stat().st_size / 1e6)
    seconds, partition = timed(lambda: build(name, latlon))
    return _told(seconds, cells=partition.count, dropped=partition.source.dropped_photos)


def _told(seconds: float, **figures: Any) -> dict[str, Any]:
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": peak_mb, **figures}


def measured(name: str, count: int, file: str) -> dict[str, Any]:
    """``step`` in a process of its own on one core."""
    one = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--step", name, "--places", str(count), "--file", file]
    done = subprocess.run(command, env=os.environ | one, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def steps_to_take(only: list[str]) -> list[str]:
    libraries = [name for name in ("s2geometry", "s2sphere") if importlib.util.find_spec(name)]
    steps = ["s2", "s2-merged", "kd", "quadtree", "encode-s2", "encode-s2-merged", "encode-kd"]
    steps += ["encode-quadtree", "write", "names", "stream", *(f"beside-{name}" for name in libraries)]
    return [name for name in steps if not only or name in only]


def line(name: str, figures: dict[str, Any], bounded: bool) -> str:
    rest = ", ".join(
        f"{key} {value:,.3g}" if isinstance(value, float) else f"{key} {value:,}"
        for key, value in figures.items()
        if key not in ("seconds", "peak_mb")
    )
    bounds = [f"{SECONDS[name]} s"] if bounded and name in SECONDS else []
    bounds += [f"{MEGABYTES[name]:,} MB"] if name in MEGABYTES else []
    note = f"   bound {', '.join(bounds)}" if bounds else ""
    return f"  {name:18}{figures['seconds']:8.2f} s   peak {figures['peak_mb']:6.0f} MB{note}   {rest}"


def broken(name: str, figures: dict[str, Any], bounded: bool) -> bool:
    slow = bounded and figures["seconds"] > SECONDS.get(name, np.inf)
    return slow or figures["peak_mb"] > MEGABYTES.get(name, np.inf) or figures.get("same_cells") is False


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--places", type=int, default=5_000_000)
    parser.add_argument("--rows", type=int, default=20_000_000, help="rows of the streamed table")
    parser.add_argument("--sample", type=int, default=100_000, help="places for the usual way, which is slow")
    parser.add_argument("--only", nargs="*", default=[], help="steps to take, all when left out")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.step:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        print(json.dumps(step(words.step, words.places, words.file)))
        return 0
    source = "MP-16 places drawn again" if SHARED.is_file() else "random towns"
    if not words.json:
        print(f"{words.places:,} places ({source}), max {MAX_PHOTOS}, min {MIN_PHOTOS}, one core")
    found, failed = {}, False
    with tempfile.TemporaryDirectory() as folder:
        for name in steps_to_take(words.only):
            file = str(Path(folder) / ("rows.csv" if name == "stream" else "cells.parquet"))
            if name == "stream":
                write_table(file, words.rows)
            count = words.sample if name.startswith("beside") else words.places
            told = {"stream": words.rows, "names": 10_000}.get(name, count)
            found[name] = {"places": told, **measured(name, count, file)}
            bounded = words.places == 5_000_000
            failed |= broken(name, found[name], bounded)
            if not words.json:
                print(line(name, found[name], bounded), flush=True)
    if words.json:
        print(json.dumps(found, indent=2))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
