"""The partition file: GeoParquet 1.1 with one row per node of the cell tree, which any GIS opens.

Written and read by Polars alone. Beside the standard key ``geo`` the file's metadata holds the key
``graticule``: a JSON object with the format's version, the method, its parameters and the source.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from graticule.errors import PartitionError
from graticule.partitions.cells.kinds import KINDS, check_method

FORMAT: Final = 1
"""Version of the file's layout; raised when an older graticule could not read a newer file."""

HEADER_KEY: Final = "graticule"

COLUMNS: Final[Mapping[str, Any]] = {
    "node": pl.Int64,
    "parent": pl.Int64,
    "level": pl.Int64,
    "cell": pl.Int64,
    "cell_id": None,  # by method: UInt64 for S2, a code otherwise
    "token": pl.String,
    "photos": pl.Int64,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
    "name": pl.String,
    "geometry": pl.Binary,
}
"""Columns of a partition file, in order, with their types."""

EXTRA_COLUMNS: Final[Mapping[str, Any]] = {
    "definition": pl.Binary,  # admin, semantic: the outline of a root, the seeds of another node, as WKB
    "reach_km": pl.Float64,  # admin, semantic: how far off its outline a root still takes places
    "members": pl.List(pl.Int64),  # clusters, confusion: numbers of the cells that were united
    "base": pl.Binary,  # clusters, confusion: in the first row, the partition file of those cells
    "resolution": pl.String,  # multi: the name of the resolution; nodes and cells count from 0 in each
    "overlaps": pl.List(  # multi: cells of coarser resolutions that a cell's photos lie in
        pl.Struct({"resolution": pl.String, "cell": pl.Int64, "share": pl.Float64})
    ),
    "annexes": pl.List(pl.UInt64),  # s2 with small cells merged: further S2 cells that belong to the cell
}
"""Columns that only some partitions have, after the others."""

NEEDED_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "admin": ("definition", "reach_km"),
    "semantic": ("definition", "reach_km"),
    "clusters": ("members", "base"),
    "confusion": ("members", "base"),
}
"""Those of ``EXTRA_COLUMNS`` without which the cells of a method are not defined."""

MAY_BE_NULL: Final = frozenset({"parent", "cell", "reach_km", "base", "overlaps"})
"""A root has no parent, an inner node is no cell; some columns speak of some nodes only."""

REBUILD: Final = "Build one:  graticule partition TABLE -o cells.parquet"

# OGC:CRS84 (longitude, latitude on WGS 84) as PROJJSON, which GeoParquet asks for.
_CRS84: Final[dict[str, Any]] = {
    "$schema": "https://proj.org/schemas/v0.7/projjson.schema.json",
    "type": "GeographicCRS",
    "name": "WGS 84 (CRS84)",
    "datum": {
        "type": "GeodeticReferenceFrame",
        "name": "World Geodetic System 1984",
        "ellipsoid": {
            "name": "WGS 84",
            "semi_major_axis": 6378137,
            "inverse_flattening": 298.257223563,
        },
    },
    "coordinate_system": {
        "subtype": "ellipsoidal",
        "axis": [
            {"name": "Geodetic longitude", "abbreviation": "Lon", "direction": "east", "unit": "degree"},
            {"name": "Geodetic latitude", "abbreviation": "Lat", "direction": "north", "unit": "degree"},
        ],
    },
    "id": {"authority": "OGC", "code": "CRS84"},
}


def to_geoparquet(nodes: pl.DataFrame, header: Mapping[str, Any], *, spherical: bool) -> bytes:
    """The file's bytes.

    Convention:
        - ``nodes``: the columns of ``COLUMNS``
        - ``header``: what is kept under the key ``graticule``, besides the format's version
        - ``spherical``: edges are geodesics
    """
    metadata = {
        "geo": json.dumps(_geo(nodes["geometry"], spherical)),
        HEADER_KEY: json.dumps({"format": FORMAT, **header}, sort_keys=True),
    }
    buffer = io.BytesIO()
    nodes.select(columns_of(nodes)).write_parquet(buffer, metadata=metadata)
    return buffer.getvalue()


def from_geoparquet(content: bytes, label: str) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The nodes and the header of a file, checked.

    Convention:
        - ``label`` names the file in errors, ``"Partition 'cells.parquet'"``

    Raises:
        PartitionError: not Parquet, damaged, no partition, of a newer version, or with a broken tree.
    """
    try:
        metadata = pl.read_parquet_metadata(io.BytesIO(content))
        nodes = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException) as error:
        found = "is damaged" if content[:4] == b"PAR1" else "is not a Parquet file"
        raise PartitionError(f"{label} {found}: {_first_line(error)}.\n{REBUILD}") from error
    header = _header(metadata.get(HEADER_KEY), label)
    check_method(header.get("method"), label)
    _check_columns(nodes, header["method"], label)
    for part in nodes.partition_by("resolution") if "resolution" in nodes.columns else [nodes]:
        _check_tree(part, label)
    return nodes.select(columns_of(nodes)), header


def is_partition(path: Path) -> bool:
    """Whether the file is a partition, by its metadata alone; of what is no Parquet file, False."""
    if not path.is_file():
        return False
    try:
        return HEADER_KEY in pl.read_parquet_metadata(path)
    except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException):
        return False


def columns_of(nodes: pl.DataFrame) -> list[str]:
    """The columns of a partition file, in order, with those of ``EXTRA_COLUMNS`` that ``nodes`` has."""
    return [*COLUMNS, *(name for name in EXTRA_COLUMNS if name in nodes.columns)]


def _geo(geometry: pl.Series, spherical: bool) -> dict[str, Any]:
    import shapely

    shapes = shapely.from_wkb(geometry.to_numpy())
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted({str(shape.geom_type) for shape in shapes}),
        "crs": _CRS84,
        "orientation": "counterclockwise",
        "edges": "spherical" if spherical else "planar",
        "bbox": [float(bound) for bound in shapely.total_bounds(shapes)],
    }
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}


def _header(text: str | None, label: str) -> dict[str, Any]:
    if text is None:
        raise PartitionError(
            f"{label} is a Parquet file, but not a partition: its metadata has no key '{HEADER_KEY}'.\n"
            f"{REBUILD}"
        )
    try:
        header = json.loads(text)
    except ValueError as error:
        raise PartitionError(f"{label} is damaged: its header is not JSON.\n{REBUILD}") from error
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise PartitionError(f"{label} is damaged: its header has no format version.\n{REBUILD}")
    if header["format"] > FORMAT:
        raise PartitionError(
            f"{label} has format {header['format']}; this version of graticule reads up to {FORMAT}.\n"
            "Update:  pip install --upgrade graticule"
        )
    return header


def _check_columns(nodes: pl.DataFrame, method: str, label: str) -> None:
    needed = [*COLUMNS, *NEEDED_COLUMNS.get(method, ())]
    missing = [name for name in needed if name not in nodes.columns]
    if missing:
        raise PartitionError(
            f"{label} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)} "
            f"(found: {', '.join(nodes.columns)}).\n{REBUILD}"
        )
    wanted = {**COLUMNS, "cell_id": KINDS[method][0], **EXTRA_COLUMNS}
    for name in columns_of(nodes):
        dtype = wanted[name]
        if nodes[name].dtype != dtype:
            raise PartitionError(
                f"{label} has {nodes[name].dtype} in column '{name}', expected {dtype}. "
                f"Another program may have rewritten it.\n{REBUILD}"
            )
        if name not in MAY_BE_NULL and nodes[name].null_count():
            raise PartitionError(f"{label} has rows without a value in column '{name}'.\n{REBUILD}")


def _check_tree(nodes: pl.DataFrame, label: str) -> None:
    node = nodes["node"].to_numpy()
    parent = nodes["parent"].fill_null(-1).to_numpy()
    cells = nodes["cell"].drop_nulls().to_numpy()
    broken = None
    if not np.array_equal(node, np.arange(len(node))):
        broken = "nodes are not numbered 0, 1, 2, ... by row"
    elif (parent < -1).any() or (parent >= node).any():
        broken = "a node comes before its parent"
    elif not len(cells) or not np.array_equal(np.sort(cells), np.arange(len(cells))):
        broken = "leaves are not numbered 0..K-1"
    elif not nodes["cell"].is_null().to_numpy()[parent[parent >= 0]].all():
        broken = "a leaf has children"
    if broken:
        raise PartitionError(f"{label} has a broken tree of cells: {broken}.\n{REBUILD}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
