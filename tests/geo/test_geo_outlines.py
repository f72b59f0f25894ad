"""Which country a place lies in: outlines, coasts, islands, borders."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.geometry

from graticule.config import EARTH_RADIUS_KM
from graticule.errors import CoordinateError, GraticuleError
from graticule.geo import _atlas
from graticule.geo.countries import country_name
from graticule.geo.outlines import country_of, country_outlines
from graticule.geo.sphere import destination, great_circle_km, latlon_of


@pytest.mark.parametrize(
    ("latitude", "longitude", "code"),
    [
        (39.9, 116.4, "CN"),
        (52.52, 13.405, "DE"),
        (-34.6, -58.4, "AR"),
        (-29.5, 28.2, "LS"),  # a hole in South Africa
        (43.94, 12.45, "SM"),  # a hole in Italy
        (41.9029, 12.4534, "VA"),  # drawn beside its place
        (41.8902, 12.4922, "IT"),  # the Colosseum
        (-90, 0, "AQ"),
        (-90, 123, "AQ"),
        (-89.95, -50, "AQ"),
        (-85, 180, "AQ"),
        (66, 179.5, "RU"),
        (66, -172, "RU"),
        (71.2, 180, "RU"),  # Wrangel Island, on the antimeridian
        (71.2, -180, "RU"),
        (66, 539.5, "RU"),  # longitudes wrap
        (-16.8, 179.95, "FJ"),
        (-16.8, -179.95, "FJ"),
        (-16.5, 180, "FJ"),
        (42.66, 21.16, "XK"),
        (35.3, 33.3, "CY"),  # Northern Cyprus
        (9.56, 44.06, "SO"),  # Somaliland
        (35.4, 77.1, "IN"),  # Siachen
        (45.0, 34.1, "UA"),  # Crimea
        (24.0, -13.5, "EH"),  # on either side of the wall
        (24.0, -12.1, "EH"),
        (27.6, -12.0, "EH"),
        (27.75, -12.0, "MA"),
        (23.6, -16.02, "EH"),  # off the coast of Dakhla
        (25.04, 121.56, "TW"),
        (22.32, 114.17, "HK"),
        (4.92, -52.3, "GF"),
        (-21.1, 55.5, "RE"),
        (14.65, -61.0, "MQ"),
        (16.2, -61.6, "GP"),
        (-12.8, 45.15, "YT"),
        (12.2, -68.27, "BQ"),
        (78.22, 15.65, "SJ"),
        (70.98, -8.5, "SJ"),
        (-10.48, 105.63, "CX"),
        (-12.16, 96.87, "CC"),
        (-9.34, -171.2, "TK"),
        (36.135, -5.352, "GI"),
        (36.168, -5.348, "ES"),  # La Linea, beyond Gibraltar's border
        (-8.52, 179.19, "TV"),
        (28.21, -177.37, "UM"),
    ],
)
def test_known_places(latitude: float, longitude: float, code: str) -> None:
    assert country_of([[latitude, longitude]], town_within_km=0).tolist() == [code]


def test_the_high_seas_belong_to_nobody() -> None:
    assert country_of([[0, -30], [-50, 180], [89, 0], [40, -160]]).tolist() == [None] * 4


def test_the_shape_of_the_places_is_kept() -> None:
    places = np.array([[[39.9, 116.4], [0, -30]], [[52.5, 13.4], [36.1, -115.2]], [[-90, 0], [48.9, 2.4]]])
    codes = country_of(places)
    assert codes.tolist() == [["CN", None], ["DE", "US"], ["AQ", "FR"]]
    assert country_of([39.9, 116.4]).shape == ()
    assert country_of(np.empty((0, 2))).shape == (0,)


def test_places_off_earth_are_refused() -> None:
    with pytest.raises(CoordinateError, match="latitude"):
        country_of([[116.4, 39.9]])
    with pytest.raises(CoordinateError, match="finite"):
        country_of([[np.nan, 0]])


def test_many_at_once_are_as_one_by_one() -> None:
    places = latlon_of(np.random.default_rng(1).normal(size=(300, 3)))
    at_once = country_of(places)
    assert at_once.tolist() == [country_of(place[None])[0] for place in places]


def test_the_coast_counts_up_to_the_limit() -> None:
    # Perth's coast runs north and south at 115.75 E; westward lies the open ocean.
    off = [destination([-31.3, 115.45], 270, km) for km in (5.0, 60.0)]
    assert country_of(off, within_km=0, town_within_km=0).tolist() == [None, None]
    assert country_of(off, within_km=25, town_within_km=0).tolist() == ["AU", None]
    assert country_of(off, within_km=100, town_within_km=0).tolist() == ["AU", "AU"]
    assert country_of(off, within_km=0, town_within_km=30).tolist() == ["AU", None]


def test_the_nearest_coast_is_the_nearest_on_the_sphere() -> None:
    """Against a slow search through points set every kilometre along every coast, far north included."""
    atlas = _atlas.atlas()
    share = np.linspace(0, 1, 12)[None, :, None]
    step = atlas.coast[:, 1] - atlas.coast[:, 0]
    step[:, 1] = (step[:, 1] + 180) % 360 - 180
    along = (atlas.coast[:, :1] + share * step[:, None]).reshape(-1, 2)
    owner = np.repeat(atlas.coast_codes, share.size)
    rng = np.random.default_rng(2)
    # Straits, where two countries' coasts are about as near; the antimeridian and the Arctic among them.
    seas = [
        (51.0, 1.5),
        (55.9, 12.8),
        (65.8, -169.0),
        (36.0, -5.6),
        (1.2, 103.9),
        (80.5, -68.5),
        (71.0, 179.5),
        (-17, 180),
    ]
    for latitude, longitude in seas:
        around = np.flatnonzero(great_circle_km(along, [latitude, longitude]) < 600)
        spread = np.array([1.0, 1 / np.cos(np.radians(latitude))])
        places = [latitude, longitude] + rng.uniform(-0.7, 0.7, (12, 2)) * spread
        afloat = places[np.equal(country_of(places, within_km=0, town_within_km=0), None)]
        assert len(afloat)
        for within_km in (25.0, 300.0):
            codes = country_of(afloat, within_km=within_km, town_within_km=0)
            for place, code in zip(afloat, codes, strict=True):
                distance_km = great_circle_km(along[around], place)
                owners = owner[around]
                nearest_km = {each: distance_km[owners == each].min() for each in set(owners)}
                best = min(nearest_km.values())
                if code is None:
                    assert best > within_km - 0.5
                else:
                    assert nearest_km[code] < min(best, within_km) + 0.5


def test_a_far_island_without_outline_takes_the_country_of_its_town() -> None:
    # Kavaratti, Lakshadweep: 1:50m leaves the atoll out.
    place = [[10.566, 72.642]]
    assert country_of(place, town_within_km=0).tolist() == [None]
    assert country_of(place).tolist() == ["IN"]


def test_outlines_are_whole_and_valid() -> None:
    outlines = country_outlines()
    assert len(outlines.codes) == len(outlines.polygons) == 246
    assert list(outlines.codes) == sorted(set(outlines.codes))
    assert all(country_name(code) for code in outlines.codes)
    assert shapely.is_valid(outlines.polygons).all()
    assert {polygon.geom_type for polygon in outlines.polygons} == {"MultiPolygon"}
    west, south, east, north = shapely.total_bounds(outlines.polygons)
    assert (west, south, east) == (-180, -90, 180)
    assert 83 < north < 84
    # No country covers another: the areas add up to that of the union.
    together = shapely.union_all(outlines.polygons).area
    assert shapely.area(outlines.polygons).sum() == pytest.approx(together, rel=1e-4)


def test_parts_drawn_one_by_one_are_joined() -> None:
    outlines = country_outlines()
    for code, one, other in [("CY", (33.3, 35.3), (32.9, 34.9)), ("SO", (44.06, 9.56), (45.3, 2.1))]:
        parts = shapely.get_parts(outlines.polygons[outlines.codes.index(code)])
        assert any(
            part.contains(shapely.Point(one)) and part.contains(shapely.Point(other)) for part in parts
        )


@pytest.mark.parametrize(
    ("code", "area_km2"),
    # Published land areas, inland waters included, as far as the outlines include them.
    [
        ("RU", 17.07e6),
        ("BR", 8.51e6),
        ("AU", 7.69e6),
        ("CH", 41.3e3),
        ("FJ", 18.3e3),
        ("AQ", 12.2e6),
        ("UA", 603e3),
        ("EH", 266e3),
    ],
)
def test_areas_are_those_of_the_countries(code: str, area_km2: float) -> None:
    outlines = country_outlines()
    polygon = outlines.polygons[outlines.codes.index(code)]

    def equal_area(xy: np.ndarray) -> np.ndarray:
        return np.column_stack([np.radians(xy[:, 0]), np.sin(np.radians(xy[:, 1]))])

    flat = shapely.transform(shapely.segmentize(polygon, 0.25), equal_area)
    assert flat.area * EARTH_RADIUS_KM**2 == pytest.approx(area_km2, rel=0.03)


@pytest.fixture
def atlas_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that stands for the one of the package, which is forgotten meanwhile."""
    path = tmp_path / "countries.json"
    monkeypatch.setattr(_atlas, "_FILE", path)
    _atlas.atlas.cache_clear()
    yield path
    _atlas.atlas.cache_clear()


@pytest.mark.parametrize("content", [None, "{", "{}", '{"arcs": 3}', "[]"])
def test_a_missing_or_damaged_file_is_reported_with_advice(atlas_file: Path, content: str | None) -> None:
    if content is not None:
        atlas_file.write_text(content)
    with pytest.raises(GraticuleError, match=r"countries\.json' cannot be read .*\n.*pip install \."):
        country_of([[0, 0]])


def test_real_photos_lie_in_the_country_they_say(shared: Path) -> None:
    with (shared / "data/photos/photos.csv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["precision"] == "exact"]
    places = np.array([[float(row["latitude"]), float(row["longitude"])] for row in rows])
    codes = country_of(places)
    agree = codes == np.array([row["country"] for row in rows], dtype=object)
    assert len(rows) > 1000
    assert agree.mean() >= 0.99


def test_random_places_agree_with_other_outlines(shared: Path) -> None:
    with gzip.open(shared / "data/natural_earth/ne_110m_admin_0_countries.json.gz") as table:
        features = json.load(table)["features"]
    places = latlon_of(np.random.default_rng(3).normal(size=(6000, 3)))
    ours = country_of(places, within_km=0, town_within_km=0)
    theirs = np.full(len(places), None, dtype=object)
    for each in features:
        inside = shapely.contains_xy(shapely.geometry.shape(each["geometry"]), places[:, 1], places[:, 0])
        theirs[inside] = each["properties"]["ISO_A2"]
    both = np.array([a is not None and len(b or "-99") == 2 for a, b in zip(ours, theirs, strict=True)])
    assert both.sum() > 1500
    assert (ours == theirs)[both].mean() > 0.985  # 110m is coarser, and draws W. Sahara as it is held
