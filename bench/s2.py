"""S2 cell ids from coordinates: graticule against the usual loop over Google's ``s2geometry``, on one core.

    python bench/s2.py [--places 1000000] [--rounds 7] [--json]

Both run in turns on the same random places, the loop on the first fifth of them, and it prints

    places, rounds     how many places, and how often each side was timed
    loop_ns            median time per place of a list of ``S2CellId(S2LatLng.FromDegrees(lat, lon))``
    graticule_ns       median time per place of ``graticule.geo.s2.cell_ids(latlon)``
    ratio              loop_ns / graticule_ns, with the smallest and largest ratio of a round
    bound              what docs/design.md promises: a ratio of at least 15
    differing_ids      places (of those the loop saw) whose ids differ: 0, or nothing else counts
    five_million_s     time for five million places
    five_million_mb    memory that needs at its highest, in MB, beside the places and the ids themselves

It exits with 1 if an id differs or the ratio is below the bound.
Google's library is a wheel:  pip install s2geometry
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from s2geometry import S2CellId, S2LatLng

from graticule.geo import s2

BOUND = 15.0


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def random_places(count: int) -> np.ndarray:
    """Places spread evenly over the sphere: (latitude, longitude) in degrees, shape (count, 2)."""
    rng = np.random.default_rng(0)
    return np.stack(
        [np.degrees(np.arcsin(rng.uniform(-1, 1, count))), rng.uniform(-180, 180, count)], axis=-1
    )


def measure(places: int, rounds: int) -> dict[str, object]:
    latlon = random_places(places)
    some = latlon[: max(1, places // 5)]
    latitudes, longitudes = some[:, 0].tolist(), some[:, 1].tolist()  # as floats: the loop's best case

    def loop() -> list[S2CellId]:
        return [S2CellId(S2LatLng.FromDegrees(a, b)) for a, b in zip(latitudes, longitudes, strict=True)]

    theirs = np.array([cell.id() for cell in loop()], dtype=np.uint64)
    differing = int(np.count_nonzero(s2.cell_ids(latlon)[: len(some)] != theirs))  # and both are warm now
    loop_ns, our_ns = [], []
    for _ in range(rounds):
        loop_ns.append(seconds(loop) / len(some) * 1e9)
        our_ns.append(seconds(lambda: s2.cell_ids(latlon)) / places * 1e9)
    ratios = [theirs / ours for theirs, ours in zip(loop_ns, our_ns, strict=True)]
    return {
        "places": places,
        "rounds": rounds,
        "loop_ns": round(statistics.median(loop_ns), 1),
        "graticule_ns": round(statistics.median(our_ns), 1),
        "ratio": round(statistics.median(loop_ns) / statistics.median(our_ns), 1),
        "ratio_range": [round(min(ratios), 1), round(max(ratios), 1)],
        "bound": BOUND,
        "differing_ids": differing,
        **five_million(),
    }


def five_million() -> dict[str, float]:
    latlon = random_places(5_000_000)
    took_s = seconds(lambda: s2.cell_ids(latlon))
    tracemalloc.start()
    ids = s2.cell_ids(latlon)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"five_million_s": round(took_s, 2), "five_million_mb": round((peak - ids.nbytes) / 1e6, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--places", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    words = parser.parse_args()
    with contextlib.suppress(AttributeError, OSError):  # not every system can pin a process to a core
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    result = measure(words.places, words.rounds)
    if words.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:16} {value}")
    return 0 if result["differing_ids"] == 0 and float(str(result["ratio"])) >= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
