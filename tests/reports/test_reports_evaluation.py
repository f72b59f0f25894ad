"""The report of an evaluation: complete, offline, and true to the numbers."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from graticule.errors import MissingFileError
from graticule.evaluation import Evaluation, TrainingPlaces, evaluate_predictions
from graticule.evaluation.details import details_of
from graticule.reports import write_report
from graticule.reports.canvas import Words
from graticule.reports.charts import continent_chart, error_curve, within_chart
from graticule.reports.world import equal_earth, error_map

TOWNS = np.array([[48.86, 2.35], [39.9, 116.4], [-33.9, 151.2], [40.7, -74.0], [51.5, -0.1], [-1.3, 36.8]])


def _evaluation(count: int, *, failed: int = 0, seed: int = 0, resamples: int = 100) -> Evaluation:
    random = np.random.default_rng(seed)
    places = TOWNS[random.integers(0, 6, count)] + random.normal(0, 1, (count, 2))
    guesses = places + random.normal(0, 1, (count, 2)) * 10 ** random.uniform(-3, 1, (count, 1))
    guesses[:failed] = np.nan
    ids = [f"photo <{i}> & co.jpg" for i in range(count)]
    truth = pl.DataFrame({"photo_id": ids, "latitude": places[:, 0], "longitude": places[:, 1]})
    answers = truth.with_columns(
        latitude=pl.Series(guesses[:, 0].clip(-90, 90)),
        longitude=pl.Series(guesses[:, 1]),
        confidence=pl.Series(random.random(count)),
        model=pl.lit("toy@1"),
        error=pl.Series([f"broken <{i}>" if i < failed else None for i in range(count)], dtype=pl.String),
    )
    training = TrainingPlaces.of(
        TOWNS.repeat(9, axis=0) + random.normal(0, 0.5, (54, 2)), "the 54 places of a test"
    )
    return evaluate_predictions(answers, truth, training_places=training, resamples=resamples)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return _evaluation(120, failed=4)


@pytest.fixture(scope="module")
def folder(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(folder, evaluation)
    return folder


class _Page(HTMLParser):
    """Collects text and links, and checks that tags are closed in order."""

    VOID = frozenset(("meta", "link", "br", "img", "input", "hr"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


@pytest.fixture(scope="module")
def page(folder: Path) -> _Page:
    return _Page((folder / "index.html").read_text(encoding="utf-8"))


def test_the_folder_holds_what_the_page_names(folder: Path, page: _Page) -> None:
    for link in page.links:
        assert (folder / link).is_file(), link
    for name in ("curve", "within", "continents", "map"):
        ET.parse(folder / "figures" / f"{name}.svg")
        with Image.open(folder / "figures" / f"{name}.png") as picture:
            assert picture.width == 1440
    errors = pl.read_csv(folder / "errors.csv")
    assert errors.height == 120
    assert {"photo_id", "error_km", "true_latitude", "error"} <= set(errors.columns)


def test_nothing_is_asked_of_the_network(folder: Path) -> None:
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "<script" not in text
    outside = set(re.findall(r"https?://[^\"'\s<)]+", text)) - {"http://www.w3.org/2000/svg"}
    assert outside == set()
    assert "url(" not in text


def test_metrics_json_is_the_evaluation(folder: Path, evaluation: Evaluation) -> None:
    document = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert document == evaluation.metrics | details_of(evaluation).document


def test_the_page_says_the_numbers(page: _Page, evaluation: Evaluation) -> None:
    metrics = evaluation.metrics
    for share in metrics["within_km"].values():
        assert f"{100 * share:.1f} %" in page.text
    assert f"{metrics['geoscore']:,.0f}" in page.text
    low, high = metrics["intervals"]["within_km"]["200"]
    assert f"{100 * low:.1f} – {100 * high:.1f}" in page.text
    assert "120 photos, 4 without an answer." in page.text
    assert metrics["protocol"]["statement"] in page.text
    for remark in metrics["remarks"]:
        assert remark in page.text
    for place in metrics["baselines"]["constant"]["places"].values():
        assert place["name"] in page.text


def test_ids_and_errors_are_escaped(folder: Path, page: _Page) -> None:
    assert "broken <1>" in page.text
    assert "<1>" not in (folder / "index.html").read_text(encoding="utf-8")


def test_best_and_worst(page: _Page, evaluation: Evaluation) -> None:
    answered = evaluation.frame.filter(pl.col("error_km").is_finite()).sort("error_km")
    assert answered["photo_id"][0] in page.text
    assert answered["photo_id"][-1] in page.text


def test_a_model_below_the_constant_is_called_that(tmp_path: Path) -> None:
    photos = [f"{number}" for number in range(10)]
    truth = pl.DataFrame({"photo_id": photos, "latitude": 48.86, "longitude": 2.35})
    answers = truth.with_columns(latitude=pl.lit(-48.0), longitude=pl.lit(-178.0))
    training = TrainingPlaces.of([[48.86, 2.35]], "Paris")
    evaluation = evaluate_predictions(answers, truth, training_places=training)
    text = _Page(write_report(tmp_path, evaluation).read_text(encoding="utf-8")).text
    assert "BELOW the best constant guess at every threshold" in text


def test_in_sample_baselines_are_said(tmp_path: Path) -> None:
    truth = pl.DataFrame({"photo_id": ["a"], "latitude": [48.86], "longitude": [2.35]})
    text = _Page(write_report(tmp_path, evaluate_predictions(truth, truth)).read_text(encoding="utf-8")).text
    assert "these baselines are too good" in text
    assert "1 photo." in text


@pytest.mark.parametrize(("count", "failed"), [(1, 0), (1, 1), (3, 3), (2, 1)])
def test_few_photos_and_all_failed(tmp_path: Path, count: int, failed: int) -> None:
    page = write_report(tmp_path, _evaluation(count, failed=failed, resamples=40))
    text = _Page(page.read_text(encoding="utf-8")).text
    assert ("Without an answer" in text) == (failed > 0)
    assert ("Best and worst" in text) == (failed < count)


def test_without_intervals(tmp_path: Path) -> None:
    text = _Page(write_report(tmp_path, _evaluation(9, resamples=0)).read_text(encoding="utf-8")).text
    assert "bootstrap" not in text
    assert "% intervals" not in text


def test_a_title_of_ones_own(tmp_path: Path, evaluation: Evaluation) -> None:
    text = _Page(write_report(tmp_path, evaluation, title="Mine & yours").read_text(encoding="utf-8")).text
    assert "Mine & yours" in text


def test_a_folder_that_cannot_be_written(tmp_path: Path, evaluation: Evaluation) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingFileError, match=r"cannot be written to .*\n.*-o REPORT"):
        write_report(tmp_path / "file" / "report", evaluation)


def test_other_files_in_the_folder_are_left(tmp_path: Path, evaluation: Evaluation) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    write_report(tmp_path, evaluation)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not list(tmp_path.glob(".*.part"))


def test_figures_show_the_figures(evaluation: Evaluation) -> None:
    within = within_chart(evaluation.metrics).svg()
    for limit, share in evaluation.metrics["within_km"].items():
        assert f"{limit} km" in within
        assert f">{100 * share:.1f} %<" in within
    continents = continent_chart(evaluation.metrics).svg()
    for part in evaluation.metrics["by_continent"]:
        assert part["name"] in continents
    curve = error_curve(evaluation.curves, evaluation.metrics).svg()
    assert "constant guess" in curve
    assert curve.count("var(--band)") == 1


def test_the_map_has_a_dot_per_photo(evaluation: Evaluation) -> None:
    svg = error_map(evaluation.frame).svg()
    assert svg.count("km off</title>") == 116
    assert svg.count("no answer</title>") == 4
    assert len(svg) < 200_000


def test_equal_earth_against_an_integral_of_equal_area() -> None:
    """Equal areas on the sphere are equal on the map: the band up to a latitude has its share of the map."""
    edge = np.radians(np.linspace(0, 90, 2001))
    right, y = np.moveaxis(equal_earth(np.stack([np.degrees(edge), np.full(2001, 180.0)], axis=-1)), -1, 0)
    area = np.concatenate([[0.0], np.cumsum((right[1:] + right[:-1]) / 2 * np.diff(y))])
    np.testing.assert_allclose(area / area[-1], np.sin(edge), atol=1e-5)
    assert equal_earth([[0.0, 0.0]]).tolist() == [[0.0, 0.0]]
    np.testing.assert_allclose(equal_earth([-30.0, -60.0]), -equal_earth([30.0, 60.0]))


def test_the_pictures_font_has_every_letter(evaluation: Evaluation) -> None:
    """Pillow's own font, which draws the PNG, has no letters far beyond ASCII."""
    for canvas in (
        within_chart(evaluation.metrics),
        continent_chart(evaluation.metrics),
        error_curve(evaluation.curves, evaluation.metrics),
        error_map(evaluation.frame),
    ):
        assert all(item.text.isascii() for item in canvas.items if isinstance(item, Words))
