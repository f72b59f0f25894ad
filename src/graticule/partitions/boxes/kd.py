"""A k-d tree on the sphere: the Earth cut in two, again and again, where the photos are (S4's future work).

Both sides of a cut keep their photos, so no place is ever dropped: the cells cover the whole Earth.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import UsageError
from graticule.partitions.boxes.tree import box_tree
from graticule.partitions.cells.box_cells import WORLD, on_map
from graticule.partitions.cells.box_search import EAST, NORTH, SOUTH, WEST
from graticule.partitions.limits import check_limits, check_whole
from graticule.partitions.partition import Partition, Source
from graticule.partitions.places import checked_places, middles, places_fingerprint, running_total

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Box = tuple[float, float, float, float]

ROOT: Final = "k"
"""Token of the whole Earth; each cut adds a letter: s, n, w or e."""

LEAST_SHARE: Final = 0.25
"""A cut at the median itself runs through towns; with so much freedom it passes between them. On MP-16's
places that takes a third off the distance to the cell's centre, at the same number of cells."""


@dataclasses.dataclass(frozen=True)
class KdSettings:
    """When a box is cut, and how far.

    Convention:
        - a box with more than ``max_photos`` is cut; with ``cells`` given, the fullest box is cut until there
          are so many, or until none has more than ``max_photos``
        - no cut leaves a side with fewer than ``min_photos``
        - ``least_share``: share of a box's photos that each side gets at least, where any cut does so; among
          these cuts the one through the widest gap between photos is taken. 0.5 cuts at the median photo

    Raises:
        UsageError: neither ``max_photos`` nor ``cells`` is given, or a number is out of range.
    """

    max_photos: int | None
    min_photos: int = 1
    cells: int | None = None
    least_share: float = LEAST_SHARE

    def __post_init__(self) -> None:
        if self.max_photos is None and self.cells is None:
            raise UsageError(
                "Nothing says when to stop cutting.\nType:  `max_photos=300`   or   `cells=1000`"
            )
        check_limits(self.max_photos, self.min_photos)
        check_whole(1, cells=self.cells)
        if not 0.0 <= self.least_share <= 0.5:
            raise UsageError(
                f"A share of {self.least_share} cannot be left on both sides of a cut, expected 0 to 0.5.\n"
                f"Type:  `least_share={LEAST_SHARE}`"
            )


class _Node(NamedTuple):
    """A box and its places, ``first <= i < last`` in the present order."""

    way: str
    box: Box
    first: int
    last: int
    photos: int


class _Cut(NamedTuple):
    axis: int  # 0 along a parallel, 1 along a meridian
    at: float
    photos_before: int


def build_kd(
    latlon: ArrayLike,
    *,
    max_photos: int | None = None,
    min_photos: int = 1,
    cells: int | None = None,
    least_share: float = LEAST_SHARE,
    weights: ArrayLike | None = None,
) -> Partition:
    """The Earth cut in two across the longer side, where the photos are, until no cell holds too many.

    Starts from the whole Earth and cuts every box along a meridian or a parallel, across the longer of its
    height and its width (at its widest, in km), through the widest gap between photos that leaves both sides
    their share; across the other side where the first cannot be cut. Photos of one coordinate are never
    parted. The cells cover every place on Earth, so no photo is dropped; a cell that cannot be cut, such as
    one with all its photos at one place, stays whole, however full.

    Convention:
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees**
        - ``max_photos``, ``min_photos``, ``cells``, ``least_share``: see ``KdSettings``
        - ``weights``: (N,) number of photos at each place, whole; 1 each when left out
        - the antimeridian is an edge; cells are numbered south before north and west before east of each cut

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        TableError: there is no photo.
        UsageError: limits contradict each other, or ``weights`` are not whole numbers.

    Source:
        J. L. Bentley, "Multidimensional binary search trees", CACM 18 (1975); the longer side after N. Vo et
        al., "Revisiting IM2GPS in the deep learning era" (2017); S4, chapter 8, "World Cell Preservation".

    Example:
        >>> partition = build_kd([[48.86, 2.35], [52.5, 13.4], [39.9, 116.4], [-33.9, 151.2]], max_photos=1)
        >>> partition.tokens
        ['kww', 'kwe', 'kes', 'ken']
        >>> partition.encode([[0, 0], [90, 0]]).tolist()
        [0, 0]
    """
    settings = KdSettings(max_photos, min_photos, cells, least_share)
    places, photos = checked_places(latlon, weights)
    points = _Points.of(places, photos)
    nodes = _grown(points, settings)
    leaves = [node for node, is_leaf in nodes if is_leaf]
    first = np.array([leaf.first for leaf in leaves])
    last = np.array([leaf.last for leaf in leaves])
    ordered = np.column_stack([points.coordinates[0], points.coordinates[1]])
    sums, typical = middles(ordered, running_total(points.photos, len(ordered)), first, last)
    tree = box_tree(
        [ROOT + node.way for node, _ in nodes],
        np.array([node.box for node, _ in nodes]),
        [ROOT + leaf.way for leaf in leaves],
        np.array([leaf.photos for leaf in leaves]),
        sums,
    )
    source = Source(
        photos=len(places) if photos is None else int(photos.sum()),
        places=len(places),
        dropped_photos=0,
        dropped_cells=0,
        fingerprint=places_fingerprint(places, photos),
    )
    return Partition(tree, "kd", dataclasses.asdict(settings), source, named_at=ordered[typical])


@dataclasses.dataclass
class _Points:
    """Places and their photos, put in order as boxes are cut."""

    coordinates: tuple[Array, Array]
    photos: Counts | None

    @classmethod
    def of(cls, places: Array, photos: Counts | None) -> _Points:
        if photos is not None:
            places, photos = places[photos > 0], photos[photos > 0]
        latitude, longitude = on_map(places, whole_earth=True)
        return cls((latitude.copy(), longitude.copy()), photos)

    def cut(self, node: _Node, axis: int, settings: KdSettings) -> _Cut | None:
        """The best cut across one axis; None where too few photos would lie on a side.

        Among the cuts that leave each side its share of the photos, the one through the widest gap; where a
        place with many photos leaves no such cut, the most even one.
        """
        values = self.coordinates[axis][node.first : node.last]
        if self.photos is None:
            values, before = np.sort(values), None
        else:
            order = np.argsort(values)
            values, before = values[order], np.cumsum(self.photos[node.first : node.last][order])
        least = max(settings.min_photos, math.ceil(settings.least_share * node.photos))
        rows = _rows_between(len(values), before, least, node.photos - least)
        gaps = values[rows] - values[rows - 1]
        if not len(gaps) or gaps.max() <= 0.0:
            rows = _rows_between(len(values), before, settings.min_photos, node.photos - settings.min_photos)
            rows = rows[values[rows] > values[rows - 1]]
            photos = rows if before is None else before[rows - 1]
            gaps = -np.abs(2 * photos - node.photos)
        if not len(rows):
            return None
        row = int(rows[gaps.argmax()])
        return _Cut(
            axis, _between(values[row - 1], values[row]), row if before is None else int(before[row - 1])
        )

    def part(self, node: _Node, cut: _Cut) -> int:
        """Put the places before the cut first; the result is where the others begin."""
        mine = slice(node.first, node.last)
        before = self.coordinates[cut.axis][mine] < cut.at
        after = ~before
        for column in (*self.coordinates, *([] if self.photos is None else [self.photos])):
            column[mine] = np.concatenate([column[mine][before], column[mine][after]])
        return node.first + int(np.count_nonzero(before))


def _rows_between(count: int, before: Counts | None, least: int, most: int) -> Counts:
    """Rows 1..count-1 before which lie at least ``least`` and at most ``most`` photos."""
    if before is None:
        return np.arange(max(1, least), min(count - 1, most) + 1)
    first, last = int(np.searchsorted(before, least)), int(np.searchsorted(before, most, side="right"))
    return np.arange(first + 1, min(count - 1, last) + 1)


def _between(low: float, high: float) -> float:
    """A cut above ``low`` and not above ``high``, half way."""
    middle = low / 2 + high / 2
    return float(middle if low < middle <= high else high)


def _grown(points: _Points, settings: KdSettings) -> list[tuple[_Node, bool]]:
    """All nodes, and whether each is a leaf, in the order of a walk."""
    count = len(points.coordinates[0])
    photos = count if points.photos is None else int(points.photos.sum())
    root = _Node("", WORLD, 0, count, photos)
    most = settings.max_photos if settings.max_photos is not None else 1
    waiting = [(-photos, root)]
    done: list[tuple[_Node, bool]] = []
    leaves = 1
    while waiting:
        # The fullest first matters only when the number of cells is limited.
        node = heapq.heappop(waiting)[1]
        cut = None
        if node.photos > most and (settings.cells is None or leaves < settings.cells):
            cut = _best_cut(points, node, settings)
        done.append((node, cut is None))
        if cut is not None:
            leaves += 1
            for half in _halves(node, cut, points.part(node, cut)):
                heapq.heappush(waiting, (-half.photos, half))
    order = str.maketrans("swne", "0011")
    return sorted(done, key=lambda entry: entry[0].way.translate(order))


def _best_cut(points: _Points, node: _Node, settings: KdSettings) -> _Cut | None:
    for axis in _longer_side_first(node.box):
        cut = points.cut(node, axis, settings)
        if cut is not None:
            return cut
    return None


def _longer_side_first(box: Box) -> tuple[int, int]:
    south, west, north, east = box
    widest = 0.0 if south <= 0.0 <= north else min(abs(south), abs(north))
    return (1, 0) if (east - west) * math.cos(math.radians(widest)) >= north - south else (0, 1)


def _halves(node: _Node, cut: _Cut, middle: int) -> tuple[_Node, _Node]:
    low, high = list(node.box), list(node.box)
    low[NORTH if cut.axis == 0 else EAST] = cut.at
    high[SOUTH if cut.axis == 0 else WEST] = cut.at
    letters = "sn" if cut.axis == 0 else "we"
    south, west, north, east = low
    before = _Node(node.way + letters[0], (south, west, north, east), node.first, middle, cut.photos_before)
    south, west, north, east = high
    after = _Node(
        node.way + letters[1],
        (south, west, north, east),
        middle,
        node.last,
        node.photos - cut.photos_before,
    )
    return before, after
