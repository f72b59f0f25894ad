"""Every option of every method, in one place: an option means the same wherever it is taken."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from graticule.partitions.limits import MAX_PHOTOS, MIN_PHOTOS


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of one or more methods.

    Convention:
        - ``flag`` is what is typed, ``"--max"``; ``kind`` turns the word into a value: ``int``, ``float``,
          ``str``, ``pathlib.Path``, or ``bool`` for a switch
    """

    flag: str
    kind: type
    help: str
    metavar: str | None = None


OPTIONS: Final[Mapping[str, Option]] = {
    "preset": Option(
        "--preset",
        str,
        "A source system's numbers. s2: cnn-vit (max 100, min 20), hmc-4, hmc-14, hmc-50, hmc-89, hmc-110 "
        "(by its number of cells on a million photos); quadtree: osv5m-500, -1000, -2500, -5000, -12500, "
        "-25000, -50000; multi: geoestimation. Options given beside it win.",
        metavar="NAME",
    ),
    "max_photos": Option(
        "--max",
        int,
        "A cell with more photos splits; for multi, of the finest cells.  "
        f"[default: {MAX_PHOTOS}; quadtree: 999]",
    ),
    "min_photos": Option(
        "--min",
        int,
        "A cell with fewer is dropped, or joined to a neighbour by admin and semantic.  "
        f"[default: {MIN_PHOTOS}; clusters: 1]",
    ),
    "start_level": Option(
        "--start-level", int, "S2 level to start from, 0 (a sixth of the Earth) to 30.  [default: 2]"
    ),
    "end_level": Option("--end-level", int, "S2 level at which cells split no more.  [default: 30]"),
    "merge_small": Option(
        "--merge-small",
        bool,
        "Give cells that are too small, and empty ground, to the nearest cell left in the tree: no photo is "
        "dropped, and the cells cover the Earth.",
    ),
    "least_share": Option(
        "--least-share",
        float,
        "Share of the photos that each side of a cut gets at least; the widest gap between photos wins among "
        "such cuts. 0.5 cuts at the median.  [default: 0.25]",
    ),
    "depth": Option("--depth", int, "How often a box splits at most.  [default: 10]"),
    "from_file": Option(
        "--from", Path, "Take the cells of this CSV, as OSV-5M publishes it, and count the photos in them."
    ),
    "of": Option("--of", str, "Method of the several resolutions.  [default: s2]", metavar="METHOD"),
    "resolutions": Option(
        "--resolutions",
        str,
        "--max of each resolution, or --cells or --groups where the method has no --max.  "
        "[default: five times, twice and once --max]",
        metavar="N,N,N",
    ),
    "cells": Option("--cells", int, "How many cells are wanted.  [default of admin: 129]"),
    "polygons": Option(
        "--polygons",
        Path,
        "GeoJSON or GeoPackage to start from, in longitude and latitude.  [default: the bundled countries]",
    ),
    "layer": Option("--layer", str, "Layer of the GeoPackage, where it has several.", metavar="NAME"),
    "polygon_names": Option(
        "--polygon-names", str, "Its column that names the polygons.  [default: found out]", metavar="COLUMN"
    ),
    "reach_km": Option(
        "--reach", float, "A place off all polygons joins the nearest up to this far, in km.  [default: 25]"
    ),
    "groups": Option("--groups", int, "How many groups are wanted.  [default: 15]"),
    "features": Option(
        "--features",
        str,
        "What countries are grouped by: climate (January and July temperature), climate-geography (with "
        "absolute latitude and longitude), or a CSV with a column 'country' and numbers.  [default: climate]",
        metavar="NAME|FILE",
    ),
    "confusion": Option("--confusion", Path, "CSV of a model's confusion matrix; needed."),
    "cells_file": Option(
        "--cells-file", Path, "Partition whose cells are the classes.  [default: countries]"
    ),
}
"""Every option of every method, by the name under which a method gets its value."""
