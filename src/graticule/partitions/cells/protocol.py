"""What every kind of cell can do, whatever its ground is made of."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Cells(Protocol):
    """The cells of some nodes of a partition, in the order of the nodes."""

    spherical: bool
    """Whether edges are geodesics (else straight in longitude and latitude)."""

    def encode(self, latlon: ArrayLike) -> NDArray[np.int64]:
        """Index of the cell that covers each place of ``latlon`` (..., 2) in degrees; -1 where none does."""
        ...

    def rings(self) -> list[NDArray[np.float64]]:
        """Corners (n, 2) of each cell in (latitude, longitude) degrees, counter-clockwise, not closed."""
        ...

    def parts(self) -> tuple[list[NDArray[np.float64]], NDArray[np.int64]]:
        """Rings to draw the cells with, each of less than half the Earth, and the cell (M,) of each ring.

        A cell that is not one piece, or is too large for one ring, has several rings; they do not overlap.
        """
        ...

    def outlines(self) -> list[bytes]:
        """The ground of each cell in (longitude, latitude) as well-known binary, cut at the antimeridian."""
        ...

    def areas_km2(self) -> NDArray[np.float64]:
        """Area (K,) of each cell in km2."""
        ...

    def identity(self) -> bytes:
        """Bytes that differ whenever the ground that a cell covers differs."""
        ...


@runtime_checkable
class TreeCells(Cells, Protocol):
    """Cells that only the whole tree defines; the leaves are asked for by ``at``."""

    def at(self, nodes: NDArray[np.int64]) -> Cells:
        """The cells of some nodes, in their order."""
        ...


class Base(Protocol):
    """What unions of cells need to know of the partition whose cells were united."""

    @property
    def count(self) -> int:
        """Number K of its cells."""
        ...

    @property
    def fingerprint(self) -> str:
        """Tells its cells from any others."""
        ...

    def encode(self, latlon: ArrayLike) -> NDArray[np.int64]:
        """Its cell (...) of each place (..., 2) in degrees; -1 where none covers it."""
        ...

    def geometries(self) -> list[bytes]:
        """The ground of each of its cells in (longitude, latitude) as well-known binary."""
        ...
