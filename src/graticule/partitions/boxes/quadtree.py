"""A quadtree in degrees, exactly as OSV-5M's: each box into four at its middle, from the data's extent on.

Boxes of equal degrees are narrow in the north and wide at the equator, and the starting box hangs on the
outermost photos: for new work prefer ``s2`` or ``kd``. This one is for models of OSV-5M and comparisons.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import PartitionError, UsageError
from graticule.partitions.boxes.grid import Grid
from graticule.partitions.boxes.tree import box_tree
from graticule.partitions.cells.box_cells import on_map
from graticule.partitions.limits import check_limits, check_whole
from graticule.partitions.partition import Partition, Source
from graticule.partitions.places import checked_places, middles, places_fingerprint, running_total

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Ids = NDArray[np.uint64]

ROOT: Final = "q"
"""Token of the starting box; a level adds a digit: 0 south-west, 1 south-east, 2 north-west, 3 north-east."""

DEEPEST: Final = 20
"""The deepest grid that is kept: its boxes are a million times smaller than the starting box."""


@dataclasses.dataclass(frozen=True)
class QuadtreeSettings:
    """When a box splits, and which cells stay.

    Convention:
        - a box with more than ``max_photos`` splits into four, at most ``depth`` times from the starting box
        - a leaf with fewer than ``min_photos`` is dropped; empty quarters always are

    Raises:
        UsageError: ``min_photos`` is over ``max_photos`` or under 1, or the depth is not in 0..20.
    """

    max_photos: int
    min_photos: int = 1
    depth: int = 10

    def __post_init__(self) -> None:
        check_limits(self.max_photos, self.min_photos)
        check_whole(0, depth=self.depth)
        if not 0 <= self.depth <= DEEPEST:
            raise UsageError(
                f"A depth of {self.depth} is not within 0 to {DEEPEST}.\nType, for example:  `depth=10`"
            )


# OSV-5M publishes depth 10 with these numbers; its script splits a box that holds the number or more.
PRESETS: Final[Mapping[str, QuadtreeSettings]] = MappingProxyType(
    {
        f"osv5m-{number}": QuadtreeSettings(number - 1)
        for number in (500, 1000, 2500, 5000, 12500, 25000, 50000)
    }
)
"""OSV-5M's settings, by the number in the name of its column: ``quadtree_10_1000`` is ``osv5m-1000``."""


class _Leaves(NamedTuple):
    """Boxes that split no more, along the Z-shaped way; their places are ``first <= i < last``."""

    tokens: list[str]
    first: Counts
    last: Counts
    photos: Counts


def build_quadtree(
    latlon: ArrayLike,
    *,
    max_photos: int,
    min_photos: int = 1,
    depth: int = 10,
    box: Sequence[Sequence[float]] | None = None,
    weights: ArrayLike | None = None,
) -> Partition:
    """Boxes in degrees that split into four at their middle while they hold more than ``max_photos``.

    Convention:
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees**
        - ``box``: the starting box, its south-western and north-eastern corner as (latitude, longitude); the
          extent of the places when left out. Photos outside it count as dropped
        - ``weights``: (N,) number of photos at each place, whole; 1 each when left out
        - a box holds its southern and western edges; the starting box holds all of its own
        - cells are numbered as OSV-5M's: within each box south-west, south-east, north-west, north-east

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        PartitionError: all places lie on one parallel or meridian, or no cell is left.
        TableError: there is no photo.
        UsageError: limits contradict each other, or ``weights`` are not whole numbers.

    Source:
        G. Astruc et al., "OpenStreetView-5M" (2024), section 4.3 and the published cells.

    Example:
        >>> partition = build_quadtree([[0, 0], [1, 1], [1.1, 1], [4, 4]], max_photos=2, depth=2)
        >>> partition.tokens, partition.photos.tolist()
        (['q00', 'q03', 'q3'], [1, 2, 1])
        >>> partition.encode([[2, 2], [2, 1], [5, 5]]).tolist()
        [2, -1, -1]
    """
    settings = QuadtreeSettings(max_photos, min_photos, depth)
    places, photos = checked_places(latlon, weights)
    latitude, longitude = on_map(places, whole_earth=False)
    grid = Grid.of(*_corners(latitude, longitude, photos, box), depth)
    codes, inside = grid.codes(latitude, longitude)
    order = np.flatnonzero(inside)[np.argsort(codes[inside])]
    total = running_total(None if photos is None else photos[order], len(order))
    leaves = _split(codes[order], total, settings)
    kept = _kept(leaves, settings)
    everything = len(places) if photos is None else int(photos.sum())
    source = Source(
        photos=everything,
        places=len(places),
        dropped_photos=everything - int(kept.photos.sum()),
        dropped_cells=len(leaves.tokens) - len(kept.tokens),
        fingerprint=places_fingerprint(places, photos),
    )
    ordered = places[order]
    sums, typical = middles(ordered, total, kept.first, kept.last)
    parameters = {**dataclasses.asdict(settings), "box": _box_of(grid)}
    return quadtree_partition(grid, kept.tokens, kept.photos, sums, parameters, source, ordered[typical])


def quadtree_partition(
    grid: Grid,
    tokens: Sequence[str],
    photos: Counts,
    sums: Array,
    parameters: Mapping[str, object],
    source: Source,
    named_at: Array,
) -> Partition:
    """The partition whose cells are the boxes of ``tokens`` (K,), which are sorted.

    Convention:
        - ``photos`` (K,), ``sums`` (K, 3) of their unit vectors and ``named_at`` (K, 2) belong to the cells
    """
    nodes = sorted({token[:length] for token in tokens for length in range(1, len(token) + 1)})
    tree = box_tree(nodes, grid.boxes(nodes), tokens, photos, sums)
    return Partition(tree, "quadtree", parameters, source, named_at=named_at)


def _corners(
    latitude: Array, longitude: Array, photos: Counts | None, box: Sequence[Sequence[float]] | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    if box is not None:
        corners = np.asarray(box, dtype=np.float64)
        if corners.shape != (2, 2):
            raise UsageError(
                f"The starting box has corners of shape {corners.shape}, expected (2, 2).\nGive its "
                "south-western and its north-eastern corner:  [[south, west], [north, east]]"
            )
        (south, west), (north, east) = corners.tolist()
        if not (-90 <= south < north <= 90 and -180 <= west < east <= 180):
            raise UsageError(
                f"The starting box ({south}, {west}) to ({north}, {east}) is none.\nGive its south-western "
                "and north-eastern corner as (latitude, longitude) in degrees, west before east."
            )
        return (south, west), (north, east)
    if photos is not None:
        latitude, longitude = latitude[photos > 0], longitude[photos > 0]
    low = float(latitude.min()), float(longitude.min())
    high = float(latitude.max()), float(longitude.max())
    if low[0] == high[0] or low[1] == high[1]:
        where = "place" if low == high else "latitude" if low[0] == high[0] else "longitude"
        raise PartitionError(
            f"All photos lie at one {where}, so there is no box around them to split.\n"
            "Type:  `method=s2`   or   `method=kd`"
        )
    return low, high


def _box_of(grid: Grid) -> list[list[float]]:
    return [
        [float(grid.latitude[0]), float(grid.longitude[0])],
        [float(grid.latitude[-1]), float(grid.longitude[-1])],
    ]


def _split(codes: Ids, total: Counts, settings: QuadtreeSettings) -> _Leaves:
    """The leaves over sorted codes of the finest boxes."""
    depth = settings.depth
    boxes: Ids = np.zeros(1, dtype=np.uint64)  # their codes at their own level
    tokens: list[str] = []
    found: list[tuple[Counts, Counts, Counts]] = []
    for level in range(depth + 1):
        shift = np.uint64(2 * (depth - level))
        first = np.searchsorted(codes, boxes << shift)
        last = np.searchsorted(codes, (boxes + np.uint64(1)) << shift)
        photos = total[last] - total[first]
        splits = (photos > settings.max_photos) & (level < depth)
        whole = (photos > 0) & ~splits
        tokens += [_token(code, level) for code in boxes[whole].tolist()]
        found.append((first[whole], last[whole], photos[whole]))
        boxes = (boxes[splits, None] << np.uint64(2) | np.arange(4, dtype=np.uint64)).reshape(-1)
    first, last, photos = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(first)
    return _Leaves([tokens[row] for row in order], first[order], last[order], photos[order])


def _token(code: int, level: int) -> str:
    return ROOT + "".join(str(code >> 2 * step & 3) for step in range(level - 1, -1, -1))


def _kept(leaves: _Leaves, settings: QuadtreeSettings) -> _Leaves:
    rows = np.flatnonzero(leaves.photos >= settings.min_photos)
    if not len(leaves.tokens):
        raise PartitionError(
            "No photo lies in the starting box.\nGive a box around the photos, or leave it out."
        )
    if not len(rows):
        fullest = int(leaves.photos.max())
        raise PartitionError(
            f"No cell is left: the fullest holds {fullest:,} photos, and at least {settings.min_photos:,} "
            f"are asked for.\nType:  `max_photos={settings.max_photos}, min_photos={fullest}`"
        )
    return _Leaves(
        [leaves.tokens[row] for row in rows], leaves.first[rows], leaves.last[rows], leaves.photos[rows]
    )
