"""Country names, codes and continents."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import iso3166
import pytest

from graticule.geo.countries import CONTINENTS, continent_of, country_code, country_name
from graticule.geo.countries import _keys as keys

CODES = sorted(country.alpha2 for country in iso3166.countries)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("UnitedKingdom", "GB"),
        ("UK", "GB"),
        ("Scotland", "GB"),
        ("South Korea", "KR"),
        ("SouthKorea", "KR"),
        ("Korea, South", "KR"),
        ("north_korea", "KP"),
        ("Czech Republic", "CZ"),
        ("Czechia", "CZ"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("NorthMacedonia", "MK"),
        ("Macedonia", "MK"),
        ("Ivory Coast", "CI"),
        ("Cote d'Ivoire", "CI"),
        ("Côte d’Ivoire", "CI"),
        ("DR Congo", "CD"),
        ("Democratic Republic of the Congo", "CD"),
        ("Congo", "CG"),
        ("Russia", "RU"),
        ("Russian Federation", "RU"),
        ("Vietnam", "VN"),
        ("Viet Nam", "VN"),
        ("Bosnia", "BA"),
        ("Bosnia & Herzegovina", "BA"),
        ("BosniaAndHerzegovina", "BA"),
        ("bosniaherzegovina", "BA"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("TURKIYE", "TR"),
        ("Swaziland", "SZ"),
        ("Eswatini", "SZ"),
        ("Burma", "MM"),
        ("Palestine", "PS"),
        ("Taiwan", "TW"),
        ("Kosovo", "XK"),
        ("Macau", "MO"),
        ("Hong Kong", "HK"),
        ("HongKong", "HK"),
        ("The Netherlands", "NL"),
        ("St. Lucia", "LC"),
        ("Saint-Lucia", "LC"),
        ("Curacao", "CW"),
        ("Reunion", "RE"),
        ("US Virgin Islands", "VI"),
        ("British Virgin Islands", "VG"),
        ("Cook Is.", "CK"),
        ("Georgia", "GE"),
        ("kr", "KR"),
        ("KOR", "KR"),
        ("no", "NO"),
        ("xk", "XK"),
    ],
)
def test_odd_names_resolve(text: str, code: str) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize(
    "text",
    ["", " ", "the", "train", "test", "Islands", "Island", "Republic of", "Mars", "United", "ZZ", "42", "_"],
)
def test_what_is_no_country_is_not_guessed(text: str) -> None:
    assert country_code(text) is None


@pytest.mark.parametrize("code", CODES)
def test_every_country_resolves_from_all_its_forms(code: str) -> None:
    country = iso3166.countries_by_alpha2[code]
    short = country_name(code)
    assert short is not None
    for text in (
        code,
        code.lower(),
        country.alpha3,
        country.name,
        country.apolitical_name,
        short,
        short.replace(" ", ""),
        short.upper(),
        f" {short} ".replace(" ", "_"),
    ):
        assert country_code(text) == code, text


def test_no_short_name_means_two_countries() -> None:
    names = [country_name(code) for code in CODES]
    assert len(set(names)) == len(CODES)
    first_keys = [next(keys(name)) for name in names if name]
    assert len(set(first_keys)) == len(CODES)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("KR", "South Korea"),
        ("RU", "Russia"),
        ("US", "United States"),
        ("GB", "United Kingdom"),
        ("TW", "Taiwan"),
        ("BO", "Bolivia"),
        ("SY", "Syria"),
        ("VA", "Vatican City"),
        ("cn", "China"),
        ("CI", "Ivory Coast"),
        ("XK", "Kosovo"),
    ],
)
def test_names_are_the_short_english_ones(code: str, name: str) -> None:
    assert country_name(code) == name


def test_no_name_is_of_the_official_sort() -> None:
    for code in CODES:
        name = country_name(code)
        assert name
        assert len(name) <= 35, name  # longest: "Saint Vincent and the Grenadines" and the like
        assert not set(name) & set(",("), name
    assert country_name("ZZ") is None


def test_every_country_has_one_continent() -> None:
    assert "XK" in CODES
    assert {continent_of(code) for code in CODES} == set(CONTINENTS)
    assert continent_of("ZZ") is None
    assert [continent_of(code) for code in ("tr", "RU", "CY", "PA", "CO", "TT", "EG", "TW", "NZ", "AQ")] == (
        ["AS", "EU", "AS", "NA", "SA", "NA", "AF", "AS", "OC", "AN"]
    )


def test_folders_and_photos_of_the_real_data_resolve(shared: Path) -> None:
    folders = [each.name for each in (shared / "data/layouts/country_folders/train").iterdir()]
    assert len(folders) == 50
    assert [name for name in folders if country_code(name) is None] == []
    with (shared / "data/photos/photos.csv").open(encoding="utf-8") as table:
        codes = {row["country"] for row in csv.DictReader(table)}
    assert [code for code in codes if country_code(code) != code] == []


def test_continents_agree_with_natural_earth(shared: Path) -> None:
    with gzip.open(shared / "data/natural_earth/ne_110m_admin_0_countries.json.gz") as table:
        countries = [each["properties"] for each in json.load(table)["features"]]
    other = {
        each["ISO_A2"]: (each["CONTINENT"], CONTINENTS[continent_of(each["ISO_A2"]) or "AN"])
        for each in countries
        if country_name(each["ISO_A2"])
    }
    assert len(other) > 160
    # The islands of the southern ocean have no continent there but the sea.
    assert {code for code, (theirs, ours) in other.items() if theirs != ours} <= {"TF"}


def test_the_nearest_country():
    from graticule.geo.countries import nearest_country

    assert nearest_country("Germny") == "Germany"
    assert nearest_country("SouthKorrea") == "South Korea"
    assert nearest_country("Phillipines") == "Philippines"
    assert nearest_country("cats") is None
