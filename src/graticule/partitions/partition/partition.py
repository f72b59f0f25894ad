"""A partition: part of the Earth cut into cells, with the tree that the cells grew from.

The same class whichever builder made it: models number their outputs by its cells, maps draw its
outlines, hierarchical heads walk its tree.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from graticule._version import __version__
from graticule.errors import PartitionError
from graticule.partitions.cells.kinds import cells_of
from graticule.partitions.cells.protocol import Cells, TreeCells
from graticule.partitions.partition.files import read_content, write_content
from graticule.partitions.partition.geoparquet import REBUILD, columns_of, from_geoparquet, to_geoparquet
from graticule.partitions.partition.naming import cell_names, node_names
from graticule.partitions.partition.source import Source


@dataclasses.dataclass(frozen=True, eq=False)
class Partition:
    """Cells 0..K-1 in the order of the Hilbert curve (or of their builder), and the tree above them.

    Convention:
        - ``tree``: one row per node, parents before children, with the columns of ``geoparquet.COLUMNS``;
          ``name`` and ``geometry`` may be missing: they are made when first asked for
        - ``named_at``: (K, 2) a place in each cell, named where its centre has no name, see ``cell_names``
        - places are (latitude, longitude) in **degrees**, shape ``(..., 2)``
        - ``parents`` is -1 for a root; ``cell`` is null for an inner node

    Raises:
        PartitionError: ``method`` is not known.

    Example:
        >>> from graticule.partitions import build_s2
        >>> places = [[48.86, 2.35]] * 40 + [[39.9, 116.4]] * 40 + [[-33.9, 151.2]] * 3
        >>> partition = build_s2(places, max_photos=50, min_photos=10)
        >>> partition.count, partition.tokens, partition.source.dropped_photos
        (2, ['35', '47'], 3)
        >>> partition.encode([[48.9, 2.3], [-33.9, 151.2]]).tolist()
        [1, -1]
        >>> partition.levels[partition.path(1)].tolist()
        [0, 1, 2]
    """

    tree: pl.DataFrame
    method: str
    parameters: Mapping[str, Any]
    source: Source
    named_at: NDArray[np.float64] | None = None

    def __init_subclass__(cls, *, header_key: str, **words: Any) -> None:
        """A file whose header has ``header_key`` is read as this class."""
        super().__init_subclass__(**words)
        _FORMS[header_key] = cls

    @cached_property
    def nodes(self) -> pl.DataFrame:
        """One row per node of the tree with all columns of the partition file; parents before children."""
        if "geometry" in self.tree.columns:
            return self.tree
        nodes = self.tree.with_columns(
            pl.Series("name", self.node_names, dtype=pl.String),
            pl.Series("geometry", self._every.outlines(), dtype=pl.Binary),
        )
        return nodes.select(columns_of(nodes))

    @property
    def count(self) -> int:
        """Number K of cells."""
        return len(self.leaf_nodes)

    @cached_property
    def leaf_nodes(self) -> NDArray[np.int64]:
        """Node index (K,) of each cell."""
        cell = self.tree["cell"].fill_null(-1).to_numpy()
        leaves = np.flatnonzero(cell >= 0)
        return leaves[np.argsort(cell[leaves])]

    @cached_property
    def parents(self) -> NDArray[np.int64]:
        """Parent of each node; -1 for a root. Always smaller than the node itself."""
        return self.tree["parent"].fill_null(-1).to_numpy()

    @cached_property
    def levels(self) -> NDArray[np.int64]:
        """Depth of each node; for S2 its level 0..30."""
        return self.tree["level"].to_numpy()

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Mean place (K, 2) on the sphere of each cell's photos."""
        return self._leaves.select("latitude", "longitude").to_numpy()

    @cached_property
    def photos(self) -> NDArray[np.int64]:
        """Number (K,) of photos in each cell when the partition was built."""
        return self._leaves["photos"].to_numpy()

    @cached_property
    def tokens(self) -> list[str]:
        """External id of each cell as text; for S2 the hexadecimal token."""
        return self._leaves["token"].to_list()

    @cached_property
    def names(self) -> list[str]:
        """Name of each cell, unique: ``"London, GB"``, ``"London, GB (2)"``."""
        return [self.node_names[node] for node in self.leaf_nodes]

    @cached_property
    def areas_km2(self) -> NDArray[np.float64]:
        """Area (K,) of each cell in km2."""
        return self._cells.areas_km2()

    def encode(self, latlon: ArrayLike) -> NDArray[np.int64]:
        """Cell of each place.

        Convention:
            - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(..., 2)``
            - the result has shape ``(...)``; -1 where no cell covers the place

        Raises:
            CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        """
        return self._cells.encode(latlon)

    def polygons(self) -> list[NDArray[np.float64]]:
        """Outline (n, 2) of each cell: corners in degrees, counter-clockwise, not closed."""
        return self._cells.rings()

    @property
    def spherical(self) -> bool:
        """Whether the edges of the cells are geodesics, else straight in longitude and latitude."""
        return self._cells.spherical

    def parts(self) -> tuple[list[NDArray[np.float64]], NDArray[np.int64]]:
        """Rings to draw the cells with, and the cell of each ring.

        Convention:
            - rings (n, 2) are in degrees, counter-clockwise, not closed, and enclose less than half the Earth
            - a cell of several pieces has several rings; the second value (M,) tells the cell of each
        """
        return self._cells.parts()

    def geometries(self) -> list[bytes]:
        """The ground of each cell in (longitude, latitude) as well-known binary, as the file has it."""
        blobs: list[bytes] = self.nodes["geometry"].gather(self.leaf_nodes).to_list()
        return blobs

    def path(self, cell: int) -> NDArray[np.int64]:
        """Nodes from the root down to ``cell``.

        Raises:
            IndexError: there is no such cell.
        """
        if not 0 <= cell < self.count:
            raise IndexError(f"There is no cell {cell}: this partition has cells 0 to {self.count - 1}.")
        node = int(self.leaf_nodes[cell])
        nodes = [node]
        while (node := int(self.parents[node])) >= 0:
            nodes.append(node)
        return np.array(nodes[::-1], dtype=np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the tree and of the ground its cells cover; the same after writing and reading.

        Two partitions with one fingerprint number the same cells the same way, so a model of one serves
        the other. Names, photo counts and centres do not enter.
        """
        digest = hashlib.sha256(self.method.encode())
        for column in ("parent", "level", "cell"):
            digest.update(self.tree[column].fill_null(-1).to_numpy().astype("<i8").tobytes())
        digest.update(self._every.identity())
        return digest.hexdigest()

    def to_bytes(self) -> bytes:
        """The partition file (GeoParquet) as bytes."""
        return to_geoparquet(self._rows(), self._header(), spherical=self._cells.spherical)

    def write(self, path: str | Path) -> Path:
        """Write the partition file; folders are made, and ``path`` is replaced only when all is written.

        Raises:
            PartitionError: the file cannot be written.
        """
        return write_content(Path(path), self.to_bytes())

    @classmethod
    def read(cls, source: str | Path | bytes) -> Partition:
        """The partition in a file, given as its path or its bytes.

        Of a file with several resolutions it is a ``MultiPartition``: the finest, with the others beside it.

        Raises:
            MissingFileError: there is no such file.
            PartitionError: the file is no partition, is damaged, or is of a newer version.
        """
        content, label = (
            (source, "The partition") if isinstance(source, bytes) else read_content(Path(source))
        )
        nodes, header = from_geoparquet(content, label)
        form = next((form for key, form in _FORMS.items() if key in header), Partition)
        return form.of_file(nodes, header, label)

    @classmethod
    def of_file(cls, nodes: pl.DataFrame, header: Mapping[str, Any], label: str) -> Partition:
        """The partition of the nodes and the header that ``from_geoparquet`` gives.

        Raises:
            PartitionError: the header is incomplete, or the cells were changed after they were written.
        """
        try:
            source, parameters = Source(**header["source"]), dict(header["parameters"])
            partition = Partition(nodes, header["method"], parameters, source)
        except (KeyError, TypeError, ValueError) as error:
            raise PartitionError(f"{label} is damaged: its header is incomplete.\n{REBUILD}") from error
        if partition.fingerprint != header.get("fingerprint"):
            raise PartitionError(
                f"{label} was changed after it was written: its cells do not match its fingerprint.\n"
                f"{REBUILD}"
            )
        return partition

    def __repr__(self) -> str:
        return f"Partition(method={self.method!r}, {self.count} cells, {self.tree.height} nodes)"

    def _rows(self) -> pl.DataFrame:
        """What ``to_bytes`` writes."""
        return self.nodes

    def _header(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "parameters": dict(self.parameters),
            "source": dataclasses.asdict(self.source),
            "fingerprint": self.fingerprint,
            "graticule": __version__,
        }

    @cached_property
    def _leaves(self) -> pl.DataFrame:
        return self.tree[self.leaf_nodes]

    @cached_property
    def _every(self) -> Cells:
        """The cells of all nodes."""
        return cells_of(self.method, self.tree, Partition.read)

    @cached_property
    def _cells(self) -> Cells:
        if isinstance(self._every, TreeCells):
            return self._every.at(self.leaf_nodes)
        return cells_of(self.method, self._leaves, Partition.read)

    @cached_property
    def node_names(self) -> list[str]:
        """Name of each node, unique: ``"around London, GB (level 4)"`` of one that is no cell."""
        if "name" in self.tree.columns:
            return self.tree["name"].to_list()
        inside = self.centres if self.named_at is None else self.named_at
        return node_names(self.tree, self.leaf_nodes, cell_names(self.centres, inside, self.encode))


_FORMS: dict[str, type[Partition]] = {}
"""Classes that a file with a further key in its header is read as, by that key."""
