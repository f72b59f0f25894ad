"""A datasheet as a folder: a page that opens offline, Markdown, and the facts as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from graticule.errors import MissingFileError, UsageError
from graticule.photos.datasheet import colophon, dataset_facts, headline, markdown, sections
from graticule.photos.datasheet.facts import Facts
from graticule.photos.table import read_photo_table
from graticule.photos.writing import replace_files
from graticule.reports.canvas import Canvas
from graticule.reports.page import PAGE, render_page
from graticule.reports.world import world_canvas

TEXT: Final = "datasheet.md"
FACTS: Final = "datasheet.json"

_BIN_DEG: Final = 0.5
"""Photos of one square of this size are one dot: it is a pixel of the map."""


def write_datasheet(
    table: str | Path, folder: str | Path, *, name: str | None = None, replace: bool = False
) -> Facts:
    """Write the datasheet of a photo table into ``folder``; returns the facts.

    The folder then holds ``index.html``, ``datasheet.md``, ``datasheet.json`` and the map of coverage as SVG
    and PNG.

    Convention:
        - ``table``: a folder with ``photos.parquet``, or a Parquet file
        - ``name``: what the data set is called; its folder's name when left out
        - ``replace``: a datasheet that is there may be replaced

    Raises:
        MissingFileError: there is no such table, or the folder cannot be written.
        TableError: the table is none, or is empty.
        UsageError: the folder holds a datasheet already, or is a file.
    """
    folder = Path(folder)
    _check_target(folder, replace)
    facts = dataset_facts(table, name=name)
    picture = coverage_map(read_photo_table(table))
    document = json.dumps(facts, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    texts = {PAGE: render(facts, picture), TEXT: markdown(facts), FACTS: document}
    try:
        replace_files(
            {
                folder / file: lambda path, text=text: path.write_text(text, encoding="utf-8")  # type: ignore[misc]
                for file, text in texts.items()
            }
        )
        picture.write(folder / "coverage")
    except OSError as error:
        raise MissingFileError(
            f"The datasheet cannot be written to '{folder}': {error.strerror or error}.\n"
            "Name a folder you may write to:  -o DATASHEET"
        ) from error
    return facts


def render(facts: Facts, picture: Canvas) -> str:
    """The page as HTML text.

    Convention:
        - ``facts``: as ``dataset_facts`` gives them; ``picture``: as ``coverage_map`` draws it
    """
    return render_page(
        "datasheet.html",
        title=f"{facts['name']} – datasheet",
        facts=facts,
        headline=headline(facts),
        sections=sections(facts),
        colophon=colophon(facts),
        picture=picture.svg(is_standalone=False),
        names={"text": TEXT, "facts": FACTS},
    )


def coverage_map(frame: pl.DataFrame) -> Canvas:
    """Where the photos of a table were taken: a dot for each half degree, larger for more photos.

    Convention:
        - ``frame``: a photo table; photos without a place are not drawn
    """
    canvas, on_canvas = world_canvas("Where the photos were taken", room_px=14)
    binned = (
        frame.filter(pl.col("latitude").is_not_null())
        .group_by((pl.col("latitude", "longitude") / _BIN_DEG).round())
        .len("photos")
        .sort("photos", "latitude", "longitude", descending=[True, False, False])
    )
    places = binned.select(pl.col("latitude", "longitude") * _BIN_DEG).to_numpy()
    for point, photos in zip(on_canvas(places), binned["photos"].to_list(), strict=True):
        hint = "1 photo" if photos == 1 else f"{photos:,} photos"
        canvas.dot(point, 1.8 + 1.2 * float(np.log10(photos)), "model", hint)
    return canvas


def _check_target(folder: Path, replace: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is a file. Name a folder:  -o {folder.parent / 'datasheet'}")
    there = [file for file in (PAGE, TEXT, FACTS) if (folder / file).exists()]
    if there and not replace:
        raise UsageError(
            f"Folder '{folder}' holds {' and '.join(there)} already.\n"
            "Name another folder after -o, or let them be replaced with --replace."
        )
