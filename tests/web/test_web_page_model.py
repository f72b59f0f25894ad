"""The page Model with a report, in a real browser: figures, reliability, continents, confusions."""

from __future__ import annotations

from pathlib import Path

from web_browser import needs_chromium
from web_process import server
from web_report import write_figures

pytest_plugins = ["web_fixtures"]
pytestmark = needs_chromium


def test_a_report_is_drawn_and_told(visit, colour_bundle: Path, tmp_path: Path) -> None:
    document = write_figures(tmp_path / "twelve", colour_bundle)
    with server(colour_bundle, "--report", str(tmp_path / "twelve")) as (_, address):
        page = visit(f"{address}/#model")
        page.wait_for_selector(".model-page .diagram")
        assert page.locator("caption").inner_text() == "twelve · 12 photos"
        rows = page.get_by_role("region", name="twelve").locator("tbody tr").all_inner_texts()
        figures = dict(row.split("\t")[:2] for row in rows)
        assert figures["Right cell first"] == f"{100 * document['top_k']['1']:.0f}\u00a0%"
        bins = document["calibration"]["cell"]["bins"]
        cell = page.locator(".diagram").first
        assert cell.locator(".bin").count() == len(bins)
        diagonal = cell.locator(".diagonal")
        left, right = (float(diagonal.get_attribute(name)) for name in ("x1", "x2"))
        drawn = [
            (float(mark.get_attribute("cx")) - left) / (right - left) for mark in cell.locator(".bin").all()
        ]
        assert [round(share, 3) for share in drawn] == [round(bin_["confidence"], 3) for bin_ in bins]
        cell.locator("summary").click()
        assert cell.locator("tbody tr").count() == len(bins)
        continents = page.get_by_role("region", name="Errors by continent")
        assert continents.locator("tbody th").all_inner_texts() == [
            row["name"] for row in document["by_continent"]
        ]
        confused = page.get_by_role("region", name="Taken for another: best cell").locator("tbody tr").first
        pair = document["confusion"]["cell"]["pairs"][0]
        assert confused.inner_text().split("\t")[:3] == [pair["true"], pair["answered"], str(pair["n"])]
