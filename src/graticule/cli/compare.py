"""``graticule compare``: is one set of predictions really better than another?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, stderr, stdout

if TYPE_CHECKING:
    import polars as pl


@click.command("compare")
@click.argument("predictions", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--truth",
    required=True,
    type=click.Path(path_type=Path),
    help="Where the photos were taken: a photo table (folder or .parquet), CSV, TSV or JSON lines.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Write a report here.")
@click.option("--split", help="Judge the photos of this split of the truth only (train, val, test).")
@click.option("--id", "photo_id", metavar="COLUMN", help="Column of the truth with the photo ids.")
@click.option("--latitude", metavar="COLUMN", help="Column of the truth with latitudes, in degrees.")
@click.option("--longitude", metavar="COLUMN", help="Column of the truth with longitudes, in degrees.")
@click.option("--group", metavar="COLUMN", help="Column of the truth with authors or sequences.")
@click.option("--protocol", default="graticule", show_default=True, help="How errors become figures.")
@click.option(
    "--resamples",
    default=1000,
    show_default=True,
    type=click.IntRange(0),
    help="Bootstrap samples for the intervals; 0 leaves them out.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="For the intervals.")
@json_option
def command(
    predictions: tuple[Path, ...],
    truth: Path,
    output: Path | None,
    protocol: str,
    resamples: int,
    seed: int,
    as_json: bool,
    **words: Any,
) -> int:
    """Test two or more sets of PREDICTIONS for the same photos against each other.

    For every figure a paired test (t-test, Wilcoxon, McNemar, permutation), all corrected together by Holm's
    rule, and a bootstrap interval of the difference. Photos that not all have are counted and left out
    (exit status 3); a photo without an answer counts as wrong.

    \b
    Examples:
      graticule compare a.parquet b.parquet --truth truth.csv -o comparison
      graticule compare a.csv b.csv c.csv --truth photos/ --json
    """
    from graticule.errors import UsageError
    from graticule.evaluation import read_answers, read_truth
    from graticule.evaluation.paired import compare_predictions

    if len(predictions) < 2:
        raise UsageError(
            f"'{predictions[0]}' alone cannot be compared.\n"
            f"Name two or more:  graticule compare {predictions[0]} OTHER --truth {truth}"
        )
    columns = {role: words[role] for role in ("photo_id", "latitude", "longitude", "group")}
    places = read_truth(truth, split=words["split"], **columns)
    tables: dict[str, pl.DataFrame] = {
        name: read_answers(path) for name, path in zip(_names(predictions), predictions, strict=True)
    }
    contest = compare_predictions(tables, places, protocol=protocol, resamples=resamples, seed=seed)
    written = None
    if output is not None:
        from graticule.reports import write_comparison

        written = write_comparison(output, contest)
    if as_json:
        emit(contest.metrics)
    else:
        _print(contest.metrics)
    for remark in contest.metrics["remarks"]:
        stderr().print(remark, markup=False)
    if written is not None:
        stderr().print(f"Wrote {written}", markup=False)
    return 0 if contest.is_complete else REFUSED_SOME


def _names(predictions: tuple[Path, ...]) -> list[str]:
    """A short name of each file; where two are called the same, as they were typed."""
    stems = [path.stem for path in predictions]
    if len(set(stems)) == len(stems):
        return stems
    typed = [str(path) for path in predictions]
    if len(set(typed)) < len(typed):
        from graticule.errors import UsageError

        twice = next(name for name in typed if typed.count(name) > 1)
        raise UsageError(
            f"'{twice}' is named twice, and nothing differs from itself.\nName two different files."
        )
    return typed


def _print(metrics: dict[str, Any]) -> None:
    from graticule.evaluation.paired.pairs import GOALS
    from graticule.evaluation.paired.words import better_at
    from graticule.evaluation.verdicts import figure, goal_name
    from graticule.reports.comparison import p_value

    def of(goal: str, value: float | None) -> str:
        return "infinite" if value is None else figure(goal, value)

    console = stdout()
    console.print("1 photo" if metrics["n"] == 1 else f"{metrics['n']:,} photos", markup=False)
    for pair in metrics["pairs"]:
        a, b = pair["a"], pair["b"]
        width = max(12, len(a), len(b)) + 2
        console.print(
            f"{'':<18}{a:>{width}}{b:>{width}}  {'p (Holm)':>10}  better", style="bold", markup=False
        )
        for goal in GOALS:
            better = better_at(pair, goal)
            console.print(
                f"{goal_name(goal):<18}{of(goal, metrics['models'][a][goal]):>{width}}"
                f"{of(goal, metrics['models'][b][goal]):>{width}}  "
                f"{p_value(pair['tests'][goal]['p_holm']):>10}  {pair[better] if better else '-'}",
                markup=False,
            )
        console.print(pair["words"], style="bold", markup=False)
