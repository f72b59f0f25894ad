"""The report of a comparison: one page that opens offline, ``metrics.json``, figures, a table of errors."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path
from typing import Final

from graticule.evaluation.paired import Contest
from graticule.evaluation.paired.contest import error_column
from graticule.evaluation.paired.pairs import GOALS
from graticule.evaluation.paired.words import better_at
from graticule.evaluation.verdicts import figure, goal_name
from graticule.reports.canvas import Canvas
from graticule.reports.page import PAGE, render_page, writing
from graticule.reports.world import MOST_DOTS, world_canvas

METRICS: Final = "metrics.json"
ERRORS: Final = "errors.csv"

COLOURS: Final = ("model", "constant", "near-3", "near-5", "near-2", "ink")
"""Colour of each set of predictions on the map; further ones begin again."""

MOST_SCATTERS: Final = 6
"""So many pairs have a scatter; the table has all."""

WIDTH: Final = 520.0
NEAREST_KM: Final = 0.1
FARTHEST_KM: Final = 20_100.0


def write_comparison(folder: str | Path, contest: Contest) -> Path:
    """Write the report of ``contest`` into ``folder``; returns the page.

    The folder then holds ``index.html``, ``metrics.json``, ``errors.csv`` (one row per photo) and, under
    ``figures``, every figure as SVG and PNG. Files of those names are replaced, others left.

    Raises:
        MissingFileError: the folder cannot be written.
    """
    folder = Path(folder)
    figures = {"map": win_map(contest)}
    for number, (a, b) in enumerate(list(combinations(contest.names, 2))[:MOST_SCATTERS], start=1):
        figures[f"scatter-{number}"] = error_scatter(contest, a, b)
    with writing(folder):
        for name, canvas in figures.items():
            canvas.write(folder / "figures" / name)
        text = json.dumps(contest.metrics, ensure_ascii=False, indent=2, allow_nan=False)
        (folder / METRICS).write_text(text, encoding="utf-8")
        contest.frame.write_csv(folder / ERRORS)
        (folder / PAGE).write_text(render_comparison(contest, figures), encoding="utf-8")
    return folder / PAGE


def render_comparison(contest: Contest, figures: dict[str, Canvas]) -> str:
    """The page as HTML text."""
    drawn = {name: canvas.svg(is_standalone=False) for name, canvas in figures.items()}
    return render_page(
        "comparison.html",
        title=" against ".join(contest.names),
        figure=figure,
        goal_name=goal_name,
        p_value=p_value,
        better_at=better_at,
        difference=_difference,
        metrics=contest.metrics,
        goals=GOALS,
        world=drawn.pop("map"),
        scatters=list(drawn.values()),
        shown=min(contest.frame.height, MOST_DOTS),
        names={"metrics": METRICS, "errors": ERRORS},
    )


def error_scatter(contest: Contest, a: str, b: str) -> Canvas:
    """Each photo at its two errors, logarithmic: above the diagonal ``a`` is nearer, below it ``b``.

    Convention:
        - errors in km, those below 100 m drawn at 100 m; photos without an answer at the far end; past 4,000
          photos a sample of them is drawn
    """
    canvas = Canvas(WIDTH, WIDTH, f"Error of {a} against error of {b}, photo by photo")
    left, right, top, bottom = 62.0, WIDTH - 22, 38.0, WIDTH - 56
    first, last = math.log(NEAREST_KM), math.log(FARTHEST_KM)

    def share(km: float) -> float:
        return (math.log(min(max(km, NEAREST_KM), FARTHEST_KM)) - first) / (last - first)

    def at(km_a: float, km_b: float) -> tuple[float, float]:
        return left + share(km_a) * (right - left), bottom - share(km_b) * (bottom - top)

    for limit in (1.0, 25.0, 200.0, 750.0, 2500.0, 20_000.0):
        x, y = at(limit, limit)
        canvas.line([(x, top), (x, bottom)], "rule")
        canvas.line([(left, y), (right, y)], "rule")
        canvas.words(f"{limit:,.0f}", (x, bottom + 16), anchor="middle", size=11)
        canvas.words(f"{limit:,.0f}", (left - 8, y + 4), anchor="end", size=11)
    canvas.line([at(NEAREST_KM, NEAREST_KM), at(FARTHEST_KM, FARTHEST_KM)], "soft", dash=(4, 4))
    columns = [error_column(a), error_column(b)]
    frame = contest.frame if contest.frame.height <= MOST_DOTS else contest.frame.sample(MOST_DOTS, seed=0)
    radius = 3.0 if frame.height <= 1000 else 2.0
    for photo_id, km_a, km_b in frame.select("photo_id", *columns).iter_rows():
        colour = "random" if km_a == km_b else "model" if km_a < km_b else "constant"
        canvas.dot(at(km_a, km_b), radius, colour, f"{photo_id}: {_km(km_a)} and {_km(km_b)}")
    canvas.words(f"error of {_short(a)}, km", (right, bottom + 40), anchor="end", fill="ink")
    canvas.words(f"error of {_short(b)}, km", (left - 44, top - 18), fill="ink")
    canvas.words(f"{_short(a)} nearer", (left + 10, top + 18), fill="model")
    canvas.words(f"{_short(b)} nearer", (right - 8, bottom - 12), fill="constant", anchor="end")
    return canvas


def win_map(contest: Contest) -> Canvas:
    """The photos at their true places, coloured by the set of predictions that came nearest.

    Convention:
        - past 4,000 photos a sample of them is drawn; where all came as near, the dot is grey
    """
    rows = -(-(len(contest.names) + 1) // 4)
    canvas, on_canvas = world_canvas(
        "The photos at their true places, coloured by who came nearest", room_px=28 + 22 * rows
    )
    frame = contest.frame if contest.frame.height <= MOST_DOTS else contest.frame.sample(MOST_DOTS, seed=0)
    colour_of = {name: COLOURS[row % len(COLOURS)] for row, name in enumerate(contest.names)}
    radius = 3.2 if frame.height <= 1000 else 2.2
    places = on_canvas(frame.select("true_latitude", "true_longitude").to_numpy())
    for place, (photo_id, best) in zip(places, frame.select("photo_id", "best").iter_rows(), strict=True):
        said = f"{photo_id}: {best} is nearest" if best else f"{photo_id}: all the same"
        canvas.dot(place, radius, colour_of.get(best, "random"), said)
    counts = dict(contest.frame["best"].value_counts().iter_rows())
    top = canvas.height - 22 * rows
    for number, name in enumerate([*contest.names, None]):
        x, y = 24.0 + 172 * (number % 4), top + 22 * (number // 4)
        canvas.dot((x, y - 4), 4.5, colour_of.get(name or "", "random"))
        label = _short(name) if name else "all the same"
        canvas.words(f"{label}  {counts.get(name, 0):,}", (x + 10, y), fill="ink", size=12)
    return canvas


def p_value(p: float | None) -> str:
    """A p-value as a reader wants it.

    Example:
        >>> p_value(0.0321), p_value(1e-9), p_value(None)
        ('0.032', '< 0.0001', 'none')
        >>> p_value(0.0497), p_value(0.0503)
        ('0.0497', '0.0503')
    """
    if p is None:
        return "none"
    if p < 1e-4:
        return "< 0.0001"
    digits = 3 if f"{p:.2g}" == "0.05" else 2  # on which side of 0.05 it lies has to be seen
    return f"{p:.{digits}g}" if p < 0.1 else f"{p:.2f}"


def _difference(goal: str, value: float | None) -> str:
    """A difference with its sign: points of per cent, km, or points of the score."""
    if value is None:
        return "–"
    if goal == "geoscore":
        return f"{value:+,.0f}"
    if goal.endswith("_km"):
        return f"{value:+,.1f} km" if abs(value) < 100 else f"{value:+,.0f} km"
    return f"{100 * value:+.1f}"


def _km(value: float) -> str:
    return "no answer" if math.isinf(value) else f"{value:,.1f} km" if value < 100 else f"{value:,.0f} km"


def _short(name: str, most: int = 22) -> str:
    return name if len(name) <= most else f"…{name[1 - most :]}"
