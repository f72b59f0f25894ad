"""Adaptive S2 cells: small where there are many photos, large where there are few (S1, S4; after PlaNet).

All work is on ranges of the sorted S2 ids: a cell is a range of the Hilbert curve, so its photos are two
binary searches, and no photo is touched again while cells split.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import PartitionError, UsageError
from graticule.geo import s2
from graticule.geo.sphere import latlon_of
from graticule.partitions.limits import check_limits, check_whole
from graticule.partitions.partition import Partition, Source
from graticule.partitions.places import checked_places, middles, place_ids, running_total, sorted_fingerprint
from graticule.partitions.s2.counts import S2Counts
from graticule.partitions.s2.merging import FACES, Merged, Nodes, merge_small_cells
from graticule.partitions.s2.tree import s2_tree

Ids = NDArray[np.uint64]
Counts = NDArray[np.int64]

FINEST_LEVEL: Final = 30
"""S2's last level, cells of about 1 cm2."""


@dataclasses.dataclass(frozen=True)
class S2Settings:
    """When a cell splits, and which cells stay.

    Convention:
        - a cell with more than ``max_photos`` splits into its four children, until ``end_level``
        - a leaf with fewer than ``min_photos`` is dropped
        - levels are S2's, 0 (a sixth of the Earth) to 30
        - ``merge_small``: such leaves, and empty cells, are given to a neighbour in the tree instead, see
          ``s2_merging``; no photo is dropped, and the cells cover the Earth

    Raises:
        UsageError: ``min_photos`` is over ``max_photos`` or under 1, or the levels are not in order in 0..30.
    """

    max_photos: int
    min_photos: int
    start_level: int = 2
    end_level: int = FINEST_LEVEL
    merge_small: bool = False

    def __post_init__(self) -> None:
        check_limits(self.max_photos, self.min_photos)
        check_whole(0, start_level=self.start_level, end_level=self.end_level)
        if not 0 <= self.start_level <= self.end_level <= FINEST_LEVEL:
            raise UsageError(
                f"Levels {self.start_level} to {self.end_level} are not in order "
                f"within 0 to {FINEST_LEVEL}.\n"
                "Type, for example:  `start_level=2, end_level=16`"
            )


# The texts of S1 and S4 give t_max and t_min; S4 starts from the six faces of the cube (section 4.2.1), S1
# says no level, so it starts there too; neither names a last level other than S2's own.
PRESETS: Final[Mapping[str, S2Settings]] = MappingProxyType(
    {
        # S1, "Dataset and Data Preprocessing": split over t1 = 100, prune under t2 = 20 (2,199 cells).
        "cnn-vit": S2Settings(100, 20, start_level=0),
        # S4, table 6.4, by its number of classes on 970,565 Flickr photos.
        "hmc-4": S2Settings(350_000, 80_000, start_level=0),
        "hmc-14": S2Settings(100_000, 25_000, start_level=0),
        "hmc-50": S2Settings(40_000, 5_000, start_level=0),
        "hmc-110": S2Settings(15_000, 3_000, start_level=0),
        # S4, section 6.3.2: the 89 classes of its experiment on the number of photos.
        "hmc-89": S2Settings(20_000, 2_000, start_level=0),
    }
)
"""Settings of the sources, by name."""


class _Places(NamedTuple):
    """Places in the order of the Hilbert curve."""

    ids: Ids  # (N,), ascending
    total: Counts  # (N + 1,): photos before each place
    latlon: NDArray[np.float64]  # (N, 2)


class _Leaves(NamedTuple):
    """Cells that split no more: disjoint, in the order of the Hilbert curve."""

    ids: Ids
    first: Counts  # their places are first <= i < last
    last: Counts
    photos: Counts

    def at(self, rows: NDArray[np.bool_] | Counts) -> _Leaves:
        """Those of ``rows``, a mask or indices."""
        return _Leaves(self.ids[rows], self.first[rows], self.last[rows], self.photos[rows])


def build_s2(
    latlon: ArrayLike,
    *,
    max_photos: int,
    min_photos: int,
    start_level: int = 2,
    end_level: int = FINEST_LEVEL,
    merge_small: bool = False,
    weights: ArrayLike | None = None,
) -> Partition:
    """Cells of the S2 grid that each hold between ``min_photos`` and ``max_photos`` photos.

    Every cell of ``start_level`` with photos splits into its four children while it holds more than
    ``max_photos``; leaves with fewer than ``min_photos`` are dropped, and counted as dropped. A cell of
    ``end_level`` stays whole, however full. The tree is kept up to the faces of the cube.

    With ``merge_small`` nothing is dropped: cells that are too small go to the nearest cell left among their
    siblings and below, or their parent becomes the cell (``s2_merging``). A cell is then several S2 cells,
    may hold more than ``max_photos``, and together they cover the Earth.

    Convention:
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees**
        - ``weights``: (N,) number of photos at each place, whole; 1 each when left out
        - ``photos`` of an inner node is the sum over the cells below it, so without dropped photos

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        PartitionError: no cell is left; the message says which numbers leave some.
        TableError: there is no photo.
        UsageError: limits or levels contradict each other, or ``weights`` are not whole numbers.

    Source:
        T. Weyand, I. Kostrikov, J. Philbin, "PlaNet" (2016), section 3; S4's Algorithm 1.

    Example:
        >>> partition = build_s2([[48.86, 2.35], [48.87, 2.36], [39.9, 116.4]], max_photos=1, min_photos=1)
        >>> partition.count, partition.levels[partition.leaf_nodes].tolist()
        (3, [2, 13, 13])
    """
    settings = S2Settings(max_photos, min_photos, start_level, end_level, merge_small)
    places = _sorted_places(latlon, weights)
    return _built(places, len(places.ids), settings)


def build_s2_from_counts(
    counts: S2Counts,
    *,
    max_photos: int,
    min_photos: int,
    start_level: int = 2,
    end_level: int = FINEST_LEVEL,
    merge_small: bool = False,
) -> Partition:
    """As ``build_s2``, of photos counted by S2 cell: the same cells, tree and numbers of photos.

    Convention:
        - no cell is finer than those counted: ``end_level`` is at most ``counts.level``
        - centres are the same but for rounding; a cell at sea may be named by another place in it,
          and the source's fingerprint is one of the counted cells

    Raises:
        PartitionError: no cell is left.
        TableError: there is no photo.
        UsageError: limits or levels contradict each other, or cells start finer than photos were counted.
    """
    cells = counts.cells()
    if start_level > counts.level:
        raise UsageError(
            f"Photos were counted at level {counts.level}, but cells start at level {start_level}.\n"
            f"Type:  `start_level={counts.level}`   or   `counting_level={start_level}`"
        )
    end_level = min(end_level, counts.level)
    settings = S2Settings(max_photos, min_photos, start_level, end_level, merge_small)
    places = _Places(cells.ids, running_total(cells.photos, len(cells.ids)), latlon_of(cells.sums))
    return _built(places, counts.rows, settings)


def _built(places: _Places, rows: int, settings: S2Settings) -> Partition:
    leaves = _split(places, settings)
    kept = leaves.photos >= settings.min_photos
    source = Source(
        photos=int(places.total[-1]),
        places=rows,
        dropped_photos=int(leaves.photos[~kept].sum()),
        dropped_cells=int(np.count_nonzero(~kept)),
        fingerprint=sorted_fingerprint(places.ids, places.total),
    )
    merged = _merged(places, leaves, settings) if settings.merge_small else None
    if merged is not None:
        source = dataclasses.replace(source, dropped_photos=0, dropped_cells=0)
        left = _counted(merged.cells.ids, places)
        _, typical = middles(places.latlon, places.total, left.first, left.last)
        tree = s2_tree(*merged.cells, merged.annexes)
    elif kept.any() and not settings.merge_small:
        left = leaves.at(kept)
        sums, typical = middles(places.latlon, places.total, left.first, left.last)
        tree = s2_tree(left.ids, left.photos, sums)
    else:
        raise _no_cell(places, leaves, settings)
    return Partition(tree, "s2", dataclasses.asdict(settings), source, named_at=places.latlon[typical])


def _merged(places: _Places, leaves: _Leaves, settings: S2Settings) -> Merged | None:
    sums, _ = middles(places.latlon, places.total, leaves.first, leaves.last)
    return merge_small_cells(Nodes(leaves.ids, leaves.photos, sums), settings.min_photos)


def _sorted_places(latlon: ArrayLike, weights: ArrayLike | None) -> _Places:
    places, photos = checked_places(latlon, weights)
    ids = place_ids(places)
    order = np.argsort(ids)
    total = running_total(None if photos is None else photos[order], len(ids))
    return _Places(ids[order], total, places[order])


def _split(places: _Places, settings: S2Settings) -> _Leaves:
    finished = []
    cells = s2.from_token(FACES)
    for level in range(settings.end_level + 1):
        found = _counted(cells, places)
        full = (found.photos > settings.max_photos) & (level < settings.end_level)
        splits = (found.photos > 0) & (full | (level < settings.start_level))
        finished.append(found.at((found.photos > 0) & ~splits))
        cells = s2.children(found.ids[splits]).reshape(-1)
    leaves = _Leaves(*(np.concatenate(column) for column in zip(*finished, strict=True)))
    # Ids of disjoint cells ascend along the Hilbert curve, whatever their levels.
    return leaves.at(np.argsort(leaves.ids))


def _counted(cells: Ids, places: _Places) -> _Leaves:
    first = np.searchsorted(places.ids, s2.range_min(cells), side="left")
    last = np.searchsorted(places.ids, s2.range_max(cells), side="right")
    return _Leaves(cells, first, last, places.total[last] - places.total[first])


def _no_cell(places: _Places, leaves: _Leaves, settings: S2Settings) -> PartitionError:
    photos, fullest = int(places.total[-1]), int(leaves.photos.max())
    advice = f"`max_photos={settings.max_photos}, min_photos={fullest}`"
    if photos >= settings.min_photos:
        # A start cell with enough photos stays whole when the limit is at least its count.
        starts = _counted(np.unique(s2.parent(places.ids, settings.start_level)), places)
        most = int(starts.photos.max())
        if most >= settings.min_photos:
            advice += f"   or   `max_photos={most}, min_photos={settings.min_photos}`"
    return PartitionError(
        f"No cell is left: the fullest holds {fullest:,} of {photos:,} photos, "
        f"and at least {settings.min_photos:,} are asked for.\nType:  {advice}"
    )
