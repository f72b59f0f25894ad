"""Class weights: by list, by continent, by inverse frequency, by effective number."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from graticule.errors import RecipeError
from graticule.training.losses import LossCells, Targets, create_loss, places_tensor
from graticule.training.losses.class_weights import class_weights
from graticule.training.recipe import LossSection
from graticule.training.recipe.loss import ClassWeightsSection

# Paris, Tokyo, Sydney, the open Pacific
CENTRES = np.array([[48.86, 2.35], [35.68, 139.69], [-33.87, 151.21], [0.0, -140.0]])
CELLS = LossCells(CENTRES, np.array([60, 30, 1, 0]))


def weights(cells: LossCells = CELLS, **keys: object) -> list[float]:
    return class_weights(ClassWeightsSection.model_validate(keys), cells).tolist()


def test_by_list() -> None:
    assert weights(by="list", weights=[1, 2, 0.5, 0]) == [1, 2, 0.5, 0]
    with pytest.raises(RecipeError, match="has 2 weights, but the partition has 4 cells"):
        weights(by="list", weights=[1, 2])


def test_by_continent_as_s0_weighed_europe() -> None:
    assert weights(by="continent", weights={"Europe": 1.5}) == [1.5, 1, 1, 1]
    assert weights(by="continent", weights={"eu": 1.5, "Oceania": 2}) == [1.5, 1, 2, 1]
    with pytest.raises(RecipeError, match=r"'Eurpe' is no continent.\nDid you mean 'Europe'?"):
        weights(by="continent", weights={"Eurpe": 1.5})
    with pytest.raises(RecipeError, match="needs a mapping from continents"):
        weights(by="continent", weights=[1.5])


def test_by_inverse_frequency_every_cell_with_photos_weighs_the_same() -> None:
    found = weights(by="inverse-frequency")
    assert found[:3] == pytest.approx([91 / 3 / 60, 91 / 3 / 30, 91 / 3])
    counts = np.array([60, 30, 1, 0])
    assert (np.array(found) * counts).sum() == pytest.approx(counts.sum())
    assert np.isfinite(found).all()


def test_by_effective_number() -> None:
    beta, counts = 0.9, [60, 30, 1, 0]
    literal = [(1 - beta) / (1 - beta ** max(n, 1)) for n in counts]
    scale = sum(counts) / sum(weight * n for weight, n in zip(literal, counts, strict=True))
    assert weights(by="effective-number", beta=beta) == pytest.approx([weight * scale for weight in literal])
    nearly = weights(by="effective-number", beta=1 - 1e-9)  # then it is the inverse frequency
    assert nearly == pytest.approx(weights(by="inverse-frequency"), rel=1e-4)


def test_frequencies_that_nobody_counted() -> None:
    for by in ("inverse-frequency", "effective-number"):
        with pytest.raises(RecipeError, match=f"by {by} needs the number of training photos"):
            weights(LossCells(CENTRES), by=by)


def test_weights_that_belong_to_another_way_are_refused() -> None:
    for keys in (
        {"by": "list"},
        {"by": "inverse-frequency", "weights": [1.0]},
        {"by": "list", "weights": [-1.0]},
        {"by": "continent", "weights": {"Europe": float("nan")}},
    ):
        with pytest.raises(ValidationError, match="weights"):
            ClassWeightsSection.model_validate(keys)


def test_the_loss_of_a_photo_is_multiplied() -> None:
    section = LossSection.model_validate({"class_weights": {"by": "continent", "weights": {"EU": 1.5}}})
    scores, targets = torch.randn(3, 4), Targets(torch.tensor([0, 1, -1]), places_tensor(CENTRES[:3]))
    plain = create_loss(LossSection(), CELLS)(scores, targets)
    found = create_loss(section, CELLS)(scores, targets)
    torch.testing.assert_close(found[:2], plain[:2] * torch.tensor([1.5, 1.0]))
    assert found[2].isnan()
