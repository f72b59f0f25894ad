"""The torchmetrics classes give what the pure functions give, however the photos come in batches."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchmetrics")

from graticule.evaluation import metrics  # noqa: E402
from graticule.evaluation.classification import ClassCounts  # noqa: E402
from graticule.evaluation.protocols import protocol_named  # noqa: E402
from graticule.training.metrics import ClassFigures, GeoScore, MeanKm, MedianKm, TopK, WithinKm  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def places() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    truth = np.stack([random.uniform(-60, 60, 50), random.uniform(-180, 180, 50)], axis=1)
    answers = truth + random.normal(0, 8, truth.shape)
    answers[:7] = np.nan
    return answers, truth


@pytest.mark.parametrize("protocol", ["graticule", "pigeon", "g3"])
def test_places(places: tuple[np.ndarray, np.ndarray], protocol: str) -> None:
    answers, truth = places
    rules = protocol_named(protocol)
    errors = metrics.errors_km(answers, truth, protocol=rules)
    found = {
        "within": WithinKm(750.0, protocol=protocol),
        "median": MedianKm(protocol=protocol),
        "mean": MeanKm(protocol=protocol),
        "score": GeoScore(protocol=protocol),
    }
    for metric in found.values():
        for start in (0, 20, 41):
            stop = {0: 20, 20: 41, 41: 50}[start]
            metric.update(torch.from_numpy(answers[start:stop]), torch.from_numpy(truth[start:stop]))
    assert float(found["within"].compute()) == pytest.approx(rules.is_within(errors, 750).mean())
    assert float(found["median"].compute()) == pytest.approx(metrics.median_km(errors))
    assert float(found["mean"].compute()) == pytest.approx(metrics.mean_km(errors))
    assert float(found["score"].compute()) == pytest.approx(metrics.geoscore(errors, protocol=rules))
    found["median"].reset()
    with pytest.warns(UserWarning, match="before"):  # torchmetrics says so itself
        assert math.isnan(float(found["median"].compute()))


def test_top_k_and_classes() -> None:
    random = np.random.default_rng(1)
    scores, cells = random.normal(size=(60, 9)), random.integers(-1, 9, 60)
    top = TopK(3)
    figures = ClassFigures(9)
    for some in (slice(0, 25), slice(25, 60)):
        batch = torch.from_numpy(scores[some])
        top.update(batch, torch.from_numpy(cells[some]))
        figures.update(batch.argmax(dim=1), torch.from_numpy(cells[some]))
    ranked = np.argsort(-scores, axis=1)
    assert float(top.compute()) == pytest.approx(metrics.is_in_top_k(cells, ranked, 3).mean())
    expected = ClassCounts.of(cells, ranked[:, 0], 9).figures()
    for name, value in figures.compute().items():
        assert float(value) == pytest.approx(expected[name]), name
