"""Every key that a run can be given stands in docs/training.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from graticule.training.recipe import (
    AugmentationSection,
    AveragingSection,
    ComputeSection,
    EarlyStoppingSection,
    PhaseSection,
    SamplingSection,
    Section,
    ValidationSection,
)
from graticule.training.recipe.augmentation import Policy

DOCS = Path(__file__).parents[2] / "docs" / "training.md"


@pytest.mark.parametrize(
    "section",
    [
        AugmentationSection,
        AveragingSection,
        ComputeSection,
        EarlyStoppingSection,
        PhaseSection,
        SamplingSection,
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
