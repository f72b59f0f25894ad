"""Published tests, on what of them is here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from graticule.benchmarks import BENCHMARKS, benchmark_named, published_results, run_benchmark
from graticule.errors import GraticuleError, MissingFileError, UsageError
from graticule.evaluation import PROTOCOLS
from graticule.inference import load_model
from graticule.partitions import Partition
from graticule.photos.layouts import LAYOUTS

COLOURS = ((250, 0, 0), (0, 250, 0), (0, 0, 250))
"""The colour of the photos that lie in each cell of ``three_cells``."""

PARIS, BEIJING, SYDNEY = (48.86, 2.35), (39.9, 116.4), (-33.9, 151.2)


def _colour_of(cells: Partition, place: tuple[float, float]) -> tuple[int, int, int]:
    return COLOURS[int(cells.encode(place))]


@pytest.fixture
def im2gps3k(tmp_path: Path, three_cells: Partition) -> Path:
    """The published layout with four photos, one of them missing on disk; the colours tell the cell."""
    folder = tmp_path / "im2gps3k"
    (folder / "images").mkdir(parents=True)
    rows = []
    shown = (("a", PARIS, PARIS), ("b", BEIJING, BEIJING), ("c", SYDNEY, PARIS), ("d", None, SYDNEY))
    for name, looks_like, place in shown:
        file = f"{name}_1_2@N00.jpg"
        if looks_like is not None:
            Image.new("RGB", (40, 40), _colour_of(three_cells, looks_like)).save(folder / "images" / file)
        rows.append([file, "me@N00", *place, 2, 11, 213, 0.1, 0.2, 0.7])
    labels = [f"{kind}_Label" for kind in ("S3", "S16", "S365")]
    head = ["IMG_ID", "AUTHOR", "LAT", "LON", *labels, "Prob_indoor", "Prob_natural", "Prob_urban"]
    pl.DataFrame(rows, schema=head, orient="row").write_csv(folder / "im2gps3k_places365.csv")
    return folder


def test_every_benchmark_can_be_run() -> None:
    for name, benchmark in BENCHMARKS.items():
        assert benchmark.name == name
        assert benchmark.protocol in PROTOCOLS
        assert benchmark.layout in {layout.name for layout in LAYOUTS}
        assert published_results(name)
    with pytest.raises(UsageError, match=r"(?s)There is no benchmark 'im2gps4k'.*--benchmark im2gps3k"):
        benchmark_named("im2gps4k")


def test_published_figures_are_shares_that_rise_with_the_threshold() -> None:
    for name in BENCHMARKS:
        for row in published_results(name):
            known = [row.figures[limit] for limit in ("1", "25", "200", "750", "2500")]
            shares = [share for share in known if share is not None]
            assert shares == sorted(shares), row.model
            assert all(0 < share < 1 for share in shares)
            assert row.source
    first = published_results("im2gps3k")[0]
    assert (first.model, first.figures["1"], first.figures["2500"]) == ("PlaNet", 0.085, 0.646)
    osv = {row.model: row.figures for row in published_results("osv5m")}
    assert osv["osv5m/baseline (hybrid, CLIP L/14 DataComp)"]["geoscore"] == 3361
    assert osv["osv5m/baseline (hybrid, CLIP L/14 DataComp)"]["country"] == 0.68


def test_a_run_against_what_the_colours_say(im2gps3k: Path, colour_bundle: Path) -> None:
    run = run_benchmark("im2gps3k", im2gps3k, load_model(colour_bundle), resamples=50)
    document = run.metrics
    json.dumps(document, allow_nan=False)
    assert document["protocol"]["name"] == "geoestimation"
    assert document["n"] == 3
    assert document["within_km"]["750"] == pytest.approx(2 / 3)  # the third looks like Sydney and is of Paris
    part = document["benchmark"]
    assert (part["photos_found"], part["photos_missing"], part["is_whole"]) == (3, 1, False)
    assert part["published"][0]["model"] == "PlaNet"
    assert any("3 photos were judged, Im2GPS3k has 2,997" in remark for remark in document["remarks"])
    assert any("1 photos of the table could not be read" in remark for remark in document["remarks"])
    assert len(run.predictions) == 3


def test_countries(tmp_path: Path, colour_bundle: Path, three_cells: Partition) -> None:
    shown = (("France/1", PARIS), ("China/2", BEIJING), ("China/3", PARIS), ("Australia/4", SYDNEY))
    for name, looks_like in shown:
        file = tmp_path / "test" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((30, 40, 3), _colour_of(three_cells, looks_like), np.uint8)).save(file)
    run = run_benchmark("geoguessr-countries", tmp_path, load_model(colour_bundle), resamples=0)
    assert run.metrics["accuracy"] == 0.75
    assert run.metrics["top_k"]["3"] == 1.0
    assert {row["class"]: row["recall"] for row in run.metrics["by_class"]} == {
        "AU": 1.0,
        "CN": 0.5,
        "FR": 1.0,
    }
    assert run.metrics["benchmark"]["published"][0]["top_1"] == 0.487


def test_what_is_missing_is_said(tmp_path: Path, im2gps3k: Path, colour_bundle: Path) -> None:
    model = load_model(colour_bundle)
    with pytest.raises(MissingFileError, match="There is no folder"):
        run_benchmark("im2gps3k", tmp_path / "nowhere", model)
    with pytest.raises(GraticuleError, match="im2gps_places365"):
        run_benchmark("im2gps", im2gps3k, model)
    for photo in (im2gps3k / "images").iterdir():
        photo.unlink()
    with pytest.raises(GraticuleError, match="none of the photos of Im2GPS3k"):
        run_benchmark("im2gps3k", im2gps3k, model)
