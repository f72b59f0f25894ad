"""Cells that are several of another partition: countries of one climate, cells that a model confuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import polars as pl
import shapely
from numpy.typing import ArrayLike, NDArray

from graticule.partitions.cells.protocol import Base
from graticule.partitions.cells.shapes import areas_only, largest_ring, polygon_areas_km2, solid_rings

Array = NDArray[np.float64]


class UnionCells:
    """Unions of the cells of a partition.

    Convention:
        - ``nodes``: one row per cell with ``members``, numbers of cells of the partition that the column
          ``base`` holds, in whichever row it is not null
        - ``read_base``: makes that partition of its bytes
    """

    spherical = False

    def __init__(self, nodes: pl.DataFrame, read_base: Callable[[bytes], Base]) -> None:
        self._nodes = nodes
        self._read_base = read_base

    @cached_property
    def base(self) -> Base:
        """The partition whose cells were united."""
        return self._read_base(self._nodes["base"].drop_nulls()[0])

    @cached_property
    def _group(self) -> NDArray[np.int64]:
        """The union (K + 1,) of each cell of the base; -1 for those in none, and for no cell."""
        group = np.full(self.base.count + 1, -1, dtype=np.int64)
        for index, members in enumerate(self._nodes["members"].to_list()):
            group[members] = index
        return group

    def encode(self, latlon: ArrayLike) -> NDArray[np.int64]:
        """Cell of each place (..., 2) in degrees; -1 where none covers it.

        Raises:
            CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        """
        return self._group[self.base.encode(latlon)]

    @cached_property
    def _geometries(self) -> NDArray[np.object_]:
        if "geometry" in self._nodes.columns:
            drawn: NDArray[np.object_] = shapely.from_wkb(self._nodes["geometry"].to_numpy())
            return drawn
        single = np.array(shapely.from_wkb(self.base.geometries()), dtype=object)
        united = np.empty(self._nodes.height, dtype=object)
        for index, members in enumerate(self._nodes["members"].to_list()):
            united[index] = areas_only(shapely.union_all(single[members]))
        return united

    def rings(self) -> list[Array]:
        """Outer ring (n, 2) of the largest piece of each cell, counter-clockwise."""
        return [largest_ring(shape) for shape in self._geometries]

    def parts(self) -> tuple[list[Array], NDArray[np.int64]]:
        """Rings without holes that cover each cell, and the cell of each ring."""
        rings = [solid_rings(shape) for shape in self._geometries]
        owner = np.repeat(np.arange(len(rings)), [len(each) for each in rings])
        return [ring for each in rings for ring in each], owner.astype(np.int64)

    def outlines(self) -> list[bytes]:
        """The ground of each cell in (longitude, latitude) as well-known binary."""
        blobs: list[bytes] = shapely.to_wkb(self._geometries, byte_order=1).tolist()
        return blobs

    def areas_km2(self) -> Array:
        """Area (K,) of each cell on the sphere in km2."""
        return polygon_areas_km2(self._geometries)

    def identity(self) -> bytes:
        """The base's fingerprint and the members of each cell."""
        members = self._nodes["members"]
        numbers = members.explode(empty_as_null=False).to_numpy().astype("<i8").tobytes()
        return (
            self.base.fingerprint.encode() + members.list.len().to_numpy().astype("<i8").tobytes() + numbers
        )
