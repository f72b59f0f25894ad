"""Cells made of territories: outlines such as countries, divided again and again among seeds.

A root of the tree is a territory with an outline. The children of a node share its ground: each has seeds,
and a place goes to the child with the nearest seed. So the tree itself says exactly which cell a place is in,
and what is drawn (Voronoi regions, cut by the outline) is worked out from it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import ArrayLike, NDArray

from graticule.geo.geojson import latlon_of_position, planar_polygons
from graticule.geo.sphere import check_latlon, destination, latlon_of, unit_vectors
from graticule.partitions.cells.locating import Locator
from graticule.partitions.cells.seeds import nearest_seed
from graticule.partitions.cells.shapes import largest_ring, polygon_areas_km2, solid_rings
from graticule.partitions.cells.voronoi import divide

Array = NDArray[np.float64]

DOT_KM: Final = 1.0
"""Radius of the disc that stands for ground too small for its outline: a pier, an islet off the map."""


class TerritoryCells:
    """Cells of a tree of territories; of all its nodes, or of those that ``at`` picks.

    Convention:
        - ``tree``: all nodes, parents before children, with ``parent``, ``definition`` and ``reach_km``
        - ``definition`` is well-known binary in (longitude, latitude) **degrees**: the Polygon or
          MultiPolygon of a root, the MultiPoint of the seeds of any other node
        - ``reach_km``, of a root: places off all outlines belong to the nearest up to this far, in **km**
        - places on a common border belong to the first root; of seeds as near, to the first

    Example:
        >>> square = shapely.to_wkb(shapely.box(0, 0, 10, 10))
        >>> seeds = [shapely.to_wkb(shapely.multipoints([[x, 5]])) for x in (2, 8)]
        >>> tree = pl.DataFrame(
        ...     {"parent": [None, 0, 0], "definition": [square, *seeds], "reach_km": [0.0, None, None]}
        ... )
        >>> TerritoryCells(tree).at(np.array([1, 2])).encode([[5, 1], [5, 9], [5, 11]]).tolist()
        [0, 1, -1]
    """

    spherical = False

    def __init__(self, tree: pl.DataFrame) -> None:
        self._territories = _Territories(tree)
        self._rows = np.arange(tree.height)

    def at(self, nodes: NDArray[np.int64]) -> TerritoryCells:
        """The cells of some nodes, in their order; the work on the tree is shared."""
        some = object.__new__(TerritoryCells)
        some._territories, some._rows = self._territories, nodes
        return some

    def encode(self, latlon: ArrayLike) -> NDArray[np.int64]:
        """Cell of each place (..., 2) in degrees; -1 where none covers it.

        Raises:
            CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        """
        places = check_latlon(latlon)
        cell_of_node = np.full(self._territories.count + 1, -1, dtype=np.int64)
        cell_of_node[self._rows] = np.arange(len(self._rows))
        return cell_of_node[self._territories.leaf_of(places.reshape(-1, 2))].reshape(places.shape[:-1])

    def geometries(self) -> NDArray[np.object_]:
        """Polygons (K,) of the (longitude, latitude) plane, in degrees."""
        return self._territories.geometries[self._rows]

    def rings(self) -> list[Array]:
        """Outer ring (n, 2) of the largest piece of each cell, counter-clockwise."""
        return [largest_ring(shape) for shape in self.geometries()]

    def parts(self) -> tuple[list[Array], NDArray[np.int64]]:
        """Rings without holes that cover each cell, and the cell of each ring."""
        rings = [solid_rings(shape) for shape in self.geometries()]
        owner = np.repeat(np.arange(len(rings)), [len(each) for each in rings])
        return [ring for each in rings for ring in each], owner.astype(np.int64)

    def outlines(self) -> list[bytes]:
        """The ground of each cell in (longitude, latitude) as well-known binary."""
        blobs: list[bytes] = shapely.to_wkb(self.geometries(), byte_order=1).tolist()
        return blobs

    def areas_km2(self) -> Array:
        """Area (K,) of each cell on the sphere in km2."""
        return polygon_areas_km2(self.geometries())

    def identity(self) -> bytes:
        """What defines the cells: outlines, seeds and reaches."""
        return self._territories.identity(self._rows)


class _Territories:
    """The whole tree, parsed; shared by the cells of all nodes and those of the leaves."""

    def __init__(self, tree: pl.DataFrame) -> None:
        self._definition = tree["definition"]
        self.count = tree.height
        self._parent = tree["parent"].fill_null(-1).to_numpy()
        self._reach_km = tree["reach_km"].fill_null(0.0).to_numpy()
        self._drawn = tree["geometry"] if "geometry" in tree.columns else None

    @cached_property
    def _roots(self) -> NDArray[np.intp]:
        return np.flatnonzero(self._parent < 0)

    @cached_property
    def _outline(self) -> NDArray[np.object_]:
        """The polygon (R,) of each root."""
        outlines: NDArray[np.object_] = shapely.from_wkb(self._definition.gather(self._roots).to_numpy())
        return outlines

    @cached_property
    def _locator(self) -> Locator:
        return Locator(self._outline, self._reach_km[self._roots])

    @cached_property
    def _division(self) -> list[tuple[int, Array, NDArray[np.intp]]]:
        """For each inner node: itself, the seeds (M, 3) of its children, and the child of each seed."""
        rows = np.flatnonzero(self._parent >= 0)
        if not len(rows):
            return []
        points = shapely.from_wkb(self._definition.gather(rows).to_numpy())
        lonlat, of_row = shapely.get_coordinates(points, return_index=True)
        seeds, child = unit_vectors(latlon_of_position(lonlat)), rows[of_row]
        order = np.argsort(self._parent[child], kind="stable")
        parent, starts = np.unique(self._parent[child[order]], return_index=True)
        return [
            (int(node), seeds[mine], child[mine])
            for node, mine in zip(parent, np.split(order, starts[1:]), strict=True)
        ]

    def leaf_of(self, flat: Array) -> NDArray[np.int64]:
        """The node without children around each place (N, 2) in degrees; -1 where there is none."""
        root = self._locator.locate(flat)
        node = np.where(root >= 0, self._roots[root], -1)
        if not self._division:
            return node
        vectors = unit_vectors(flat)
        order = np.argsort(node, kind="stable")
        ascending = node[order]
        starts = np.searchsorted(ascending, self._roots)
        ends = np.searchsorted(ascending, self._roots, side="right")
        members = {
            int(at): order[first:last] for at, first, last in zip(self._roots, starts, ends, strict=True)
        }
        for parent, seeds, child in self._division:  # parents come before their children
            mine = members.pop(parent)
            if not len(mine):
                members.update(dict.fromkeys(child.tolist(), mine))
                continue
            chosen = child[nearest_seed(vectors[mine], seeds)]
            node[mine] = chosen
            for each in np.unique(child).tolist():
                members[each] = mine[chosen == each]
        return node

    @cached_property
    def geometries(self) -> NDArray[np.object_]:
        """The polygon of every node: as the file has it, else worked out."""
        if self._drawn is not None:
            drawn: NDArray[np.object_] = shapely.from_wkb(self._drawn.to_numpy())
            return drawn
        shapes = np.empty(self.count, dtype=object)
        shapes[self._roots] = self._outline
        for parent, seeds, child in self._division:
            children, owners = np.unique(child, return_inverse=True)
            shapes[children] = divide(shapes[parent], seeds, owners)
            for node in children[shapely.is_empty(shapes[children])]:
                shapes[node] = _dot(seeds[child == node][0])
        return shapes

    def identity(self, rows: NDArray[np.intp]) -> bytes:
        blobs = self._definition.gather(rows)
        sizes = blobs.bin.size().to_numpy().astype("<i8").tobytes()
        return sizes + self._reach_km[rows].astype("<f8").tobytes() + b"".join(blobs)


def _dot(seed: Array) -> shapely.Geometry:
    """A small disc, as a polygon of the map."""
    around = destination(latlon_of(seed), np.arange(0, 360, 30)[::-1], DOT_KM)
    return planar_polygons([around])[0]
