"""Slices, confusions and what a report adds to the main figures: against counts made by hand."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from graticule.evaluation import TrainingPlaces, evaluate_predictions
from graticule.evaluation.confusions import (
    MOST_CLASSES,
    confusion_of_cells,
    confusion_of_countries,
    flows,
    tree_of,
)
from graticule.evaluation.details import details_of
from graticule.evaluation.protocols import GRATICULE
from graticule.evaluation.slices import by_cell_photos, by_scene, by_training_distance
from graticule.geo.sphere import great_circle_km
from graticule.partitions import Partition, build_s2
from graticule.predictions import Candidate, Prediction, Predictions

TOWNS = np.array([[48.86, 2.35], [52.5, 13.4], [39.9, 116.4], [-33.9, 151.2], [40.7, -74.0], [35.7, 139.7]])


@pytest.fixture(scope="module")
def partition() -> Partition:
    return build_s2(TOWNS.repeat(20, axis=0), max_photos=25, min_photos=5, start_level=3, end_level=8)


def predicted(
    partition: Partition, cells: np.ndarray, confidence: np.ndarray, **fields: object
) -> Predictions:
    def candidate(cell: int, share: float) -> Candidate:
        latitude, longitude = partition.centres[cell]
        return Candidate(cell, partition.tokens[cell], partition.names[cell], latitude, longitude, share)

    return Predictions.of(
        [
            Prediction(
                f"p{i}",
                latitude=float(partition.centres[cell, 0]),
                longitude=float(partition.centres[cell, 1]),
                confidence=float(share),
                candidates=(candidate(int(cell), float(share)),),
                model="toy@1",
                **fields,  # type: ignore[arg-type]
            )
            for i, (cell, share) in enumerate(zip(cells, confidence, strict=True))
        ]
    )


def truth_of(partition: Partition, cells: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "photo_id": [f"p{i}" for i in range(len(cells))],
            "latitude": partition.centres[cells, 0],
            "longitude": partition.centres[cells, 1],
            "scene": [("urban", "natural", None)[i % 3] for i in range(len(cells))],
        }
    )


def test_a_confusion_of_cells_counts_every_photo(partition: Partition) -> None:
    random = np.random.default_rng(0)
    true, said = random.integers(-1, partition.count, (2, 300))
    found = confusion_of_cells(true, said, partition)
    for row in range(partition.count):
        for column in range(partition.count):
            assert found.counts[row, column] == np.sum((true == row) & (said == column))
    assert found.counts.sum() + found.left_out == 300
    assert found.names == partition.names  # the order of the tree is that of the cells
    counted = (true >= 0) & (said >= 0)
    assert found.accuracy == pytest.approx(np.mean(true[counted] == said[counted]))
    pairs = found.pairs()
    assert pairs == sorted(pairs, key=lambda pair: -pair["n"])
    assert all(pair["true"] != pair["answered"] for pair in pairs)
    first = pairs[0]
    row, column = partition.names.index(first["true"]), partition.names.index(first["answered"])
    assert first["n"] == found.counts[row, column]
    assert first["share"] == pytest.approx(first["n"] / found.counts[row].sum())
    away = float(great_circle_km(partition.centres[row], partition.centres[column]))
    assert first["apart_km"] == pytest.approx(away)
    moved = flows(found)
    assert moved[0]["n"] == first["n"]
    assert len(moved) <= 40


def test_many_cells_are_taken_together_up_the_tree() -> None:
    random = np.random.default_rng(0)
    places = random.uniform([-60, -179], [75, 179], (4000, 2))
    partition = build_s2(places, max_photos=20, min_photos=2, start_level=1, end_level=8)
    assert partition.count > 2 * MOST_CLASSES
    cells = np.arange(partition.count)
    found = confusion_of_cells(cells, cells, partition)
    assert 1 < len(found.names) <= MOST_CLASSES
    assert found.counts.sum() == np.trace(found.counts) == partition.count
    assert "taken together up the tree" in found.what
    assert any("cells beside" in name for name in found.names)


def test_countries_are_ordered_by_continent_and_from_west_to_east() -> None:
    centres = {"PT": [39, -8], "PL": [52, 19], "CN": [35, 105], "IN": [22, 79], "US": [40, -100]}
    continents = {"PT": "EU", "PL": "EU", "CN": "AS", "IN": "AS", "US": "NA"}
    found = confusion_of_countries(
        ["PT", "PL", "US", None, "CN"],
        ["PL", "PL", None, "US", "IN"],
        {code: np.array(place, dtype=float) for code, place in centres.items()},
        continents,
    )
    assert found.names == ["IN", "CN", "PT", "PL", "US"]
    assert found.left_out == 2
    assert found.accuracy == pytest.approx(1 / 3)
    assert {(pair["true"], pair["answered"]) for pair in found.pairs()} == {("PT", "PL"), ("CN", "IN")}


def test_the_tree_joins_what_is_confused_first(partition: Partition) -> None:
    true = np.repeat(np.arange(6), 20)
    said = true.copy()
    said[:10] = 1  # half of cell 0 is taken for cell 1
    kept, links = tree_of(confusion_of_cells(true, said, partition)) or ([], np.empty((0, 4)))
    assert kept == list(range(6))
    assert sorted(links[0, :2]) == [0, 1]
    assert links[0, 2] < links[1, 2]
    assert tree_of(confusion_of_cells(true[:40], said[:40], partition)) is None


def test_slices_add_up_to_the_photos() -> None:
    errors = np.array([0.5, 100.0, np.inf, 3000.0, 20.0])
    frame = pl.DataFrame({"true_scene": ["urban", "urban", None, "natural", "natural"]})
    rows = by_scene(frame, errors, GRATICULE)
    assert [(row["name"], row["n"]) for row in rows] == [("natural", 2), ("not stated", 1), ("urban", 2)]
    assert rows[1]["median_km"] == np.inf
    assert rows[1]["n_answered"] == 0
    assert by_scene(pl.DataFrame({"true_scene": [None, None]}), errors[:2], GRATICULE) == []
    assert by_scene(pl.DataFrame({"x": [1]}), errors[:1], GRATICULE) == []


def test_distance_from_the_nearest_training_place_also_across_the_antimeridian() -> None:
    training = TrainingPlaces.of([[0.0, 179.99], [50.0, 10.0]], "two places")
    latlon = np.array([[0.0, -179.99], [50.0, 10.0], [50.0, 20.0], [-89.0, 0.0]])
    rows = by_training_distance(latlon, training, np.array([1.0, 2.0, 3.0, 4.0]), GRATICULE)
    assert {row["name"]: row["n"] for row in rows} == {
        "up to 1 km": 1,
        "1 to 10 km": 1,
        "200 to 1000 km": 1,
        "farther than 1,000 km": 1,
    }
    assert by_training_distance(latlon, TrainingPlaces.of_test(latlon), np.zeros(4), GRATICULE) == []


def test_photos_of_the_true_cell() -> None:
    photos = np.array([0, 1, 4, 5, 9, 600])
    cells = np.array([-1, 0, 1, 2, 3, 4, 5])
    rows = by_cell_photos(cells, photos, np.zeros(7), GRATICULE)
    assert {row["name"]: row["n"] for row in rows} == {
        "outside all cells": 1,
        "none": 1,
        "1 to 4": 2,
        "5 to 9": 2,
        "500 and more": 1,
    }


def test_details_of_a_perfect_and_of_a_shifted_model(partition: Partition) -> None:
    random = np.random.default_rng(0)
    cells = random.integers(0, partition.count, 240)
    region = {"region_km2": 5e6, "region_promise": 0.8}
    said = np.where(random.random(240) < 0.5, cells, random.integers(0, partition.count, 240))
    truth = truth_of(partition, cells)
    found = details_of(
        evaluate_predictions(
            predicted(partition, said, random.uniform(0.4, 0.7, 240), region_cells=(0, 1), **region),
            truth,
            partition=partition,
            resamples=0,
        )
    )
    document = found.document
    json.dumps(document, allow_nan=False)
    assert document["calibration"]["cell"]["n"] == 240
    assert document["calibration"]["cell"]["mean_accuracy"] == pytest.approx(np.mean(said == cells))
    assert document["coverage"]["coverage"] == pytest.approx(np.isin(cells, [0, 1]).mean())
    assert document["coverage"]["verdict"] == "not kept"
    words = " ".join(document["coverage"]["words"])
    assert "The 80 % regions held the truth for" in words
    assert "NOT KEPT" in words
    assert "graticule calibrate" in words
    assert [row["name"] for row in document["by_scene"]] == ["natural", "not stated", "urban"]
    assert document["by_cell_photos"][0]["n"] == 240
    assert document["confusion"]["cell"]["accuracy"] == pytest.approx(np.mean(said == cells))
    assert document["abstention"]["200"]["curve"][-1]["answered"] == 1.0
    assert set(found.confusions) == {"cell", "country"}


def test_details_of_bare_positions_leave_out_what_is_not_known() -> None:
    truth = pl.DataFrame({"photo_id": ["a", "b"], "latitude": [48.9, 0.0], "longitude": [2.3, 0.0]})
    answers = truth.with_columns(latitude=pl.Series([48.8, None]))
    found = details_of(evaluate_predictions(answers, truth, resamples=0))
    assert found.document["calibration"] == {}
    assert found.document["coverage"] is None
    assert found.abstention == {}
    assert set(found.confusions) == {"country"}
    assert found.document["by_training_distance"] == []  # the test's own places are no training places
