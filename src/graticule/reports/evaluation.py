"""The report of an evaluation: one page that opens offline, ``metrics.json``, figures, a table of errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import polars as pl

from graticule.evaluation.details import Details, details_of
from graticule.evaluation.evaluate import Evaluation
from graticule.evaluation.lines import lines
from graticule.evaluation.verdicts import figure, goal_name, summary
from graticule.geo.places import place_names
from graticule.maps import MapPhoto, MapScene, write_map
from graticule.reports.canvas import Canvas
from graticule.reports.charts import continent_chart, error_curve, within_chart
from graticule.reports.details import detail_figures, thumbnail, write_matrices
from graticule.reports.page import PAGE, render_page, writing
from graticule.reports.tables import SLICE_HEADS, slice_row, write_tables
from graticule.reports.world import error_map

SHOWN_EACH_WAY: Final = 8
"""So many best and so many worst photos are listed."""

SHOWN_COUNTRIES: Final = 12
SHOWN_FAILED: Final = 20

MOST_ON_MAP: Final = 2000
"""Past so many photos the map shows the farthest off."""

METRICS: Final = "metrics.json"
MAP: Final = "map.html"
ERRORS: Final = "errors.csv"
TABLES: Final = "tables"


def write_report(
    folder: str | Path, evaluation: Evaluation, *, title: str | None = None, thumbnails: bool = False
) -> Path:
    """Write the report of ``evaluation`` into ``folder``; returns the page.

    The folder then holds ``index.html``, ``metrics.json``, ``errors.csv`` (one row per photo), ``map.html``,
    the confusions as CSV, under ``figures`` every figure as SVG and PNG, and under ``tables`` every table as
    LaTeX and Markdown. Files of those names are replaced, others left.

    Convention:
        - ``title``: heads the page; the model's name when left out
        - ``thumbnails``: show the best and worst photos, small, from their ``path``

    Raises:
        MissingFileError: the folder cannot be written.
    """
    folder = Path(folder)
    figures = {
        "curve": error_curve(evaluation.curves, evaluation.metrics),
        "within": within_chart(evaluation.metrics),
        "continents": continent_chart(evaluation.metrics),
        "map": error_map(evaluation.frame),
    }
    details = details_of(evaluation)
    figures |= detail_figures(details)
    metrics = evaluation.metrics | details.document
    with writing(folder):
        for name, canvas in figures.items():
            canvas.write(folder / "figures" / name)
        _replace(folder / METRICS, json.dumps(metrics, ensure_ascii=False, indent=2, allow_nan=False))
        write_tables(folder / TABLES, metrics)
        write_matrices(folder, details)
        _replace(folder / ERRORS, evaluation.frame.write_csv())
        write_map(folder / MAP, _scene(evaluation, title))
        _replace(
            folder / PAGE, render(evaluation, figures, details=details, title=title, thumbnails=thumbnails)
        )
    return folder / PAGE


def render(
    evaluation: Evaluation,
    figures: dict[str, Canvas],
    *,
    details: Details,
    title: str | None = None,
    thumbnails: bool = False,
) -> str:
    """The page as HTML text."""
    metrics = evaluation.metrics
    best, worst = _extremes(evaluation.frame)
    if thumbnails:
        best, worst = (
            [{**row, "thumbnail": thumbnail(row["path"])} for row in rows] for rows in (best, worst)
        )
    return render_page(
        "evaluation.html",
        title=title or metrics["model"] or "Evaluation",
        filters={"share": _share, "km": _km, "points": _points, "count": _count},
        has_images=thumbnails,
        figure=figure,
        goal_name=goal_name,
        slice_row=slice_row,
        slice_heads=SLICE_HEADS,
        figures={name: canvas.svg(is_standalone=False) for name, canvas in figures.items()},
        metrics=metrics,
        details=details.document,
        summary=summary(metrics["against_constant"]),
        lines=lines(metrics),
        best=best,
        worst=worst,
        failed=_failed(evaluation.frame),
        countries=metrics["by_country"],
        shown_countries=SHOWN_COUNTRIES,
        on_map=min(evaluation.frame.height, MOST_ON_MAP),
        names={"map": MAP, "metrics": METRICS, "errors": ERRORS},
    )


def _extremes(frame: pl.DataFrame) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The nearest and the farthest answered photos, with the names of both places."""
    answered = frame.filter(pl.col("error_km").is_finite()).sort("error_km")
    each = min(SHOWN_EACH_WAY, (answered.height + 1) // 2)
    rows = pl.concat([answered.head(each), answered.tail(min(each, answered.height - each)).reverse()])
    if rows.is_empty():
        return [], []
    truths = place_names(rows.select("true_latitude", "true_longitude").to_numpy())
    answers = place_names(rows.select("latitude", "longitude").to_numpy())
    named = [
        {**row, "true_name": truth, "answer_name": answer}
        for row, truth, answer in zip(rows.to_dicts(), truths, answers, strict=True)
    ]
    return named[:each], named[each:]


def _failed(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.filter(pl.col("error_km").is_infinite()).head(SHOWN_FAILED).to_dicts()


def _scene(evaluation: Evaluation, title: str | None) -> MapScene:
    frame, name = evaluation.frame, title or evaluation.metrics["model"] or "Evaluation"
    if frame.height > MOST_ON_MAP:
        # what the map counts is then not what the page counts, and has to be called so
        name = f"{name}: the {MOST_ON_MAP:,} farthest off of {frame.height:,}"
        frame = frame.sort("error_km", descending=True).head(MOST_ON_MAP)
    photos = [
        MapPhoto(
            name=row["photo_id"],
            latitude=row["latitude"],
            longitude=row["longitude"],
            truth=(row["true_latitude"], row["true_longitude"]),
            error_km=row["error_km"] if row["latitude"] is not None else None,
            error=None if row["latitude"] is not None else row["error"] or "no answer",
        )
        for row in frame.to_dicts()
    ]
    return MapScene(title=name, photos=photos)


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _km(value: float | None) -> str:
    return "∞" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _count(value: int) -> str:
    return f"{value:,}"
