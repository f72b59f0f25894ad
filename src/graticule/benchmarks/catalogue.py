"""The published tests, each with its layout, its rules and its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from graticule.config import nearest
from graticule.errors import UsageError

Kind = Literal["places", "countries"]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A published test.

    Convention:
        - ``layout``: how its photos and table lie on disk, as ``graticule ingest --layout`` names it
        - ``protocol``: the rules under which most of its published figures were measured
        - ``kind``: whether the truth is a place or a country
        - ``photos``: how many the published test has; ``split``: which split it is, where there are more
        - ``source``: who published it; ``caution``: what a reader of its figures has to know
    """

    name: str
    title: str
    layout: str
    protocol: str
    photos: int
    source: str
    kind: Kind = "places"
    split: str | None = None
    caution: str = ""


BENCHMARKS: Final = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark("im2gps", "Im2GPS", "im2gps", "geoestimation", 237, "Hays and Efros (2008)"),
        Benchmark("im2gps3k", "Im2GPS3k", "im2gps3k", "geoestimation", 2997, "Vo, Jacobs and Hays (2017)"),
        Benchmark(
            "yfcc4k",
            "YFCC4k",
            "yfcc4k",
            "geoestimation",
            4536,
            "Vo, Jacobs and Hays (2017)",
            caution="Shares photographers with MP-16: models that look up MP-16 find the same trip.",
        ),
        Benchmark(
            "yfcc26k",
            "YFCC26k",
            "yfcc26k",
            "geoestimation",
            25600,
            "Müller-Budack, Pustu-Iren, Ewerth (2018)",
        ),
        Benchmark("osv5m", "OSV-5M test", "osv5m", "osv5m", 210122, "Astruc et al. (2024)", split="test"),
        Benchmark(
            "geoguessr-countries",
            "GeoGuessr-countries",
            "country-folders",
            "graticule",
            5084,
            "deboradum/GeoGuessr-countries",
            kind="countries",
            split="test",
            caution="Published figures are of models trained on its 85 countries alone.",
        ),
    )
}


def benchmark_named(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        UsageError: there is none.

    Example:
        >>> benchmark_named("im2gps3k").photos
        2997
    """
    if name not in BENCHMARKS:
        advice = nearest(name, BENCHMARKS) or "im2gps3k"
        raise UsageError(
            f"There is no benchmark '{name}' (known: {', '.join(BENCHMARKS)}).\nTry:  --benchmark {advice}"
        )
    return BENCHMARKS[name]
