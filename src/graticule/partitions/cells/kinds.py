"""Which kind of cell each method makes, so that a file's cells can be made from its rows.

A method whose cells are of a known kind adds a line to ``KINDS``; a new kind of ground is a class with the
members of ``protocol.Cells`` in a file beside this one. Each is loaded when a file needs it: S2 cells do
without shapely.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl

from graticule.errors import PartitionError
from graticule.partitions.cells.protocol import Base, Cells

ReadBase = Callable[[bytes], Base]
"""Reads the partition that lies inside the file of a partition of unions."""


def _s2_cells(nodes: pl.DataFrame, _: ReadBase) -> Cells:
    if "annexes" not in nodes.columns:
        from graticule.partitions.cells.s2_cells import S2Cells

        return S2Cells(nodes["cell_id"].to_numpy())
    from graticule.partitions.cells.s2_union_cells import S2UnionCells

    return S2UnionCells(nodes["cell_id"].to_numpy(), nodes["annexes"].to_list())


def _kd_cells(nodes: pl.DataFrame, _: ReadBase) -> Cells:
    from graticule.partitions.cells.box_cells import BoxCells, edges_of

    ways = [token[1:] for token in nodes["token"]]
    return BoxCells(edges_of(nodes), ways, whole_earth=True)


def _quadtree_cells(nodes: pl.DataFrame, _: ReadBase) -> Cells:
    from graticule.partitions.cells.box_cells import LETTERS, BoxCells, edges_of

    return BoxCells(edges_of(nodes), [token[1:].translate(LETTERS) for token in nodes["token"]])


def _territory_cells(nodes: pl.DataFrame, _: ReadBase) -> Cells:
    from graticule.partitions.cells.territory_cells import TerritoryCells

    return TerritoryCells(nodes)


def _union_cells(nodes: pl.DataFrame, read_base: ReadBase) -> Cells:
    from graticule.partitions.cells.union_cells import UnionCells

    return UnionCells(nodes, read_base)


KINDS: Final[Mapping[str, tuple[Any, Callable[[pl.DataFrame, ReadBase], Cells]]]] = {
    "admin": (pl.String, _territory_cells),
    "clusters": (pl.String, _union_cells),
    "confusion": (pl.String, _union_cells),
    "kd": (pl.String, _kd_cells),
    "quadtree": (pl.String, _quadtree_cells),
    "s2": (pl.UInt64, _s2_cells),
    "semantic": (pl.String, _territory_cells),
}
"""For each method: the type of its column ``cell_id``, and what makes the cells of a frame of nodes."""


def check_method(method: object, label: str) -> str:
    """``method`` itself, if this version knows the kind of cell it makes.

    Raises:
        PartitionError: it does not; ``label`` says which file is meant.
    """
    if isinstance(method, str) and method in KINDS:
        return method
    raise PartitionError(
        f"{label} was built by the method '{method}', which this version does not know "
        f"(known: {', '.join(sorted(KINDS))}).\nUpdate:  pip install --upgrade graticule"
    )


def cells_of(method: str, nodes: pl.DataFrame, read_base: ReadBase) -> Cells:
    """The cells of ``nodes`` (columns of a partition file), of the kind that ``method`` makes.

    Convention:
        - ``read_base``: reads a partition that ``nodes`` hold as bytes; only unions need it

    Raises:
        PartitionError: the method is not known.
    """
    return KINDS[check_method(method, "The partition")][1](nodes, read_base)
