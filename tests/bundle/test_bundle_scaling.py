"""Scaling of probabilities: against formulas written out one number at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from graticule.bundle import Scaling
from graticule.bundle.scaling import scaled, temper

SHARES = np.random.default_rng(0).dirichlet([0.3] * 5, 20)


def literal_vector(row: list[float], slope: list[float], shift: list[float]) -> list[float]:
    raised = [math.exp(a * math.log(p) + b) for p, a, b in zip(row, slope, shift, strict=True)]
    return [value / sum(raised) for value in raised]


def literal_platt(row: list[float], slope: float, shift: float) -> list[float]:
    raised = [1 / (1 + math.exp(-(slope * math.log(p / (1 - p)) + shift))) for p in row]
    return [value / sum(raised) for value in raised]


def test_vector_scaling_is_what_its_formula_says() -> None:
    slope, shift = [0.5, 1.0, 2.0, 0.1, 1.5], [0.3, -1.0, 0.0, 2.0, 0.5]
    scaling = Scaling(method="vector", slope=tuple(slope), shift=tuple(shift))
    expected = [literal_vector(row, slope, shift) for row in SHARES.tolist()]
    assert np.allclose(scaling(SHARES), expected)


def test_platt_scaling_is_what_its_formula_says() -> None:
    scaling = Scaling(method="platt", slope=(0.7,), shift=(-0.4,))
    assert np.allclose(scaling(SHARES), [literal_platt(row, 0.7, -0.4) for row in SHARES.tolist()])
    assert (scaling(SHARES).argmax(axis=1) == SHARES.argmax(axis=1)).all()  # the order stays


def test_the_neutral_numbers_change_nothing() -> None:
    assert np.allclose(Scaling(method="vector", slope=(1.0,) * 5, shift=(0.0,) * 5)(SHARES), SHARES)
    assert np.allclose(Scaling(method="platt", slope=(1.0,), shift=(0.0,))(SHARES), SHARES)
    assert np.allclose(scaled(SHARES), SHARES)


def test_temperature_comes_before_the_scaling() -> None:
    scaling = Scaling(method="platt", slope=(0.7,), shift=(-0.4,))
    assert np.allclose(scaled(SHARES, temperature=2.0, scaling=scaling), scaling(temper(SHARES, 2.0)))


@pytest.mark.parametrize("method", ["vector", "platt"])
def test_certain_answers_stay_finite(method: str) -> None:
    count = 3 if method == "vector" else 1
    scaling = Scaling(method=method, slope=(5.0,) * count, shift=(-3.0,) * count)  # type: ignore[arg-type]
    shares = scaling(np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]))
    assert np.isfinite(shares).all()
    assert np.allclose(shares.sum(axis=1), 1)


def test_numbers_of_other_counts_are_refused() -> None:
    for method, slope, shift in (("vector", (1.0,), (1.0, 2.0)), ("platt", (1.0, 1.0), (0.0, 0.0))):
        with pytest.raises(ValidationError, match="must be as many"):
            Scaling(method=method, slope=slope, shift=shift)  # type: ignore[arg-type]
    assert not Scaling(method="vector", slope=(1.0,), shift=(0.0,)).fits(3)
    assert Scaling(method="platt", slope=(1.0,), shift=(0.0,)).fits(3)
