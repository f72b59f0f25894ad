"""The report of an audit: one page that opens offline, ``audit.json``, the patch map as a table and pictures.

What an audit found comes in as its document and as arrays; this package draws and writes.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graticule.geo.countries import CONTINENTS, country_name
from graticule.reports.audit_pictures import contact_sheet, heat_over
from graticule.reports.page import PAGE, render_page, writing

DOCUMENT: Final = "audit.json"
PATCHES: Final = "patches.csv"
PICTURES: Final = "figures"

SHOWN_COUNTRIES: Final = 15
SHOWN_CLUSTERS: Final = 3
SHOWN_FAILED: Final = 20
SHOWN_CROPS: Final = 24


@dataclass(frozen=True, eq=False)
class Sheet:
    """The crops of one country: (n, S, S, 3) uint8, and the number of each one's cluster."""

    country: str
    crops: NDArray[np.uint8]
    clusters: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class AuditPictures:
    """What the page shows beside figures.

    Convention:
        - ``usual``: (S, S, 3) uint8, the mean photo; ``example``: one photo, and ``example_drops``: (G, G),
          its patch map in nats; None where no photo could be mapped
    """

    usual: NDArray[np.uint8]
    example: NDArray[np.uint8] | None
    example_drops: NDArray[np.float64] | None
    sheets: Sequence[Sheet] = ()


def write_audit_report(
    folder: str | Path, document: Mapping[str, Any], pictures: AuditPictures, *, title: str | None = None
) -> Path:
    """Write the report of an audit into ``folder``; returns the page.

    The folder then holds ``index.html``, ``audit.json``, ``patches.csv`` (every patch of every map) and,
    under ``figures``, the pictures. Files of those names are replaced, others left.

    Raises:
        MissingFileError: the folder cannot be written.
    """
    folder = Path(folder)
    with writing(folder):
        (folder / PICTURES).mkdir(exist_ok=True)
        # figures first: minutes of work should not hang on a picture
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
        (folder / DOCUMENT).write_text(text, encoding="utf-8")
        (folder / PATCHES).write_text(_patches_csv(document), encoding="utf-8")
        drawn = _drawn(document, pictures)
        for name, picture in drawn.items():
            picture.save(folder / PICTURES / f"{name}.png")
        page = render_audit(document, pictures, drawn, title=title)
        (folder / PAGE).write_text(page, encoding="utf-8")
    return folder / PAGE


def render_audit(
    document: Mapping[str, Any],
    pictures: AuditPictures,
    drawn: Mapping[str, Image.Image],
    *,
    title: str | None = None,
) -> str:
    """The page as HTML text."""
    tested = document["tested"]
    leaning = [part for part in tested if part["named"]] or [part for part in tested if part["leaning"]]
    shown = (leaning or tested)[0]
    return render_page(
        "audit.html",
        title=title or f"Audit of {document['model'].partition('@')[0]}",
        filters={
            "share": _share,
            "points": _points,
            "name": _name,
            "p": _p,
            "count": lambda n: f"{n:,}",
            "photos": _photos,
        },
        has_images=True,
        document=document,
        shown=shown,
        shown_countries=SHOWN_COUNTRIES,
        margin=round(100 * document["margin"]),
        maps=[row for row in document["patches"]["maps"] if not row["photos_of"].startswith("country ")],
        map_name=_map_name,
        images={name: _data(picture) for name, picture in drawn.items()},
        sheets=_sheets(document, pictures),
        failed=list(document["photos"]["failed"].items())[:SHOWN_FAILED],
        sheet_name=_sheet_name,
        names={"document": DOCUMENT, "patches": PATCHES},
    )


def _photos(count: int) -> str:
    return f"{count:,} photo{'s' if count != 1 else ''}"


def _drawn(document: Mapping[str, Any], pictures: AuditPictures) -> dict[str, Image.Image]:
    """Every picture of the report by name."""
    outline = document["part"]["rectangle"] if document["part"] else None
    found = {}
    for row in document["patches"]["maps"]:
        name = f"patches-{row['photos_of'].replace(' ', '-')}"
        found[name] = heat_over(pictures.usual, np.array(row["mean"]), outline=outline)
    if pictures.example is not None and pictures.example_drops is not None:
        found["patches-example"] = heat_over(pictures.example, pictures.example_drops, outline=outline)
    for sheet in pictures.sheets:
        for number in range(min(SHOWN_CLUSTERS, int(sheet.clusters.max(initial=-1)) + 1)):
            crops = sheet.crops[sheet.clusters == number][:SHOWN_CROPS]
            found[_sheet_name(sheet.country, number)] = contact_sheet(crops)
    return found


def _sheet_name(country: str, number: int) -> str:
    return f"clues-{country}-{number + 1}"


def _sheets(document: Mapping[str, Any], pictures: AuditPictures) -> list[dict[str, Any]]:
    """The clusters of each country that has a sheet."""
    drawn = {sheet.country for sheet in pictures.sheets}
    return [
        {**row, "clusters": row["clusters"][:SHOWN_CLUSTERS], "others": len(row["clusters"][SHOWN_CLUSTERS:])}
        for row in document["clues"]
        if row["country"] in drawn
    ]


def _patches_csv(document: Mapping[str, Any]) -> str:
    """One line for each patch of each map: whose photos, how many, row and column from the top left, nats."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["photos_of", "photos", "row", "column", "fall_nats"])
    for each in document["patches"]["maps"]:
        for row, values in enumerate(each["mean"]):
            for column, value in enumerate(values):
                lines.writerow([each["photos_of"], each["photos"], row, column, value])
    return text.getvalue()


def _data(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _map_name(words: str) -> str:
    """What a map is of.

    Example:
        >>> _map_name("continent AF"), _map_name("right")
        ('Africa', 'country found')
    """
    kind, _, code = words.partition(" ")
    if kind == "continent":
        return CONTINENTS[code]
    return {"all": "all photos", "right": "country found", "wrong": "country not found"}[kind]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f}".replace("-", "−")


def _name(code: str) -> str:
    return country_name(code) or code


def _p(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
