"""Tables of classes, as people write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_recall_fscore_support

from graticule.errors import MissingFileError, PredictionsError, TableError
from graticule.evaluation.classes import evaluate_classes, read_classes


def _write(path: Path, **columns: list[object]) -> Path:
    pl.DataFrame(columns, strict=False).write_csv(path)
    return path


@pytest.fixture
def labels() -> tuple[list[str], list[str | None]]:
    random = np.random.default_rng(0)
    truth = random.choice(["Peru", "Japan", "Chad", "Fiji"], 300, p=[0.5, 0.3, 0.15, 0.05])
    guesses = np.where(random.random(300) < 0.6, truth, random.choice(["Peru", "Japan", "Mali"], 300))
    said = [None if row % 30 == 0 else str(guess) for row, guess in enumerate(guesses)]
    return truth.tolist(), said


@pytest.mark.parametrize(
    "names", [("true_class", "pred_class"), ("True Label", "Pred-Label"), ("y_true", "y_pred")]
)
def test_figures_against_scikit_learn(
    tmp_path: Path, labels: tuple[list[str], list[str | None]], names: tuple[str, str]
) -> None:
    truth, said = labels
    table = read_classes(_write(tmp_path / "t.csv", **{names[0]: truth, names[1]: said}))
    evaluation = evaluate_classes(table, resamples=200)
    document = evaluation.metrics
    json.dumps(document, allow_nan=False)
    answers = ["?" if each is None else each for each in said]
    known = ["Chad", "Fiji", "Japan", "Mali", "Peru"]
    assert (document["n"], document["n_failed"], document["classes"]) == (300, 10, 4)
    assert document["accuracy"] == np.mean([a == b for a, b in zip(truth, answers, strict=True)])
    recalls = precision_recall_fscore_support(truth, answers, labels=known[:3] + known[4:], zero_division=0)[
        1
    ]
    assert document["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert document["macro_f1"] == pytest.approx(f1_score(truth, answers, labels=known, average="macro"))
    assert document["weighted_f1"] == pytest.approx(
        f1_score(truth, answers, labels=known, average="weighted")
    )
    for name in ("accuracy", "balanced_accuracy", "macro_precision", "macro_f1", "weighted_f1"):
        low, high = document["intervals"][name]
        assert low < document[name] < high, name
    rates = precision_recall_fscore_support(truth, answers, labels=known, zero_division=0)
    for row in document["by_class"]:
        at = known.index(row["class"])
        assert row["precision"] == pytest.approx(rates[0][at])
        assert (row["recall"] or 0) == pytest.approx(rates[1][at])
        assert row["f1"] == pytest.approx(rates[2][at])
        if row["n"]:
            assert row["intervals"]["recall"][0] <= row["recall"] <= row["intervals"]["recall"][1]
    counts = evaluation.confusions
    assert counts["count"].sum() == 300
    assert counts.filter(pl.col("predicted").is_null())["count"].sum() == 10


def test_largest_class_and_chance(tmp_path: Path) -> None:
    truth = ["a"] * 6 + ["b"] * 3 + ["c"]
    document = evaluate_classes(
        read_classes(_write(tmp_path / "t.csv", true_class=truth, pred_class=["b"] * 10))
    ).metrics
    largest = document["largest_class"]
    assert (largest["class"], largest["accuracy"]) == ("a", 0.6)
    assert largest["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, ["a"] * 10))
    times = document["improvement_over_random"]["improvement"]
    assert times["uniform"] == pytest.approx(0.3 * 3)
    assert times["largest"] == pytest.approx(0.3 / 0.6)
    assert times["gini"] == pytest.approx(0.3 / (0.36 + 0.09 + 0.01))
    assert any("BELOW that of always answering 'a', 60.0 %" in remark for remark in document["remarks"])


def test_truth_in_another_file(tmp_path: Path) -> None:
    answers = _write(
        tmp_path / "a.csv", photo_id=["x/1.jpg", "x/2.jpg", "x/9.jpg"], prediction=["a", "b", "a"]
    )
    truth = _write(tmp_path / "t.csv", id=["2.jpg", "1.jpg", "3.jpg"], country=["b", "b", "a"])
    table = read_classes(answers, truth=truth)
    evaluation = evaluate_classes(table, resamples=0)
    assert (evaluation.metrics["n"], evaluation.metrics["accuracy"]) == (2, 0.5)
    assert not evaluation.is_complete
    remarks = " ".join(evaluation.metrics["remarks"])
    assert "1 photo not judged, answered in the table but not in the truth: 'x/9.jpg'" in remarks
    assert "1 photo not judged, in the truth but without an answer in the table" in remarks
    with pytest.raises(PredictionsError, match="None of the 1 predicted photos is among the 3"):
        read_classes(_write(tmp_path / "b.csv", photo_id=["zz"], prediction=["a"]), truth=truth)


def test_ranked_answers_and_probabilities(tmp_path: Path) -> None:
    answers = {"pred_class": ["b", "b"], "pred_class_2": ["c", "a"], "pred_class_3": ["a", "c"]}
    ranked = _write(tmp_path / "r.csv", true_class=["a", "b"], **answers)
    document = evaluate_classes(read_classes(ranked), resamples=50).metrics
    assert document["top_k"] == {"1": 0.5, "3": 1.0, "5": None, "10": None}
    assert document["intervals"]["top_k"]["3"] == pytest.approx([0.025**0.5, 1.0])  # exact: two hits of two
    given = {"prob_a": [0.2, 0.1], "prob_b": [0.7, 0.8], "prob_c": [0.1, 0.1]}
    shares = _write(tmp_path / "p.csv", true_class=["a", "b"], **given)
    document = evaluate_classes(read_classes(shares), resamples=0).metrics
    assert document["top_k"]["1"] == 0.5
    assert document["top_k"]["3"] == 1.0
    bad = _write(
        tmp_path / "bad.csv", photo_id=["k", "l"], true_class=["a", "b"], prob_a=[0.2, 7], prob_b=[0.8, 93]
    )
    with pytest.raises(TableError, match=r"of 1 of 2 photos do not sum to 1, first that of 'l': 100"):
        read_classes(bad)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_classes(tmp_path / "nothing.csv")
    with pytest.raises(TableError, match=r"(?s)no column of true classes.*--truth TABLE") as raised:
        read_classes(_write(tmp_path / "t.csv", file=["a"], pred_class=["x"]))
    assert "found: file, pred_class" in str(raised.value)
    with pytest.raises(TableError, match="no column of predicted classes"):
        read_classes(_write(tmp_path / "t.csv", true_class=["a"]))
    with pytest.raises(TableError, match="1 photos with different classes in several rows: 'p'"):
        read_classes(
            _write(tmp_path / "t.csv", photo_id=["p", "p"], true_class=["a", "a"], pred_class=["a", "b"])
        )
    with pytest.raises(TableError, match="no rows"):
        read_classes(_write(tmp_path / "t.csv", true_class=[], pred_class=[]))
    with pytest.raises(TableError, match="None of the 1 photos has a true class"):
        evaluate_classes(
            read_classes(_write(tmp_path / "t.csv", photo_id=["p"], true_class=[None], pred_class=["a"]))
        )
    with pytest.raises(PredictionsError, match="No predicted class is among the true ones"):
        evaluate_classes(
            read_classes(_write(tmp_path / "t.csv", true_class=["Peru", "Chad"], pred_class=["PE", "TD"]))
        )
    one = _write(tmp_path / "t.csv", true_class=["Peru"], pred_class=["Chad"])
    assert evaluate_classes(read_classes(one), resamples=0).metrics["accuracy"] == 0.0


def test_one_class_and_photos_without_a_true_one(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", true_class=["a", "a", None], pred_class=["a", "b", "a"])
    evaluation = evaluate_classes(read_classes(path), resamples=50)
    assert evaluation.metrics["n"] == 2
    assert evaluation.metrics["without_true_class"] == 1
    assert not evaluation.is_complete
    remarks = " ".join(evaluation.metrics["remarks"])
    assert "All photos are of one class, 'a'" in remarks
    assert "Answered classes that no photo is of: 'b'" in remarks


def test_numbers_are_names_and_groups_the_unit(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "t.csv", true_class=[1, 2, 2, 1], pred_class=[1, 2, 1, 1], author=["x", "x", "y", "y"]
    )
    document = evaluate_classes(read_classes(path), resamples=50).metrics
    assert document["accuracy"] == 0.75
    assert (document["intervals"]["unit"], document["intervals"]["units"]) == ("group", 2)
