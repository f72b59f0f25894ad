"""The report as a browser shows it: offline, in light and dark, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from graticule.evaluation import TrainingPlaces, evaluate_predictions
from graticule.reports import write_report

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    places = np.stack([random.normal(30, 20, 60), random.normal(20, 60, 60)], axis=1)
    truth = pl.DataFrame(
        {
            "photo_id": [f"{i:040d}.jpg" for i in range(60)],
            "latitude": places[:, 0],
            "longitude": places[:, 1],
        }
    )
    answers = truth.with_columns(pl.col("latitude") + pl.Series(random.normal(0, 5, 60)))
    answers = answers.with_columns(pl.when(pl.int_range(60) > 2).then(pl.col("latitude")))
    training = TrainingPlaces.of(places[:20], "twenty places")
    evaluation = evaluate_predictions(answers, truth, training_places=training, resamples=50)
    return write_report(tmp_path_factory.mktemp("report"), evaluation)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.is_file():
        pytest.skip("Debian's chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_opens_offline_and_fits(browser: Any, page: Path, scheme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    tab = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(page.as_uri())
    assert asked == [page.as_uri()]
    assert said == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("figure svg").count() == page.read_text().count("<figure>") > 4
    lightness = tab.evaluate(
        "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert (sum(lightness) < 150) == (scheme == "dark")
    ground, ink = (
        tab.evaluate(f"getComputedStyle(document.querySelector('{name}')).{what}")
        for name, what in (("html", "backgroundColor"), ("h1", "color"))
    )
    assert ground != ink
    context.close()


def test_more_countries_unfold(browser: Any, page: Path) -> None:
    tab = browser.new_page()
    tab.goto(page.as_uri())
    more = tab.locator("details", has_text="more countries")
    rows = more.locator("table tbody tr")
    assert rows.count() > 0
    assert not rows.first.is_visible()
    more.locator("summary").click()
    assert rows.first.is_visible()
    tab.close()


def test_map_and_page_state_the_same_median(browser: Any, tmp_path: Path) -> None:
    """A photo without an answer is infinitely far off on both; the map once left it out."""
    ids = [f"p{row}" for row in range(7)]
    truth = pl.DataFrame({"photo_id": ids, "latitude": [0.0] * 7, "longitude": [0.0] * 7})
    norths = [
        1.0,
        2.0,
        3.0,
        4.0,
        5.0,
        None,
        None,
    ]  # the fourth of seven is the median, the third of five is not
    answers = truth.with_columns(latitude=pl.Series(norths, dtype=pl.Float64))
    evaluation = evaluate_predictions(answers, truth, resamples=0)
    page = write_report(tmp_path, evaluation)
    assert round(evaluation.metrics["median_km"]) == 445
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    tab = context.new_page()
    tab.goto((page.parent / "map.html").as_uri())
    summary = tab.locator(".summary").inner_text()
    assert "2 without an answer" in summary
    assert "median error 445\u00a0km" in summary
    context.close()
