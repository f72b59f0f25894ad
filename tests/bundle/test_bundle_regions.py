"""Regions of cells: each score against its definition, photo by photo and cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.bundle.regions import (
    ELSEWHERE,
    RegionRule,
    cells_within,
    continents_of_cells,
    distances_km,
    is_within,
    limits_of,
    promise_key,
)
from graticule.errors import UsageError
from graticule.partitions import Partition

SHARES = np.random.default_rng(1).dirichlet([0.4] * 7, 30)
CENTRES = np.array([[0, 0], [0, 10], [0, 179], [0, -179], [89, 5], [-60, 30], [45, 45]], dtype=float)


def literal_before(row: np.ndarray, cell: int) -> tuple[float, int]:
    """Probability of the cells before ``cell``, and its rank from 1."""
    before, rank = 0.0, 1
    for other in sorted(range(len(row)), key=lambda k: (-row[k], k)):
        if other == cell:
            return before, rank
        before, rank = before + row[other], rank + 1
    raise AssertionError


def test_aps_is_the_mass_before() -> None:
    expected = [[literal_before(row, cell)[0] for cell in range(7)] for row in SHARES]
    assert np.allclose(RegionRule().scores(SHARES), expected)


def test_raps_adds_its_penalty_past_the_free_cells() -> None:
    rule = RegionRule(method="raps", penalty=0.05, free_cells=2)
    expected = [
        [mass + 0.05 * max(0, rank - 2) for mass, rank in (literal_before(row, cell) for cell in range(7))]
        for row in SHARES
    ]
    assert np.allclose(rule.scores(SHARES), expected)


def test_distance_is_the_expected_distance_over_the_least() -> None:
    between = distances_km(CENTRES)
    expected = []
    for row in SHARES:
        lengths = [sum(row[j] * between[k, j] for j in range(7)) for k in range(7)]
        expected.append([length / min(lengths) for length in lengths])
    assert np.allclose(RegionRule(method="distance").scores(SHARES, between), expected)
    assert between[2, 3] == pytest.approx(222.4, abs=0.1)  # across the antimeridian


def test_a_certain_answer_has_the_lowest_score_by_distance() -> None:
    certain = np.eye(7)[[4]]
    scores = RegionRule(method="distance").scores(certain, distances_km(CENTRES))
    assert scores[0, 4] == 1.0
    assert np.isfinite(scores).all()
    assert cells_within(certain, scores, 1.5)[0].tolist() == [4]


def test_one_cell_alone_is_always_the_region() -> None:
    shares = np.ones((2, 1))
    for rule in (RegionRule(), RegionRule(method="distance")):
        scores = rule.scores(shares, np.zeros((1, 1)))
        assert [cells.tolist() for cells in cells_within(shares, scores, 0.0)] == [[0], [0]]


def test_a_region_is_never_empty_and_grows_with_its_limit() -> None:
    scores = RegionRule().scores(SHARES)
    sizes = np.array([is_within(scores, limit).sum(axis=1) for limit in (0.0, 0.3, 0.6, 0.9, 1.1)])
    assert (sizes[0] == 1).all()
    assert (np.diff(sizes, axis=0) >= 0).all()
    assert (sizes[-1] == 7).all()


def test_the_limit_of_a_group_holds_for_its_cells_alone() -> None:
    groups = ["EU", "AF", "EU", "AS", "AF", "EU", ELSEWHERE]
    limits = limits_of(0.5, {"EU": 0.9, "AF": 0.0}, groups)
    inside = is_within(RegionRule().scores(SHARES), limits)
    for row, shares in enumerate(SHARES):
        best = int(shares.argmax())
        for cell, group in enumerate(groups):
            limit = {"EU": 0.9, "AF": 0.0}.get(group, 0.5)
            assert inside[row, cell] == (literal_before(shares, cell)[0] < limit or cell == best)
    assert limits_of(0.5, None, groups) == 0.5


def test_continents_go_by_the_centre_of_the_cell(three_cells: Partition) -> None:
    by_token = dict(zip(three_cells.names, continents_of_cells(three_cells), strict=True))
    assert sorted(by_token.values()) == ["AS", "EU", "OC"]
    assert next(value for name, value in by_token.items() if name.endswith("FR")) == "EU"


@pytest.mark.parametrize("share", ["90", 1.0, 0, "much", float("nan")])
def test_a_promise_is_a_share(share: float | str) -> None:
    with pytest.raises(UsageError, match="share between 0 and 1"):
        promise_key(share)
