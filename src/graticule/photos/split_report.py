"""What a split gave, what it left out, and whether that is what was asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.errors import TableError
from graticule.photos.days import day_column
from graticule.photos.shares import apportion
from graticule.photos.split_rules import SplitRules
from graticule.photos.table import SPLITS

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SplitReport:
    """What became of the photos; written as ``split.json``.

    Convention:
        - ``asked``, ``got``: photos in each split; ``left_out``: photos in none, by reason
        - ``largest_unit``: photos in the largest unit, of which ``groups`` names up to five groups
        - ``without``: photos that lack what a rule goes by: they are kept apart by the other rules only
        - ``strata``: value of the column ``stratify`` to photos in each split, empty without one
    """

    rules: dict[str, Any]
    photos: int
    asked: dict[str, int]
    got: dict[str, int]
    left_out: dict[str, int]
    units: int
    largest_unit: dict[str, Any]
    blocks: int
    blocks_cut: int
    without: dict[str, int]
    day_column: str | None
    strata: dict[str, dict[str, int]]
    remarks: list[str]

    def to_dict(self) -> dict[str, Any]:
        """The report as it is written, ready for JSON."""
        return asdict(self)


def report_on(
    frame: pl.DataFrame, rules: SplitRules, unit: Ints, part: Ints, *, embargoed: int, blocks: tuple[int, int]
) -> SplitReport:
    """The report on a split.

    Convention:
        - ``unit``: (N,) the unit of each photo; ``part``: (N,) index in ``SPLITS``, -1 for none
        - ``embargoed``: photos left out by the embargo; ``blocks``: how many there are, and were cut
    """
    sizes = np.bincount(unit)
    in_largest = pl.Series(unit == sizes.argmax()) & (rules.by == "group")
    largest = frame["group"].filter(in_largest).drop_nulls().unique(maintain_order=True)
    left_out = {"embargo": embargoed, "no-place": int((part == -1).sum()) - embargoed}
    used = frame.height - left_out["no-place"]
    asked = apportion(rules.shares(), used)
    got = np.bincount(part[part >= 0], minlength=len(SPLITS))
    names = {"group": "group", "place": "latitude", "phash": "phash"}
    without = {reason: frame[column].null_count() for reason, column in names.items()}
    report = SplitReport(
        rules=asdict(rules),
        photos=frame.height,
        asked=dict(zip(SPLITS, asked.tolist(), strict=True)),
        got=dict(zip(SPLITS, got.tolist(), strict=True)),
        left_out={reason: count for reason, count in left_out.items() if count},
        units=len(sizes),
        largest_unit={"photos": int(sizes.max()), "groups": largest.head(5).to_list()},
        blocks=blocks[0],
        blocks_cut=blocks[1],
        without={reason: count for reason, count in without.items() if count},
        day_column=day_column(frame) if rules.keep_days else None,
        strata=_per_stratum(frame, rules, part),
        remarks=[],
    )
    report.remarks.extend(_remarks(report))
    return report


def _per_stratum(frame: pl.DataFrame, rules: SplitRules, part: Ints) -> dict[str, dict[str, int]]:
    if rules.stratify is None:
        return {}
    rows = pl.DataFrame({"value": frame[rules.stratify].cast(pl.String).fill_null("none"), "part": part})
    counts = rows.group_by("value").agg(
        (pl.col("part") == index).sum().alias(name) for index, name in enumerate(SPLITS)
    )
    return {row.pop("value"): row for row in counts.sort("value").to_dicts()}


def _remarks(report: SplitReport) -> list[str]:
    """What a user should know before trusting the split."""
    by, embargo_km = report.rules["by"], report.rules["embargo_km"]
    without, remarks = report.without, []
    if by == "group" and "group" in without:
        remarks.append(
            f"{without['group']:,} photos have no group; each of them counts as a group of its own."
        )
    if embargo_km and by != "place" and "place" in without:
        remarks.append(f"{without['place']:,} photos have no place, so the embargo says nothing about them.")
    if "phash" in without:
        remarks.append(
            f"{without['phash']:,} photos have no perceptual hash (not read, or a flat picture), so near "
            "duplicates of them are not known; ingest writes it when it checks pixels."
        )
    for name, asked in report.asked.items():
        if abs(report.got[name] - asked) > max(1, asked / 10):
            remarks.append(f"Split {name} has {report.got[name]:,} photos; {asked:,} were asked for.")
    return remarks


def check_sizes(report: SplitReport, name: str) -> None:
    """Refuse a split that is not what was asked for.

    Convention:
        - ``name`` begins the sentence of the error

    Raises:
        TableError: a split got less than half of what was asked for; the message says why.
    """
    short = [split for split, asked in report.asked.items() if asked and 2 * report.got[split] < asked]
    wanted = [
        split for split, share in zip(SPLITS, SplitRules(**report.rules).shares(), strict=True) if share > 0
    ]
    short += [split for split in wanted if not report.got[split] and split not in short]
    if not short:
        return
    got = ", ".join(f"{split} {report.got[split]:,} of {report.asked[split]:,}" for split in SPLITS)
    raise TableError(f"{name} cannot be split as asked: photos would be {got}.\n{_why(report)}")


def _why(report: SplitReport) -> str:
    """What stands in the way, and what to type."""
    largest, embargoed = report.largest_unit["photos"], report.left_out.get("embargo", 0)
    embargo_km = report.rules["embargo_km"]
    room = report.asked["train"] + min(report.asked["val"], report.asked["test"])
    if largest > room:
        groups = report.largest_unit["groups"]
        some = f" (of group '{groups[0]}'{' and others' if len(groups) > 1 else ''})" if groups else ""
        return (
            f"{largest:,} of {report.photos:,} photos{some} belong together by group, picture or day, "
            f"and are never divided.\n{_other_ways(report)}"
        )
    if embargo_km:
        left = f"leaves out {embargoed:,} photos" if embargoed else "joins too many neighbours"
        return (
            f"An embargo of {embargo_km:g} km {left}.\n"
            f"Ask for a shorter one:  --embargo-km {embargo_km / 5:g}"
        )
    return "There are too few photos, or units, for such shares.\nAsk for other ones:  --val 0.2 --test 0.3"


def _other_ways(report: SplitReport) -> str:
    """What may be typed when one unit holds too many photos."""
    val, test = report.rules["val"], report.rules["test"]
    rest = (1 - report.largest_unit["photos"] / report.photos) / (val + test)
    ways = [f"for smaller shares:  --val {val * rest:.2g} --test {test * rest:.2g}"] if rest else []
    if report.rules["by"] == "group":
        ways.append("to keep pictures together only:  --by photo")
    if report.day_column is not None:
        ways.append("to let days be divided:  --no-keep-days")
    return f"Ask {', or '.join(ways)}" if ways else "There is no way to split them but by hand."
