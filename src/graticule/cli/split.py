"""``graticule split``: train, val and test without leaks, or the leaks of splits that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, stderr, stdout

if TYPE_CHECKING:
    from graticule.photos.leaks import Leak, LeakReport
    from graticule.photos.split_files import WrittenSplit


@click.command("split")
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "--check", is_flag=True, help="Look for leaks between the splits that the table has; nothing is written."
)
@click.option(
    "--by",
    default=None,
    metavar="WHAT",
    help="group: photos of one author or sequence stay together; place: groups do not count, the embargo "
    "alone does; photo: neither.  [default: group]",
)
@click.option(
    "--embargo-km",
    type=float,
    help="No two photos of different splits lie nearer than this; those that would are left out of all "
    "splits.  [default: 0, none; with --check that of the split, else 0.1]",
)
@click.option("--val", type=float, help="Share of the photos for val.  [default: 0.1]")
@click.option("--test", type=float, help="Share of the photos for test.  [default: 0.2]")
@click.option("--stratify", metavar="COLUMN", help="Split each value of a column alike, for example country.")
@click.option(
    "--near-bits",
    type=int,
    help="Perceptual hashes that differ in at most so many of 64 bits are one picture.  [default: 8]",
)
@click.option(
    "--keep-days/--no-keep-days",
    default=None,
    help="Photos of one day in one S2 cell (18 km) stay together, for their clouds are the same; only where "
    "the table says when they were taken.  [default: keep-days]",
)
@click.option("--seed", type=click.IntRange(0), help="Another seed, another draw.  [default: 0]")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the table with its splits.  [default: they are written into TABLE]",
)
@click.option("--replace", is_flag=True, help="Splits or a table that are there may be replaced.")
@json_option
def command(
    table: Path,
    check: bool,
    embargo_km: float | None,
    near_bits: int | None,
    output: Path | None,
    replace: bool,
    as_json: bool,
    **words: Any,
) -> int:
    """Divide the photos of TABLE, a photo table, into train, val and test so that nothing leaks.

    Photos of one group, of one picture (near duplicates) and of one day in one place stay together;
    neighbours within the embargo do too, or are left out. What was done is written to split.json beside
    the table. With --check, splits that are there are looked through for leaks; exit status 3 says that
    some were found.

    \b
    Examples:
      graticule split photos/ --by group --embargo-km 1 --val 0.1 --test 0.2
      graticule split photos/ --by place --embargo-km 25 --stratify country --seed 7 -o split/
      graticule split photos/ --check
    """
    if check:
        return _check(table, embargo_km, near_bits, as_json, output=output, replace=replace or None, **words)
    from graticule.photos.split import SplitRules
    from graticule.photos.split_files import split_table

    said = {**words, "embargo_km": embargo_km, "near_bits": near_bits}
    rules = SplitRules(**{name: value for name, value in said.items() if value is not None})
    written = split_table(table, rules, output=output, replace=replace)
    if as_json:
        emit(written.to_dict())
    else:
        _print_split(written)
    for remark in written.report.remarks:
        stderr().print(f"Note: {remark}", markup=False)
    return 0


def _check(table: Path, embargo_km: float | None, near_bits: int | None, as_json: bool, **words: Any) -> int:
    from graticule.errors import UsageError
    from graticule.photos.split_files import check_table

    for name, value in words.items():
        if value is not None:
            raise UsageError(
                f"--check writes nothing and splits nothing, so --{name.replace('_', '-')} means nothing "
                f"beside it.\nLeave it out:  graticule split {table} --check"
            )
    report = check_table(table, embargo_km=embargo_km, near_bits=near_bits)
    if as_json:
        emit({"table": str(table), **report.to_dict()})
    else:
        _print_leaks(report)
    return REFUSED_SOME if report.leaks else 0


def _print_split(written: WrittenSplit) -> None:
    report, console = written.report, stdout()
    for name, got in report.got.items():
        share = f"{got / report.photos:.1%}"
        console.print(f"{name:<10}{got:>9,}{share:>8}   of {report.asked[name]:,} asked for", markup=False)
    meaning = {"embargo": "nearer to another split's than the embargo", "no-place": "without a place"}
    for reason, count in report.left_out.items():
        share = f"{count / report.photos:.1%}"
        console.print(f"{'left out':<10}{count:>9,}{share:>8}   {meaning[reason]}", markup=False)
    largest = report.largest_unit["photos"]
    console.print(f"{report.units:,} units that stay together; the largest has {largest:,} photos.")
    if report.rules["embargo_km"]:
        cut = f", {report.blocks_cut:,} of them cut" if report.blocks_cut else ", none of them cut"
        console.print(f"{report.blocks:,} blocks of neighbours{cut}.")
    console.print(f"Wrote {written.table} and {written.report_file}", markup=False)


def _print_leaks(report: LeakReport) -> None:
    console = stdout()
    console.print(", ".join(f"{name} {count:,}" for name, count in report.splits.items()), markup=False)
    found = {leak.kind: leak for leak in report.leaks}
    for kind in report.checked:
        within = f" within {report.embargo_km:g} km" if kind == "near-place" else ""
        if kind in found:
            counts = ", ".join(f"{name} {count:,}" for name, count in found[kind].by_split.items())
            console.print(f"LEAK  {kind}{within}: {found[kind].photos:,} photos ({counts})", markup=False)
            console.print(f"      {found[kind].meaning[0].upper()}{found[kind].meaning[1:]}.", markup=False)
            _print_examples(found[kind])
        else:
            console.print(f"none  {kind}{within}", markup=False)
    for kind, why in report.not_checked.items():
        console.print(f"-     {kind}: not looked for, {why}", markup=False)
    count = len(report.leaks)
    console.print("No leaks." if not count else f"{count} of {len(report.checked)} kinds of leaks found.")


def _print_examples(leak: Leak) -> None:
    for example in leak.examples:
        what = example.get("shared") or (
            f"{example['km']:.3f} km" if "km" in example else f"{example['bits']} bits"
        )
        photos = " | ".join(f"{split}: {photo['photo_id']}" for split, photo in example["photos"].items())
        stdout().print(f"      {what}: {photos}", markup=False)
