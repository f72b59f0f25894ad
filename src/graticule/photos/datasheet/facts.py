"""What a photo table says about itself: counts, coverage, licences, splits, gaps.

Only the table and the reports beside it (``ingest.json``, ``split.json``) are read, no photo. What they do
not say is None, and is not guessed.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, Final

import polars as pl

from graticule._version import __version__
from graticule.errors import TableError
from graticule.geo.countries import CONTINENTS, continent_of, country_name
from graticule.photos.days import day_column, days
from graticule.photos.duplicates import NEAR_BITS, find_duplicates
from graticule.photos.split_files import check_table, split_report
from graticule.photos.table import COLUMNS, REPORT_NAME, read_photo_table, table_file

NONE: Final = "none"
"""Stands in counts for photos of which a thing is not known."""

FEW_PHOTOS: Final = 10
"""A country with fewer photos can hardly be learnt or judged."""

_SCENES: Final = ("indoor", "natural", "urban")
_PRECISION_NAMES: Final = ("precision", "position_precision", "accuracy", "geo_accuracy", "position_source")

Facts = dict[str, Any]


def dataset_facts(table: str | Path, *, name: str | None = None) -> Facts:
    """Everything that is known of a photo table, ready for JSON.

    Convention:
        - ``table``: a folder with ``photos.parquet``, or a Parquet file
        - ``name``: what the data set is called; its folder's name when left out
        - shares lie in [0, 1]; counts by value are in falling order, ``none`` for photos without one

    Raises:
        MissingFileError: there is no such table.
        TableError: the table is none, or is empty.
    """
    file, frame = table_file(table), read_photo_table(table)
    if frame.is_empty():
        raise TableError(f"Photo table '{table}' has no photos, so there is nothing to tell of it.")
    splits = frame["split"].drop_nulls().n_unique()
    made = split_report(table, frame)
    facts: Facts = {
        "name": name or file.resolve().parent.name,
        "table": file.name,
        "graticule": __version__,
        "photos": frame.height,
        "positions": _positions(frame),
        "coverage": _coverage(frame),
        "groups": _groups(frame["group"]),
        "splits": counts(frame["split"]) if splits else None,
        "split_rules": made["rules"] if made else None,
        "split_left_out": made["left_out"] if made else None,
        "leaks": check_table(table).to_dict() if splits > 1 else None,
        "duplicates": _duplicates(frame),
        "licences": counts(frame["licence"]) if frame["licence"].drop_nulls().len() else None,
        "sources": counts(frame["source"]) if frame["source"].drop_nulls().len() else None,
        "sizes": _sizes(frame),
        "formats": counts(frame["path"].str.to_lowercase().str.extract(r"(\.[a-z0-9]+)$")),
        "days": _days(frame),
        "scenes": _scenes(frame),
        "columns": _columns(frame),
        "ingest": _ingest(file.with_name(REPORT_NAME)),
    }
    return facts


def counts(column: pl.Series) -> dict[str, int]:
    """Photos of each value, the most frequent first.

    Example:
        >>> counts(pl.Series(["b", "a", "b", None]))
        {'b': 2, 'a': 1, 'none': 1}
    """
    rows = column.cast(pl.String).fill_null(NONE).alias("value").value_counts(name="photos").rows()
    return dict(sorted(rows, key=lambda row: (-row[1], row[0])))


def _positions(frame: pl.DataFrame) -> Facts:
    """How many photos have a place, how many places there are, and how exactly they are told."""
    placed = frame.filter(pl.col("latitude").is_not_null())
    coarse = placed.select(
        ((pl.col(name) * 100 - (pl.col(name) * 100).round()).abs() < 1e-6)
        for name in ("latitude", "longitude")
    )
    precision = next((name for name in _PRECISION_NAMES if name in frame.columns), None)
    return {
        "with_place": placed.height,
        "country_only": frame.filter(pl.col("latitude").is_null() & pl.col("country").is_not_null()).height,
        "distinct_places": placed.select("latitude", "longitude").n_unique() if placed.height else 0,
        "two_decimals_or_less": int(coarse.select(pl.all_horizontal(pl.all())).to_series().sum() or 0),
        "precision_column": precision,
        "precision": None if precision is None else counts(frame[precision]),
    }


def _coverage(frame: pl.DataFrame) -> Facts:
    """Photos by continent and country, and how evenly they are spread."""
    from graticule.geo.outlines import country_outlines

    by_country = counts(frame["country"])
    known = {code: number for code, number in by_country.items() if code != NONE}
    total = sum(known.values())
    continents: Counter[str] = Counter()
    countries_in: Counter[str] = Counter()
    for code, number in known.items():
        continent = continent_of(code) or NONE
        continents[continent] += number
        countries_in[continent] += 1
    north = int((frame["latitude"] >= 0).sum())
    return {
        "continents": [
            {"code": code, "name": name, "photos": continents[code], "countries": countries_in[code]}
            for code, name in CONTINENTS.items()
        ],
        "countries": [
            {"code": code, "name": country_name(code) or code, "photos": number}
            for code, number in known.items()
        ],
        "countries_without_photos": len(set(country_outlines().codes) - set(known)),
        "without_country": by_country.get(NONE, 0),
        "half_of_photos_in_countries": _half(list(known.values())),
        "effective_countries": round(_effective(list(known.values())), 1) if total else 0.0,
        "north_of_equator": north,
        "south_of_equator": frame["latitude"].len() - frame["latitude"].null_count() - north,
    }


def _half(numbers: list[int]) -> int:
    """How many of the largest numbers make up half of them all."""
    running, goal = 0, sum(numbers) / 2
    for place, number in enumerate(numbers, start=1):
        running += number
        if running >= goal:
            return place
    return 0


def _effective(numbers: list[int]) -> float:
    """So many countries with equally many photos would be as even: e to the entropy."""
    total = sum(numbers)
    return math.exp(-sum(number / total * math.log(number / total) for number in numbers))


def _groups(group: pl.Series) -> Facts | None:
    sizes = group.drop_nulls().value_counts(sort=True)["count"] if group.drop_nulls().len() else None
    if sizes is None:
        return None
    return {
        "count": sizes.len(),
        "largest": int(sizes[0]),
        "median": float(sizes.median()),  # type: ignore[arg-type]
        "photos_without": group.null_count(),
    }


def _duplicates(frame: pl.DataFrame) -> Facts:
    """How many photos of the table could go without a picture being lost; None where that is not known."""
    found = Counter(each.reason for each in find_duplicates(frame["sha256"], frame["phash"]))
    return {
        "exact": found["exact-duplicate"] if frame["sha256"].drop_nulls().len() else None,
        "near": found["near-duplicate"] if frame["phash"].drop_nulls().len() else None,
        "near_bits": NEAR_BITS,
    }


def _sizes(frame: pl.DataFrame) -> Facts | None:
    known = frame.select("width", "height").drop_nulls()
    if known.is_empty():
        return None
    figures = {
        f"{name}_px": {"min": known[name].min(), "median": known[name].median(), "max": known[name].max()}
        for name in known.columns
    }
    return {**figures, "unknown": frame.height - known.height}


def _days(frame: pl.DataFrame) -> Facts | None:
    name = day_column(frame)
    if name is None:
        return None
    when = days(frame[name])
    if when.null_count() == when.len():
        return None
    years = counts(when.dt.year().drop_nulls())
    return {
        "column": name,
        "first": str(when.min()),
        "last": str(when.max()),
        "by_year": dict(sorted(years.items())),
        "unknown": when.null_count(),
    }


def _scenes(frame: pl.DataFrame) -> Facts | None:
    """Photos by scene, when the source says so: in a column, or as probabilities of Places365."""
    if "scene" in frame.columns and frame.schema["scene"] == pl.String:
        return {"by": "column 'scene'", "photos": counts(frame["scene"])}
    by_name = {column.lower(): column for column in frame.columns if frame.schema[column].is_numeric()}
    names = [by_name.get(f"prob_{scene}") for scene in _SCENES]
    if any(name is None for name in names):
        return None
    chances = frame.select(
        pl.col(name).alias(scene) for name, scene in zip(names, _SCENES, strict=True) if name
    )
    best = chances.select(pl.concat_list(pl.all()).list.arg_max()).to_series()
    known = best.set(chances.select(pl.any_horizontal(pl.all().is_null())).to_series(), None)
    scenes = known.replace_strict(range(len(_SCENES)), _SCENES, default=None, return_dtype=pl.String)
    return {"by": "the most probable of Prob_indoor, Prob_natural, Prob_urban", "photos": counts(scenes)}


def _columns(frame: pl.DataFrame) -> list[Facts]:
    return [
        {
            "name": name,
            "type": str(kind),
            "filled": frame.height - frame[name].null_count(),
            "of_the_source": name not in COLUMNS,
        }
        for name, kind in frame.schema.items()
    ]


_OWN: Final = ("refusals", "duplicates", "table", "replaced")
"""What ``ingest.json`` says of single photos, and of the folders of whoever made it."""


def _ingest(file: Path) -> Facts | None:
    """What ``ingest.json`` tells, if it is there: no single photos, and no folders of whoever made it."""
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(report, dict):
        return None
    told = {name: value for name, value in report.items() if name not in _OWN}
    told["source"] = Path(str(report.get("source", ""))).name
    for kept in ("duplicates", "wrong_colours"):
        if isinstance(report.get(kept), dict):
            told[kept] = {name: report[kept].get(name) for name in ("mode", "counts")}
    return told
