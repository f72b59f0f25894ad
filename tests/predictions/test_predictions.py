"""Predictions: a sequence, its table, and every file format there and back."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from graticule.errors import MissingFileError, PredictionsError, UsageError
from graticule.predictions import SCHEMA, Candidate, Prediction, Predictions
from graticule.predictions.prediction import in_words

BEIJING = Candidate(cell=3, token="35f1", name="Beijing, CN", latitude=39.9, longitude=116.4, probability=0.7)
SUVA = Candidate(
    cell=0, token="6e1", name='Suva "FJ", ‘island’', latitude=-18.1, longitude=178.4, probability=0.2
)
GOOD = Prediction(
    photo_id="007",
    path="a/007.jpg",
    latitude=39.9,
    longitude=116.4,
    confidence=0.7,
    candidates=(BEIJING, SUVA),
    country="CN",
    country_confidence=0.75,
    region_km2=12.5,
    region_cells=(3, 0),
    region_promise=0.9,
    model="m@1",
)
FAILED = Prediction(photo_id="broken, file", path="b.jpg", model="m@1", error="The file is empty.")


@pytest.fixture
def both() -> Predictions:
    return Predictions.of([GOOD, FAILED])


def test_is_a_sequence_of_predictions(both: Predictions) -> None:
    assert len(both) == 2
    assert both[0] == GOOD
    assert both[-1] == FAILED
    assert list(both) == [GOOD, FAILED]
    assert list(both[1:]) == [FAILED]
    assert both.failed == 1
    with pytest.raises(IndexError, match="prediction 2 of 2"):
        both[2]


def test_nothing_is_a_valid_sequence() -> None:
    empty = Predictions.of([])
    assert len(empty) == 0
    assert empty.to_polars().schema == SCHEMA
    assert len(Predictions.concat([])) == 0


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json", "jsonl", "geojson"])
def test_every_format_reads_back_equal(both: Predictions, tmp_path: Path, suffix: str) -> None:
    path = both.write(tmp_path / "new" / f"p.{suffix}")
    assert Predictions.read(path) == both
    assert [p.name for p in path.parent.iterdir()] == [path.name], "no unfinished file is left"


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json", "jsonl", "geojson"])
def test_every_format_holds_zero_photos(tmp_path: Path, suffix: str) -> None:
    assert len(Predictions.read(Predictions.of([]).write(tmp_path / f"p.{suffix}"))) == 0


def test_geojson_writes_longitude_first_and_null_for_no_answer(both: Predictions, tmp_path: Path) -> None:
    document = json.loads(both.write(tmp_path / "p.geojson").read_text())
    assert document["features"][0]["geometry"] == {"type": "Point", "coordinates": [116.4, 39.9]}
    assert document["features"][1]["geometry"] is None
    assert document["features"][1]["properties"]["error"] == "The file is empty."


def test_an_unknown_ending_is_refused_with_the_known_ones(both: Predictions, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"End it with one of \.parquet, \.csv"):
        both.write(tmp_path / "p.xlsx")


def test_reading_other_files_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="graticule predict"):
        Predictions.read(tmp_path / "none.parquet")
    pl.DataFrame({"photo_id": ["a"], "lat": [1.0]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(PredictionsError, match="'path' is missing"):
        Predictions.read(tmp_path / "other.parquet")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(PredictionsError, match="cannot be read"):
        Predictions.read(tmp_path / "damaged.parquet")
    (tmp_path / "list.json").write_text('{"a": 1}')
    with pytest.raises(PredictionsError, match="expected a list of predictions"):
        Predictions.read(tmp_path / "list.json")


def test_text_names_place_and_confidence() -> None:
    text = str(GOOD)
    assert text.splitlines()[0] == "007: 39.9000, 116.4000 (Beijing, CN), likely (70 %)"
    assert "1.  70.0%  Beijing, CN" in text
    assert str(FAILED) == "broken, file: no answer. The file is empty."


def test_text_keeps_the_confidence_to_the_best_cell() -> None:
    second = Prediction(
        "x", latitude=-18.1, longitude=178.4, confidence=0.7, candidates=(BEIJING, SUVA), model="m"
    )
    first = str(second).splitlines()[0]
    assert first == (
        'x: -18.1000, 178.4000 (Suva "FJ", ‘island’), least expected error; '
        "best cell Beijing, CN: likely (70 %)"
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.0, "virtually certain (100 %)"),
        (0.9, "very likely (90 %)"),
        (0.5, "about as likely as not (50 %)"),
        (0.2, "a guess, unlikely to be right (20 %)"),
        (0.0, "a guess, very unlikely to be right (0 %)"),
    ],
)
def test_confidence_in_words(share: float, words: str) -> None:
    assert in_words(share) == words


def test_regions_of_older_files_are_of_90_percent(both: Predictions) -> None:
    older = both.to_polars().drop("region_promise")
    assert Predictions(older).to_polars()["region_promise"].to_list() == [0.9, None]
