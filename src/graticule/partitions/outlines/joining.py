"""Small units joined to their neighbours, the smallest first, until all have enough photos."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Units:
    """Units that join: which touch, where they are, how many photos they have.

    Convention:
        - ``photos``: (P,); ``middles``: (P, 3) a direction in each
        - ``touching``: (Q, 2) pairs of units that share a border, in either order
        - ``within``: (P,) labels; only units with the same label join
        - ``closer``: (P,) labels; of the units that touch, those with the same label are taken first, and of
          several the nearest; without labels that with fewest photos is taken
    """

    def __init__(
        self,
        photos: NDArray[np.int64],
        middles: Array,
        touching: NDArray[np.intp],
        *,
        within: NDArray[np.object_] | None = None,
        closer: NDArray[np.object_] | None = None,
    ) -> None:
        count = len(photos)
        self._photos = photos.astype(np.int64).tolist()
        self._middles = np.array(middles, dtype=np.float64)
        self._within = [None] * count if within is None else within.tolist()
        self._closer = None if closer is None else closer.tolist()
        self._alive = np.ones(count, dtype=bool)
        self._into = list(range(count))
        self._touching: list[set[int]] = [set() for _ in range(count)]
        for one, other in touching.tolist():
            if one != other and self._within[one] == self._within[other]:
                self._touching[one].add(other)
                self._touching[other].add(one)

    def join(self, *, least: int, most: int | None = None) -> NDArray[np.intp]:
        """The unit (P,) that each becomes part of, named by the number of one of them.

        Convention:
            - units with fewer than ``least`` photos join, and the smallest while there are over ``most``
            - a unit joins one that touches it; where none does, the nearest
            - a unit without another of its label stays, however small
        """
        queue = [(photos, unit) for unit, photos in enumerate(self._photos)]
        heapq.heapify(queue)
        count = len(queue)
        while queue:
            photos, unit = heapq.heappop(queue)
            if not self._alive[unit] or photos != self._photos[unit]:
                continue  # joined, or grown, since it was put into the queue
            if photos >= least and (most is None or count <= most):
                break
            to = self._partner(unit)
            if to is None:
                continue
            self._merge(unit, to)
            count -= 1
            heapq.heappush(queue, (self._photos[to], to))
        return np.array([self._end(unit) for unit in range(len(self._into))], dtype=np.intp)

    def _partner(self, unit: int) -> int | None:
        near = sorted(self._touching[unit])
        if near and self._closer is not None:
            near = [other for other in near if self._closer[other] == self._closer[unit]] or near
            return near[int(np.argmax(self._middles[near] @ self._middles[unit]))]
        if near:
            return min(near, key=lambda other: self._photos[other])
        others = np.flatnonzero(self._alive)
        label = self._within[unit]
        others = np.array([x for x in others.tolist() if x != unit and self._within[x] == label], dtype=int)
        if not len(others):
            return None
        return int(others[np.argmax(self._middles[others] @ self._middles[unit])])

    def _merge(self, unit: int, to: int) -> None:
        mine, theirs = self._photos[unit], self._photos[to]
        if mine:
            middle = self._middles[to] * theirs + self._middles[unit] * mine
            self._middles[to] = middle / (np.linalg.norm(middle) or 1.0)
        self._photos[to] += mine
        self._alive[unit] = False
        self._into[unit] = to
        for other in self._touching[unit]:
            self._touching[other].discard(unit)
            if other != to:
                self._touching[other].add(to)
                self._touching[to].add(other)
        self._touching[unit] = set()

    def _end(self, unit: int) -> int:
        while self._into[unit] != unit:
            unit = self._into[unit]
        return unit


def neighbours_on_sphere(vectors: Array) -> NDArray[np.intp]:
    """Pairs (Q, 2) of unit vectors (N, 3) whose nearest-place regions touch (the Delaunay triangulation).

    Convention:
        - vectors differ from each other; up to three, or all on one circle, count as touching all others

    Example:
        >>> from graticule.geo.sphere import unit_vectors
        >>> pairs = neighbours_on_sphere(unit_vectors([[0, 0], [0, 1], [1, 0], [1, 1], [0.4, 0.5]]))
        >>> [4, 3] in pairs.tolist() or [3, 4] in pairs.tolist()
        True
    """
    from scipy.spatial import ConvexHull, QhullError

    if len(vectors) > 3:
        try:
            # The hull's triangles are the Delaunay triangles of the whole sphere: places along the rim may
            # touch on its far side.
            triangles = ConvexHull(vectors).simplices
            pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
            missing = np.setdiff1d(np.arange(len(vectors)), pairs)
            if not len(missing):
                unique: NDArray[np.intp] = np.unique(np.sort(pairs, axis=1), axis=0).astype(np.intp)
                return unique
        except QhullError:
            pass
    return np.argwhere(np.triu(np.ones((len(vectors), len(vectors)), dtype=bool), 1))
