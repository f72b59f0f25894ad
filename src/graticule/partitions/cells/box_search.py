"""Finds the box that a place lies in, among disjoint boxes that came of cutting one box again and again.

The cuts are rebuilt from the boxes and from the way that led to each: letters ``s``, ``n``, ``w``, ``e`` for
the southern, northern, western or eastern side of each cut. Two leaves part where their ways do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

SOUTH, WEST, NORTH, EAST = range(4)
"""Columns of an array of boxes."""

_STEPS_AT_ONCE: Final = 3  # cuts between two looks at which places have arrived


class BoxSearch:
    """A tree of cuts above boxes; ``find`` walks down it with many places at a time.

    Convention:
        - ``boxes``: (K, 4) south, west, north, east in **degrees**; a box holds its southern and western
          edges, and its northern or eastern one only where its way never turned south or west: the rim
        - ``ways``: K words of the letters s, n, w, e, in the order of a walk that goes south before north and
          west before east

    Example:
        >>> search = BoxSearch(np.array([[0, 0, 1, 1], [0, 1, 1, 2], [1, 0, 2, 2.0]]), ["sw", "se", "n"])
        >>> search.find(np.array([0.5, 0.5, 1.0, 2.0, 3.0]), np.array([0.5, 1.0, 1.5, 2.0, 0.0])).tolist()
        [0, 1, 2, 2, -1]
    """

    def __init__(self, boxes: Array, ways: Sequence[str]) -> None:
        self._boxes = boxes
        self._rim_north = np.array(["s" not in way for way in ways])
        self._rim_east = np.array(["w" not in way for way in ways])
        self._axis, self._cut, self._child, self._root = _cuts(boxes, ways)

    def find(self, latitude: Array, longitude: Array) -> Ints:
        """The box of each place (N,), -1 where there is none."""
        inner = len(self._boxes) - 1
        coordinates = np.concatenate([latitude, longitude])
        count = len(latitude)
        found = np.empty(count, dtype=np.int64)
        place = np.arange(count)
        node = np.full(count, self._root)
        while len(place):
            for _ in range(_STEPS_AT_ONCE):  # a leaf leads to itself
                value = coordinates[self._axis[node] * count + place]
                node = self._child[2 * node + (value >= self._cut[node])]
            arrived = node >= inner
            found[place[arrived]] = node[arrived] - inner
            place, node = place[~arrived], node[~arrived]
        return np.where(self._inside(found, latitude, longitude), found, -1)

    def _inside(self, box: Ints, latitude: Array, longitude: Array) -> NDArray[np.bool_]:
        north, east = self._boxes[box, NORTH], self._boxes[box, EAST]
        inside: NDArray[np.bool_] = (latitude >= self._boxes[box, SOUTH]) & (
            longitude >= self._boxes[box, WEST]
        )
        inside &= (latitude < north) | (self._rim_north[box] & (latitude == north))
        inside &= (longitude < east) | (self._rim_east[box] & (longitude == east))
        return inside


def _cuts(boxes: Array, ways: Sequence[str]) -> tuple[Ints, Array, Ints, int]:
    """Axis (0 latitude, 1 longitude), place of the cut and the two children of every node; and the root.

    Nodes 0..K-2 are cuts, node i between leaf i and leaf i + 1; nodes K-1.. are the leaves, which lead to
    themselves. A cut stands above all those between leaves that part later: a Cartesian tree of the lengths
    of the common ways.
    """
    inner = len(boxes) - 1
    common = _common_ways(ways)
    child = np.arange(inner + len(boxes)).repeat(2)
    beyond = np.full(inner, inner + 1)  # the first leaf past the far side of each cut
    open_cuts: list[int] = []
    for cut in range(inner):
        near = inner + cut
        while open_cuts and common[open_cuts[-1]] > common[cut]:
            near = open_cuts.pop()
            beyond[near] = cut + 1
        child[2 * cut], child[2 * cut + 1] = near, inner + cut + 1
        if open_cuts:
            child[2 * open_cuts[-1] + 1] = cut
        open_cuts.append(cut)
    axis = np.zeros(inner + len(boxes), dtype=np.int64)
    axis[:inner] = [ways[cut + 1][common[cut]] == "e" for cut in range(inner)]
    place = np.zeros(inner + len(boxes))
    ranges = np.column_stack([np.arange(1, inner + 1), beyond]).reshape(-1)
    for which, column in enumerate((SOUTH, WEST)):
        edges = np.append(boxes[:, column], np.inf)
        lowest = np.minimum.reduceat(edges, ranges)[::2] if inner else edges[:0]
        mine = axis[:inner] == which
        place[:inner][mine] = lowest[mine]
    return axis, place, child, open_cuts[0] if inner else 0


def _common_ways(ways: Sequence[str]) -> list[int]:
    """How many letters each way shares with the next one."""
    if len(ways) < 2:
        return []
    longest = max(map(len, ways)) + 1
    letters = np.array([way.ljust(longest) for way in ways]).view(np.uint32).reshape(len(ways), longest)
    common: list[int] = (letters[1:] != letters[:-1]).argmax(axis=1).tolist()
    return common
