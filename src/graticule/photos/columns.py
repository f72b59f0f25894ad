"""Which column of somebody's table holds what: found by its name, or said by the user."""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass, fields
from typing import Final

import polars as pl

from graticule.config import nearest
from graticule.errors import TableError, UsageError

_NAMES: Final = {
    "latitude": "latitude lat gpslatitude gpslat decimallatitude latitudedeg latdeg latitudedecimal y",
    "longitude": "longitude lon lng long gpslongitude gpslon gpslng gpslong decimallongitude longitudedeg "
    "londeg lngdeg longitudedecimal x",
    "point": "geometry geom thegeom wkt point coordinates location position gps",
    "path": "path filename file filepath imagepath imgpath imagefile imgfile imagename imgname photopath "
    "photo image img imgid imageid photoid id key",
    "photo_id": "photoid imageid imgid id key uuid",
    "country": "country countrycode iso2 isoa2 countryiso cc countryname iso3 isoa3",
    "split": "split subset partition fold selection",
    "group": "group author creatorid creatorusername creator photographer userid user sequence sequenceid "
    "trip placeid",
    "source": "source dataset provider",
    "licence": "licence license licencename licensename",
}

KNOWN_NAMES: Final = {role: tuple(names.split()) for role, names in _NAMES.items()}
"""For each role the names that columns go by, best first; compared in lower case, letters and digits only."""


@dataclass(frozen=True)
class Columns:
    """The column of a table for each role, or None; ``point`` holds WKT, WKB or GeoJSON, longitude first."""

    latitude: str | None = None
    longitude: str | None = None
    point: str | None = None
    path: str | None = None
    photo_id: str | None = None
    country: str | None = None
    split: str | None = None
    group: str | None = None
    source: str | None = None
    licence: str | None = None

    @property
    def has_place(self) -> bool:
        """Whether a position can be had from the table."""
        return self.point is not None or (self.latitude is not None and self.longitude is not None)

    def used(self) -> dict[str, str]:
        """Role to column, for the roles that have one."""
        return {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name)}


def sniff(frame: pl.DataFrame, **said: str | None) -> Columns:
    """Which column holds what, by name; what the user ``said`` (``latitude="lat_wgs"``) comes first.

    Convention:
        - ``x`` and ``y`` count only together
        - without a column for the path, the one for the id is taken, and the other way round
        - a column said must exist: check with ``check_said`` first

    Example:
        >>> found = sniff(pl.DataFrame({"IMG_ID": ["a.jpg"], "AUTHOR": ["x"], "LAT": ["1"], "LON": ["2"]}))
        >>> found.path, found.latitude, found.longitude, found.group
        ('IMG_ID', 'LAT', 'LON', 'AUTHOR')
    """
    by_key: dict[str, str] = {}
    for name in frame.columns:
        by_key.setdefault(_key(name), name)
    taken = {role: said.get(role) or _first(role, by_key, frame) for role in KNOWN_NAMES}
    for one, other, letter in (("latitude", "longitude", "y"), ("longitude", "latitude", "x")):
        found, partner = taken[one], taken[other]
        if (
            found
            and not said.get(one)
            and _key(found) == letter
            and not (partner and _key(partner) in ("x", "y"))
        ):
            taken[one] = None
    if (taken["latitude"] and taken["longitude"]) or said.get("latitude") or said.get("longitude"):
        taken["point"] = None
    taken["path"] = taken["path"] or taken["photo_id"]
    taken["photo_id"] = taken["photo_id"] or taken["path"]
    return Columns(**taken)


def check_said(frame: pl.DataFrame, table: str, **said: str | None) -> None:
    """Refuse a column that the user named and the table lacks.

    Raises:
        UsageError: names the columns that there are, and the nearest one.
    """
    for role, name in said.items():
        if name is not None and name not in frame.columns:
            option = f"--{role.replace('photo_id', 'id')}"
            close = nearest(name, frame.columns)
            raise UsageError(
                f"Table '{table}' has no column '{name}' (found: {', '.join(frame.columns)}).\n"
                + (
                    f"Did you mean:  {option} {shlex.quote(close)}"
                    if close
                    else f"Name one of them after {option}."
                )
            )


def require_place_and_path(frame: pl.DataFrame, columns: Columns, *, table: str, command: str) -> None:
    """Refuse a table in which no position, or no photo, can be found.

    Convention:
        - ``command`` is the line that the user typed, to which options are added

    Raises:
        TableError: lists the columns found, and holds the line to type.
    """
    lacking = (
        []
        if columns.has_place
        else [role for role in ("latitude", "longitude") if not getattr(columns, role)]
    )
    if columns.path is None:
        lacking.append("path")
    if not lacking:
        return
    roles = ["latitude", "longitude"] if set(lacking) & {"latitude", "longitude"} else []
    words = [
        f"--{role} {shlex.quote(getattr(columns, role) or _guess(role, frame) or 'COLUMN')}"
        for role in roles + (["path"] if "path" in lacking else [])
    ]
    what = ", ".join({"path": "paths or ids of photos"}.get(role, f"{role}s") for role in lacking)
    message = (
        f"Table '{table}' has no column that looks like {what} (found: {', '.join(frame.columns)}).\n"
        f"Name the columns:  {command} {' '.join(words)}"
    )
    if any(_is_number(name) for name in frame.columns):
        message += (
            "\nIts first line holds values, not names: put one such as  path,latitude,longitude  above it."
        )
    raise TableError(message)


def _first(role: str, by_key: dict[str, str], frame: pl.DataFrame) -> str | None:
    """The best known name that the table has and whose type can hold the role."""
    for known in KNOWN_NAMES[role]:
        name = by_key.get(known)
        if name is not None and _can_hold(role, frame[name]):
            return name
    return None


def _can_hold(role: str, column: pl.Series) -> bool:
    kind = column.dtype
    if role == "point":
        return _looks_like_points(column)
    if role == "path":
        return kind == pl.String or kind.is_integer()
    if role in ("latitude", "longitude"):
        return kind == pl.String or kind.is_numeric() or kind == pl.Null
    return kind == pl.String or kind.is_integer() or kind == pl.Null or kind == pl.Categorical


def _looks_like_points(column: pl.Series) -> bool:
    if isinstance(column.dtype, pl.List | pl.Array | pl.Struct) or column.dtype == pl.Binary:
        return True
    if column.dtype != pl.String:
        return False
    values = column.drop_nulls().head(100)
    pattern = r'(?i)^\s*(SRID=\d+;)?\s*(POINT\b|\[|\{.*"coordinates")'
    return not values.is_empty() and bool(values.str.contains(pattern).all())


def _guess(role: str, frame: pl.DataFrame) -> str | None:
    """A column whose name is the role's but for a slip: ``lattitude``."""
    keys = {_key(name): name for name in frame.columns}
    close = difflib.get_close_matches(role, keys, n=1, cutoff=0.8)
    return keys[close[0]] if close else None


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
