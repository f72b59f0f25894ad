"""``graticule evaluate`` as typed: classes, benchmarks, protocols, areas."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from graticule.cli.main import main
from graticule.evaluation import PROTOCOLS
from graticule.partitions import Partition


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", *words])
    return int(stopped.value.code or 0)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    path = tmp_path / "somebody.csv"
    pl.DataFrame(
        {"true_label": ["Peru", "Peru", "Fiji", "Chad"], "pred_label": ["Peru", "Chad", "Fiji", None]}
    ).write_csv(path)
    return path


def test_classes(classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(f"{classes}", "--classes", "-o", f"{tmp_path}/out", "--resamples", "100") == 0
    captured = capsys.readouterr()
    assert "4 photos of 3 classes, 1 without an answer" in captured.out
    assert "right class" in captured.out
    assert "always 'Peru'" in captured.out
    assert "1 photo has no predicted class" in captured.err
    page = (tmp_path / "out" / "index.html").read_text()
    assert "<script" not in page
    assert "Class by class" in page
    confusions = pl.read_csv(tmp_path / "out" / "confusions.csv")
    assert confusions.columns == ["true", "predicted", "count"]
    assert _run(f"{classes}", "--classes", "--json", "--resamples", "0") == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 0.5


def test_classes_with_the_truth_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pl.DataFrame({"photo_id": ["a", "b"], "pred_class": ["x", "y"]}).write_csv(tmp_path / "a.csv")
    pl.DataFrame({"photo_id": ["b", "a", "c"], "label": ["y", "y", "x"]}).write_csv(tmp_path / "t.csv")
    assert _run(f"{tmp_path}/a.csv", "--classes", "--truth", f"{tmp_path}/t.csv", "--json") == 3
    captured = capsys.readouterr()
    assert json.loads(captured.out)["accuracy"] == 0.5
    assert "1 photo not judged, in the truth but without an answer in the table" in captured.err


@pytest.fixture
def places(tmp_path: Path) -> tuple[str, str]:
    ids = ["a", "b", "c"]
    truth = {"photo_id": ids, "latitude": [48.86, 52.52, -33.9], "longitude": [2.35, 13.4, 151.2]}
    pl.DataFrame(truth).write_csv(tmp_path / "truth.csv")
    # 25 km north of Paris by the sphere of 6371 km, Berlin itself, no answer
    said = {
        "photo_id": ids,
        "latitude": [48.86 + 25 / 111.1949, 52.52, None],
        "longitude": [2.35, 13.4, None],
    }
    pl.DataFrame(said).write_csv(tmp_path / "said.csv")
    return f"{tmp_path}/said.csv", f"{tmp_path}/truth.csv"


def test_every_protocol(places: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for name in PROTOCOLS:
        assert _run(places[0], "--truth", places[1], "--protocol", name, "--json", "--resamples", "0") == 0
        document = json.loads(capsys.readouterr().out)
        assert document["protocol"]["name"] == name
        assert document["protocol"]["statement"]
        assert (document["n"], document["n_failed"]) == (3, 1)
        found[name] = document
    assert set(found) == {"graticule", "osv5m", "pigeon", "geoestimation", "geoclip", "g3"}
    # the longer radius of PIGEON puts the first answer past 25 km, and so does a sphere of 6371.0088 km
    within = {name: round(3 * document["within_km"]["25"]) for name, document in found.items()}
    assert within["pigeon"] == 1
    assert within["geoclip"] == within["g3"] == 1  # a degree of latitude in Paris is longer on the ellipsoid
    assert found["pigeon"]["geoscore"] == pytest.approx((4916 + 5000) / 3, abs=1)
    assert 3 * found["pigeon"]["geoscore"] == pytest.approx(round(3 * found["pigeon"]["geoscore"]))
    assert found["osv5m"]["country_accuracy"] == found["osv5m"]["areas"]["nearest_town"]["country"]


def test_areas(places: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def square(name: str, west: float, south: float) -> dict[str, object]:
        ring = [[west, south], [west + 4, south], [west + 4, south + 2], [west, south + 2], [west, south]]
        return {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    squares = [square("S", 1, 46.9), square("N", 1, 48.9), square("B", 12, 51)]
    shapes = {"type": "FeatureCollection", "features": squares}
    (tmp_path / "squares.geojson").write_text(json.dumps(shapes))
    areas = ("--areas", f"{tmp_path}/squares.geojson")
    assert _run(places[0], "--truth", places[1], *areas, "--json", "--resamples", "0") == 0
    found = json.loads(capsys.readouterr().out)["areas"]
    # Paris was answered north of its square, Berlin inside; Sydney lies in none and is not counted
    assert found["polygon"]["squares"] == 0.5
    assert found["nearest_town"]["country"] == pytest.approx(2 / 3)


def test_benchmark(
    tmp_path: Path, colour_bundle: Path, three_cells: Partition, capsys: pytest.CaptureFixture[str]
) -> None:
    colours = ((250, 0, 0), (0, 250, 0), (0, 0, 250))
    Image.new("RGB", (40, 40), colours[int(three_cells.encode((48.86, 2.35)))]).save(tmp_path / "1.jpg")
    row = {"IMG_ID": ["1.jpg"], "AUTHOR": ["x"], "LAT": [48.86], "LON": [2.35]}
    shares = {f"Prob_{scene}": [0.3] for scene in ("indoor", "natural", "urban")}
    pl.DataFrame({**row, **shares}).write_csv(tmp_path / "im2gps3k_places365.csv")
    words = ("--benchmark", "im2gps3k", "--photos", f"{tmp_path}", "--model", f"{colour_bundle}")
    assert _run(*words, "--resamples", "40", "-o", f"{tmp_path}/out") == 0
    captured = capsys.readouterr()
    assert "Im2GPS3k, Vo, Jacobs and Hays (2017): 1 of 2,997 photos" in captured.out
    assert "PlaNet" in captured.out
    assert "1602.05314" in captured.out
    assert "these figures and the published ones are not of the same photos" in captured.err
    page = (tmp_path / "out" / "index.html").read_text()
    assert "beside what others published" in page
    assert "GeoCLIP" in page
    assert (tmp_path / "out" / "predictions.parquet").is_file()


def test_words_that_do_not_go_together(classes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        ((), "Nothing was named to evaluate"),
        ((f"{classes}",), "or, for a table of classes:  --classes"),
        (("--benchmark", "im2gps3k"), "name the folder that holds them"),
        (("--benchmark", "imgps", "--photos", "."), "Try:  --benchmark im2gps"),
        ((f"{classes}", "--benchmark", "im2gps3k"), "takes neither PREDICTIONS nor --classes"),
        (("--benchmark", "im2gps3k", "--truth", "t.csv"), "Leave --truth out"),
        ((f"{classes}", "--classes", "--photos", "x"), "--photos names the photos of a benchmark"),
    ):
        assert _run(*words) == 2, words
        assert said in capsys.readouterr().err
