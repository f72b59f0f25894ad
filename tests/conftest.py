"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[1].parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos, places and backbones beside the checkout; the test skips without it."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the real data in ../shared is not on this machine")
    return SHARED
