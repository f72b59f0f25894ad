"""The model card from a bundle and a report alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graticule.bundle import BundleCard, RegionRule, Scaling
from graticule.evaluation import evaluate_predictions
from graticule.reports.model_card import card_of_files


@pytest.fixture(scope="module")
def metrics() -> dict[str, object]:
    random = np.random.default_rng(0)
    places = random.uniform([30, -10], [60, 120], (40, 2))
    truth = pl.DataFrame(
        {"photo_id": [f"p{i}" for i in range(40)], "latitude": places[:, 0], "longitude": places[:, 1]}
    )
    return evaluate_predictions(truth.with_columns(pl.col("latitude") + 1), truth, resamples=0).metrics


def test_the_card_states_errors_by_continent_and_what_it_is_for(metrics: dict[str, object]) -> None:
    card = BundleCard(
        name="mine",
        architecture="a network",
        head="MC",
        training_data={"photos": 1200, "licences": {"MIT": 1200}},
        scaling=Scaling(method="platt", slope=(1.0,), shift=(0.0,)),
        region_rule=RegionRule(method="raps", by="continent"),
        conformal={"0.9": 0.8, "0.95": 0.9},
        calibration={
            "coverage": [{"promise": 0.9, "coverage": 0.88, "interval": [0.8, 0.93], "verdict": "kept"}]
        },
    )
    text = card_of_files(card, {"holiday": metrics})  # type: ignore[dict-item]
    for part in metrics["by_continent"]:  # type: ignore[attr-defined]
        assert f"| {part['name']} | {part['n']:,} |" in text
    assert "## Results on holiday (40 photos)" in text
    assert "best constant guess" in text
    assert "Regions (raps, by continent) promise to hold the truth for 90 %, 95 %." in text
    assert "held 88.0 % (80 to 93 %): kept" in text
    assert "not for finding private persons" in text
    assert "Learned from 1,200 photos." in text


def test_the_command_writes_it(colour_bundle: Path, metrics: dict[str, object], tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.mkdir()
    (report / "metrics.json").write_text(json.dumps(metrics))

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "graticule", "models", *map(str, words)]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    done = run(colour_bundle, "--report", report, "-o", tmp_path / "card.md")
    assert done.returncode == 0, done.stderr
    assert "## Results on report (40 photos)" in (tmp_path / "card.md").read_text()
    (report / "metrics.json").write_text("{}")
    wrong = run(colour_bundle, "--report", report)
    assert wrong.returncode == 1
    assert "is no report of an evaluation" in wrong.stderr
    assert run("--report", report).returncode == 2
