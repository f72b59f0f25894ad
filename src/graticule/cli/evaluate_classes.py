"""``graticule evaluate --classes``: a table of true and predicted classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from graticule.cli.output import REFUSED_SOME, emit, stderr, stdout

if TYPE_CHECKING:
    from graticule.evaluation.classes import ClassEvaluation


def evaluate_class_table(
    table: Path, truth: Path | None, output: Path | None, resamples: int, seed: int, as_json: bool
) -> int:
    """Judge somebody's classes; returns the exit status."""
    from graticule.evaluation.classes import evaluate_classes, read_classes

    evaluation = evaluate_classes(read_classes(table, truth=truth), resamples=resamples, seed=seed)
    return report_classes(evaluation, output, table.stem, as_json)


def report_classes(evaluation: ClassEvaluation, output: Path | None, title: str, as_json: bool) -> int:
    """Write and print what came out; returns the exit status."""
    written = None
    if output is not None:
        from graticule.reports.classes import write_classes_report

        written = write_classes_report(output, evaluation, title=title)
    if as_json:
        emit(evaluation.metrics)
    else:
        _print(evaluation.metrics)
    for remark in evaluation.metrics["remarks"]:
        stderr().print(remark, markup=False)
    if written is not None:
        stderr().print(f"Wrote {written}", markup=False)
    return 0 if evaluation.is_complete else REFUSED_SOME


def _print(metrics: dict[str, Any]) -> None:
    from graticule.reports.classes import NAMES

    console = stdout()
    failed = f", {metrics['n_failed']:,} without an answer" if metrics["n_failed"] else ""
    photos = "1 photo" if metrics["n"] == 1 else f"{metrics['n']:,} photos"
    classes = "1 class" if metrics["classes"] == 1 else f"{metrics['classes']:,} classes"
    console.print(f"{photos} of {classes}{failed}", markup=False)
    largest, drawn = metrics["largest_class"], metrics["intervals"] or {}
    console.print(
        f"{'':<34}{'model':>9}  {'interval':<18}always '{largest['class']}'", style="bold", markup=False
    )

    def row(name: str, share: float, interval: Any, beside: float | None) -> None:
        ends = (
            f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"
            if interval and interval[0] is not None
            else ""
        )
        other = "-" if beside is None else f"{100 * beside:.1f} %"
        console.print(f"{name:<34}{f'{100 * share:.1f} %':>9}  {ends:<18}{other}", markup=False)

    for name, words in NAMES.items():
        row(words, metrics[name], drawn.get(name), largest[name])
    for k, share in metrics["top_k"].items():
        if share is not None and k != "1":
            row(f"true class in the first {k}", share, drawn.get("top_k", {}).get(k), None)
    for name, words in (
        ("uniform", "a uniform guess"),
        ("largest", "the largest class"),
        ("gini", "the shares (Gini)"),
    ):
        times = metrics["improvement_over_random"]["improvement"][name]
        if times is not None:
            console.print(f"{'improvement over ' + words:<34}{times:>8.2f} x", markup=False)
