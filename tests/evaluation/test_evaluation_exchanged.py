"""Latitude and longitude exchanged, where the numbers alone do not show it."""

from __future__ import annotations

import numpy as np
import polars as pl

from graticule.evaluation import evaluate_predictions
from graticule.evaluation.exchanged import exchanged_in_words

EUROPE = np.random.default_rng(0).uniform([40, 0], [60, 20], (60, 2))


def _table(places: np.ndarray) -> pl.DataFrame:
    ids = [f"p{i}" for i in range(len(places))]
    return pl.DataFrame({"photo_id": ids, "latitude": places[:, 0], "longitude": places[:, 1]})


def test_either_table_exchanged_is_said_first() -> None:
    for answers, truth in ((EUROPE[:, ::-1], EUROPE), (EUROPE, EUROPE[:, ::-1])):
        said = evaluate_predictions(_table(answers), _table(truth), resamples=0).metrics["remarks"][0]
        assert said.startswith("Latitude and longitude look exchanged in one of the two tables")
        assert "would be 0 km" in said


def test_poor_answers_are_not_taken_for_exchanged() -> None:
    random = np.random.default_rng(1)
    everywhere = np.column_stack([random.uniform(-80, 80, 400), random.uniform(-90, 90, 400)])
    assert exchanged_in_words(everywhere, random.permutation(everywhere)) is None
    assert exchanged_in_words(np.full((60, 2), [-35.0, 20.0]), EUROPE) is None


def test_few_photos_and_photos_without_an_answer_say_nothing() -> None:
    assert exchanged_in_words(EUROPE[:9, ::-1], EUROPE[:9]) is None
    assert exchanged_in_words(np.full((60, 2), np.nan), EUROPE) is None
    half = np.where(np.arange(60)[:, None] % 2, EUROPE[:, ::-1], np.nan)
    assert exchanged_in_words(half, EUROPE) is not None
