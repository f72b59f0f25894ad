"""Losses against literal references."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from graticule.geo.sphere import great_circle_km
from graticule.training.losses import LOSSES, Targets, create_loss, places_tensor
from graticule.training.recipe import LossSection

CENTRES = np.array([[48.86, 2.35], [51.5, -0.12], [35.68, 139.69]])
PLACES = np.array([[48.0, 2.0], [35.0, 139.0]])
TARGETS = Targets(torch.tensor([0, 2]), places_tensor(PLACES))
LOGITS = torch.tensor([[1.0, 0.5, -2.0], [0.3, 0.0, 1.1]])


def log_softmax(row: list[float]) -> list[float]:
    total = math.log(sum(math.exp(value) for value in row))
    return [value - total for value in row]


def test_cross_entropy_with_smoothing() -> None:
    loss = create_loss(LossSection(label_smoothing=0.3), CENTRES)(LOGITS, TARGETS).mean()
    expected = 0.0
    for row, cell in zip(LOGITS.tolist(), (0, 2), strict=True):
        logs = log_softmax(row)
        expected -= sum((0.7 * (k == cell) + 0.1) * logs[k] for k in range(3)) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_haversine_smoothing() -> None:
    section = LossSection(name="haversine-smoothed", smoothing_km=300.0)
    loss = create_loss(section, CENTRES)(LOGITS, TARGETS).mean()
    expected = 0.0
    for row, place in zip(LOGITS.tolist(), PLACES, strict=True):
        nearness = [math.exp(-great_circle_km(place, centre) / 300.0) for centre in CENTRES]
        logs = log_softmax(row)
        expected -= sum(nearness[k] / sum(nearness) * logs[k] for k in range(3)) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_haversine_smoothing_forgives_a_neighbour_and_not_the_other_side_of_the_world() -> None:
    loss = create_loss(LossSection(name="haversine-smoothed", smoothing_km=300.0), CENTRES)
    paris = Targets(TARGETS.cells[:1], TARGETS.places[:1])
    london, tokyo = (loss(torch.tensor([row]), paris) for row in ([0.0, 5.0, 0.0], [0.0, 0.0, 5.0]))
    plain = create_loss(LossSection(), CENTRES)
    assert london < tokyo
    assert plain(torch.tensor([[0.0, 5.0, 0.0]]), paris) == plain(torch.tensor([[0.0, 0.0, 5.0]]), paris)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_have_a_finite_gradient_at_antipodes_and_on_the_spot(name: str) -> None:
    centres = np.array([[0.0, 0.0], [0.0, 180.0]])
    logits = torch.zeros(1, 2, requires_grad=True)
    targets = Targets(torch.tensor([0]), places_tensor(np.array([[0.0, 0.0]])))
    loss = create_loss(LossSection(name=name), centres)(logits, targets)  # type: ignore[arg-type]
    loss.backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]


def test_uncovered_photos_say_nothing_unless_distance_speaks_for_them() -> None:
    targets = Targets(torch.tensor([0, -1]), TARGETS.places)
    plain = create_loss(LossSection(), CENTRES)(LOGITS, targets)
    assert plain.isnan().tolist() == [False, True]
    smoothed = create_loss(LossSection(name="haversine-smoothed"), CENTRES)(LOGITS, targets)
    assert torch.isfinite(smoothed).all()
