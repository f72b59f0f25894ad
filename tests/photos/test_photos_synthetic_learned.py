"""What a network learns of the synthetic planet: the bench, whose exit status tells whether it holds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import graticule

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.torch
def test_five_times_chance_in_five_minutes_and_a_hood_is_a_shortcut() -> None:
    pytest.importorskip("torch")
    source = str(Path(graticule.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "planet.py"), "--minutes", "5"],
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "times chance (bound: 5)" in done.stdout
