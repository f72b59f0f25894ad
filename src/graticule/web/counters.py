"""What ``/metrics`` tells an operator: counts and times, nothing of any photo."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Counters:
    """The server's figures, in Prometheus' form."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "graticule_requests_total",
            "Requests, by route and status.",
            ("route", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "graticule_request_seconds",
            "Seconds from request to answer.",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.photos = Counter(
            "graticule_photos_total", "Photos, by outcome.", ("outcome",), registry=registry
        )
        self.batches = Histogram(
            "graticule_batch_photos",
            "Photos that the network saw together.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=registry,
        )
        self.waiting = Gauge(
            "graticule_photos_in_work", "Photos in work now.", multiprocess_mode="livesum", registry=registry
        )

    def text(self) -> bytes:
        """The figures of all worker processes together."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
