"""A tree of territories while it grows, and the partition it becomes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import ArrayLike, NDArray

from graticule.errors import TableError
from graticule.geo import s2
from graticule.geo.geojson import latlon_of_position
from graticule.geo.sphere import latlon_of, unit_vectors
from graticule.partitions.cells.seeds import nearest_seed, seeds_as_kept, seeds_wkb
from graticule.partitions.partition import Partition, Source
from graticule.partitions.partition.naming import unique_names
from graticule.partitions.places import checked_places, place_ids, running_total, sorted_fingerprint

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


class Sites(NamedTuple):
    """The different places of a table, in the order of the Hilbert curve, so in no order of the table's.

    Convention:
        - ``latlon``: (S, 2) degrees; ``vectors``: (S, 3); ``photos``: (S,) at each, at least 1
        - ``places``: number of rows they came in; ``fingerprint``: as ``Source``
    """

    latlon: Array
    vectors: Array
    photos: NDArray[np.int64]
    places: int
    fingerprint: str


def sites_of(latlon: ArrayLike, weights: ArrayLike | None) -> Sites:
    """The different places, each with its number of photos.

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        TableError: there is no photo.
        UsageError: ``weights`` are not whole numbers, one per place.
    """
    places, photos = checked_places(latlon, weights)
    ids = place_ids(places)
    order = np.argsort(ids, kind="stable")
    ids, places = ids[order], places[order]
    total = running_total(None if photos is None else photos[order], len(ids))
    last = np.flatnonzero(np.append(ids[1:] != ids[:-1], True))
    there = np.diff(total[last + 1], prepend=0)
    here = last[there > 0]
    return Sites(
        latlon=places[here],
        vectors=unit_vectors(places[here]),
        photos=there[there > 0],
        places=len(ids),
        fingerprint=sorted_fingerprint(ids, total),
    )


class Growth:
    """Nodes in the order in which they were made: parents before children.

    Convention:
        - rows of ``sites`` lie in exactly one root, or in none
    """

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        self.rows: list[Rows] = []
        self.parents: list[int] = []
        self._definition: list[bytes] = []
        self._reach_km: list[float | None] = []
        self._token: list[str] = []
        self._children: list[int] = []
        self._called: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def photos(self, node: int) -> int:
        """Photos in the ground of a node."""
        return int(self.sites.photos[self.rows[node]].sum())

    def root(
        self, outline: shapely.Geometry, rows: Rows, token: str, reach_km: float, *, name: str | None = None
    ) -> int:
        """A territory; the result is its node. Without a name it is called like a place in it."""
        node = self._add(-1, shapely.to_wkb(outline, byte_order=1), rows, token, reach_km)
        if name is not None:
            self._called[node] = name
        return node

    def split(self, node: int, seeds: list[Array], *, least: int = 1) -> list[int]:
        """Children of a node, one for each entry (M, 3) of ``seeds``; none if one had too few photos.

        Convention:
            - the result: the nodes made, or an empty list when one would hold fewer than ``least`` photos
        """
        rows, chosen = self.rows[node], self.chosen(node, seeds)
        photos = np.bincount(chosen, self.sites.photos[rows], len(seeds))
        if len(seeds) < 2 or photos.min() < least:
            return []
        first = len(self)
        for index, each in enumerate(seeds):
            self._children[node] += 1
            token = f"{self._token[node]}/{self._children[node]}"
            self._add(node, seeds_wkb(each), rows[chosen == index], token, None)
        return list(range(first, len(self)))

    def leaves(self) -> list[int]:
        """Nodes without children."""
        return [node for node, children in enumerate(self._children) if not children]

    def chosen(self, node: int, seeds: list[Array]) -> NDArray[np.intp]:
        """The entry of ``seeds`` with the seed nearest to each place of a node."""
        kept = np.concatenate([seeds_as_kept(each) for each in seeds])
        owner = np.repeat(np.arange(len(seeds)), [len(each) for each in seeds])
        chosen: NDArray[np.intp] = owner[nearest_seed(self.sites.vectors[self.rows[node]], kept)]
        return chosen

    def _add(self, parent: int, definition: bytes, rows: Rows, token: str, reach_km: float | None) -> int:
        self.rows.append(rows)
        self.parents.append(parent)
        self._definition.append(definition)
        self._reach_km.append(reach_km)
        self._token.append(token)
        self._children.append(0)
        return len(self) - 1

    def partition(self, method: str, parameters: Mapping[str, Any], *, dropped_cells: int) -> Partition:
        """The finished tree; photos in no root count as dropped.

        Raises:
            TableError: no node was made.
        """
        if not len(self):
            raise TableError(
                "No place lies in any of the polygons, so there are no cells.\n"
                "Give polygons where the photos are, or raise `reach_km`."
            )
        middles, typical = self._middles()
        tree, leaves = self._tree(middles)
        total, kept = int(self.sites.photos.sum()), int(tree["photos"].gather(leaves).sum())
        source = Source(total, self.sites.places, total - kept, dropped_cells, self.sites.fingerprint)
        bare = Partition(tree, method, dict(parameters), source, named_at=typical[leaves])
        names = list(bare.node_names)
        for node, name in self._called.items():
            names[node] = name
        tree = tree.with_columns(name=pl.Series(unique_names(names), dtype=pl.String))
        return dataclasses.replace(bare, tree=tree)

    def _tree(self, middles: Array) -> tuple[pl.DataFrame, Rows]:
        """One row per node but for names and geometry, and the node of each cell."""
        levels = np.zeros(len(self), dtype=np.int64)
        for node, parent in enumerate(self.parents):
            levels[node] = levels[parent] + 1 if parent >= 0 else 0
        leaves = np.flatnonzero(np.array(self._children) == 0)
        leaves = leaves[np.argsort(s2.cell_ids(middles[leaves]), kind="stable")]
        cell = np.full(len(self), -1)
        cell[leaves] = np.arange(len(leaves))
        tree = pl.DataFrame(
            {
                "node": np.arange(len(self)),
                "parent": pl.Series(self.parents, dtype=pl.Int64).replace(-1, None),
                "level": levels,
                "cell": pl.Series(cell, dtype=pl.Int64).replace(-1, None),
                "cell_id": self._token,
                "token": self._token,
                "photos": [self.photos(node) for node in range(len(self))],
                "latitude": middles[:, 0],
                "longitude": middles[:, 1],
                "definition": self._definition,
                "reach_km": pl.Series(self._reach_km, dtype=pl.Float64),
            }
        )
        return tree, leaves

    def _middles(self) -> tuple[Array, Array]:
        """Mean place (n, 2) of each node's photos, and the place of a photo nearest to it."""
        middles, typical = np.empty((len(self), 2)), np.empty((len(self), 2))
        for node, rows in enumerate(self.rows):
            if not len(rows):
                middles[node] = typical[node] = self._inside(node)
                continue
            vectors = self.sites.vectors[rows]
            total = (vectors * self.sites.photos[rows, None]).sum(axis=0)
            typical[node] = self.sites.latlon[rows[np.argmax(vectors @ total)]]
            cancels = np.linalg.norm(total) < 1e-9 * self.sites.photos[rows].sum()
            middles[node] = typical[node] if cancels else latlon_of(total)
        return middles, typical

    def _inside(self, node: int) -> Array:
        """A place in the ground of a node without photos."""
        point = shapely.from_wkb(self._definition[node]).representative_point()
        inside: Array = latlon_of_position(shapely.get_coordinates(point)[0])
        return inside
