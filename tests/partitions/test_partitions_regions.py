"""Other people's polygons, mended or refused, with a sentence for each."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import shapely

from graticule.errors import CoordinateError, MissingFileError, TableError, UsageError
from graticule.partitions.outlines.polygon_files import read_regions
from graticule.partitions.outlines.regions import bundled_regions, repaired_regions

BOW_TIE = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])


def repaired(*polygons: shapely.Geometry):
    return repaired_regions([f"p{i}" for i in range(len(polygons))], np.array(polygons, dtype=object), "File")


def test_bundled_countries_are_valid_and_do_not_overlap() -> None:
    regions = bundled_regions()
    assert shapely.is_valid(regions.polygons).all()
    assert len(set(regions.codes)) == len(regions.codes) > 230
    tree = shapely.STRtree(regions.polygons)
    one, other = tree.query(regions.polygons, predicate="overlaps")
    shared = shapely.area(shapely.intersection(regions.polygons[one], regions.polygons[other]))
    assert len(shared) == 0 or shared.max() < 1e-9


def test_self_intersections_are_mended_and_said() -> None:
    regions = repaired(BOW_TIE, shapely.box(5, 5, 6, 6))
    assert shapely.is_valid(regions.polygons).all()
    assert regions.polygons[0].area == pytest.approx(2)
    assert any("crossed themselves, mended: 'p0'." in remark for remark in regions.remarks)


def test_the_smaller_of_two_overlapping_keeps_the_ground() -> None:
    country, enclave, beside = shapely.box(0, 0, 10, 10), shapely.box(4, 4, 5, 5), shapely.box(9, 0, 12, 10)
    regions = repaired(country, enclave, beside)
    assert regions.polygons[1].equals(enclave)
    assert regions.polygons[2].equals(beside)
    assert regions.polygons[0].area == pytest.approx(100 - 1 - 10)
    assert shapely.union_all(regions.polygons).area == pytest.approx(shapely.area(regions.polygons).sum())
    assert any("in 2 pairs" in remark and "'p0' and 'p2'" in remark for remark in regions.remarks)


def test_three_that_overlap_in_one_place() -> None:
    regions = repaired(shapely.box(0, 0, 6, 6), shapely.box(1, 1, 5, 5), shapely.box(2, 2, 4, 4))
    areas = shapely.area(regions.polygons)
    np.testing.assert_allclose(areas, [20, 12, 4])


def test_equal_polygons_keep_one() -> None:
    regions = repaired(shapely.box(0, 0, 1, 1), shapely.box(0, 0, 1, 1))
    assert regions.codes == ("p0",)
    assert any("wholly covered by smaller ones, left out: 'p1'." in remark for remark in regions.remarks)


def test_gaps_are_reported_and_holes_stay() -> None:
    frame = shapely.box(0, 0, 3, 3) - shapely.box(1, 1, 2, 2)
    regions = repaired(frame)
    assert regions.polygons[0].equals(frame)
    assert any("1 gap of 12,3" in remark and "nearest polygon" in remark for remark in regions.remarks)
    assert repaired(frame, shapely.box(1, 1, 2, 2)).remarks == ()


def test_polygons_past_the_antimeridian_are_taken_round() -> None:
    regions = repaired(shapely.box(170, -20, 190, -10))
    assert regions.polygons[0].geom_type == "MultiPolygon"
    assert regions.polygons[0].bounds == (-180, -20, 180, -10)
    assert regions.polygons[0].area == pytest.approx(200)


@pytest.mark.parametrize(
    ("polygon", "message"),
    [
        (shapely.box(500_000, 6_000_000, 600_000, 6_100_000), "another projection.*ogr2ogr -t_srs EPSG:4326"),
        (shapely.box(210, 55, 212, 91), "another projection"),
        (shapely.box(50, 100, 58, 120), "Are longitude and latitude exchanged"),
        (shapely.box(-361, 0, 0, 10), "no degrees"),
    ],
)
def test_other_coordinates_are_refused(polygon, message) -> None:
    with pytest.raises(CoordinateError, match=f"(?s){message}"):
        repaired(polygon)


def test_what_is_no_polygon_is_left_out_or_refused() -> None:
    regions = repaired(shapely.Point(0, 0), shapely.box(0, 0, 1, 1), shapely.Polygon())
    assert regions.codes == ("p1",)
    assert any("no polygons, left out: 'p0', 'p2'." in remark for remark in regions.remarks)
    with pytest.raises(TableError, match=r"holds no polygon \(found: Point\)"):
        repaired(shapely.Point(0, 0))


def test_countries_of_polygons() -> None:
    regions = repaired(shapely.box(9, 55, 10, 56), shapely.box(-30, 30, -29, 31))
    assert regions.countries.tolist() == ["DK", None]


def geojson(*polygons: shapely.Geometry, properties: list[dict] | None = None, **more: object) -> dict:
    features = [
        {
            "type": "Feature",
            "properties": (properties or [{} for _ in polygons])[index],
            "geometry": json.loads(shapely.to_geojson(polygon)),
        }
        for index, polygon in enumerate(polygons)
    ]
    return {"type": "FeatureCollection", "features": features, **more}


TWO = (shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1))


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_geojson_names_by_column(tmp_path: Path) -> None:
    rows = [{"NAME": "Nord", "kode": 1, "same": "x"}, {"NAME": "Syd", "kode": 2, "same": "x"}]
    path = write(tmp_path / "two.geojson", geojson(*TWO, properties=rows))
    assert read_regions(path).codes == ("Nord", "Syd")
    assert read_regions(path, name_column="kode").codes == ("1", "2")
    assert read_regions(path, name_column="same").codes == ("x", "x (2)")
    with pytest.raises(UsageError, match=r"no column 'nam' \(found: NAME, kode, same\)"):
        read_regions(path, name_column="nam")
    with pytest.raises(UsageError, match="no layers"):
        read_regions(path, layer="two")


def test_geojson_without_names_packed_or_bare(tmp_path: Path) -> None:
    packed = tmp_path / "two.geojson.gz"
    packed.write_bytes(gzip.compress(json.dumps(geojson(*TWO)).encode()))
    assert read_regions(packed).codes == ("1", "2")
    bare = write(tmp_path / "one.json", json.loads(shapely.to_geojson(TWO[0])))
    assert read_regions(bare).polygons[0].equals(TWO[0])
    single = write(tmp_path / "feature.json", geojson(*TWO)["features"][1])
    assert read_regions(single).polygons[0].equals(TWO[1])


@pytest.mark.parametrize(
    ("document", "error", "message"),
    [
        ({"type": "Topology"}, TableError, "is TopoJSON"),
        ({"kind": 3}, TableError, "no GeoJSON: its type is None"),
        ([1, 2], TableError, "no GeoJSON"),
        ({"type": "FeatureCollection", "features": []}, TableError, "holds no polygon"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, "x"]]]}, TableError, "cannot be read"),
        (
            geojson(*TWO, crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}),
            CoordinateError,
            "coordinates of urn:ogc:def:crs:EPSG::25832",
        ),
    ],
)
def test_json_that_does_not_serve(tmp_path: Path, document, error, message) -> None:
    with pytest.raises(error, match=message):
        read_regions(write(tmp_path / "x.geojson", document))


def test_crs84_is_fine(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert len(read_regions(write(tmp_path / "x.geojson", geojson(*TWO, crs=crs))).codes) == 2


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no file of polygons"):
        read_regions(tmp_path / "none.geojson")
    other = tmp_path / "x.shp"
    other.write_bytes(b"\x00\x00\x27\x0a" * 30)
    with pytest.raises(TableError, match=r"neither GeoJSON nor a GeoPackage(?s:.*)ogr2ogr"):
        read_regions(other)
    text = '{"type": "FeatureCollection", "features": [], "name": "Österreich"}'
    other.write_bytes(text.encode("latin-1"))
    with pytest.raises(TableError, match="is not UTF-8, as GeoJSON is"):
        read_regions(other)
    other.write_text(text[:40])
    with pytest.raises(TableError, match=r"is JSON that breaks off: .*\nExport it again"):
        read_regions(other)


def geopackage(
    path: Path, layers: dict[str, list[tuple[str, bytes | None]]], srs: tuple = (4326, "GEOGCS[]")
):
    """A GeoPackage made by hand, after OGC 12-128."""
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE gpkg_spatial_ref_sys (srs_name, srs_id, organization, organization_coordsys_id, "
            "definition)"
        )
        database.execute(
            "INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, 'EPSG', ?, ?)",
            (f"System {srs[0]}", srs[0], srs[0], srs[1]),
        )
        database.execute("CREATE TABLE gpkg_geometry_columns (table_name, column_name, srs_id)")
        for name, rows in layers.items():
            database.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?)", (name, srs[0]))
            database.execute(f'CREATE TABLE "{name}" (fid INTEGER PRIMARY KEY, navn TEXT, geom BLOB)')
            database.executemany(f'INSERT INTO "{name}" (navn, geom) VALUES (?, ?)', rows)
    database.close()
    return path


def blob(polygon: shapely.Geometry, envelope: int = 0) -> bytes:
    sizes = (0, 4, 6, 6, 8)
    flags = 1 | envelope << 1
    header = b"GP\x00" + bytes([flags]) + (4326).to_bytes(4, "little")
    return header + np.zeros(sizes[envelope]).tobytes() + shapely.to_wkb(polygon)


@pytest.mark.parametrize("envelope", range(5))
def test_geopackage(tmp_path: Path, envelope: int) -> None:
    rows = [("Nord", blob(TWO[0], envelope)), ("Syd", blob(TWO[1], envelope)), ("Tom", None)]
    regions = read_regions(geopackage(tmp_path / "a #1?.gpkg", {"kommuner": rows}))
    assert regions.codes == ("Nord", "Syd")
    assert shapely.equals(regions.polygons, TWO).all()
    assert any("left out: 'Tom'" in remark for remark in regions.remarks)


def test_geopackage_layers(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "a.gpkg", {"nord": [("N", blob(TWO[0]))], "syd": [("S", blob(TWO[1]))]})
    assert read_regions(path, layer="syd").codes == ("S",)
    with pytest.raises(UsageError, match=r"has 2 layers: nord, syd\.\nName one:  `layer=nord`"):
        read_regions(path)
    with pytest.raises(UsageError, match=r"no layer 'sud'(?s:.*)`layer=syd`"):
        read_regions(path, layer="sud")


def test_geopackage_in_another_projection(tmp_path: Path) -> None:
    path = geopackage(
        tmp_path / "a.gpkg", {"a": [("N", blob(TWO[0]))]}, (25832, 'PROJCS["ETRS89 / UTM 32N"]')
    )
    with pytest.raises(CoordinateError, match="'System 25832', not in degrees"):
        read_regions(path)


def test_broken_geopackages(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "a.gpkg", {"a": [("N", b"what")]})
    with pytest.raises(TableError, match="without the header"):
        read_regions(path)
    path = geopackage(tmp_path / "b.gpkg", {"a": [("N", blob(TWO[0])[:-9])]})
    with pytest.raises(TableError, match="cannot be read"):
        read_regions(path)
    path = geopackage(tmp_path / "c.gpkg", {})
    with pytest.raises(TableError, match="no layer with geometries"):
        read_regions(path)
    (tmp_path / "d.gpkg").write_bytes(b"SQLite format 3\x00" + b"\x01" * 200)
    with pytest.raises(TableError, match="no GeoPackage that can be read"):
        read_regions(tmp_path / "d.gpkg")


def test_states_of_natural_earth(shared: Path) -> None:
    regions = read_regions(shared / "data" / "natural_earth" / "ne_50m_admin_1_states_provinces.json.gz")
    assert len(regions.codes) == 100
    assert {"US-CA", "BR-SP", "AU-TAS"} <= set(regions.codes)
    assert regions.countries[regions.codes.index("US-AK")] == "US"
    assert shapely.is_valid(regions.polygons).all()


def test_like_geopandas(tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    pytest.importorskip("pyogrio")
    frame = geopandas.GeoDataFrame({"navn": ["Nord", "Syd"]}, geometry=list(TWO), crs="EPSG:4326")
    frame.to_file(tmp_path / "two.gpkg", driver="GPKG")
    regions = read_regions(tmp_path / "two.gpkg")
    assert regions.codes == ("Nord", "Syd")
    assert shapely.equals(regions.polygons, TWO).all()
    frame.to_crs("EPSG:25832").to_file(tmp_path / "utm.gpkg", driver="GPKG")
    with pytest.raises(CoordinateError, match="not in degrees"):
        read_regions(tmp_path / "utm.gpkg")
