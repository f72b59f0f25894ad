"""The whole: predictions and truth in, one document out."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graticule.config import THRESHOLDS_KM
from graticule.errors import PredictionsError, TableError, UsageError
from graticule.evaluation import TrainingPlaces, evaluate_predictions, read_truth
from graticule.evaluation.baselines import Baselines
from graticule.evaluation.ground_truth import GroundTruth
from graticule.evaluation.protocols import GRATICULE
from graticule.geo.outlines import country_of
from graticule.geo.sphere import great_circle_km
from graticule.partitions import Partition, build_s2
from graticule.predictions import Candidate, Prediction, Predictions

FIELDS = (
    "n",
    "median_km",
    "mean_km",
    "within_km",
    "geoscore",
    "top_k",
    "country_accuracy",
    "ece",
    "coverage_90",
)
"""The fields that design.md promises of the model and of every baseline."""


@pytest.fixture(scope="module")
def partition() -> Partition:
    random = np.random.default_rng(0)
    towns = np.array([[48.86, 2.35], [39.9, 116.4], [-33.9, 151.2], [40.7, -74.0], [51.5, -0.1]])
    places = towns[random.integers(0, 5, 2000)] + random.normal(0, 2.0, (2000, 2))
    return build_s2(places, max_photos=200, min_photos=20)


@pytest.fixture(scope="module")
def truth(partition: Partition) -> pl.DataFrame:
    random = np.random.default_rng(1)
    places = partition.centres[random.integers(0, partition.count, 80)] + random.normal(0, 0.5, (80, 2))
    return pl.DataFrame(
        {"photo_id": [f"p{i}" for i in range(80)], "latitude": places[:, 0], "longitude": places[:, 1]}
    )


@pytest.fixture(scope="module")
def predictions(partition: Partition, truth: pl.DataFrame) -> Predictions:
    """A model that is sometimes right, with regions, and two photos without an answer."""
    random = np.random.default_rng(2)
    true_cells = partition.encode(truth.select("latitude", "longitude").to_numpy())
    items = []
    for row, cell in enumerate(true_cells.tolist()):
        if row in (5, 17):
            items.append(Prediction(f"p{row}", error="The file is empty.", model="m@1"))
            continue
        ranked = random.permutation(partition.count)[:10]
        if cell >= 0 and random.random() < 0.5:
            ranked = np.concatenate([[cell], ranked[ranked != cell]])[:10]
        shares = np.sort(random.dirichlet(np.ones(12)))[::-1][:10]
        candidates = tuple(
            Candidate(
                int(c), partition.tokens[c], partition.names[c], *partition.centres[c].tolist(), float(share)
            )
            for c, share in zip(ranked, shares, strict=True)
        )
        items.append(
            Prediction(
                f"p{row}",
                None,
                candidates[0].latitude,
                candidates[0].longitude,
                float(shares[0]),
                candidates,
                str(country_of(partition.centres[ranked[:1]])[0]),
                0.5,
                1e5,
                tuple(ranked[:4].tolist()),
                model="m@1",
            )
        )
    return Predictions.of(items)


@pytest.fixture(scope="module")
def document(predictions: Predictions, truth: pl.DataFrame, partition: Partition) -> dict:
    return evaluate_predictions(predictions, truth, partition=partition, resamples=200).metrics


def test_every_field_of_the_contract_is_there(document: dict) -> None:
    for source in (
        document,
        *(document["baselines"][name] for name in ("constant", "random", "largest_cell")),
    ):
        for name in FIELDS:
            assert name in source, name
        assert set(source["within_km"]) == {"1", "25", "200", "750", "2500"}
        assert set(source["top_k"]) == {"1", "3", "5", "10"}
    assert document["protocol"]["name"] == "graticule"
    assert set(document["intervals"]) >= {"median_km", "mean_km", "within_km", "geoscore", "top_k"}
    json.dumps(document, allow_nan=False)


def test_the_figures_against_loops(
    predictions: Predictions, truth: pl.DataFrame, partition: Partition, document: dict
) -> None:
    errors, ranks, countries, covered, to_centre = [], [], [], [], []
    for prediction, row in zip(predictions, truth.to_dicts(), strict=True):
        place = (row["latitude"], row["longitude"])
        cell = int(partition.encode(place))
        country = country_of(place).item()
        if prediction.error is not None:
            errors.append(math.inf)
            ranks.append(99)
            covered.append(False)
            countries.append(None if country is None else False)
            continue
        errors.append(float(great_circle_km((prediction.latitude, prediction.longitude), place)))
        cells = [candidate.cell for candidate in prediction.candidates]
        ranks.append(cells.index(cell) if cell in cells else 99)
        covered.append(cell in prediction.region_cells)
        countries.append(None if country is None else country == prediction.country)
        if cell >= 0:
            to_centre.append(
                float(great_circle_km((prediction.latitude, prediction.longitude), partition.centres[cell]))
            )
    n = len(errors)
    assert (document["n"], document["n_answered"], document["n_failed"]) == (80, 78, 2)
    for limit in THRESHOLDS_KM:
        assert document["within_km"][f"{limit}"] == sum(error <= limit for error in errors) / n
    assert document["median_km"] == pytest.approx((sorted(errors)[39] + sorted(errors)[40]) / 2)
    assert document["mean_km"] == pytest.approx(sum(e for e in errors if e < math.inf) / 78)
    assert document["geoscore"] == pytest.approx(sum(5000 * math.exp(-e / 1492.7) for e in errors) / n)
    for k in (1, 3, 5, 10):
        assert document["top_k"][f"{k}"] == sum(rank < k for rank in ranks) / n
    known = [right for right in countries if right is not None]
    assert document["n_country"] == len(known)
    assert document["country_accuracy"] == pytest.approx(sum(known) / len(known))
    assert document["coverage_90"] == sum(covered) / n
    assert document["true_cell_centre_km"] == pytest.approx(sum(to_centre) / len(to_centre))
    assert 0 < document["ece"] < 1


def test_every_interval_holds_its_figure(document: dict) -> None:
    intervals = document["intervals"]
    pairs = [
        (document[name], intervals[name]) for name in ("median_km", "mean_km", "geoscore", "coverage_90")
    ]
    pairs += [(document["within_km"][k], intervals["within_km"][k]) for k in document["within_km"]]
    pairs += [(document["top_k"][k], intervals["top_k"][k]) for k in document["top_k"]]
    for value, (low, high) in pairs:
        assert low <= value <= high
        assert low < high or value in (0.0, 1.0)


def test_baselines_against_loops(truth: pl.DataFrame, partition: Partition, document: dict) -> None:
    latlon = truth.select("latitude", "longitude").to_numpy()
    constant = document["baselines"]["constant"]
    for limit in THRESHOLDS_KM:
        place = constant["places"][f"{limit}"]
        near = [great_circle_km((place["latitude"], place["longitude"]), at) <= limit for at in latlon]
        assert constant["within_km"][f"{limit}"] == sum(near) / 80
    cells = partition.encode(latlon).tolist()
    by_photos = sorted(range(partition.count), key=lambda cell: -partition.photos[cell])
    for k in (1, 3, 5, 10):
        assert constant["top_k"][f"{k}"] == sum(cell in by_photos[:k] for cell in cells) / 80
        shares = [partition.photos[cell] / partition.photos.sum() if cell >= 0 else 0.0 for cell in cells]
        expected = sum(1 - (1 - share) ** k for share in shares) / 80
        assert document["baselines"]["random"]["top_k"][f"{k}"] == pytest.approx(expected)
    largest = document["baselines"]["largest_cell"]["place"]
    np.testing.assert_allclose([largest["latitude"], largest["longitude"]], partition.centres[by_photos[0]])
    assert largest["name"]


def test_the_random_draws_country_is_in_expectation() -> None:
    towns = [[48.86, 2.35]] * 3 + [[51.5, -0.1]]
    test = pl.DataFrame({"true_latitude": [48.8, 51.5, 0.0], "true_longitude": [2.3, -0.1, -30.0]})
    baselines = Baselines.of(GroundTruth.of(test, None), TrainingPlaces.of(towns, "test"), protocol=GRATICULE)
    assert baselines.to_dict()["random"]["country_accuracy"] == pytest.approx((0.75 + 0.25) / 2)
    assert baselines.to_dict()["constant"]["country_accuracy"] == 0.5
    assert baselines.to_dict()["constant"]["country"] == "FR"


def test_against_constant_uses_paired_resamples(document: dict) -> None:
    for goal, found in document["against_constant"].items():
        assert found["difference"] == pytest.approx(found["model"] - found["constant"]), goal
        low, high = found["interval"]
        if low is None:  # no photo shows a difference
            assert found["difference"] == 0
            assert not found["is_clear"]
            continue
        assert low <= found["difference"] <= high
        assert found["is_clear"] == (low > 0 or high < 0)


def test_parts_add_up(document: dict) -> None:
    for part in ("by_continent", "by_country"):
        rows = document[part]
        assert sum(row["n"] for row in rows) == 80
        total = sum(row["n"] * row["within_km"]["2500"] for row in rows) / 80
        assert total == pytest.approx(document["within_km"]["2500"])
        constant = sum(row["n"] * row["constant_within_km"]["2500"] for row in rows) / 80
        assert constant == pytest.approx(document["baselines"]["constant"]["within_km"]["2500"])
    assert {row["name"] for row in document["by_continent"]} >= {"Asia", "Europe"}
    assert "China" in {row["name"] for row in document["by_country"]}


def test_curves(predictions: Predictions, truth: pl.DataFrame, partition: Partition) -> None:
    evaluation = evaluate_predictions(predictions, truth, partition=partition, resamples=50)
    curves = evaluation.curves
    for limit in THRESHOLDS_KM:
        row = curves.filter(pl.col("distance_km") == limit).row(0, named=True)
        assert row["model"] == evaluation.metrics["within_km"][f"{limit}"]
        assert row["low"] <= row["model"] <= row["high"]
    for name in ("model", "constant", "random"):
        assert (curves[name].diff().drop_nulls() >= -1e-12).all()
    assert curves["model"][-1] == pytest.approx(78 / 80)  # those without an answer are never reached


def test_frame_has_one_row_per_judged_photo(predictions: Predictions, truth: pl.DataFrame) -> None:
    evaluation = evaluate_predictions(predictions, truth, resamples=0)
    assert evaluation.frame.height == 80
    assert evaluation.frame["error_km"].to_list() == evaluation.errors_km.tolist()
    assert evaluation.frame["error"].drop_nulls().to_list() == ["The file is empty."] * 2


def test_without_cells_what_needs_them_is_null(predictions: Predictions, truth: pl.DataFrame) -> None:
    document = evaluate_predictions(predictions, truth, resamples=0).metrics
    assert set(document["top_k"].values()) == {None}
    assert document["ece"] is None
    assert document["coverage_90"] is None
    assert document["intervals"] is None
    assert document["baselines"]["is_in_sample"]
    assert any("too good" in remark for remark in document["remarks"])


def test_a_list_too_short_gives_no_top_10(
    predictions: Predictions, truth: pl.DataFrame, partition: Partition
) -> None:
    short = predictions.to_polars().with_columns(pl.col("candidates").list.head(3))
    document = evaluate_predictions(short, truth, partition=partition, resamples=0).metrics
    assert document["top_k"]["3"] is not None
    assert document["top_k"]["5"] is None
    assert document["top_k"]["10"] is None


def _answers(places: list[tuple[float | None, float | None]], **columns: list[object]) -> pl.DataFrame:
    ids = [f"p{i}" for i in range(len(places))]
    latitudes, longitudes = [place[0] for place in places], [place[1] for place in places]
    schema = {"photo_id": pl.String, "latitude": pl.Float64, "longitude": pl.Float64}
    return pl.DataFrame(
        {"photo_id": ids, "latitude": latitudes, "longitude": longitudes}, schema=schema
    ).with_columns(pl.Series(name, values, dtype=pl.String) for name, values in columns.items())


def test_one_photo() -> None:
    document = evaluate_predictions(_answers([(48.9, 2.3)]), _answers([(48.8, 2.3)])).metrics
    assert document["n"] == 1
    assert document["within_km"]["25"] == 1.0
    assert document["intervals"]["within_km"]["25"] == pytest.approx([0.025, 1.0])
    assert document["intervals"]["median_km"] == [None, None]
    assert "There are fewer than 6 photos: only shares have an interval." in document["remarks"]


def test_all_failed() -> None:
    failed = _answers([(None, None)] * 3, error=["a", "b", "c"])
    document = evaluate_predictions(failed, _answers([(48.8, 2.3), (1.0, 2.0), (3.0, 4.0)])).metrics
    assert document["n"] == 3
    assert document["n_answered"] == 0
    assert document["median_km"] is None
    assert document["mean_km"] is None
    assert document["geoscore"] == 0.0
    assert set(document["within_km"].values()) == {0.0}
    assert document["country_accuracy"] == 0.0
    assert {found["verdict"] for goal, found in document["against_constant"].items() if goal != "1"} == {
        "below"
    }
    assert any("infinite (null)" in remark for remark in document["remarks"])
    json.dumps(document, allow_nan=False)


def test_failures_never_raise_a_figure() -> None:
    """The score must not rise when the model fails on the photos that it would get wrong."""
    truth = _answers([(48.8, 2.3), (35.7, 139.7), (40.7, -74.0)])
    answered = evaluate_predictions(_answers([(48.8, 2.3), (0.0, 0.1), (0.0, 0.1)]), truth).metrics
    failing = evaluate_predictions(_answers([(48.8, 2.3), (float("nan"), 0.0), (None, None)]), truth).metrics
    for limit in answered["within_km"]:
        assert failing["within_km"][limit] <= answered["within_km"][limit]
    assert failing["geoscore"] <= answered["geoscore"]
    assert failing["country_accuracy"] <= answered["country_accuracy"]
    assert any("neither a position nor an error" in remark for remark in failing["remarks"])


def test_antimeridian_and_poles() -> None:
    predicted = _answers([(10.0, 179.999), (90.0, 0.0), (-90.0, 45.0)])
    document = evaluate_predictions(
        predicted, _answers([(10.0, -179.999), (89.999, 180.0), (-89.999, -135.0)])
    ).metrics
    assert document["within_km"]["1"] == 1.0


def test_ids_known_to_one_side() -> None:
    truth = _answers([(48.8, 2.3)] * 9).with_columns(pl.format("{}", "photo_id"))
    predicted = _answers([(48.8, 2.3)] * 2).vstack(
        pl.DataFrame({"photo_id": ["strange"], "latitude": [1.0], "longitude": [2.0]})
    )
    evaluation = evaluate_predictions(predicted, truth)
    assert evaluation.metrics["n"] == 2
    assert not evaluation.is_complete
    remarks = " ".join(evaluation.metrics["remarks"])
    assert "7 photos have no prediction and were not judged: 'p2', 'p3', 'p4' and others." in remarks
    assert "1 photo is not in the truth and was not judged: 'strange'." in remarks


def test_truth_without_a_position_is_counted_by_reason() -> None:
    truth = _answers([(48.8, 2.3), (None, None), (None, None)], reason=[None, "out-of-range", None])
    evaluation = evaluate_predictions(_answers([(48.8, 2.3)] * 3), truth)
    matching = evaluation.metrics["matching"]
    assert evaluation.metrics["n"] == 1
    assert matching["only_predicted"] == 0
    assert matching["without_true_position_by_reason"] == {"out-of-range": 1, "no-position": 1}
    assert not evaluation.is_complete
    with pytest.raises(TableError, match="None of the 2 photos of the truth has a position"):
        evaluate_predictions(_answers([(1.0, 2.0)] * 2), _answers([(None, None)] * 2))


def test_matched_photos_without_any_place_say_so() -> None:
    truth = _answers([(None, None), (48.8, 2.3)])
    with pytest.raises(PredictionsError, match="none of them has a true position"):
        evaluate_predictions(_answers([(48.8, 2.3)]), truth)


def test_places_in_the_open_sea_are_said() -> None:
    document = evaluate_predictions(
        _answers([(0.0, -30.0)] * 2), _answers([(0.0, -30.0), (48.8, 2.3)])
    ).metrics
    assert document["n_country"] == 1
    assert any("1 photo lies in no country" in remark for remark in document["remarks"])
    assert "open sea" in {row["name"] for row in document["by_continent"]}


def test_truth_outside_all_cells_is_wrong_and_said(
    predictions: Predictions, partition: Partition, truth: pl.DataFrame
) -> None:
    moved = truth.with_columns(latitude=pl.lit(-75.0), longitude=pl.lit(0.0))
    document = evaluate_predictions(predictions, moved, partition=partition, resamples=0).metrics
    assert document["n_covered"] == 0
    assert set(document["top_k"].values()) == {0.0}
    assert document["coverage_90"] == 0.0
    assert document["true_cell_centre_km"] is None
    assert any("80 photos lie outside all cells" in remark for remark in document["remarks"])


def test_training_places_may_be_anything_with_places(truth: pl.DataFrame) -> None:
    places = [[48.86, 2.35], [39.9, 116.4]]
    frame = pl.DataFrame(places, schema=["latitude", "longitude"], orient="row")
    found = [
        evaluate_predictions(_answers([(1.0, 2.0)]), truth, training_places=given, resamples=0).metrics[
            "baselines"
        ]
        for given in (places, np.array(places), frame, TrainingPlaces.of(places, "these"))
    ]
    assert {baseline["training_places"] for baseline in found} == {2}
    assert not any(baseline["is_in_sample"] for baseline in found)
    assert len({json.dumps(baseline["constant"]) for baseline in found}) == 1


def test_groups_are_the_unit_of_the_intervals(predictions: Predictions, truth: pl.DataFrame) -> None:
    grouped = truth.with_columns(group=pl.Series([f"g{i // 8}" for i in range(80)]))
    intervals = evaluate_predictions(predictions, grouped, resamples=100).metrics["intervals"]
    assert (intervals["unit"], intervals["units"]) == ("group", 10)


def test_unknown_protocol(truth: pl.DataFrame) -> None:
    with pytest.raises(UsageError, match="no protocol 'osv6m'"):
        evaluate_predictions(_answers([(1.0, 2.0)]), truth, protocol="osv6m")


def test_same_twice(
    predictions: Predictions, truth: pl.DataFrame, partition: Partition, document: dict
) -> None:
    again = evaluate_predictions(predictions, truth, partition=partition, resamples=200).metrics
    assert again == document


def test_the_truth_as_predictions_is_perfect(shared: Path) -> None:
    truth = read_truth(shared / "data" / "layouts" / "im2gps3k")
    training = TrainingPlaces.read(shared / "data" / "coords" / "mp16_sample_100k.csv.gz")
    document = evaluate_predictions(truth, truth, training_places=training, resamples=100).metrics
    assert set(document["within_km"].values()) == {1.0}
    assert document["country_accuracy"] == 1.0
    # near the published constant guess of all 2,997 photos: 0.4 / 3.7 / 3.7 / 15.4 / 37.4 %
    constant = document["baselines"]["constant"]["within_km"]
    assert 0.11 < constant["750"] < 0.20
    assert 0.31 < constant["2500"] < 0.44
    # and the random draw: 0.0 / 0.2 / 0.9 / 6.7 / 23.3 %
    random = document["baselines"]["random"]["within_km"]
    assert random["200"] == pytest.approx(0.009, abs=0.006)
    assert random["750"] == pytest.approx(0.067, abs=0.02)
    assert random["2500"] == pytest.approx(0.233, abs=0.04)


def test_rows_that_repeat_another_are_counted_once_and_said() -> None:
    truth = _answers([(48.8, 2.3), (1.0, 2.0)])
    twice = pl.concat([truth, truth.head(1)])
    document = evaluate_predictions(twice, truth, resamples=0).metrics
    assert (document["n"], document["matching"]["repeated_rows"]) == (2, 1)
    assert any("1 row repeats another of the same photo" in remark for remark in document["remarks"])


@pytest.mark.parametrize(
    ("shares", "confidence", "said"),
    [
        ([0.9, 0.3], 0.9, r"probabilities sum to 1.2, the least being 0.3"),
        ([1.1, -0.2], 0.5, r"the least being -0.2"),
        ([0.5, 0.2], 50.0, r"a confidence of 50"),
    ],
)
def test_probabilities_that_are_none_are_refused(
    partition: Partition, shares: list[float], confidence: float, said: str
) -> None:
    candidates = tuple(
        Candidate(cell, partition.tokens[cell], "x", 1.0, 2.0, share) for cell, share in enumerate(shares)
    )
    bad = Prediction("p0", latitude=1.0, longitude=2.0, confidence=confidence, candidates=candidates)
    with pytest.raises(PredictionsError, match=said):
        evaluate_predictions(Predictions.of([bad]), _answers([(1.0, 2.0)]))


def test_areas_classes_and_chance_are_in_the_document(document: dict, truth: pl.DataFrame) -> None:
    for rule, level in (("polygon", "country"), ("nearest_town", "country"), ("nearest_town", "city")):
        share, (low, high) = document["areas"][rule][level], document["intervals"]["areas"][rule][level]
        assert 0 <= low <= share <= high <= 1
    assert document["areas"]["polygon"]["country"] == document["country_accuracy"]
    country = document["classes"]["country"]
    recalls = [row["recall"] for row in document["by_country"] if row["code"] != "none"]
    assert country["balanced_accuracy"] == pytest.approx(sum(recalls) / len(recalls))
    assert country["accuracy"] == pytest.approx(document["country_accuracy"])
    assert (
        document["classes"]["cell"]["accuracy"]
        <= document["top_k"]["1"] / (document["n_covered"] / 80) + 1e-9
    )
    for kind, figures in document["classes"].items():
        for name, value in figures.items():
            low, high = document["intervals"]["classes"][kind][name]
            assert low <= high
            assert 0 <= value <= 1
    cell = document["improvement_over_random"]["cell"]
    assert cell["improvement"]["uniform"] == pytest.approx(document["top_k"]["1"] * cell["classes"])
    low, high = document["intervals"]["ece"]
    assert low < high
    shares = list(document["recall_against_area"].values())
    assert shares == sorted(shares)
    assert shares[-1] <= document["top_k"]["10"] + 1e-9
    assert document["baselines"]["clusters"]["mean_km"] > 0
    assert (
        document["intervals"]["constant"]["within_km"]["2500"][0]
        <= document["baselines"]["constant"]["within_km"]["2500"]
    )


def test_osv5m_takes_the_country_of_the_nearest_town() -> None:
    # at sea off Brest: in no polygon of France, but nearest to a French town
    truth = _answers([(48.0, -5.6), (48.8, 2.3)])
    document = evaluate_predictions(truth, truth, protocol="osv5m", resamples=0).metrics
    assert document["country_accuracy"] == document["areas"]["nearest_town"]["country"] == 1.0
    assert "nearest town" in document["country_rule"]


def test_pigeon_takes_the_country_of_the_polygon_whatever_is_stated() -> None:
    truth = _answers([(48.8, 2.3), (52.5, 13.4)])
    said = truth.with_columns(country=pl.Series(["ES", "DE"]))
    ours = evaluate_predictions(said, truth, resamples=0).metrics
    assert (ours["country_accuracy"], ours["areas"]["polygon"]["country"]) == (0.5, 1.0)
    theirs = evaluate_predictions(said, truth, protocol="pigeon", resamples=0).metrics
    assert theirs["country_accuracy"] == 1.0
    assert "as the protocol wants" in theirs["country_rule"]
