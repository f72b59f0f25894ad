"""Named polygons to make territories of: the bundled countries, or any set, checked and repaired.

Polygons of other people overlap, leave gaps, cross themselves or stand in another projection. What can be
mended is mended and said; what cannot is refused with advice.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.errors import CoordinateError, TableError
from graticule.geo.countries import country_name
from graticule.geo.geojson import latlon_of_position
from graticule.geo.outlines import country_of, country_outlines
from graticule.partitions.cells.shapes import areas_only, polygon_areas_km2
from graticule.partitions.partition.naming import unique_names

LEAST_KM2: Final = 0.01
"""An overlap or a gap below this area, in km2, is rounding."""

UNPROJECTED: Final = (
    "Write them in longitude and latitude first:\n"
    "  ogr2ogr -t_srs EPSG:4326 degrees.gpkg YOUR_FILE      (GDAL; in QGIS: Export, CRS EPSG:4326)"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Regions:
    """Polygons with a code and a name each.

    Convention:
        - ``codes``: (P,) short, different from each other; ``names``: (P,) for people
        - ``polygons``: (P,) valid Polygons or MultiPolygons of the plane, (longitude, latitude) in
          **degrees** in [-180, 180] and [-90, 90], that do not overlap
        - ``countries``: (P,) ISO 3166-1 alpha-2 code of the country that each lies in, None at sea
        - ``remarks``: sentences on what was repaired
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    polygons: NDArray[np.object_]
    countries: NDArray[np.object_]
    remarks: tuple[str, ...] = ()

    def at(self, wanted: NDArray[np.bool_]) -> Regions:
        """Some of them, in their order."""
        rows = np.flatnonzero(wanted).tolist()
        return Regions(
            tuple(self.codes[row] for row in rows),
            tuple(self.names[row] for row in rows),
            self.polygons[rows],
            self.countries[rows],
            self.remarks,
        )


def bundled_regions() -> Regions:
    """The countries that come with graticule (Natural Earth 1:50 million).

    Example:
        >>> regions = bundled_regions()
        >>> regions.names[regions.codes.index("FJ")]
        'Fiji'
    """
    outlines = country_outlines()
    names = tuple(country_name(code) or code for code in outlines.codes)
    return Regions(outlines.codes, names, outlines.polygons, np.array(outlines.codes, dtype=object))


def repaired_regions(names: list[str], polygons: NDArray[np.object_], label: str) -> Regions:
    """Polygons as somebody wrote them, made fit to divide the ground.

    Convention:
        - ``polygons``: geometries of the (longitude, latitude) plane in **degrees**; longitudes past 180, as
          files write that cross the antimeridian, are taken round
        - what is no polygon is left out; self-intersections are mended; of two that overlap the smaller keeps
          the ground; gaps are reported; all of that stands in ``remarks``
        - ``label`` names the source in errors, ``"File 'x.geojson'"``

    Raises:
        CoordinateError: the polygons are not in degrees.
        TableError: there is no polygon.
    """
    shapes = shapely.force_2d(np.asarray(polygons, dtype=object))
    _check_degrees(shapes, label)
    remarks: list[str] = []
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    broken = ~empty & ~shapely.is_valid(shapes)
    mended = np.array([_mended(shape) for shape in shapes], dtype=object)
    areal = ~shapely.is_empty(mended)
    if not areal.any():
        kinds = sorted({str(shape.geom_type) for shape in shapes[~empty]}) or ["nothing"]
        raise TableError(
            f"{label} holds no polygon (found: {', '.join(kinds)}).\n"
            "Give polygons of areas, such as municipalities or states."
        )
    if broken.any():
        remarks.append(f"Polygons that crossed themselves, mended: {_listed(names, broken)}.")
    if not areal.all():
        remarks.append(f"Entries that are no polygons, left out: {_listed(names, ~areal)}.")
    kept = [name for name, good in zip(names, areal.tolist(), strict=True) if good]
    disjoint, said = _without_overlaps(mended[areal], kept)
    remarks += said
    gone = shapely.is_empty(disjoint)
    if gone.any():
        remarks.append(f"Polygons wholly covered by smaller ones, left out: {_listed(kept, gone)}.")
        disjoint, kept = disjoint[~gone], [name for name, lost in zip(kept, gone, strict=True) if not lost]
    remarks += _gaps(disjoint)
    codes = tuple(unique_names(kept))
    return Regions(codes, codes, disjoint, _countries(disjoint), tuple(remarks))


def _check_degrees(shapes: NDArray[np.object_], label: str) -> None:
    corners = shapely.get_coordinates(shapes)
    if not len(corners):
        return
    if not np.isfinite(corners).all():
        raise CoordinateError(f"{label} has corners that are not finite.\nExport the polygons again.")
    worst = np.abs(corners).max(axis=0)
    if worst[0] > 360 or worst[1] > 90 + 1e-9:
        example = corners[np.argmax(np.abs(corners[:, 1]))]
        swapped = worst[0] <= 90 and worst[1] <= 180
        advice = (
            "Are longitude and latitude exchanged? Files have longitude first."
            if swapped
            else f"They seem to be in another projection. {UNPROJECTED}"
        )
        raise CoordinateError(
            f"{label} has corners such as ({example[0]:.6g}, {example[1]:.6g}), which are no degrees of "
            f"longitude and latitude.\n{advice}"
        )


def _mended(shape: shapely.Geometry | None) -> shapely.Geometry:
    """A valid polygon in [-180, 180], empty for what has no area."""
    if shape is None or shape.is_empty:
        return shapely.Polygon()
    valid = shape if shape.is_valid else shapely.make_valid(shape)
    west, south, east, north = valid.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        turns = 360 * np.arange(np.floor((west + 180) / 360), np.ceil((east + 180) / 360))
        worlds = shapely.intersection(valid, shapely.box(turns - 180, -90, turns + 180, 90))
        back = [
            shapely.transform(world, lambda xy, by=turn: xy - [by, 0])
            for world, turn in zip(worlds, turns, strict=True)
        ]
        valid = shapely.union_all(back)
    return areas_only(valid)


def _without_overlaps(
    polygons: NDArray[np.object_], names: list[str]
) -> tuple[NDArray[np.object_], list[str]]:
    """Of two overlapping polygons the smaller keeps the common ground."""
    areas = polygon_areas_km2(polygons)
    shapely.prepare(polygons)
    tree = shapely.STRtree(polygons)
    one, other = np.concatenate(
        [tree.query(polygons, predicate=how) for how in ("overlaps", "contains", "within")], axis=1
    )
    # The first gives way: the larger, or of two as large the later.
    gives = (areas[one] > areas[other]) | ((areas[one] == areas[other]) & (one > other))
    pairs = np.unique(np.stack([one[gives], other[gives]]), axis=1).T
    result = polygons.copy()
    shared_km2, worst = 0.0, (0.0, "", "")
    for large, small in pairs:
        common = float(
            polygon_areas_km2(np.array([areas_only(polygons[large] & polygons[small])], dtype=object))[0]
        )
        if common > 0:
            result[large] = areas_only(shapely.difference(result[large], polygons[small]))
        shared_km2 += common
        worst = max(worst, (common, names[large], names[small]))
    if shared_km2 < LEAST_KM2:
        return result, []
    return result, [
        f"Overlapping polygons: {_area(shared_km2)} in {len(pairs):,} pair{'s' * (len(pairs) > 1)}, most "
        f"of it in '{worst[1]}' and '{worst[2]}'; the smaller of two keeps the ground."
    ]


def _gaps(polygons: NDArray[np.object_]) -> list[str]:
    """Ground enclosed by the polygons that none of them covers."""
    together = shapely.union_all(polygons)
    rings, part = shapely.get_rings(shapely.get_parts(together), return_index=True)
    holes = shapely.polygons(rings[np.diff(part, prepend=-1) == 0])  # the first ring of a part is its outer
    areas = polygon_areas_km2(holes) if len(holes) else np.empty(0)
    large = areas >= LEAST_KM2
    if not large.any():
        return []
    count = int(large.sum())
    return [
        f"The polygons enclose {count:,} gap{'s' * (count > 1)} of {_area(areas[large].sum())} that none "
        "covers (lakes, or borders that do not meet); places there go to the nearest polygon within "
        "`reach_km`."
    ]


def _countries(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    inside = shapely.get_coordinates(shapely.point_on_surface(polygons))
    return country_of(latlon_of_position(inside), town_within_km=0)


def _listed(names: list[str], wanted: NDArray[np.bool_]) -> str:
    found = [name for name, is_one in zip(names, wanted.tolist(), strict=True) if is_one]
    more = f" and {len(found) - 5:,} more" if len(found) > 5 else ""
    return ", ".join(f"'{name}'" for name in found[:5]) + more


def _area(area_km2: float) -> str:
    """An area for people."""
    return f"{area_km2:,.0f} km2" if area_km2 >= 10 else f"{area_km2:.2g} km2"
