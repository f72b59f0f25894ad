"""Polygons from files of other people: GeoJSON and GeoPackage, read without GDAL.

A GeoPackage is an SQLite database whose geometries are well-known binary behind a short header (OGC 12-128).
"""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.config import nearest
from graticule.errors import CoordinateError, MissingFileError, TableError, UsageError
from graticule.partitions.outlines.regions import UNPROJECTED, Regions, repaired_regions

NAME_COLUMNS: Final = (
    "iso_3166_2", "iso_a2", "iso_a2_eh", "hasc_1", "hasc_2", "gid_2", "gid_1", "gid_0", "shapeiso", "lau_id",
    "nuts_id", "code", "name", "name_2", "name_1", "name_0", "name_en", "shapename", "navn", "nom", "naam",
    "nombre", "nome", "admin", "id",
)  # fmt: skip
"""Columns tried for a name, in this order and any case; the first that tells all polygons apart is taken."""

_DEGREES: Final = frozenset({"CRS84", "CRS83", "4326", "4258", "4269", "4979", "4617", "4283", "7844"})
"""Systems of coordinates in longitude and latitude that differ by less than our outlines' accuracy."""

_ENVELOPE_BYTES: Final = (0, 32, 48, 48, 64)


def read_regions(path: str | Path, *, layer: str | None = None, name_column: str | None = None) -> Regions:
    """The polygons of a file, repaired.

    Convention:
        - ``path``: ``.geojson``, ``.json`` (either may be ``.gz``) or ``.gpkg``
        - ``layer``: which table of a GeoPackage; needed only where it has several
        - ``name_column``: the column whose values name the polygons; found out when left out

    Raises:
        CoordinateError: the polygons are not in longitude and latitude.
        MissingFileError: there is no such file.
        TableError: the file is damaged, of another format, or holds no polygon.
        UsageError: there is no such layer or column.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"There is no file of polygons '{source}'.\nName one with `polygons`.")
    label = f"File '{source}'"
    with source.open("rb") as file:
        is_sqlite = file.read(15) == b"SQLite format 3"
    if is_sqlite:
        shapes, properties = _from_geopackage(source, layer, label)
    else:
        if layer is not None:
            raise UsageError(f"{label} is no GeoPackage, so it has no layers.\nLeave `layer` out.")
        shapes, properties = _from_geojson(source, label)
    return repaired_regions(_names(properties, name_column, label), shapes, label)


def _from_geojson(source: Path, label: str) -> tuple[NDArray[np.object_], list[dict[str, Any]]]:
    content = source.read_bytes()
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        document = json.loads(content)
    except (ValueError, OSError, EOFError) as error:
        if content.lstrip()[:1] in (b"{", b"["):
            encoded = isinstance(error, UnicodeDecodeError)
            why = "is not UTF-8, as GeoJSON is" if encoded else f"is JSON that breaks off: {error}"
            raise TableError(f"{label} {why}.\nExport it again.") from error
        raise TableError(
            f"{label} is neither GeoJSON nor a GeoPackage.\n"
            "Convert it:  ogr2ogr -t_srs EPSG:4326 polygons.gpkg YOUR_FILE"
        ) from error
    if isinstance(document, dict) and document.get("type") == "Topology":
        raise TableError(
            f"{label} is TopoJSON.\nConvert it:  ogr2ogr -f GeoJSON polygons.geojson {source.name}"
        )
    _check_crs(document, label)
    features = _features(document, label)
    try:
        shapes = [
            None if each.get("geometry") is None else shapely.from_geojson(json.dumps(each["geometry"]))
            for each in features
        ]
    except (shapely.errors.GEOSException, AttributeError) as error:
        raise TableError(f"{label} has a geometry that cannot be read: {error}.\nExport it again.") from error
    properties = [
        {**({"id": each["id"]} if "id" in each else {}), **(each.get("properties") or {})}
        for each in features
    ]
    return np.array(shapes, dtype=object), properties


def _features(document: Any, label: str) -> list[dict[str, Any]]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection" and isinstance(document.get("features"), list):
        return [each for each in document["features"] if isinstance(each, dict)]
    if kind == "Feature":
        return [document]
    if kind == "GeometryCollection":
        return [{"geometry": each} for each in document.get("geometries", [])]
    if kind in ("Polygon", "MultiPolygon"):
        return [{"geometry": document}]
    raise TableError(f"{label} is JSON, but no GeoJSON: its type is {kind!r}.\nGive a FeatureCollection.")


def _check_crs(document: Any, label: str) -> None:
    """Older GeoJSON may name a system of coordinates."""
    crs = document.get("crs") if isinstance(document, dict) else None
    name = (crs or {}).get("properties", {}).get("name") if isinstance(crs, dict) else None
    if isinstance(name, str) and name.replace("/", ":").split(":")[-1].upper() not in _DEGREES:
        raise CoordinateError(f"{label} is in the coordinates of {name}, not in degrees.\n{UNPROJECTED}")


def _from_geopackage(
    source: Path, layer: str | None, label: str
) -> tuple[NDArray[np.object_], list[dict[str, Any]]]:
    address = (
        f"file:{source.resolve().as_posix().replace('?', '%3f').replace('#', '%23')}?mode=ro&immutable=1"
    )
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            table, column, system = _layer(database, layer, label)
            _check_system(database, system, label)
            cursor = database.execute(f"SELECT * FROM {_quoted(table)}")
            columns = [each[0] for each in cursor.description]
            rows = cursor.fetchall()
    except sqlite3.Error as error:
        raise TableError(f"{label} is no GeoPackage that can be read: {error}.\nExport it again.") from error
    at = [name.lower() for name in columns].index(column.lower())
    shapes = [_geometry(row[at], label) for row in rows]
    names = [name for index, name in enumerate(columns) if index != at]
    properties = [
        dict(zip(names, [value for index, value in enumerate(row) if index != at], strict=True))
        for row in rows
    ]
    return np.array(shapes, dtype=object), properties


def _layer(database: sqlite3.Connection, layer: str | None, label: str) -> tuple[str, str, int]:
    """Name, column of geometries and system of coordinates of the layer."""
    found = database.execute("SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns").fetchall()
    names = [each[0] for each in found]
    if not names:
        raise TableError(f"{label} has no layer with geometries.\nGive a GeoPackage of polygons.")
    if layer is None and len(names) > 1:
        raise UsageError(
            f"{label} has {len(names)} layers: {', '.join(names)}.\nName one:  `layer={names[0]}`"
        )
    if layer is not None and layer not in names:
        close = nearest(layer, names) or names[0]
        raise UsageError(
            f"{label} has no layer '{layer}' (found: {', '.join(names)}).\nType:  `layer={close}`"
        )
    table, column, system = found[0 if layer is None else names.index(layer)]
    return str(table), str(column), int(system)


def _check_system(database: sqlite3.Connection, system: int, label: str) -> None:
    row = database.execute(
        "SELECT srs_name, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?",
        (system,),
    ).fetchone()
    if system in (0, -1) or row is None:  # undefined: the numbers themselves are checked
        return
    if str(row[1]) not in _DEGREES and str(row[2]).upper().lstrip().startswith(("PROJCS", "PROJCRS")):
        raise CoordinateError(f"{label} is in the coordinates '{row[0]}', not in degrees.\n{UNPROJECTED}")


def _geometry(blob: bytes | None, label: str) -> shapely.Geometry | None:
    if blob is None:
        return None
    size = (blob[3] >> 1) & 7 if len(blob) > 8 and blob[:2] == b"GP" else len(_ENVELOPE_BYTES)
    if size >= len(_ENVELOPE_BYTES):
        raise TableError(f"{label} has a geometry without the header of GeoPackages.\nExport it again.")
    try:
        return shapely.from_wkb(blob[8 + _ENVELOPE_BYTES[size] :])
    except shapely.errors.GEOSException as error:
        raise TableError(f"{label} has a geometry that cannot be read: {error}.\nExport it again.") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _names(properties: Sequence[dict[str, Any]], column: str | None, label: str) -> list[str]:
    known = list(dict.fromkeys(key for each in properties for key in each))
    if column is not None:
        if column not in known:
            close = nearest(column, known)
            advice = f"Did you mean:  `polygon_names={close}`" if close else "Leave `polygon_names` out."
            raise UsageError(
                f"{label} has no column '{column}' (found: {', '.join(known) or 'none'}).\n{advice}"
            )
        return _filled(each.get(column) for each in properties)
    by_lower = {key.lower(): key for key in reversed(known)}
    for wanted in NAME_COLUMNS:
        values = [each.get(by_lower.get(wanted, "")) for each in properties]
        if all(isinstance(value, str | int) and value != "" for value in values):
            texts = [str(value) for value in values]
            if len(set(texts)) == len(texts):
                return texts
    return _filled([None] * len(properties))


def _filled(values: Iterable[Any]) -> list[str]:
    return [str(index + 1) if value in (None, "") else str(value) for index, value in enumerate(values)]
