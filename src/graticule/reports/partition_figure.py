"""A map of a partition for print: every cell where it lies, coloured by its photos, as PNG, SVG or PDF.

Drawn by matplotlib with Cartopy's projection and our own outlines of countries; nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely

from graticule.config import require
from graticule.errors import PartitionError
from graticule.partitions.partition import Partition
from graticule.reports.cartography import (
    DOTS_PER_INCH,
    borders,
    check_picture_path,
    colour,
    new_figure,
    patches,
)

WIDTH_INCHES: Final = 10.0


def check_figure_path(path: Path) -> None:
    """Refuse a picture that could not be written, before any work is done.

    Raises:
        MissingPackageError: matplotlib or Cartopy is not installed.
        UsageError: the ending of the name is of no picture that is drawn here.
    """
    check_picture_path(path, "--figure")


def write_partition_figure(path: str | Path, partition: Partition, *, title: str) -> Path:
    """Draw the cells of ``partition`` on a map of the Earth (Equal Earth projection) into a file.

    Convention:
        - the ending of ``path`` says which kind of picture: one of ``cartography.ENDINGS``
        - colours go with the number of photos, on a logarithmic scale

    Raises:
        MissingPackageError: matplotlib or Cartopy is not installed.
        PartitionError: the file cannot be written.
        UsageError: the ending of the name is of no picture that is drawn here.
    """
    target = Path(path)
    check_figure_path(target)
    crs = require("cartopy.crs")
    figure = new_figure(WIDTH_INCHES, 0.56 * WIDTH_INCHES)
    axes = figure.add_axes((0.02, 0.12, 0.96, 0.81), projection=crs.EqualEarth())
    axes.set_global()
    axes.set_facecolor(colour("faint"))
    axes.spines["geo"].set_edgecolor(colour("rule"))
    colours = _draw_cells(axes, partition)
    axes.add_collection(borders(axes))
    _draw_scale(figure, colours)
    axes.set_title(title, fontsize=11, color=colour("ink"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, dpi=DOTS_PER_INCH, facecolor=colour("ground"))
    except OSError as error:
        raise PartitionError(
            f"Cannot write the figure '{target}': {error.strerror}.\nName another file with --figure."
        ) from error
    return target


def _draw_scale(figure: Any, colours: Any) -> None:
    """A bar that says which colour is how many photos, in round numbers."""
    ticker = require("matplotlib.ticker")
    bar = figure.colorbar(colours, cax=figure.add_axes((0.3, 0.085, 0.4, 0.018)), orientation="horizontal")
    bar.set_label("photos per cell", fontsize=8, color=colour("soft"), labelpad=2)
    bar.set_ticks(ticker.LogLocator(subs=(1.0, 2.0, 5.0)), minor=False)
    bar.ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda photos, _: f"{photos:,.0f}"))
    bar.ax.xaxis.set_minor_locator(ticker.NullLocator())
    bar.ax.tick_params(labelsize=7, colors=colour("soft"), length=2)
    bar.outline.set_visible(False)


def _draw_cells(axes: Any, partition: Partition) -> Any:
    """The cells, from the largest to the smallest; what comes back tells colours from photos."""
    leaves = partition.nodes[partition.leaf_nodes]
    grounds = shapely.from_wkb(leaves["geometry"].to_numpy())
    order = np.argsort(-partition.areas_km2)
    photos = np.maximum(partition.photos, 1)
    scale = require("matplotlib.colors").LogNorm(photos.min(), max(int(photos.max()), int(photos.min()) + 1))
    collection = require("matplotlib.collections").PatchCollection(
        patches(axes, grounds[order]), cmap="viridis", norm=scale, alpha=0.8, zorder=2
    )
    collection.set_array(photos[order])
    collection.set_edgecolor(colour("sheet"))
    collection.set_linewidth(0.25)
    axes.add_collection(collection)
    return collection
