"""The layout of GeoGuessr-countries and Country211: a folder per country, perhaps below one per split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar

import polars as pl

from graticule.errors import MissingFileError
from graticule.geo.countries import country_code, nearest_country
from graticule.photos.fields import split_name
from graticule.photos.files import list_photos, list_top, require_folder
from graticule.photos.layouts.base import Found, Layout, Refusal, Words
from graticule.photos.layouts.beside import carry_positions


class CountryFoldersLayout(Layout):
    """``train/SouthKorea/1.jpg`` or ``KR/1.jpg``: photos with a country, but no place."""

    name: ClassVar[str] = "country-folders"
    summary: ClassVar[str] = "a folder per country (name or code), perhaps below train/, val/, test/"

    def recognise(self, source: Path) -> str | None:
        """At least two folders named like countries, and these are at least half; no positions in photos."""
        if not source.is_dir():
            return None
        folders = [
            folder
            for top in _folders(source)
            for folder in (_folders(top) if split_name(top.name) else [top])
        ]
        known = [folder for folder in folders if country_code(folder.name)]
        if len({country_code(folder.name) for folder in known}) < 2 or 2 * len(known) < len(folders):
            return None
        photos = [photo for folder in known[:12] for photo in list_photos(folder)[:1]]
        if not photos or carry_positions(photos):
            return None
        return f"{len(known)} of its {len(folders)} folders are named like countries"

    def read(self, source: Path, words: Words) -> Found:  # noqa: ARG002 -- the form of every layout
        """Every photo with the country of its folder; those in other folders are refused.

        Raises:
            MissingFileError: there is no such folder, or it holds no photo.
        """
        require_folder(source)
        names = [file.relative_to(source).as_posix() for file in list_photos(source)]
        if not names:
            raise MissingFileError(
                f"Folder '{source}' holds no photos.\n"
                "Name the folder with a folder per country, or with train/ and test/ of such folders."
            )
        rows, refused = [], []
        strange: Counter[str] = Counter()
        codes: dict[str, str | None] = {}
        for name in names:
            split, folder = _split_and_country(name)
            code = codes.setdefault(folder, country_code(folder))
            if code is not None:
                rows.append((name, str(source / name), code, split))
                continue
            strange[folder] += 1
            refused.append(Refusal(name, name, "unknown-country", _why(name, folder)))
        schema = {"photo_id": pl.String, "file": pl.String, "country": pl.String, "split": pl.String}
        none = pl.lit(None, dtype=pl.Float64)
        frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(latitude=none, longitude=none)
        warnings = [
            f"Folder '{folder}' names no country, so {count:,} photos are refused.{_advice(folder)}"
            for folder, count in strange.items()
            if folder
        ]
        return Found(frame, refused, warnings)


def _folders(folder: Path) -> list[Path]:
    return [each for each in list_top(folder) if each.is_dir() and not each.name.startswith(".")]


def _split_and_country(name: str) -> tuple[str | None, str]:
    """The split's folder as it is called, and the country's, of ``train/Chile/1.jpg`` or ``Chile/1.jpg``."""
    top, *below = name.split("/")[:-1] or [""]
    if split_name(top):
        return top, below[0] if below else ""
    return None, top


def _why(name: str, folder: str) -> str:
    if not folder:
        return f"Photo '{name}' lies in no country's folder."
    return f"Photo '{name}' lies in folder '{folder}', which names no country.{_advice(folder)}"


def _advice(folder: str) -> str:
    near = nearest_country(folder)
    return f" Did you mean '{near}'? Then rename the folder." if near else ""
