"""A map for print of where a photo may have been taken: probability over the cells, the truth marked.

As in S1's experiment 2: brighter fills are more probable, a red dot is the truth. One photo fills the map,
zoomed to where the mass is or of the whole world; several become a page that shows the model sure and
unsure, right and wrong. Drawn by matplotlib and Cartopy with our own outlines; nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.config import require
from graticule.errors import PhotoError, PredictionsError
from graticule.geo.sphere import great_circle_km
from graticule.partitions import Partition
from graticule.photos.decode import decode
from graticule.predictions import Prediction, Predictions
from graticule.reports.cartography import (
    COARSENESS_DEG,
    DOTS_PER_INCH,
    borders,
    check_picture_path,
    colour,
    land,
    new_figure,
    patches,
    project,
)
from graticule.reports.world import way_between

Zoom = Literal["mass", "world"]

MOST_ON_PAGE: Final = 8
"""So many photos are shown on one page; of more, the ones that tell most."""

LEAST_SHARE: Final = 1e-4
"""Cells below it are not drawn: they could not be told from the ground."""

MASS_SHOWN: Final = 0.9
"""A zoomed map shows at least this share of the probability, and the truth."""

NARROWEST_KM: Final = 250.0
WIDEST_KM: Final = 3500.0
"""A map that would have to reach farther from its middle shows the world."""

FINE_BELOW_KM: Final = 1200.0
"""A map that reaches less far shows coasts as fine as we have them."""

THUMBNAIL_PX: Final = 320


def check_map_path(path: Path) -> None:
    """Refuse a picture that could not be written, before any work is done.

    Raises:
        MissingPackageError: matplotlib or Cartopy is not installed.
        UsageError: the ending of the name is of no picture that is drawn here.
    """
    check_picture_path(path, "--map")


def write_prediction_figure(
    path: str | Path,
    predictions: Predictions,
    *,
    truth: NDArray[np.float64] | None = None,
    zoom: Zoom = "mass",
) -> Path:
    """Draw where photos may have been taken into a PNG, SVG or PDF.

    Convention:
        - ``predictions``: straight from a model: a file holds no probabilities of all cells
        - ``truth``: (N, 2) places in (latitude, longitude) degrees, NaN where unknown, or None
        - of more than 8 photos those are shown in which the model is most and least sure, right and wrong

    Raises:
        MissingPackageError: matplotlib or Cartopy is not installed.
        PredictionsError: there is nothing to draw, or the probabilities of the cells are not there.
        UsageError: the ending of the name is of no picture that is drawn here.
    """
    target = Path(path)
    check_map_path(target)
    photos = _photos(predictions, truth)
    chosen = photos if len(photos) <= MOST_ON_PAGE else telling(photos)
    figure = _single(chosen[0], zoom) if len(chosen) == 1 else _page(chosen, zoom)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, dpi=DOTS_PER_INCH, facecolor=colour("ground"))
    except OSError as error:
        raise PredictionsError(
            f"Cannot write the map '{target}': {error.strerror}.\nName another file with --map."
        ) from error
    return target


@dataclass(frozen=True, eq=False)
class MappedPhoto:
    """One photo to be drawn.

    Convention:
        - ``shares``: (K,) probabilities of the cells of ``partition``
        - ``answer``: (latitude, longitude) in degrees; ``truth``: the same, or None where unknown
    """

    prediction: Prediction
    shares: NDArray[np.float64]
    partition: Partition
    answer: NDArray[np.float64]
    truth: NDArray[np.float64] | None

    @property
    def cells(self) -> float:
        """As how many equally likely cells the probability is spread: exp of its entropy."""
        known = self.shares[self.shares > 0]
        return float(np.exp(-(known * np.log(known)).sum()))

    @property
    def is_right(self) -> bool | None:
        """Whether the best cell holds the truth; None where that is unknown."""
        if self.truth is None:
            return None
        return int(self.partition.encode(self.truth)) == int(self.shares.argmax())

    @property
    def error_km(self) -> float | None:
        """Distance from the answer to the truth in km."""
        return None if self.truth is None else float(great_circle_km(self.answer, self.truth))


def _photos(predictions: Predictions, truth: NDArray[np.float64] | None) -> list[MappedPhoto]:
    partition, shares = predictions.partition, predictions.probabilities
    if partition is None or shares is None:
        raise PredictionsError(
            "A picture of the probabilities needs those of all cells, which a file of predictions does not "
            "hold.\nPredict again:  graticule predict PHOTOS --map map.png   (or --map map.html)"
        )
    found = []
    for row, prediction in enumerate(predictions):
        if prediction.latitude is None or prediction.longitude is None:
            continue
        known = None if truth is None or np.isnan(truth[row]).any() else np.asarray(truth[row])
        answer = np.array([prediction.latitude, prediction.longitude])
        found.append(MappedPhoto(prediction, shares[row].astype(np.float64), partition, answer, known))
    if not found:
        raise PredictionsError("None of the photos has an answer, so there is nothing to draw.")
    return found


def telling(photos: list[MappedPhoto], count: int = MOST_ON_PAGE) -> list[MappedPhoto]:
    """The photos that show most: the surest and the least sure, of those right and of those wrong.

    Photos of unknown truth make one kind. The order is: right, wrong, unknown; the surest first.
    """
    kinds = [
        sorted((photo for photo in photos if photo.is_right is kind), key=lambda photo: photo.cells)
        for kind in (True, False, None)
    ]
    kinds = [kind for kind in kinds if kind]
    places = [count // len(kinds)] * len(kinds)
    for number, kind in enumerate(kinds):  # what one kind cannot fill goes to the next
        spare = max(0, places[number] - len(kind))
        places[number] -= spare
        places[(number + 1) % len(kinds)] += spare
    chosen = []
    for kind, room in zip(kinds, places, strict=True):
        sure = kind[: (room + 1) // 2]
        rest = kind[len(sure) :]
        chosen += sure + rest[max(0, len(rest) - room // 2) :]
    return chosen[:count]


def _single(photo: MappedPhoto, zoom: Zoom) -> Any:
    figure = new_figure(10.0, 6.2)
    colours = _draw(figure, (0.02, 0.13, 0.96, 0.75), photo, zoom, fine=True)
    figure.text(0.03, 0.955, photo.prediction.photo_id, fontsize=12, color=colour("ink"), va="center")
    figure.text(0.03, 0.915, _caption(photo), fontsize=9, color=colour("soft"), va="center")
    bar = figure.colorbar(colours, cax=figure.add_axes((0.06, 0.075, 0.3, 0.02)), orientation="horizontal")
    _label(bar, size=8)
    _legend(figure, photo.truth is not None)
    return figure


def _page(photos: list[MappedPhoto], zoom: Zoom) -> Any:
    """Two columns of maps, each with its photo beside it."""
    rows = (len(photos) + 1) // 2
    height = 2.9 * rows + 0.6
    figure = new_figure(13.0, height)
    for number, photo in enumerate(photos):
        left = 0.01 + 0.5 * (number % 2)
        top = 1 - (number // 2) * 2.9 / height
        bottom = top - 2.75 / height
        picture = _thumbnail(photo.prediction)
        if picture is not None:
            axes = figure.add_axes((left, bottom + 0.25 / height, 0.115, 1.9 / height), anchor="NW")
            axes.imshow(picture)
            axes.set_axis_off()
        colours = _draw(figure, (left + 0.12, bottom + 0.12 / height, 0.355, 2.05 / height), photo, zoom)
        figure.text(
            left,
            top - 0.2 / height,
            photo.prediction.photo_id,
            fontsize=9.5,
            color=colour("ink"),
            va="center",
        )
        figure.text(
            left, top - 0.4 / height, _caption(photo), fontsize=7.5, color=colour("soft"), va="center"
        )
        cax = figure.add_axes((left, bottom + 0.17 / height, 0.095, 0.05 / height))
        _label(figure.colorbar(colours, cax=cax, orientation="horizontal"), size=6)
    _legend(figure, any(photo.truth is not None for photo in photos))
    return figure


def _draw(
    figure: Any, box: tuple[float, float, float, float], photo: MappedPhoto, zoom: Zoom, *, fine: bool = False
) -> Any:
    """One map; what comes back tells colours from probabilities."""
    crs = require("cartopy.crs")
    middle, reach_km = where_the_mass_is(photo)
    near = zoom == "mass" and reach_km <= WIDEST_KM
    projection = (
        crs.LambertAzimuthalEqualArea(central_longitude=float(middle[1]), central_latitude=float(middle[0]))
        if near
        else crs.EqualEarth()
    )
    axes = figure.add_axes(box, projection=projection)
    if near:
        half = max(reach_km, NARROWEST_KM) * 1.15e3
        wide = half * box[2] * figure.get_figwidth() / (box[3] * figure.get_figheight())
        axes.set_xlim(-wide, wide)
        axes.set_ylim(-half, half)
    else:
        axes.set_global()
    axes.set_facecolor(colour("faint"))
    axes.spines["geo"].set_edgecolor(colour("rule"))
    grounds = _near(land(0.0 if reach_km < FINE_BELOW_KM else COARSENESS_DEG), middle) if near else land()
    ground = require("matplotlib.collections").PatchCollection(
        patches(axes, grounds), facecolor=colour("land"), edgecolor="none", zorder=1
    )
    axes.add_collection(ground)
    colours = _draw_cells(axes, photo, middle if near else None)
    axes.add_collection(borders(axes, grounds=grounds, width=0.35 if near else 0.2))
    _draw_points(axes, photo, size=1.4 if fine else 1.0)
    return colours


def where_the_mass_is(photo: MappedPhoto) -> tuple[NDArray[np.float64], float]:
    """A middle (latitude, longitude), and how far from it in km the map must reach.

    The middle is the cell from which the expected distance is least; the map reaches over ``MASS_SHOWN`` of
    the probability, to the answer, and to the truth.
    """
    centres = photo.partition.centres
    likely = np.argsort(-photo.shares)[:200]  # the rest moves no median
    expected = great_circle_km(centres[likely, None], centres[None]) @ photo.shares
    middle = centres[likely[int(expected.argmin())]]
    away = great_circle_km(middle, centres)
    order = np.argsort(away)
    reached = np.searchsorted(photo.shares[order].cumsum(), MASS_SHOWN * photo.shares.sum())
    reach = float(away[order[min(int(reached), len(order) - 1)]])
    # half the width of the cell at the edge is part of it
    reach += float(np.sqrt(photo.partition.areas_km2[order[min(int(reached), len(order) - 1)]]) / 2)
    for place in (photo.answer, photo.truth):
        if place is not None:
            reach = max(reach, float(great_circle_km(middle, place)))
    return middle, reach


def _near(grounds: NDArray[np.object_], middle: NDArray[np.float64]) -> NDArray[np.object_]:
    """Polygons (parts of countries) that do not come near the point opposite of the middle."""
    parts = shapely.get_parts(grounds)
    rings = shapely.get_exterior_ring(parts)
    owner = np.repeat(np.arange(len(parts)), shapely.get_num_coordinates(rings))
    lonlat = shapely.get_coordinates(rings)
    far = great_circle_km(lonlat[:, ::-1].clip([-90, -180], [90, 180]), middle) > 13_000
    kept: NDArray[np.object_] = parts[np.bincount(owner[far], minlength=len(parts)) == 0]
    return kept


def _draw_cells(axes: Any, photo: MappedPhoto, middle: NDArray[np.float64] | None) -> Any:
    partition, shares = photo.partition, photo.shares
    drawn = shares >= min(LEAST_SHARE, shares.max())
    if middle is not None:
        drawn &= great_circle_km(middle, partition.centres) < 9_000
    cells = np.flatnonzero(drawn)
    cells = cells[np.argsort(-partition.areas_km2[cells])]  # small ones on top
    outlines = partition.nodes["geometry"].to_numpy()[partition.leaf_nodes[cells]]
    matplotlib = require("matplotlib.colors")
    scale = matplotlib.LinearSegmentedColormap.from_list(
        "probability", ["#cfe3df", "#5aa9a3", "#12747a", "#0b3f59", "#1c1440"]
    )
    collection = require("matplotlib.collections").PatchCollection(
        patches(axes, shapely.from_wkb(outlines)),
        cmap=scale,
        norm=matplotlib.Normalize(0.0, float(shares.max())),
        alpha=0.85,
        zorder=2,
    )
    collection.set_array(shares[cells])
    collection.set_edgecolor(colour("sheet"))
    collection.set_linewidth(0.2)
    axes.add_collection(collection)
    return collection


def _draw_points(axes: Any, photo: MappedPhoto, *, size: float) -> None:
    edge = {"markeredgecolor": colour("sheet"), "markeredgewidth": 0.8, "linestyle": "none", "zorder": 6}
    if photo.truth is not None:
        way = project(axes, way_between(photo.answer, photo.truth))
        jumps = np.hypot(*np.diff(way, axis=0).T) > 4e6  # across the edge of the map
        for piece in np.split(way, np.flatnonzero(jumps) + 1):
            axes.plot(*piece.T, color=colour("warn"), linewidth=0.8 * size, linestyle=(0, (3, 2)), zorder=4)
    x, y = project(axes, photo.answer)[0]
    axes.plot(x, y, "D", color=colour("constant"), markersize=4.5 * size, **edge)
    if photo.truth is not None:
        x, y = project(axes, photo.truth)[0]
        axes.plot(x, y, "o", color="#d01c1c", markersize=5 * size, **edge)


def _caption(photo: MappedPhoto) -> str:
    best = photo.partition.names[int(photo.shares.argmax())]
    spread = "concentrated" if photo.cells < 10 else "diffuse" if photo.cells > 50 else "spread"
    over = f"{photo.cells:,.0f} cells" if photo.cells >= 1.5 else "1 cell"
    text = f"best cell {best}, {100 * photo.shares.max():.1f} %; {spread} (as over {over})"
    if photo.error_km is not None:
        text += f"; {'right' if photo.is_right else 'wrong'} cell, {photo.error_km:,.0f} km off"
    return text


def _label(bar: Any, *, size: float) -> None:
    ticker = require("matplotlib.ticker")
    bar.set_label("probability of a cell, %", fontsize=size, color=colour("soft"), labelpad=2)
    bar.locator = ticker.MaxNLocator(4)
    bar.formatter = ticker.FuncFormatter(lambda share, _: f"{100 * share:g}")
    bar.update_ticks()
    bar.ax.tick_params(labelsize=size - 1, colors=colour("soft"), length=2)
    bar.outline.set_visible(False)


def _legend(figure: Any, has_truth: bool) -> None:
    line = require("matplotlib.lines").Line2D
    marks = [
        line([], [], marker="D", color=colour("constant"), linestyle="none", markersize=5, label="answer")
    ]
    if has_truth:
        marks.append(line([], [], marker="o", color="#d01c1c", linestyle="none", markersize=6, label="truth"))
    figure.legend(
        handles=marks, loc="lower right", ncols=2, frameon=False, fontsize=8, labelcolor=colour("soft")
    )


def _thumbnail(prediction: Prediction) -> Any:
    if prediction.path is None:
        return None
    try:
        picture = decode(prediction.path, min_side_px=THUMBNAIL_PX)
    except PhotoError:  # the file went away since it was predicted; the map stands without its picture
        return None
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    return np.asarray(picture)
