"""The report of a classification: one page that opens offline, ``metrics.json``, the confused pairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import polars as pl

from graticule.evaluation.classes import ClassEvaluation
from graticule.evaluation.classes.confusion import confusion_of_classes
from graticule.reports.canvas import Canvas
from graticule.reports.confusion_charts import confusion_matrix
from graticule.reports.page import PAGE, render_page, writing

METRICS: Final = "metrics.json"
CONFUSIONS: Final = "confusions.csv"

SHOWN_CONFUSED: Final = 15

NAMES: Final = {
    "accuracy": "right class",
    "balanced_accuracy": "balanced accuracy (mean recall)",
    "macro_precision": "mean precision",
    "macro_f1": "mean F1",
    "weighted_f1": "F1 weighted by photos",
}
"""The figures over all classes, as pages and the command line call them."""


def write_classes_report(folder: str | Path, evaluation: ClassEvaluation, *, title: str = "Classes") -> Path:
    """Write the report of ``evaluation`` into ``folder``; returns the page.

    The folder then holds ``index.html``, ``metrics.json``, ``confusions.csv`` (columns true, predicted,
    count) and the matrix in ``figures``, as SVG and PNG. Files of those names are replaced, others left.

    Raises:
        MissingFileError: the folder cannot be written.
    """
    folder = Path(folder)
    with writing(folder):
        text = json.dumps(evaluation.metrics, ensure_ascii=False, indent=2, allow_nan=False)
        (folder / METRICS).write_text(text, encoding="utf-8")
        evaluation.confusions.write_csv(folder / CONFUSIONS)
        matrix = confusion_matrix(confusion_of_classes(evaluation.confusions))
        matrix.write(folder / "figures" / "confusion")
        (folder / PAGE).write_text(render_classes(evaluation, title, matrix), encoding="utf-8")
    return folder / PAGE


def render_classes(evaluation: ClassEvaluation, title: str, matrix: Canvas) -> str:
    """The page as HTML text."""
    confused = evaluation.confusions.filter(pl.col("true").ne_missing(pl.col("predicted")))
    return render_page(
        "classes.html",
        title=title,
        filters={
            "share": lambda value: "–" if value is None else f"{100 * value:.1f}",
            "count": lambda value: f"{value:,}",
        },
        metrics=evaluation.metrics,
        figures=NAMES,
        matrix=matrix.svg(is_standalone=False),
        confused=confused.head(SHOWN_CONFUSED).to_dicts(),
    )
