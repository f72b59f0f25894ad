"""Divides photos into train, val and test so that nothing leaks from one to the other.

1. Photos that belong together form **units**, which are never divided: those of one group (author,
   sequence), of one picture (the same file, near duplicates), of one day in one S2 cell of level 9; and what
   is joined through any of these.
2. With an embargo, units whose photos are neighbours form **blocks**. A block goes to one split as a whole;
   only where the numbers asked for cannot be met so, the largest blocks are cut in two along their longest
   side, again and again.
3. Blocks are given to splits at random: the largest first, with chances in proportion to what each split
   lacks (``graticule.photos.assignment``); with ``stratify`` so within each country.
4. Along the cuts, photos within the embargo of another split's are **left out**: their split is null
   (``graticule.photos.embargo``).

The same table, rules and seed give the same splits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.errors import TableError, UsageError
from graticule.geo.sphere import unit_vectors
from graticule.geo.towns import chord_of_km
from graticule.photos.assignment import assign_blocks
from graticule.photos.embargo import in_embargo
from graticule.photos.neighbours import Lattice
from graticule.photos.shares import apportion
from graticule.photos.split_report import SplitReport, check_sizes, report_on
from graticule.photos.split_rules import SplitRules
from graticule.photos.table import SPLITS
from graticule.photos.units import day_labels, joined, picture_labels

__all__ = ["SplitReport", "SplitRules", "split_photos"]

_LEAST_EXTENT: Final = 4.0
"""Blocks shorter than so many times the embargo are not cut: little would be left of them."""

Ints = NDArray[np.int64]


def split_photos(
    frame: pl.DataFrame, rules: SplitRules, *, name: str = "The photo table"
) -> tuple[pl.Series, SplitReport]:
    """The split of each photo of a table, and what was done.

    Convention:
        - ``frame``: a photo table as ``read_photo_table`` gives it; its own splits are not looked at
        - the result's series is train, val, test or null (left out), in the order of the rows
        - ``name`` begins the sentences of errors

    Raises:
        UsageError: the rules make no sense, or name a column that is not there.
        TableError: a split would get less than half of what was asked for; the message says why.
    """
    rules.check()
    _check_columns(frame, rules, name)
    unit = joined(_labels(frame, rules), frame.height)
    placed = frame["latitude"].is_not_null().to_numpy()
    latlon = frame.select("latitude", "longitude").to_numpy()
    used = np.flatnonzero(placed) if rules.by == "place" else np.arange(frame.height)
    part, blocks, cut = _assigned(frame, rules, unit, placed, used)
    goes = np.zeros(frame.height, dtype=np.bool_)
    if rules.embargo_km:
        rows = np.flatnonzero(placed)
        goes[rows] = in_embargo(latlon[rows], part[rows], rules.embargo_km)
    part[goes] = -1
    report = report_on(frame, rules, unit, part, embargoed=int(goes.sum()), blocks=(blocks, cut))
    check_sizes(report, name)
    words = pl.Series([*SPLITS, None], dtype=pl.String)
    return words[part.tolist() if frame.height else []].alias("split"), report


def _check_columns(frame: pl.DataFrame, rules: SplitRules, name: str) -> None:
    if rules.stratify is not None and rules.stratify not in frame.columns:
        raise UsageError(
            f"{name} has no column '{rules.stratify}' (found: {', '.join(frame.columns)}).\n"
            "Name one of them, for example:  --stratify country"
        )
    if frame.height < 2:
        raise TableError(f"{name} has {frame.height} photos; at least 2 are needed to split it.")
    has_places = frame["latitude"].is_not_null().any()
    if rules.by == "group" and frame["group"].null_count() == frame.height:
        other = "--by place --embargo-km 1" if has_places else "--by photo"
        raise TableError(
            f"{name} names no groups (authors, sequences), so it cannot be split by group.\n"
            f"Split it otherwise:  {other}"
        )
    if rules.embargo_km and not has_places:
        by = f"--by {'photo' if rules.by == 'place' else rules.by}"
        raise TableError(
            f"{name} has no photo with a place, so an embargo cannot be kept.\nLeave it out:  {by}"
        )


def _labels(frame: pl.DataFrame, rules: SplitRules) -> list[pl.Series]:
    """What photos of a unit share, by the rules."""
    labels = picture_labels(frame, rules.near_bits)
    if rules.by == "group":
        labels.append(frame["group"])
    day = day_labels(frame) if rules.keep_days else None
    return labels if day is None else [*labels, day]


def _assigned(
    frame: pl.DataFrame, rules: SplitRules, unit: Ints, placed: NDArray[np.bool_], used: Ints
) -> tuple[Ints, int, int]:
    """Index of the split for each photo (-1: none), the number of blocks, and of those cut."""
    chance = np.random.default_rng(rules.seed)
    block = _blocks(frame, rules, unit, placed)
    sizes = np.bincount(unit[used], minlength=int(unit.max()) + 1)
    centres = _centres(frame, unit, placed, len(sizes))
    block_of_unit = np.empty(len(sizes), dtype=np.int64)
    block_of_unit[unit] = block
    stratum = _strata(frame, rules, block)
    stratum_of_unit = np.empty(len(sizes), dtype=np.int64)
    stratum_of_unit[unit] = stratum
    part_of_unit = np.full(len(sizes), -1, dtype=np.int64)
    cut, carried = 0, np.zeros(len(SPLITS))
    for one in chance.permutation(int(stratum.max()) + 1):
        units = np.flatnonzero((stratum_of_unit == one) & (sizes > 0))
        number = int(sizes[units].sum())
        if number:
            exact = number * rules.shares() + carried  # roundings of many small countries even out
            wanted = apportion(np.maximum(exact, 0), number)
            carried = exact - wanted
            least = _LEAST_EXTENT * chord_of_km(rules.embargo_km)
            part_of_unit[units], more = assign_blocks(
                sizes[units], centres[units], block_of_unit[units], wanted, least_extent=least, chance=chance
            )
            cut += more
    part = np.full(frame.height, -1, dtype=np.int64)
    part[used] = part_of_unit[unit[used]]
    return part, int(block.max()) + 1, cut


def _blocks(frame: pl.DataFrame, rules: SplitRules, unit: Ints, placed: NDArray[np.bool_]) -> Ints:
    """The block of each photo: units joined where photos of theirs are neighbours."""
    if not rules.embargo_km:
        return unit
    rows = np.flatnonzero(placed)
    lattice = Lattice.of(frame.filter(placed).select("latitude", "longitude").to_numpy(), rules.embargo_km)
    first = rows[np.unique(lattice.cube, return_index=True)[1]]  # a photo of each cube
    same_cube = np.stack([rows, first[lattice.cube]], axis=1)
    links = np.concatenate([same_cube, first[lattice.touching]])
    return joined([pl.Series(unit)], frame.height, links=links)


def _centres(frame: pl.DataFrame, unit: Ints, placed: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """Mean unit vector of each unit's photos (count, 3), NaN without a place."""
    vectors = unit_vectors(frame.filter(placed).select("latitude", "longitude").to_numpy())
    owner = unit[placed]
    sums = [np.bincount(owner, weights=vectors[:, axis], minlength=count) for axis in range(3)]
    numbers = np.bincount(owner, minlength=count)[:, None]
    means: NDArray[np.float64] = np.full((count, 3), np.nan)
    np.divide(np.stack(sums, axis=1), numbers, where=numbers > 0, out=means)
    return means


def _strata(frame: pl.DataFrame, rules: SplitRules, block: Ints) -> Ints:
    """The stratum of each photo: the commonest value in its block; all one without a column to go by."""
    if rules.stratify is None:
        return np.zeros(frame.height, dtype=np.int64)
    rows = pl.DataFrame({"block": block, "value": frame[rules.stratify].cast(pl.String).fill_null("none")})
    counts = (
        rows.group_by("block", "value").len().sort(["block", "len", "value"], descending=[False, True, False])
    )
    common = counts.group_by("block", maintain_order=True).first()
    strata: Ints = (
        rows.join(common, on="block", how="left", maintain_order="left")
        .select(pl.col("value_right").rank("dense").cast(pl.Int64) - 1)["value_right"]
        .to_numpy()
    )
    return strata
