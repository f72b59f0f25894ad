"""Looks for what leaks from one split to another: a model may then know test photos without having learnt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.photos.days import day_column, days
from graticule.photos.duplicates import NEAR_BITS, near_pairs
from graticule.photos.neighbours import nearest_elsewhere
from graticule.photos.table import SPLITS
from graticule.photos.units import DAY_CELL_LEVEL, day_labels

EXAMPLES: Final = 5
"""So many examples of each kind are told."""

KINDS: Final = {
    "shared-group": "a group (author, sequence) has photos in several splits",
    "exact-duplicate": "the same file is in several splits",
    "near-duplicate": "the same picture, stored in another way, is in several splits",
    "near-place": "photos of different splits were taken within {embargo_km:g} km of each other",
    "same-day-same-cell": "photos of one day in one S2 cell, so under the same clouds, are in several splits",
}
"""What is looked for, and what each finding means."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Leak:
    """One kind of leak.

    Convention:
        - ``kind``: one of ``KINDS``; ``photos``: number of photos concerned, of all splits
        - ``by_split``: those photos per split
        - ``examples``: up to ``EXAMPLES``, each with what is shared and photos of different splits
    """

    kind: str
    meaning: str
    photos: int
    by_split: dict[str, int]
    examples: list[dict[str, Any]]


@dataclass(frozen=True)
class LeakReport:
    """What was looked for in given splits, and what was found.

    Convention:
        - ``splits``: photos in each, ``none`` for those without; these are not looked at
        - ``checked``: the kinds looked for; ``not_checked``: the others, and why
        - ``embargo_km``: None when places were not compared
    """

    splits: dict[str, int]
    embargo_km: float | None
    near_bits: int
    checked: list[str]
    not_checked: dict[str, str]
    leaks: list[Leak]

    def to_dict(self) -> dict[str, Any]:
        """The report, ready for JSON."""
        return asdict(self)


def find_leaks(
    frame: pl.DataFrame, *, embargo_km: float | None = None, near_bits: int = NEAR_BITS
) -> LeakReport:
    """What the splits of a photo table have in common that they should not.

    Convention:
        - ``frame``: a photo table with splits as ``read_photo_table`` gives it
        - ``embargo_km``: photos of different splits must lie further apart; None or 0: not looked at
        - ``near_bits``: hashes that differ in at most so many of 64 bits are one picture

    Raises:
        UsageError: ``near_bits`` is not a number of bits that can be searched for.
    """
    embargo_km = embargo_km or None
    rows = frame.filter(pl.col("split").is_not_null())
    part = rows["split"].replace_strict(list(SPLITS), range(len(SPLITS)), return_dtype=pl.Int64).to_numpy()
    not_checked = dict(_not_checked(rows, embargo_km))
    found = [
        _shared("shared-group", rows, rows["group"], part),
        _shared("exact-duplicate", rows, rows["sha256"], part),
        _near_duplicates(rows, part, near_bits),
        _near_places(rows, part, embargo_km),
        _same_days(rows, part),
    ]
    counts = frame["split"].fill_null("none").value_counts().rows()
    order = [*SPLITS, "none"]
    return LeakReport(
        splits=dict(sorted(counts, key=lambda item: order.index(item[0]))),
        embargo_km=embargo_km,
        near_bits=near_bits,
        checked=[kind for kind in KINDS if kind not in not_checked],
        not_checked=not_checked,
        leaks=[leak for leak in found if leak is not None],
    )


def _not_checked(rows: pl.DataFrame, embargo_km: float | None) -> Iterator[tuple[str, str]]:
    """Kinds that the table tells nothing about, and why."""
    for kind, column, what in (
        ("shared-group", "group", "the table names no groups"),
        ("exact-duplicate", "sha256", "the table has no fingerprints of files; ingest with --check-pixels"),
        ("near-duplicate", "phash", "the table has no perceptual hashes; ingest with --check-pixels"),
        ("near-place", "latitude", "no photo has a place"),
    ):
        if rows[column].null_count() == rows.height:
            yield kind, what
        elif kind == "near-place" and embargo_km is None:
            yield kind, "no distance was given; name one with --embargo-km"
    name = day_column(rows)
    if name is None:
        yield "same-day-same-cell", "the table has no column of days (captured_at, taken, datetime ...)"
    elif days(rows[name]).null_count() == rows.height:
        yield "same-day-same-cell", f"no value of column '{name}' is a day"


def _leak(
    kind: str,
    part: Ints,
    concerned: NDArray[np.bool_],
    examples: list[dict[str, Any]],
    embargo_km: float | None = None,
) -> Leak | None:
    if not concerned.any():
        return None
    counts = np.bincount(part[concerned], minlength=len(SPLITS)).tolist()
    by_split = {name: count for name, count in zip(SPLITS, counts, strict=True) if count}
    return Leak(kind, KINDS[kind].format(embargo_km=embargo_km), int(concerned.sum()), by_split, examples)


def _shared(kind: str, rows: pl.DataFrame, label: pl.Series, part: Ints) -> Leak | None:
    """Photos whose label photos of another split have as well."""
    concerned = _in_several_splits(label, part)
    labelled = rows.select("photo_id", "path", label=label, part=pl.Series(part)).filter(concerned)
    examples: list[dict[str, Any]] = []
    for (name,), group in labelled.group_by("label", maintain_order=True):
        if len(examples) == EXAMPLES:
            break
        first = group.unique("part", keep="first", maintain_order=True)
        splits = [SPLITS[number] for number in first["part"]]
        examples.append(
            {"shared": str(name), "photos": _by_split(splits, first.select("photo_id", "path").to_dicts())}
        )
    return _leak(kind, part, concerned.to_numpy(), examples)


def _near_duplicates(rows: pl.DataFrame, part: Ints, near_bits: int) -> Leak | None:
    """Photos that have a near duplicate in another split; those that are the same file are told elsewhere."""
    known = np.flatnonzero(rows["phash"].is_not_null().to_numpy())
    hashes = rows["phash"].drop_nulls().to_numpy()
    distinct, place = np.unique(hashes, return_inverse=True)
    bit = np.left_shift(1, part[known]).astype(np.uint8)
    own = np.zeros(len(distinct), dtype=np.uint8)  # one bit for each split that has the hash
    np.bitwise_or.at(own, place, bit)
    near = own.copy()
    for one, other in near_pairs(distinct, max_bits=near_bits):
        np.bitwise_or.at(near, one, own[other])
        np.bitwise_or.at(near, other, own[one])
    concerned = (near[place] & ~bit) != 0
    concerned &= ~_in_several_splits(rows["sha256"], part).to_numpy()[known]
    everywhere = np.zeros(rows.height, dtype=np.bool_)
    everywhere[known[concerned]] = True
    return _leak("near-duplicate", part, everywhere, _pictures(rows, part, known, hashes, concerned))


def _pictures(
    rows: pl.DataFrame, part: Ints, known: Ints, hashes: NDArray[np.uint64], concerned: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Examples: a photo, and the most like it in another split."""
    examples: list[dict[str, Any]] = []
    told = set[int]()
    for photo in np.flatnonzero(concerned).tolist():
        if len(examples) == EXAMPLES:
            break
        if photo not in told:
            bits = np.bitwise_count(hashes ^ hashes[photo])
            elsewhere = np.flatnonzero(part[known] != part[known[photo]])
            other = int(elsewhere[bits[elsewhere].argmin()])
            pair = rows.select("photo_id", "path")[known[[photo, other]].tolist()].to_dicts()
            splits = [SPLITS[part[known[each]]] for each in (photo, other)]
            examples.append({"bits": int(bits[other]), "photos": _by_split(splits, pair)})
            told |= {photo, other}
    return examples


def _near_places(rows: pl.DataFrame, part: Ints, embargo_km: float | None) -> Leak | None:
    """Photos nearer to one of another split than the embargo."""
    placed = np.flatnonzero(rows["latitude"].is_not_null().to_numpy())
    if embargo_km is None or not len(placed):
        return None
    latlon = rows.select("latitude", "longitude").to_numpy()[placed]
    distance_km, other = nearest_elsewhere(latlon, part[placed], within_km=embargo_km)
    concerned = np.zeros(rows.height, dtype=np.bool_)
    concerned[placed] = np.isfinite(distance_km)
    examples: list[dict[str, Any]] = []
    told = set[tuple[float, float]]()
    for photo in np.argsort(distance_km, kind="stable"):
        if len(examples) == EXAMPLES or not np.isfinite(distance_km[photo]):
            break
        both, spot = placed[[photo, other[photo]]].tolist(), tuple(latlon[photo].round(2).tolist())
        if part[both[0]] > part[both[1]] and spot not in told:  # each pair is met from both sides
            told.add(spot)
            splits = [SPLITS[part[each]] for each in both]
            pair = rows.select("photo_id", "path")[both].to_dicts()
            examples.append({"km": round(float(distance_km[photo]), 4), "photos": _by_split(splits, pair)})
    return _leak("near-place", part, concerned, examples, embargo_km)


def _same_days(rows: pl.DataFrame, part: Ints) -> Leak | None:
    label = day_labels(rows, DAY_CELL_LEVEL)
    return None if label is None else _shared("same-day-same-cell", rows, label, part)


def _in_several_splits(label: pl.Series, part: Ints) -> pl.Series:
    """Which photos have a label that photos of another split have as well."""
    several = (pl.col("part").n_unique().over("label") > 1) & pl.col("label").is_not_null()
    return pl.DataFrame({"label": label, "part": part}).select(several).to_series()


def _by_split(splits: list[str], photos: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Photos under the names of their splits, in the order of ``SPLITS``."""
    return dict(sorted(zip(splits, photos, strict=True), key=lambda item: SPLITS.index(item[0])))
