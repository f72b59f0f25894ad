"""What is read from predictions, ours and a stranger's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graticule.errors import MissingFileError, PredictionsError, TableError
from graticule.evaluation import evaluate_predictions, read_answers
from graticule.evaluation.answers import Answers, complete
from graticule.evaluation.ground_truth import GroundTruth
from graticule.partitions import Partition, build_s2
from graticule.predictions import SCHEMA, Candidate, Prediction, Predictions


def _frame(**columns: list[object]) -> pl.DataFrame:
    rows = len(columns["latitude"])
    return pl.DataFrame({"photo_id": [f"p{i}" for i in range(rows)], **columns})


@pytest.fixture(scope="module")
def partition() -> Partition:
    places = [[48.86, 2.35]] * 40 + [[39.9, 116.4]] * 30 + [[-33.9, 151.2]] * 20
    return build_s2(places, max_photos=50, min_photos=10)


def test_complete_adds_what_is_missing() -> None:
    table = complete(_frame(latitude=[1.0], longitude=[2.0]))
    assert table.schema == SCHEMA
    assert table["candidates"].to_list() == [None]


def test_complete_takes_predictions_and_frames() -> None:
    predictions = Predictions.of([Prediction("a", latitude=1.0, longitude=2.0)])
    assert complete(predictions).equals(complete(predictions.to_polars()))


def test_nan_infinity_and_errors_are_no_answer() -> None:
    nan, inf = float("nan"), float("inf")
    table = complete(
        _frame(
            latitude=[nan, 1.0, inf, 1.0, None],
            longitude=[2.0, nan, 2.0, 2.0, 2.0],
            error=[None] * 3 + ["bad"] + [None],
        )
    )
    assert table["latitude"].null_count() == 5
    assert table["longitude"].null_count() == 5


def test_impossible_latitudes_are_refused_and_swaps_named() -> None:
    with pytest.raises(PredictionsError, match=r"1 predicted latitudes.*'p1': \(139.7, 35.7\)\.\n.*swapped"):
        complete(_frame(latitude=[48.9, 139.7], longitude=[2.3, 35.7]))
    with pytest.raises(PredictionsError, match=r"\(91.0, 120.0\)\.\nCorrect the table"):
        complete(_frame(latitude=[91.0], longitude=[120.0]))


def test_missing_column_and_no_row() -> None:
    with pytest.raises(PredictionsError, match=r"no column 'longitude' \(found: photo_id, latitude\)"):
        complete(pl.DataFrame({"photo_id": ["a"], "latitude": [1.0]}))
    with pytest.raises(PredictionsError, match="no photo"):
        complete(_frame(latitude=[], longitude=[]))


def test_a_photo_answered_twice() -> None:
    twice = pl.DataFrame(
        {"photo_id": ["a", "a", "b"], "latitude": [1.0, 1.0, 2.0], "longitude": [1.0, 1.0, 2.0]}
    )
    assert complete(twice)["photo_id"].to_list() == ["a", "b"]
    with pytest.raises(PredictionsError, match=r"1 photo is answered more than once, differently: 'a'"):
        complete(twice.with_columns(pl.Series("latitude", [1.0, 5.0, 2.0])))


def test_advice_on_a_strangers_table_names_no_option_of_the_truth(tmp_path: Path) -> None:
    file = tmp_path / "swapped.csv"
    file.write_text("id,lat,lon\n" + "".join(f"p{i},{100 + i},{40 + i}\n" for i in range(9)))
    with pytest.raises(TableError, match=r"exchanged: 9 of 9 .*\nRename the columns 'lat' and 'lon'\.$"):
        read_answers(file)
    file.write_text("id,lat\np,1\n")
    with pytest.raises(TableError, match="Call the columns photo_id, latitude, longitude"):
        read_answers(file)


def test_repeated_rows_of_a_strangers_table_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "twice.csv"
    file.write_text("id,lat,lon\na,1,2\na,1,2\nb,3,4\n")
    answers = read_answers(file)
    document = evaluate_predictions(answers, answers.unique("photo_id"), resamples=0).metrics
    assert document["matching"]["repeated_rows"] == 1


def test_a_strangers_table(tmp_path: Path) -> None:
    file = tmp_path / "somebody.csv"
    file.write_text("image,lat,lng\na.jpg,48.9,2.3\nb.jpg,,\n")
    table = complete(read_answers(file))
    assert table["photo_id"].to_list() == ["a.jpg", "b.jpg"]
    assert table["latitude"].to_list() == [48.9, None]


def test_a_strangers_table_without_positions(tmp_path: Path) -> None:
    file = tmp_path / "somebody.csv"
    file.write_text("image,town\na.jpg,Paris\n")
    with pytest.raises(TableError, match=r"Predictions '.*' has no column that looks like a latitude"):
        read_answers(file)


def test_ours_in_every_format_and_damaged(tmp_path: Path) -> None:
    predictions = Predictions.of(
        [Prediction("a", latitude=1.0, longitude=2.0), Prediction("b", error="empty")]
    )
    for ending in ("parquet", "csv", "json", "jsonl", "geojson"):
        predictions.write(tmp_path / f"p.{ending}")
        assert read_answers(tmp_path / f"p.{ending}")["photo_id"].to_list() == ["a", "b"]
    damaged = tmp_path / "p.json"
    damaged.write_text(damaged.read_text()[:-9])
    with pytest.raises(PredictionsError, match="cannot be read"):
        read_answers(damaged)
    (tmp_path / "d.parquet").write_bytes((tmp_path / "p.parquet").read_bytes()[:-9])
    with pytest.raises((PredictionsError, TableError), match="cannot be read"):
        read_answers(tmp_path / "d.parquet")
    with pytest.raises(MissingFileError):
        read_answers(tmp_path / "none.parquet")


def _answers(partition: Partition, candidates: list[list[int]], **columns: list[object]) -> Answers:
    items = [
        Prediction(
            f"p{i}",
            latitude=1.0 if cells else None,
            longitude=2.0 if cells else None,
            candidates=tuple(Candidate(c, partition.tokens[c], "", 0.0, 0.0, 0.1) for c in cells),
            region_cells=None if "region" not in columns else columns["region"][i],  # type: ignore[arg-type]
            error=None if cells else "empty",
        )
        for i, cells in enumerate(candidates)
    ]
    frame = complete(Predictions.of(items)).with_columns(
        pl.Series("true_latitude", [48.86, 39.9, 0.0][: len(items)]),
        pl.Series("true_longitude", [2.35, 116.4, 0.0][: len(items)]),
    )
    return Answers.of(frame, GroundTruth.of(frame, partition))


def test_candidates_become_ranked_cells(partition: Partition) -> None:
    answers = _answers(partition, [[0, 2], [1], []])
    assert answers.ranked_cells.shape == (3, 10)
    assert answers.ranked_cells[:, :3].tolist() == [[0, 2, -1], [1, -1, -1], [-1, -1, -1]]
    assert answers.listed == 2
    assert answers.answered.tolist() == [True, True, False]


def test_regions(partition: Partition) -> None:
    paris, beijing = partition.encode([[48.86, 2.35], [39.9, 116.4]]).tolist()
    region = [(paris, beijing), (paris,), (-1, 0)]
    answers = _answers(partition, [[0], [1], [2]], region=region)
    assert answers.is_in_region is not None
    assert answers.is_in_region.tolist() == [True, False, False]  # the third truth lies in no cell
    assert _answers(partition, [[0], [1]]).is_in_region is None


def test_another_partition_is_refused(partition: Partition) -> None:
    other = build_s2([[10.0, 10.0]] * 40 + [[60.0, 60.0]] * 40, max_photos=50, min_photos=10)
    items = [
        Prediction(
            "p0",
            latitude=1.0,
            longitude=2.0,
            candidates=(Candidate(0, partition.tokens[0], "", 0.0, 0.0, 1.0),),
        )
    ]
    frame = complete(Predictions.of(items)).with_columns(
        true_latitude=pl.lit(1.0), true_longitude=pl.lit(2.0)
    )
    with pytest.raises(
        PredictionsError,
        match=r"of another partition: cell 0 of 'p0' is '35', but .* has there '11'\.\n.*--model",
    ):
        Answers.of(frame, GroundTruth.of(frame, other))
    beyond = [
        Prediction("p0", latitude=1.0, longitude=2.0, candidates=(Candidate(7, "x", "", 0.0, 0.0, 1.0),))
    ]
    frame = complete(Predictions.of(beyond)).with_columns(
        true_latitude=pl.lit(1.0), true_longitude=pl.lit(2.0)
    )
    with pytest.raises(PredictionsError, match="has cells 0 to 1"):
        Answers.of(frame, GroundTruth.of(frame, other))


def test_countries_stated_or_by_polygon() -> None:
    stated = complete(_frame(latitude=[48.9, None], longitude=[2.3, None], country=["DE", "DE"]))
    truth = {"true_latitude": pl.lit(0.0), "true_longitude": pl.lit(0.0)}
    facts = GroundTruth.of(stated.with_columns(**truth), None)
    answers = Answers.of(stated, facts)
    assert answers.countries.tolist() == ["DE", None]
    assert "stated" in answers.country_rule
    answers = Answers.of(stated.with_columns(country=pl.lit(None, dtype=pl.String)), facts)
    assert answers.countries.tolist() == ["FR", None]
    assert "polygon" in answers.country_rule


def test_groups_and_countries_of_the_truth() -> None:
    frame = pl.DataFrame(
        {
            "true_latitude": [48.9, 35.7, 48.9, 0.0],
            "true_longitude": [2.3, 139.7, 2.3, -30.0],
            "true_country": [None, None, "BE", None],
            "true_group": ["ann", "bob", "ann", None],
        }
    )
    truth = GroundTruth.of(frame, None)
    assert truth.countries.tolist() == ["FR", "JP", "BE", None]
    assert truth.continents.tolist() == ["EU", "AS", "EU", None]
    assert truth.groups is not None
    assert truth.groups[0] == truth.groups[2]
    assert len(set(truth.groups.tolist())) == 3
    assert set(truth.groups.tolist()) == {0, 1, 2}
    assert GroundTruth.of(frame.with_columns(true_group=pl.lit(None, dtype=pl.String)), None).groups is None
    assert isinstance(truth.latlon, np.ndarray)
