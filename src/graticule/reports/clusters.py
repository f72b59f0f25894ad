"""The page of a grouping of countries: how its number of groups was chosen, and what it agrees with (S0)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from graticule.errors import MissingFileError, UsageError
from graticule.geo.countries import country_name
from graticule.partitions import Partition
from graticule.reports.canvas import Canvas
from graticule.reports.page import render_page

WIDTH: Final = 640.0
HEIGHT: Final = 260.0
_LEFT: Final = 56.0
_RIGHT: Final = WIDTH - 16
_TOP: Final = 16.0
_BOTTOM: Final = HEIGHT - 44


def write_clusters_report(path: str | Path, partition: Partition, figures: Mapping[str, Any]) -> Path:
    """Write one HTML page that opens offline: elbow, silhouette, sizes, agreement, and who is in which group.

    Convention:
        - ``partition`` and ``figures``: what ``build_clusters`` made

    Raises:
        MissingFileError: the page cannot be written.
        UsageError: the partition was made by another method.
    """
    if "curves" not in figures:
        raise UsageError(
            f"Only groups of countries have such a report, not the method '{partition.method}'.\n"
            "Leave --report out, or type:  --method clusters"
        )
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(render_clusters(partition, figures), encoding="utf-8")
    except OSError as error:
        raise MissingFileError(
            f"Cannot write the report '{target}': {error.strerror}.\nName another file with --report."
        ) from error
    return target


def render_clusters(partition: Partition, figures: Mapping[str, Any]) -> str:
    """The page as HTML text."""
    groups = partition.count
    curves = figures["curves"]
    return render_page(
        "clusters.html",
        filters={"two": _two, "count": lambda value: f"{value:,}"},
        title=f"{groups} groups of {figures['countries']} countries",
        features=partition.parameters["features"],
        groups=_rows(partition, figures["sizes"]),
        silhouette=figures["silhouette"],
        compared=figures["compared"],
        figures={
            "elbow": _curve(curves, "inertia", groups, "Inertia by number of groups (elbow)").svg(
                is_standalone=False
            ),
            "silhouette": _curve(curves, "silhouette", groups, "Silhouette by number of groups").svg(
                is_standalone=False
            ),
        },
    )


def _rows(partition: Partition, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """The groups, the largest first, with the names of their countries."""
    base = Partition.read(partition.tree["base"].drop_nulls()[0])
    rows = [
        {
            "token": partition.tokens[cell],
            "size": sizes[cell],
            "share": sizes[cell] / max(sizes),
            "photos": int(partition.photos[cell]),
            "countries": ", ".join(
                sorted(country_name(base.tokens[one]) or base.tokens[one] for one in members)
            ),
        }
        for cell, members in enumerate(partition.tree["members"].to_list())
    ]
    return sorted(rows, key=lambda row: -int(row["size"]))


def _curve(rows: Sequence[Mapping[str, Any]], what: str, chosen: int, title: str) -> Canvas:
    """A line over the number of groups, with a dot at the chosen one."""
    canvas = Canvas(WIDTH, HEIGHT, title)
    known = [(row["groups"], row[what]) for row in rows if row[what] is not None]
    low = min(0.0, *(value for _, value in known)) if known else 0.0
    high = max((value for _, value in known), default=1.0) or 1.0
    ticks = _ticks(low, high)
    last = max(rows[-1]["groups"], 2)
    x_of, y_of = _scales(last, low, ticks[-1])
    for tick in ticks:
        canvas.line([(_LEFT, y_of(tick)), (_RIGHT, y_of(tick))], "rule")
        canvas.words(f"{tick:g}", (_LEFT - 8, y_of(tick) + 4), anchor="end", size=11)
    for groups in range(5, last + 1, 5):
        canvas.words(str(groups), (x_of(groups), _BOTTOM + 18), anchor="middle", size=11)
    canvas.words("groups", ((_LEFT + _RIGHT) / 2, _BOTTOM + 36), anchor="middle", size=11)
    canvas.line([(x_of(groups), y_of(value)) for groups, value in known], "model", width=2)
    for groups, value in known:
        if groups == chosen:
            canvas.line([(x_of(groups), _TOP), (x_of(groups), _BOTTOM)], "constant", dash=(3, 3))
            canvas.dot((x_of(groups), y_of(value)), 4.5, "constant", f"{groups} groups: {value:.3g}")
    return canvas


def _scales(last: int, low: float, high: float) -> tuple[Callable[[float], float], Callable[[float], float]]:
    def x_of(groups: float) -> float:
        return _LEFT + (groups - 1) / (last - 1) * (_RIGHT - _LEFT)

    def y_of(value: float) -> float:
        return _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)

    return x_of, y_of


def _ticks(low: float, high: float) -> list[float]:
    """Four to seven round numbers from at most ``low`` to at least ``high``.

    Example:
        >>> _ticks(0, 0.55)
        [0.0, 0.2, 0.4, 0.6]
    """
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= 0.999 * rough)
    first = math.floor(low / step)
    return [round(step * n, 10) for n in range(first, math.ceil(high / step - 1e-9) + 1)]


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
