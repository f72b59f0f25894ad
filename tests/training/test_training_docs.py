"""Every key that a run can be given stands in docs/training.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from graticule.training.recipe import (
    AugmentationSection,
    AveragingSection,
    BackboneSection,
    ComputeSection,
    EarlyStoppingSection,
    NetworkSection,
    PhaseSection,
    SamplingSection,
    Section,
    TransformerSection,
    ValidationSection,
)
from graticule.training.recipe.augmentation import Policy
from graticule.training.recipe.head import HeadSection

DOCS = Path(__file__).parents[2] / "docs" / "training.md"


@pytest.mark.parametrize(
    "section",
    [
        AugmentationSection,
        AveragingSection,
        ComputeSection,
        BackboneSection,
        EarlyStoppingSection,
        HeadSection,
        NetworkSection,
        PhaseSection,
        SamplingSection,
        TransformerSection,
        ValidationSection,
    ],
)
def test_every_key_is_documented(section: type[Section]) -> None:
    text = DOCS.read_text(encoding="utf-8")
    missing = [name for name in section.model_fields if name not in text]
    assert not missing


def test_every_policy_is_documented_and_can_be_run() -> None:
    from typing import get_args

    policies = pytest.importorskip("graticule.training.augmentation.policies").POLICIES
    assert set(get_args(Policy)) == set(policies)
    text = DOCS.read_text(encoding="utf-8")
    assert not [name for name in policies if f"`{name}`" not in text]
