"""What ``graticule partition`` prints: the figures on stdout, remarks on stderr."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from graticule.cli.output import stderr, stdout
from graticule.errors import UsageError
from graticule.partitions.methods import METHODS, OPTIONS

if TYPE_CHECKING:
    from graticule.partitions.comparison import Comparison
    from graticule.partitions.summary import Summary
    from graticule.photos.places import Places


@dataclasses.dataclass(frozen=True)
class Rows:
    """What became of the rows of a table, see ``Places``; ``used`` of them have a place."""

    rows: int = 0
    split: str | None = None
    used: int = 0
    unplaced: int = 0
    refused: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, places: Places) -> Rows:
        """Those of a table, or of a block of one."""
        return cls(places.rows, places.split, len(places.latlon), places.unplaced, dict(places.refused))

    def with_more(self, other: Rows) -> Rows:
        """These and those of the next block."""
        reasons = sorted({*self.refused, *other.refused})
        return Rows(
            self.rows + other.rows,
            other.split,
            self.used + other.used,
            self.unplaced + other.unplaced,
            {reason: self.refused.get(reason, 0) + other.refused.get(reason, 0) for reason in reasons},
        )


def option_typed(name: str, value: str | None) -> str:
    """An option of a method as it is typed here.

    Example:
        >>> option_typed("max_photos", "300"), option_typed("from_file", None)
        ('--max 300', '--from')
    """
    flag = OPTIONS[name].flag if name in OPTIONS else "--" + name.replace("_", "-")
    is_switch = name in OPTIONS and OPTIONS[name].kind is bool
    return flag if value is None or is_switch else f"{flag} {shlex.quote(value)}"


def check_endings(files: Mapping[str, Path | None]) -> None:
    """Refuse names of files, by the option that they stand after, whose ending would hide what is in them.

    Raises:
        UsageError: says what is written there, and what to type.
    """
    for flag, (what, *endings) in _WRITTEN.items():
        file = files.get(flag)
        if file is not None and file.suffix.lower() not in endings:
            raise UsageError(
                f"'{file}' does not end in {' or '.join(endings)}, and {what} is what is written there.\n"
                f"Type:  {flag} {shlex.quote(str(file.with_suffix(endings[0])))}"
            )


_WRITTEN: Final = {
    "-o": ("GeoParquet", ".parquet", ".geoparquet"),
    "--map": ("an HTML page", ".html", ".htm"),
    "--report": ("an HTML page", ".html", ".htm"),
}
"""What is written, and how the names of such files end, by option."""

_MORE_CELLS: Final = (
    ("max_photos", "lower --max, or "),
    ("cells", "raise --cells and lower --min, or "),
    ("groups", "raise --groups, or "),
)
"""How to get more cells, by the first of these options that a method takes."""


def remark_rows(rows: Rows) -> None:
    """Say which rows were taken, and which could not be."""
    notes = stderr()
    if rows.split is not None:
        part = rows.used + rows.unplaced + sum(rows.refused.values())
        notes.print(
            f"Taking the {part:,} rows of split '{rows.split}' out of {rows.rows:,}; "
            "--split all takes every row."
        )
    if rows.unplaced:
        notes.print(f"Rows without a place, left out: {rows.unplaced:,}.")
    if rows.refused:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in rows.refused.items())
        notes.print(f"Rows with a place that cannot be, refused: {reasons}.")


def remark_result(figures: Summary, written: Mapping[str, Path | None], method: str) -> None:
    """Say what was written, and what to mend."""
    notes = stderr()
    if figures.cells == 1:
        more = next((how for name, how in _MORE_CELLS if name in METHODS[method].takes), "")
        notes.print(
            "All photos are in one cell, so there is nothing for a model to tell apart; "
            f"{more}give places further apart."
        )
    for path in written.values():
        if path is not None:
            notes.print(f"Wrote {path}", markup=False)
    if written["output"] is None:
        notes.print("The cells were not kept; keep them with  -o cells.parquet")


def print_summary(figures: Summary) -> None:
    """The figures of one partition, a line each."""
    photos = figures.photos_per_cell
    share = figures.dropped_photos / figures.photos
    levels = ", ".join(f"{level}: {count:,}" for level, count in figures.cells_by_level.items())
    for name, value in [
        ("cells", f"{figures.cells:,}"),
        ("nodes of the tree", f"{figures.nodes:,}"),
        ("cells by level", levels),
        ("photos", f"{figures.photos:,}"),
        ("photos per cell", f"min {photos['min']:,}, median {photos['median']:,.0f}, max {photos['max']:,}"),
        ("dropped photos", f"{figures.dropped_photos:,} ({share:.1%}) in {figures.dropped_cells:,} cells"),
        ("median cell radius", kilometres(figures.median_radius_km)),
    ]:
        stdout().print(f"{name:<20}{value}")


def kilometres(length_km: float) -> str:
    """A length for people.

    Example:
        >>> kilometres(1234.5), kilometres(1.234)
        ('1,234 km', '1.2 km')
    """
    return f"{length_km:,.0f} km" if length_km >= 10 else f"{length_km:.2g} km"


def comparison_rows(found: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """The figures of several partitions as a table: a line for each figure, a column for each partition."""
    rows: list[tuple[str, ...]] = [("", *(each.name for each in found))]
    for label, value in _FIGURES:
        rows.append((label, *(value(each) for each in found)))
    for limit in found[0].floor_within_km:
        rows.append((f"  within {limit} km", *(f"{each.floor_within_km[limit]:.1%}" for each in found)))
    return rows


_FIGURES: Final[tuple[tuple[str, Callable[[Comparison], str]], ...]] = (
    ("method", lambda each: each.method),
    ("cells", lambda each: f"{each.cells:,}"),
    ("photos per cell: least", lambda each: f"{each.photos_per_cell['min']:,}"),
    ("  median", lambda each: f"{each.photos_per_cell['median']:,.0f}"),
    ("  most", lambda each: f"{each.photos_per_cell['max']:,}"),
    ("cells without photos", lambda each: f"{each.empty_cells:,}"),
    ("Gini", lambda each: f"{each.gini:.3f}"),
    ("effective cells", lambda each: f"{each.effective_cells:,.0f}"),
    ("dropped photos", lambda each: f"{each.dropped_photos / each.photos:.1%}"),
    ("median cell radius", lambda each: kilometres(each.median_radius_km)),
    ("neighbours: median", lambda each: f"{each.neighbours['median']:,.0f}"),
    ("  most", lambda each: f"{each.neighbours['max']:,}"),
    ("agreement with the first: ARI", lambda each: "–" if each.ari is None else f"{each.ari:.3f}"),
    ("  NMI", lambda each: "–" if each.nmi is None else f"{each.nmi:.3f}"),
    ("right cell: median error", lambda each: kilometres(each.floor_median_km)),
    ("  mean error", lambda each: kilometres(each.floor_mean_km)),
)


def print_comparisons(found: Sequence[Comparison]) -> None:
    """The table of ``comparison_rows``, names to the left and figures to the right."""
    rows = comparison_rows(found)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    stdout().print(f"On {found[0].photos:,} photos; 'right cell' is what a classifier without error scores.")
    for label, *values in rows:
        cells = "  ".join(value.rjust(width) for value, width in zip(values, widths[1:], strict=True))
        stdout().print(f"{label:<{widths[0]}}  {cells}", markup=False)
