"""The losses of places: vectors beside degrees, and the density of a mixture, finite at every extreme."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from graticule.geo.sphere import great_circle_km, unit_vectors
from graticule.training.losses import LossCells, Targets, create_loss
from graticule.training.recipe import LossSection

CELLS = LossCells(np.array([[0.0, 0.0], [10.0, 10.0]]))


def targets_at(latlon: np.ndarray) -> Targets:
    places = torch.from_numpy(unit_vectors(latlon)).float()
    return Targets(torch.full((len(latlon),), -1), places)


def test_a_vector_of_any_length_is_as_far_as_its_direction() -> None:
    generator = np.random.default_rng(1)
    one, other = (
        np.stack([generator.uniform(-90, 90, 50), generator.uniform(-180, 180, 50)], 1) for _ in "ab"
    )
    loss = create_loss(LossSection(name="great-circle"), CELLS)
    raw = torch.from_numpy(unit_vectors(one) * generator.uniform(0.1, 9, (50, 1))).float()
    expected = great_circle_km(one, other)
    assert loss(raw, targets_at(other)).numpy() == pytest.approx(expected, abs=2.0)
    assert loss(torch.from_numpy(one).float(), targets_at(other)).numpy() == pytest.approx(expected, abs=2.0)


def raw_mixture(*components: tuple[float, list[float], float]) -> torch.Tensor:
    """Weight (logit), place and log kappa of each."""
    rows = [[weight, *unit_vectors(place), kappa] for weight, place, kappa in components]
    return torch.tensor([[number for row in rows for number in row]], dtype=torch.float32)


def test_knowing_nothing_costs_log_of_the_sphere() -> None:
    loss = create_loss(LossSection(name="mixture-likelihood"), CELLS)
    even = raw_mixture((0, [0, 0], -60.0), (0, [20, 40], -60.0))
    for place in ([0.0, 0.0], [90.0, 0.0], [-45.0, 180.0]):
        assert float(loss(even, targets_at(np.array([place])))) == pytest.approx(
            math.log(4 * math.pi), abs=1e-5
        )


@pytest.mark.parametrize("log_kappa", [-300.0, -10.0, 0.0, 5.0, 11.0, 300.0])
@pytest.mark.parametrize("place", [[10.0, 10.0], [10.0, 10.00001], [-10.0, -170.0], [90.0, 0.0]])
def test_value_and_gradient_are_finite(log_kappa: float, place: list[float]) -> None:
    raw = raw_mixture((0, [10, 10], log_kappa), (-300.0, [0, 0], 0.0)).requires_grad_()
    value = create_loss(LossSection(name="mixture-likelihood"), CELLS)(raw, targets_at(np.array([place])))
    value.sum().backward()
    assert math.isfinite(value.detach())
    assert raw.grad is not None
    assert bool(torch.isfinite(raw.grad).all())


def test_a_mixture_learns_two_places_that_no_single_answer_could_give() -> None:
    torch.manual_seed(0)
    places = np.array([[60.0, 20.0], [-30.0, 150.0]] * 40)
    loss = create_loss(LossSection(name="mixture-likelihood"), CELLS)
    raw = raw_mixture((0, [10, 10], 1.0), (0, [0, 100], 1.0)).requires_grad_()
    optimizer = torch.optim.Adam([raw], lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        value = loss(raw.expand(80, -1), targets_at(places)).mean()
        value.backward()
        optimizer.step()
    parts = raw.detach().view(2, 5)
    assert torch.softmax(parts[:, 0], 0).numpy() == pytest.approx(0.5, abs=0.05)
    directions = torch.nn.functional.normalize(parts[:, 1:4], dim=1).double().numpy()
    assert directions == pytest.approx(unit_vectors(places[:2]), abs=0.02)
    assert float(value.detach()) < -3
