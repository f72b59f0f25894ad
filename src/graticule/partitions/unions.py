"""Cells that are several of another partition: countries of one climate, cells that a model confuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import ArrayLike, NDArray

from graticule.geo import s2
from graticule.geo.sphere import latlon_of, unit_vectors
from graticule.partitions.naming import unique_names
from graticule.partitions.shapes import areas_only, largest_ring, polygon_areas_km2, solid_rings

if TYPE_CHECKING:
    from graticule.partitions.growing import Sites
    from graticule.partitions.partition import Partition

Array = NDArray[np.float64]

NAMED: Final = 3
"""A cell is called by so many of its members, those with most photos."""


class UnionCells:
    """Unions of the cells of a partition.

    Convention:
        - ``nodes``: one row per cell with ``members``, numbers of cells of the partition that the column
          ``base`` holds, in whichever row it is not null
    """

    spherical = False

    def __init__(self, nodes: pl.DataFrame) -> None:
        self._nodes = nodes

    @cached_property
    def base(self) -> Partition:
        """The partition whose cells were united."""
        from graticule.partitions.partition import Partition

        return Partition.read(self._nodes["base"].drop_nulls()[0])

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
        single = shapely.from_wkb(self.base.nodes["geometry"].to_numpy())[self.base.leaf_nodes]
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


def unite(
    base: Partition,
    group: NDArray[np.int64],
    method: str,
    parameters: Mapping[str, Any],
    *,
    sites: Sites,
    names: Sequence[str] | None = None,
) -> Partition:
    """A partition whose cells are unions of the cells of ``base``.

    Convention:
        - ``group``: (K,) 0.. for each cell of the base, -1 for cells that are left out
        - photos and centres are those of ``sites``; cells stand in the order of the Hilbert curve
        - ``names``: (K,) what each cell of the base is called; its own names when left out
    """
    from graticule.partitions.partition import Partition, Source

    cell = base.encode(sites.latlon)
    in_base = np.bincount(cell[cell >= 0], sites.photos[cell >= 0], base.count).astype(np.int64)
    count = int(group.max()) + 1
    mine = np.where(cell >= 0, group[cell], -1)
    inside = mine >= 0
    sums = np.stack(
        [np.bincount(mine[inside], (sites.vectors[:, i] * sites.photos)[inside], count) for i in range(3)],
        axis=1,
    )
    # Without photos, the middle of the members' own middles.
    bare = np.linalg.norm(sums, axis=1) < 1e-9
    for index in np.flatnonzero(bare):
        sums[index] = unit_vectors(base.centres[group == index]).sum(axis=0)
    centres = latlon_of(sums)
    order = np.argsort(s2.cell_ids(centres), kind="stable")
    called = list(base.names if names is None else names)
    members = [_by_photos(np.flatnonzero(group == index), in_base) for index in order]
    tokens = [_joined([base.tokens[one] for one in each], "+", "+{}") for each in members]
    tree = pl.DataFrame(
        {
            "node": np.arange(count),
            "parent": pl.Series([None] * count, dtype=pl.Int64),
            "level": np.zeros(count, dtype=np.int64),
            "cell": np.arange(count),
            "cell_id": unique_names(tokens),
            "token": unique_names(tokens),
            "photos": np.array([in_base[each].sum() for each in members], dtype=np.int64),
            "latitude": centres[order, 0],
            "longitude": centres[order, 1],
            "name": unique_names(
                _joined([called[one] for one in each], ", ", " and {} more") for each in members
            ),
            "members": pl.Series([np.sort(each).tolist() for each in members], dtype=pl.List(pl.Int64)),
            "base": pl.Series([base.to_bytes(), *[None] * (count - 1)], dtype=pl.Binary),
        }
    )
    kept = int(sites.photos[inside].sum())
    total = int(sites.photos.sum())
    left_out = np.unique(cell[(cell >= 0) & (mine < 0)])
    source = Source(total, sites.places, total - kept, len(left_out), sites.fingerprint)
    return Partition(tree, method, dict(parameters), source)


def _by_photos(members: NDArray[np.intp], photos: NDArray[np.int64]) -> NDArray[np.intp]:
    return members[np.argsort(-photos[members], kind="stable")]


def _joined(words: list[str], between: str, more: str) -> str:
    rest = len(words) - NAMED
    return between.join(words[:NAMED]) + (more.format(rest) if rest > 0 else "")
