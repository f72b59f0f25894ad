"""The figures of a run: what they draw, and that nothing to draw is no error."""

from __future__ import annotations

import polars as pl

from graticule.reports.training_curves import CURVES, confusion_figure, training_curves


def history(losses: list[float]) -> pl.DataFrame:
    count = len(losses)
    columns = {name: losses for _, names in CURVES.values() for name in names}
    return pl.DataFrame(
        {
            "phase": ["head"] * (count // 2) + ["all"] * (count - count // 2),
            "step": range(1, count + 1),
            **columns,
        },
        schema_overrides=dict.fromkeys(columns, pl.Float64),
    )


def test_each_curve_is_drawn_and_phases_are_parted() -> None:
    figures = training_curves(history([3.0, 2.0, 1.5, 1.0]))
    assert set(figures) == set(CURVES)
    svg = figures["loss"].svg()
    assert svg.count("<circle") == 8  # training and validation, four each
    assert "validation" in svg
    assert "stroke-dasharray" in svg
    assert figures["accuracy"].svg().count("<circle") == 4


def test_losses_that_are_no_numbers_are_left_out() -> None:
    svg = training_curves(history([float("nan"), 2.0, float("inf"), 1.0]))["accuracy"].svg()
    assert svg.count("<circle") == 2
    assert "nan" not in svg
    assert "no figure yet" in training_curves(history([]))["loss"].svg()
    assert training_curves(history([0.0]))["loss"].svg().count("<circle") == 2  # one row, all zero


def test_confusion_has_a_square_for_each_pair() -> None:
    pairs = pl.DataFrame({"true": [0, 0, 1, -1], "predicted": [0, 1, 1, 0], "count": [3, 1, 5, 9]})
    svg = confusion_figure(pairs, 2).svg()
    assert svg.count("<path") == 1 + 3 + svg.count("M0 0L")
    assert "2 cells" in svg
    assert "<svg" in confusion_figure(pairs.clear(), 2).svg()
