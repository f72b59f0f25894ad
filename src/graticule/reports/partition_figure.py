"""A map of a partition for print: every cell where it lies, coloured by its photos, as PNG, SVG or PDF.

Drawn by matplotlib with Cartopy's projection and our own outlines of countries; nothing is downloaded.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.config import nearest, require
from graticule.errors import PartitionError, UsageError
from graticule.geo.outlines import country_outlines
from graticule.partitions.partition import Partition
from graticule.reports.palette import PALETTE

ENDINGS: Final = (".png", ".svg", ".pdf")
"""Kinds of picture, by the ending of the file's name."""

WIDTH_INCHES: Final = 10.0
DOTS_PER_INCH: Final = 200

_STEP_DEG: Final = 2.0  # a straight edge on the flat map becomes a curve of vertices so far apart
_COARSENESS_DEG: Final = 0.1


def check_figure_path(path: Path) -> None:
    """Refuse a picture that could not be written, before any work is done.

    Raises:
        MissingPackageError: matplotlib or Cartopy is not installed.
        UsageError: the ending of the name is of no picture that is drawn here.
    """
    if path.suffix.lower() not in ENDINGS:
        close = nearest(path.suffix.lower(), ENDINGS) or ENDINGS[0]
        raise UsageError(
            f"'{path}' does not end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}.\n"
            f"Type:  --figure {path.with_suffix(close)}"
        )
    require("matplotlib")
    require("cartopy")


def write_partition_figure(path: str | Path, partition: Partition, *, title: str) -> Path:
    """Draw the cells of ``partition`` on a map of the Earth (Equal Earth projection) into a file.

    Convention:
        - the ending of ``path`` says which kind of picture: one of ``ENDINGS``
        - colours go with the number of photos, on a logarithmic scale

    Raises:
        MissingPackageError: matplotlib or Cartopy is not installed.
        PartitionError: the file cannot be written.
        UsageError: the ending of the name is of no picture that is drawn here.
    """
    target = Path(path)
    check_figure_path(target)
    crs, backend = require("cartopy.crs"), require("matplotlib.backends.backend_agg")
    figure = require("matplotlib.figure").Figure(figsize=(WIDTH_INCHES, 0.56 * WIDTH_INCHES))
    backend.FigureCanvasAgg(figure)
    axes = figure.add_axes((0.02, 0.12, 0.96, 0.81), projection=crs.EqualEarth())
    axes.set_global()
    axes.set_facecolor(_colour("faint"))
    axes.spines["geo"].set_edgecolor(_colour("rule"))
    colours = _draw_cells(axes, partition)
    _draw_borders(axes)
    _draw_scale(figure, colours)
    axes.set_title(title, fontsize=11, color=_colour("ink"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, dpi=DOTS_PER_INCH, facecolor=_colour("ground"))
    except OSError as error:
        raise PartitionError(
            f"Cannot write the figure '{target}': {error.strerror}.\nName another file with --figure."
        ) from error
    return target


def _colour(name: str) -> str:
    return PALETTE[name][0]


def _draw_scale(figure: Any, colours: Any) -> None:
    """A bar that says which colour is how many photos, in round numbers."""
    ticker = require("matplotlib.ticker")
    bar = figure.colorbar(colours, cax=figure.add_axes((0.3, 0.085, 0.4, 0.018)), orientation="horizontal")
    bar.set_label("photos per cell", fontsize=8, color=_colour("soft"), labelpad=2)
    bar.set_ticks(ticker.LogLocator(subs=(1.0, 2.0, 5.0)), minor=False)
    bar.ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda photos, _: f"{photos:,.0f}"))
    bar.ax.xaxis.set_minor_locator(ticker.NullLocator())
    bar.ax.tick_params(labelsize=7, colors=_colour("soft"), length=2)
    bar.outline.set_visible(False)


def _draw_borders(axes: Any) -> None:
    """Countries as fine lines above the cells, which say where these lie."""
    land = shapely.simplify(country_outlines().polygons, _COARSENESS_DEG)
    land = land[~shapely.is_empty(land)]  # islets
    collection = require("matplotlib.collections").PatchCollection(
        _patches(axes, land), facecolor="none", edgecolor=_colour("ink"), linewidth=0.25, zorder=3
    )
    axes.add_collection(collection)


def _draw_cells(axes: Any, partition: Partition) -> Any:
    """The cells, from the largest to the smallest; what comes back tells colours from photos."""
    leaves = partition.nodes[partition.leaf_nodes]
    grounds = shapely.from_wkb(leaves["geometry"].to_numpy())
    order = np.argsort(-partition.areas_km2)
    photos = np.maximum(partition.photos, 1)
    scale = require("matplotlib.colors").LogNorm(photos.min(), max(int(photos.max()), int(photos.min()) + 1))
    collection = require("matplotlib.collections").PatchCollection(
        _patches(axes, grounds[order]), cmap="viridis", norm=scale, alpha=0.8, zorder=2
    )
    collection.set_array(photos[order])
    collection.set_edgecolor(_colour("sheet"))
    collection.set_linewidth(0.25)
    axes.add_collection(collection)
    return collection


def _patches(axes: Any, grounds: NDArray[np.object_]) -> list[Any]:
    """Shapely polygons of the flat map as shapes on the axes, holes left out.

    They are cut at the edge of the map already, so each vertex can be projected by itself.
    """
    rings, owner = shapely.get_parts(shapely.segmentize(grounds, _STEP_DEG), return_index=True)
    rings, part = shapely.get_rings(rings, return_index=True)
    owner = owner[part]
    lonlat = shapely.get_coordinates(rings)
    plain = require("cartopy.crs").PlateCarree()
    flat = axes.projection.transform_points(plain, lonlat[:, 0], lonlat[:, 1])[:, :2]
    path = require("matplotlib.path").Path
    sizes = shapely.get_num_coordinates(rings)
    ends = np.cumsum(sizes)
    codes = np.full(len(flat), path.LINETO)
    codes[ends - sizes], codes[ends - 1] = path.MOVETO, path.CLOSEPOLY
    # Rings of one ground follow each other, so its vertices are one slice.
    borders = [0, *ends[np.flatnonzero(np.diff(owner))], len(flat)]
    patch = require("matplotlib.patches").PathPatch
    return [patch(path(flat[start:end], codes[start:end])) for start, end in pairwise(borders)]
