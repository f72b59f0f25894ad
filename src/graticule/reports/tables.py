"""The tables of a report as LaTeX and Markdown, to be put into a paper or a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from graticule.evaluation.lines import lines
from graticule.evaluation.verdicts import figure

Row = Sequence[str]

_LATEX: Final = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "≤": r"$\le$",
    "–": "--",
    "∞": r"$\infty$",
    "²": r"$^2$",
}


def write_tables(folder: Path, metrics: dict[str, Any]) -> list[Path]:
    """Write every table of ``metrics.json`` into ``folder``, each as ``.tex`` and ``.md``.

    Convention:
        - ``metrics``: the document of the report's ``metrics.json``
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (caption, head, rows) in tables_of(metrics).items():
        for ending, text in ((".md", markdown(head, rows)), (".tex", latex(caption, name, head, rows))):
            path = folder / f"{name}{ending}"
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def tables_of(metrics: dict[str, Any]) -> dict[str, tuple[str, Row, list[Row]]]:
    """Caption, heads and rows of each table, by its name; those without a row are left out."""
    found: dict[str, tuple[str, Row, list[Row]]] = {
        "main": (
            f"{metrics['model'] or 'The model'} on {metrics['n']:,} photos, beside trivial guesses.",
            ("figure", "model", "95 % interval", "constant guess", "random draw", "largest cell"),
            [_main(line) for line in lines(metrics)],
        )
    }
    for name, key, what in (
        ("continents", "by_continent", "continent"),
        ("countries", "by_country", "country"),
    ):
        rows: list[Row] = [
            (
                part["name"],
                f"{part['n']:,}",
                _of("median_km", part["median_km"]),
                *(_of("share", part["within_km"][limit]) for limit in ("750", "2500")),
                _of("share", part["recall"]),
                _of("share", part["precision"]),
            )
            for part in metrics[key]
        ]
        head = (what, "photos", "median error", "≤ 750 km", "≤ 2500 km", "recall", "precision")
        found[name] = (f"Errors by {what} of the truth.", head, rows)
    for name, key, what in (
        ("scenes", "by_scene", "scene"),
        ("training_distance", "by_training_distance", "distance from the nearest training place"),
        ("cell_photos", "by_cell_photos", "photos of the true cell"),
    ):
        if metrics.get(key):
            found[name] = (
                f"Errors by {what}.",
                (what, *SLICE_HEADS),
                [slice_row(row) for row in metrics[key]],
            )
    return {name: table for name, table in found.items() if table[2]}


SLICE_HEADS: Final = ("photos", "median error", "≤ 25 km", "≤ 200 km", "≤ 750 km", "≤ 2500 km", "GeoScore")


def slice_row(row: dict[str, Any]) -> Row:
    """One row of ``graticule.evaluation.slices`` as text."""
    within = (_of("share", row["within_km"][limit]) for limit in ("25", "200", "750", "2500"))
    return (
        row["name"],
        f"{row['n']:,}",
        _of("median_km", row["median_km"]),
        *within,
        _of("geoscore", row["geoscore"]),
    )


def _main(line: dict[str, Any]) -> Row:
    goal, ends = line["goal"], line["interval"]
    interval = f"{_of(goal, ends[0])} – {_of(goal, ends[1])}" if ends else ""
    others = (
        "" if line[name] is None else _of(goal, line[name]) for name in ("constant", "random", "largest_cell")
    )
    return (line["name"], _of(goal, line["model"]), interval, *others)


def _of(goal: str, value: float | None) -> str:
    if value is None:
        return "∞" if goal.endswith("_km") else "–"
    return figure(goal, value)


def markdown(head: Row, rows: Sequence[Row]) -> str:
    r"""A table in Markdown; the first column is text, the others are numbers.

    Example:
        >>> print(markdown(("a|b", "n"), [("x", "1")]))
        | a\|b | n |
        |---|---:|
        | x | 1 |
        <BLANKLINE>
    """
    lines_ = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (head, *rows)]
    lines_.insert(1, "|---|" + "---:|" * (len(head) - 1))
    return "\n".join(lines_) + "\n"


def latex(caption: str, label: str, head: Row, rows: Sequence[Row]) -> str:
    """A table in LaTeX with the rules of the package booktabs."""

    def line(row: Row) -> str:
        return " & ".join("".join(_LATEX.get(letter, letter) for letter in cell) for cell in row) + r" \\"

    columns = "l" + "r" * (len(head) - 1)
    said = "".join(_LATEX.get(letter, letter) for letter in caption)
    body = "\n".join(line(row) for row in rows)
    return (
        "% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n"
        f"\\caption{{{said}}}\n\\label{{tab:{label.replace('_', '-')}}}\n\\begin{{tabular}}{{{columns}}}\n"
        f"\\toprule\n{line(head)}\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )
