"""Published tests of the field by name: layout, rules, and published figures beside ours."""

from graticule.benchmarks.catalogue import BENCHMARKS, Benchmark, benchmark_named
from graticule.benchmarks.published import PublishedResult, published_results
from graticule.benchmarks.running import BenchmarkRun, run_benchmark

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "BenchmarkRun",
    "PublishedResult",
    "benchmark_named",
    "published_results",
    "run_benchmark",
]
