"""Names for places, and the gazetteer under them."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graticule.errors import CoordinateError, GraticuleError, UsageError
from graticule.geo import towns
from graticule.geo.countries import country_name
from graticule.geo.outlines import country_of
from graticule.geo.places import FAR_KM, OPEN_SEA, nearest_towns, place_names
from graticule.geo.sphere import great_circle_km, latlon_of
from graticule.geo.towns import chord_of_km, gazetteer, km_of_chord


@pytest.mark.parametrize(
    ("latitude", "longitude", "name"),
    [
        (39.9, 116.4, "Beijing, CN"),
        (39.999, 116.275, "Beijing, CN"),  # the Summer Palace, in the quarter Haidian
        (48.8584, 2.2945, "Paris, FR"),
        (40.78, -73.97, "New York City, US"),  # among Manhattan, Harlem, and the towns of New Jersey
        (35.66, 139.70, "Tokyo, JP"),
        (-23.55, -46.63, "São Paulo, BR"),
        (-13.163, -72.545, "Machupicchu, PE"),
        (25.0, 4.0, "Algeria, DZ"),
        (-75.0, 0.0, "Antarctica, AQ"),
        (71.2, 179.9, "Russia, RU"),  # Wrangel Island
        (78.22, 15.65, "Longyearbyen, SJ"),
        (0.0, -30.0, "open sea"),
        (-50.0, 180.0, "open sea"),
        (10.566, 72.642, "Kavaratti, IN"),  # an atoll without outline
        (42.66, 21.16, "Pristina, XK"),
    ],
)
def test_known_names(latitude: float, longitude: float, name: str) -> None:
    assert place_names([[latitude, longitude]]) == [name]


def test_names_agree_with_the_country_and_lie_near() -> None:
    rng = np.random.default_rng(4)
    known = gazetteer()
    # Places around towns, borders and coasts among them, and places anywhere.
    around = known.vectors[rng.integers(0, len(known.vectors), 600)] + rng.normal(0, 0.01, (600, 3))
    places = latlon_of(np.concatenate([around, rng.normal(size=(600, 3))]))
    codes = country_of(places, town_within_km=0)
    towns_of = {code: np.flatnonzero(known.country == code) for code in set(known.country)}
    town_places = latlon_of(known.vectors)
    kinds = {"town": 0, "country": 0, "sea": 0}
    for place, code, name in zip(places, codes, place_names(places), strict=True):
        if name == OPEN_SEA:
            kinds["sea"] += 1
            assert code is None
            assert nearest_towns(place[None]).distance_km[0] > FAR_KM
            continue
        city, written = name.rsplit(", ", 1)
        assert code in (None, written)
        own = towns_of.get(written, np.empty(0, dtype=int))
        own_km = great_circle_km(town_places[own], place)
        if (own_km > FAR_KM).all():
            kinds["country"] += 1
            assert city == country_name(written)
        else:
            kinds["town"] += 1
            assert own_km[known.city[own] == city].min() <= FAR_KM
    assert min(kinds.values()) > 40, kinds


def test_a_town_of_the_own_country_is_found_beyond_many_foreign_ones() -> None:
    # In the south of El Paso's desert, Texas: the nearest six towns are all Mexican.
    place = np.array([[31.80, -106.75]])
    code = country_of(place)[0]
    assert place_names(place)[0].endswith(f", {code}")
    # The Polish shore of the Oder, opposite Frankfurt.
    assert place_names([[52.345, 14.58]])[0].split(", ")[1] == country_of([[52.345, 14.58]])[0]


def test_many_at_once_are_as_one_by_one() -> None:
    places = latlon_of(np.random.default_rng(5).normal(size=(100, 3)))
    assert place_names(places) == [place_names(place[None])[0] for place in places]
    assert place_names(np.empty((0, 2))) == []


def test_nearest_towns_are_the_nearest_on_the_sphere() -> None:
    """Against measuring to all 155,000; near the pole and the antimeridian degrees would mislead."""
    places = latlon_of(np.random.default_rng(6).normal(size=(60, 3)))
    places = np.concatenate([places, [[78.0, 40.0], [89.9, -170.0], [-17.0, 179.99], [-17.0, -179.99]]])
    known = gazetteer()
    town_places = latlon_of(known.vectors)
    found = nearest_towns(places)
    for place, city, country, distance_km in zip(places, *found, strict=True):
        all_km = great_circle_km(town_places, place)
        assert distance_km == pytest.approx(all_km.min(), rel=1e-9, abs=1e-6)
        same = known.city[all_km <= all_km.min() + 1e-6]
        assert city in same
        assert country in set(known.country)


def test_only_large_towns_on_demand() -> None:
    place = [[39.91, 116.356]]  # Beijing's quarter Jinrongjie, of which no population is known
    assert nearest_towns(place).city.tolist() == ["Jinrongjie"]
    assert nearest_towns(place, min_population=100_000).city.tolist() == ["Beijing"]
    with pytest.raises(UsageError, match=r"No town on Earth has 99000000 people.\nLower min_population"):
        nearest_towns(place, min_population=99_000_000)


def test_places_off_earth_are_refused() -> None:
    with pytest.raises(CoordinateError, match="latitude"):
        place_names([[116.4, 39.9]])
    with pytest.raises(CoordinateError, match="finite"):
        nearest_towns([[np.inf, 0]])


def test_chords_and_kilometres_turn_into_each_other() -> None:
    for km in (0.0, 0.001, 25.0, 10_000.0, 20_015.0):
        assert float(km_of_chord(chord_of_km(km))) == pytest.approx(km, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    "content",
    [None, b"not gzip", gzip.compress(b"[{", mtime=0), gzip.compress(b"<html>", mtime=0)],
    ids=["absent", "not-gzip", "cut-json", "html"],
)
def test_a_missing_or_damaged_table_is_reported_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "towns.gz").write_bytes(content)
    monkeypatch.setattr(towns, "_TABLE", str(tmp_path / "towns.gz"))
    with pytest.raises(GraticuleError, match=r"towns\.gz.*\n.*pip install --force-reinstall"):
        towns._read_table()


def test_importing_does_not_load_the_gazetteer() -> None:
    code = (
        "import sys, graticule.geo.places, graticule.geo.outlines;"
        "print(graticule.geo.outlines.country_of([[39.9, 116.4], [51.0, 1.5]]).tolist(),"
        " sorted({'scipy', 'polars', 'reverse_geocode', 'torch'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip().endswith("[]"), said
