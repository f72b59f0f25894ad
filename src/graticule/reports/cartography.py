"""What maps for print have in common: matplotlib with Cartopy's projections, fed with our own outlines.

Nothing is downloaded: Cartopy projects, and what is drawn comes from ``graticule.geo``.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.config import nearest, require
from graticule.errors import UsageError
from graticule.geo.outlines import country_outlines
from graticule.reports.palette import PALETTE

ENDINGS: Final = (".png", ".svg", ".pdf")
"""Kinds of picture, by the ending of the file's name."""

DOTS_PER_INCH: Final = 200

STEP_DEG: Final = 2.0  # a straight edge on the flat map becomes a curve of vertices so far apart
COARSENESS_DEG: Final = 0.1


def check_picture_path(path: Path, option: str) -> None:
    """Refuse a picture that could not be written, before any work is done.

    Convention:
        - ``option``: what the user typed before the path: "--figure"

    Raises:
        MissingPackageError: matplotlib or Cartopy is not installed.
        UsageError: the ending of the name is of no picture that is drawn here.
    """
    if path.suffix.lower() not in ENDINGS:
        close = nearest(path.suffix.lower(), ENDINGS) or ENDINGS[0]
        raise UsageError(
            f"'{path}' does not end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}.\n"
            f"Type:  {option} {path.with_suffix(close)}"
        )
    require("matplotlib")
    require("cartopy")


def colour(name: str) -> str:
    """A colour of the palette on light ground."""
    return PALETTE[name][0]


def new_figure(width_inches: float, height_inches: float) -> Any:
    """An empty matplotlib figure that needs no screen."""
    figure = require("matplotlib.figure").Figure(figsize=(width_inches, height_inches))
    require("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    return figure


@cache
def land(coarseness_deg: float = COARSENESS_DEG) -> NDArray[np.object_]:
    """Countries as simplified polygons in (longitude, latitude), without what is smaller than that."""
    found = shapely.simplify(country_outlines().polygons, coarseness_deg)
    kept: NDArray[np.object_] = found[~shapely.is_empty(found)]
    return kept


def borders(axes: Any, *, grounds: NDArray[np.object_] | None = None, width: float = 0.25) -> Any:
    """Countries as fine lines above what else is drawn."""
    return require("matplotlib.collections").PatchCollection(
        patches(axes, land() if grounds is None else grounds),
        facecolor="none",
        edgecolor=colour("ink"),
        linewidth=width,
        zorder=3,
    )


def patches(axes: Any, grounds: NDArray[np.object_]) -> list[Any]:
    """Shapely polygons of the flat map as shapes on the axes, holes left out.

    They are cut at the edge of the map already, so each vertex can be projected by itself.
    """
    rings, owner = shapely.get_parts(shapely.segmentize(grounds, STEP_DEG), return_index=True)
    rings, part = shapely.get_rings(rings, return_index=True)
    owner = owner[part]
    if not len(rings):
        return []
    lonlat = shapely.get_coordinates(rings)
    flat = project(axes, lonlat[:, ::-1])
    path = require("matplotlib.path").Path
    sizes = shapely.get_num_coordinates(rings)
    ends = np.cumsum(sizes)
    codes = np.full(len(flat), path.LINETO)
    codes[ends - sizes], codes[ends - 1] = path.MOVETO, path.CLOSEPOLY
    # Rings of one ground follow each other, so its vertices are one slice.
    edges = [0, *ends[np.flatnonzero(np.diff(owner))], len(flat)]
    patch = require("matplotlib.patches").PathPatch
    return [patch(path(flat[start:end], codes[start:end])) for start, end in pairwise(edges)]


def project(axes: Any, latlon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places (n, 2) in (latitude, longitude) degrees on the axes, (n, 2) in the projection's metres."""
    places = np.asarray(latlon, dtype=np.float64).reshape(-1, 2)
    plain = require("cartopy.crs").PlateCarree()
    flat: NDArray[np.float64] = axes.projection.transform_points(plain, places[:, 1], places[:, 0])[:, :2]
    return flat
