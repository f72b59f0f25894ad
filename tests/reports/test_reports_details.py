"""The figures of confidence and confusion, the tables, and the photos of a report."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from graticule.evaluation import evaluate_predictions
from graticule.evaluation.calibration.abstention import abstention_curve
from graticule.evaluation.calibration.coverage import coverage_of
from graticule.evaluation.calibration.reliability import reliability
from graticule.evaluation.confusions import Confusion
from graticule.partitions import build_s2
from graticule.predictions import Candidate, Prediction, Predictions
from graticule.reports import write_report
from graticule.reports.calibration_charts import (
    abstention_chart,
    confidence_histogram,
    coverage_chart,
    reliability_diagram,
)
from graticule.reports.canvas import Dot, Way, Words
from graticule.reports.confusion_charts import confusion_matrix, dendrogram, flow_map
from graticule.reports.tables import latex, markdown, tables_of
from graticule.reports.world import way_between

TOWNS = np.array([[48.86, 2.35], [39.9, 116.4], [-33.9, 151.2], [40.7, -74.0]])


def words_of(canvas: object) -> str:
    return " ".join(item.text for item in canvas.items if isinstance(item, Words))  # type: ignore[attr-defined]


def test_the_reliability_diagram_states_its_figures() -> None:
    found = reliability([0.1, 0.15, 0.4, 0.45], [False, True, True, True], bins=20)
    canvas = reliability_diagram(found, "cell")
    text = words_of(canvas)
    assert "27.5 %" in text  # mean confidence
    assert "75.0 %" in text
    assert "The model says less than it knows." in text
    ET.fromstring(canvas.svg())
    for item in canvas.items:
        if isinstance(item, Words) and item.anchor == "start":
            assert item.at[0] + 0.52 * item.size * len(item.text) < canvas.width, item.text


def test_the_histogram_has_both_lines() -> None:
    confidence = np.array([0.1, 0.1, 0.3])
    found = reliability(confidence, [True, False, False])
    text = words_of(confidence_histogram(confidence, found, "country"))
    assert "mean confidence 16.7 %" in text
    assert "share right 33.3 %" in text
    one = confidence_histogram(confidence[:1], reliability(confidence[:1], [True]), "cell")
    ET.fromstring(one.svg())


def test_a_broken_promise_is_drawn_in_warning() -> None:
    rows = [
        ("all", coverage_of([True] * 95 + [False] * 5, [1.0] * 100, promise=0.9)),
        ("Asia", coverage_of([True] * 40 + [False] * 60, [1.0] * 100, promise=0.9)),
        ("Africa", coverage_of([], [], promise=0.9)),
    ]
    dots = [item for item in coverage_chart(rows).items if isinstance(item, Dot) and item.hint]
    assert [dot.fill for dot in dots] == ["model", "warn"]


def test_the_abstention_curves_end_at_the_whole_accuracy() -> None:
    random = np.random.default_rng(0)
    confidence, right = random.random(500), random.random(500) < 0.3
    canvas = abstention_chart({200: abstention_curve(confidence, right)})
    line = next(item for item in canvas.items if isinstance(item, Way) and item.stroke == "near-1")
    assert line.rings[0][-1][0] == pytest.approx(590)
    assert "200 km" in words_of(canvas)


def confusion(counts: list[list[int]]) -> Confusion:
    array = np.array(counts)
    return Confusion(array, [f"class {i}" for i in range(len(array))], TOWNS[: len(array)], "cells", 0)


def test_the_matrix_has_a_square_for_each_pair_that_occurs() -> None:
    canvas = confusion_matrix(confusion([[9, 1, 0], [0, 5, 5], [0, 0, 0]]))
    fills = [item.fill for item in canvas.items if isinstance(item, Way) and item.fill]
    assert fills.count("heat-5") == 1 + 1  # one square, and the legend's
    assert fills.count("heat-2") == 1 + 1
    assert fills.count("heat-4") == 2 + 1
    assert "class 2" in words_of(confusion_matrix(confusion([[1, 0, 0], [0, 1, 0], [0, 0, 1]])))
    ET.fromstring(canvas.svg())


def test_the_dendrogram_names_every_class() -> None:
    canvas = dendrogram(confusion([[5, 4, 0], [4, 5, 0], [0, 0, 9]]))
    assert canvas is not None
    assert all(f"class {i}" in words_of(canvas) for i in range(3))
    assert dendrogram(confusion([[5, 4], [4, 5]])) is None


def test_arrows_go_round_the_back_of_the_map() -> None:
    flows = [{"true": "a", "answered": "b", "from": [10, 170], "to": [10, -170], "n": 3}]
    canvas = flow_map(flows)
    lines = [item for item in canvas.items if isinstance(item, Way) and item.stroke == "constant"]
    assert len(lines) == 2 + 1  # two pieces, and the legend's
    spans = [abs(line.rings[0][0][0] - line.rings[0][-1][0]) for line in lines[:2]]
    assert max(spans) < 60
    assert way_between([10, 20], [10, 20]).tolist() == [[10, 20], [10, 20]]
    assert np.isfinite(way_between([90, 0], [-90, 0])).all()
    ET.fromstring(flow_map([]).svg())


def test_tables_escape_what_their_formats_mean() -> None:
    assert markdown(("a", "n"), [("x|y", "1")]).splitlines()[2] == "| x\\|y | 1 |"
    text = latex("50 % of_all", "a_b", ("a", "n"), [("Bosnia & Herzegovina", "≤ 3 %")])
    assert r"Bosnia \& Herzegovina & $\le$ 3 \% \\" in text
    assert r"\caption{50 \% of\_all}" in text
    assert text.count("{") == text.count("}")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    cells = build_s2(TOWNS.repeat(20, axis=0), max_photos=25, min_photos=5, start_level=3, end_level=8)
    rows, truth = [], random.integers(0, 4, 40)
    for i, true in enumerate(truth):
        said = int(true) if i % 2 else int(random.integers(0, 4))
        path = folder / f"{i}.jpg"
        if i:
            Image.new("RGB", (300, 200), (i * 5, 90, 120)).save(path)
        place = tuple(float(value) for value in cells.centres[said])
        rows.append(
            Prediction(
                f"p{i}",
                str(path),
                latitude=place[0],
                longitude=place[1],
                confidence=0.5,
                candidates=(Candidate(said, cells.tokens[said], cells.names[said], *place, 0.5),),
                region_cells=(said,),
                region_km2=1e5,
                region_promise=0.9,
                country_confidence=0.6,
                country="FR",
                model="toy@1",
            )
        )
    table = pl.DataFrame(
        {
            "photo_id": [f"p{i}" for i in range(40)],
            "latitude": cells.centres[truth, 0],
            "longitude": cells.centres[truth, 1],
        }
    )
    evaluation = evaluate_predictions(Predictions.of(rows), table, partition=cells, resamples=40)
    write_report(folder / "plain", evaluation)
    write_report(folder / "report", evaluation, thumbnails=True)
    return folder / "report"


def test_the_page_holds_every_section_and_figure(report: Path) -> None:
    text = (report / "index.html").read_text(encoding="utf-8")
    for heading in (
        "Does the stated confidence come true",
        "promises kept",
        "not answering",
        "taken for what",
    ):
        assert heading in text
    for name in (
        "reliability-cell",
        "confidence-country",
        "coverage",
        "abstention",
        "confusion-cell",
        "flows",
    ):
        ET.parse(report / "figures" / f"{name}.svg")
        assert (report / "figures" / f"{name}.png").is_file()
    assert pl.read_csv(report / "confusion-cell.csv")["photos"].sum() == 40
    names = {path.name for path in (report / "tables").iterdir()}
    assert {"main.tex", "main.md", "continents.tex", "countries.md", "cell_photos.tex"} <= names
    assert "<script" not in text


def test_thumbnails_are_inside_the_page_and_only_when_asked_for(report: Path) -> None:
    text = (report / "index.html").read_text(encoding="utf-8")
    assert len(re.findall(r'<img src="data:image/jpeg;base64,', text)) >= 14
    assert "img-src data:" in text
    plain = (report.parent / "plain" / "index.html").read_text(encoding="utf-8")
    assert "<img" not in plain
    assert "img-src" not in plain


def test_tables_are_those_of_the_metrics(report: Path) -> None:
    import json

    metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
    tables = tables_of(metrics)
    assert [row[0] for row in tables["continents"][2]] == [part["name"] for part in metrics["by_continent"]]
    assert (
        len({len(row) for _, head, rows in tables.values() for row in (head, *rows) if head[0] == "figure"})
        == 1
    )
