"""The layout of visual place recognition: UTM coordinates in file names, ``@east@north@zone@band@.jpg``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import polars as pl

from graticule.config import IMAGE_SUFFIXES
from graticule.errors import TableError, UsageError
from graticule.geo.sphere import great_circle_km
from graticule.geo.utm import is_utm, latlon_of_utm
from graticule.photos.coordinates import read_numbers
from graticule.photos.fields import split_name
from graticule.photos.files import list_photos, list_top, require_folder
from graticule.photos.layouts.base import Found, Layout, Refusal, Words

_NAME: Final = re.compile(r"@\d+(\.\d+)?@\d+(\.\d+)?@?.*")
_FIELDS: Final = (
    "easting", "northing", "zone", "band", "said_latitude", "said_longitude", "panorama", "tile",
    "heading_deg", "pitch_deg", "roll_deg", "height_m", "captured_at", "note",
)  # fmt: skip
_OWN: Final = ("heading_deg", "pitch_deg", "roll_deg", "height_m")
_ROLES: Final = ("database", "queries", "query", "gallery")
_BANDS: Final = "CDEFGHJKLMNPQRSTUVWX"
_LOOKED_AT: Final = 50
_AGREES_KM: Final = 1.0
"""A latitude and longitude in the same name may differ by so much, for other datums and rounding."""

_MESSAGES: Final = {
    "no-position": "Photo '{name}' has no UTM coordinates in its name; expected is @east@north@ in metres. "
    "Rename it, or leave it out.",
    "out-of-range": "Photo '{name}' has coordinates in its name that UTM does not have; expected is 100,000 "
    "to 1,000,000 m east, 0 to 10,000,000 m north. Mend its name.",
    "no-zone": "Photo '{name}' does not name its UTM zone; say it with --utm-zone, such as 32N.",
    "contradicting-position": "Photo '{name}' names a latitude and longitude more than 1 km from its UTM "
    "coordinates. Mend one of the two in its name.",
}


class UtmNamesLayout(Layout):
    """Panoramas become groups, folders (train, val, test) splits; ``database`` or ``queries`` the role."""

    name: ClassVar[str] = "utm-names"
    summary: ClassVar[str] = "photos named @east@north@zone@band@...@.jpg in metres of UTM"

    def recognise(self, source: Path) -> str | None:
        """At least half of the first names are of that form."""
        if not source.is_dir():
            return None
        names = [file.name for file in islice(_some_photos(source), _LOOKED_AT)]
        fitting = sum(bool(_NAME.fullmatch(name)) for name in names)
        if not names or 2 * fitting < len(names):
            return None
        return f"names such as '{names[0]}' hold UTM coordinates"

    def read(self, source: Path, words: Words) -> Found:
        """Every photo at the place that its name says.

        Raises:
            MissingFileError: there is no such folder.
            TableError: no name says its zone, and neither did the user.
            UsageError: the zone that the user named is none.
        """
        require_folder(source)
        files = list_photos(source)
        zone, north = _said_zone(words.utm_zone)
        rows = _fields(source, files)
        judged = _with_places(rows, zone, north)
        rows, why = judged.drop("reason"), judged["reason"]
        if rows.height and why.eq_missing("no-zone").all():
            raise TableError(
                f"The names of the photos in '{source}' hold UTM coordinates, but not their zone.\n"
                f"Name it, with N or S for the hemisphere:  {words.line(source)} --utm-zone 32N"
            )
        refused = [
            Refusal(name, name, reason, _MESSAGES[reason].format(name=name))
            for name, reason in zip(rows["photo_id"], why, strict=True)
            if reason is not None
        ]
        return Found(rows.filter(why.is_null()), refused)


def _some_photos(folder: Path, depth: int = 6) -> Iterator[Path]:
    """Photos in a folder and those below it, found without walking all of a large tree."""
    visible = [each for each in list_top(folder) if not each.name.startswith(".")]
    yield from (each for each in visible if each.suffix.lower() in IMAGE_SUFFIXES and each.is_file())
    for each in visible:
        if depth and each.is_dir():
            yield from _some_photos(each, depth - 1)


def _said_zone(text: str | None) -> tuple[int | None, bool]:
    """Zone and hemisphere of ``32N``; N and S are hemispheres here, other letters bands of MGRS."""
    if text is None:
        return None, True
    match = re.fullmatch(r"(\d{1,2})([A-Za-z])", text.strip())
    letter = match[2].upper() if match else ""
    if match is None or not 1 <= int(match[1]) <= 60 or letter not in _BANDS:
        raise UsageError(
            f"'{text}' is no UTM zone; expected a number from 1 to 60 and N or S.\n"
            "For example:  --utm-zone 32N"
        )
    return int(match[1]), letter >= "N" and letter != "S"


def _fields(source: Path, files: list[Path]) -> pl.DataFrame:
    """What the names say, as text; null where they say nothing."""
    names = [file.relative_to(source).as_posix() for file in files]
    stems = pl.Series([file.stem if _NAME.fullmatch(file.name) else "" for file in files], dtype=pl.String)
    parts = stems.str.split_exact("@", len(_FIELDS)).struct.unnest()
    said = parts.select(
        pl.nth(n).str.strip_chars().replace("", None).alias(field) for n, field in enumerate(_FIELDS, 1)
    )
    folders = [name.split("/")[:-1] for name in names]
    tops = pl.Series([next((f for f in each if split_name(f)), None) for each in folders], dtype=pl.String)
    roles = pl.Series(
        [next((f for f in each if f.lower() in _ROLES), None) for each in folders], dtype=pl.String
    )
    return pl.DataFrame(
        [
            pl.Series("photo_id", names, dtype=pl.String),
            pl.Series("file", [str(file) for file in files], dtype=pl.String),
            tops.alias("split"),
            roles.alias("role"),
            said["panorama"].alias("group"),
            _date(said["captured_at"]),
            *(read_numbers(said[field])[0].alias(field) for field in _OWN),
            *(said[field] for field in _FIELDS[:6]),
        ]
    )


def _date(written: pl.Series) -> pl.Series:
    """``20160617`` as 2016-06-17, and ``201606`` as 2016-06, so that neither is taken for seconds."""
    return written.str.replace(r"^(\d{4})(\d\d)(\d\d).*$", "${1}-${2}-${3}").str.replace(
        r"^(\d{4})(\d\d)$", "${1}-${2}"
    )


def _with_places(rows: pl.DataFrame, said_zone: int | None, said_north: bool) -> pl.DataFrame:
    """The rows with ``latitude``, ``longitude`` and the ``reason`` why they cannot be used, or null."""
    east, up, zone, said_lat, said_lon = (
        read_numbers(rows[field])[0].to_numpy()
        for field in ("easting", "northing", "zone", "said_latitude", "said_longitude")
    )
    has_place = np.isfinite(said_lat) & np.isfinite(said_lon) & (np.abs(said_lat) <= 90)
    has_zone = np.isfinite(zone)
    band = rows["band"].str.to_uppercase()
    in_north = (band >= "N").fill_null(value=True).to_numpy()  # band S lies in the north
    in_north = np.where(has_zone, in_north, said_north)
    in_north = np.where(has_place, said_lat >= 0, in_north)
    if said_zone is not None:
        zone = np.where(has_zone, zone, said_zone)
    usable = is_utm(east, up, zone)
    places = np.column_stack([said_lat, said_lon])
    computed = latlon_of_utm(east[usable], up[usable], zone[usable], in_north[usable])
    contradicts = np.zeros(rows.height, dtype=bool)
    both = has_place[usable]
    contradicts[np.flatnonzero(usable)[both]] = (
        great_circle_km(computed[both], places[usable][both]) > _AGREES_KM
    )
    places[usable] = computed
    named = np.isfinite(east) & np.isfinite(up)
    reason = np.select(
        [~named, contradicts, usable | (has_place & ~np.isfinite(zone)), ~np.isfinite(zone)],
        ["no-position", "contradicting-position", "", "no-zone"],
        "out-of-range",
    )
    return rows.drop("easting", "northing", "zone", "band", "said_latitude", "said_longitude").with_columns(
        pl.Series("latitude", places[:, 0]),
        pl.Series("longitude", places[:, 1]),
        pl.Series("reason", reason.tolist(), dtype=pl.String).replace("", None),
    )
