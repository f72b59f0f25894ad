"""Countries grouped by climate: the table, the groups, S0's own groups, and the cells."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely

from graticule.errors import MissingFileError, PartitionError, TableError, UsageError
from graticule.geo.countries import country_code
from graticule.geo.outlines import country_of
from graticule.geo.places import nearest_towns
from graticule.partitions import Partition, build_s2
from graticule.partitions.agreement import agreement
from graticule.partitions.groups.clusters import build_clusters, choosing_curves, group_countries
from graticule.partitions.groups.features import CLIMATE_FILE, Features, read_features
from graticule.partitions.groups.uniting import unite
from graticule.partitions.outlines.growing import sites_of
from graticule.partitions.partition.geoparquet import to_geoparquet

pytest.importorskip("sklearn")

CLIMATE = pl.read_csv(CLIMATE_FILE, comment_prefix="#")


def test_every_row_is_a_country_and_its_capital_lies_in_it() -> None:
    latlon = CLIMATE.select("latitude", "longitude").to_numpy()
    off = {"BM", "FK", "NR", "SJ", "CG", "IL", "SM"}  # not in the gazetteer, or drawn a little off
    found = country_of(latlon)
    wrong = [code for code, at in zip(CLIMATE["code"], found, strict=True) if code != at and code not in off]
    assert wrong == []
    towns = nearest_towns(latlon, min_population=3000)
    far = CLIMATE.filter(pl.Series(towns.distance_km > 25))["code"].to_list()
    assert set(far) <= off
    assert CLIMATE["code"].is_unique().all()
    assert CLIMATE.height > 200


def test_temperatures_can_be() -> None:
    north = CLIMATE.filter(pl.col("latitude") > 24)
    south = CLIMATE.filter(pl.col("latitude") < -24)
    assert (north["july_c"] > north["january_c"]).all()
    assert (south["july_c"] < south["january_c"]).all()
    tropics = CLIMATE.filter(pl.col("latitude").abs() < 8)
    assert ((tropics["july_c"] - tropics["january_c"]).abs() <= 4).all()


def test_temperatures_like_published_normals_of_capitals(shared: Path) -> None:
    cities = json.loads((shared / "data" / "climate" / "climate.json").read_text(encoding="utf-8"))
    ours = {(row["code"], row["capital"].lower()): row for row in CLIMATE.iter_rows(named=True)}
    apart = []
    for city in cities:
        row = ours.get((country_code(city["country"]), city["city"].lower()))
        if row is None:
            continue
        for month, column in ((0, "january_c"), (6, "july_c")):
            published = city["monthlyAvg"][month]
            apart.append(abs(row[column] - (published["high"] + published["low"]) / 2))
    assert len(apart) >= 70
    assert np.median(apart) <= 0.5
    assert np.quantile(apart, 0.9) <= 2.0
    assert max(apart) <= 6.0  # July of Lisbon, where the other file seems low


def s0_groups(text: str, title: str) -> dict[str, int]:
    """The groups of a list such as "- 1: AL, ES, IL" after a title; a line without a number goes on."""
    groups: dict[str, int] = {}
    lines = iter(text[text.index(title) :].splitlines())
    number = 0
    for line in lines:
        head = re.match(r"- (\d+): (.*)", line)
        if head:
            number, line = int(head[1]), head[2]
        elif not (number and re.fullmatch(r"(?:[A-Z]{2},? ?)+", line.strip())):
            if number:
                break
            continue
        for code in re.findall(r"[A-Z]{2}", line):
            groups["GB" if code == "UK" else code] = number
    return groups


@pytest.mark.parametrize(
    ("features", "title", "least_ari"),
    [
        ("climate", "Temperature-only cluster size overview", 0.9),
        ("climate-geography", "Climate/geography cluster size overview", 0.85),
    ],
)
def test_agrees_with_the_groups_of_s0(shared: Path, features: str, title: str, least_ari: float) -> None:
    text = next((shared / "seeds").glob("000_*.txt")).read_text(encoding="utf-8")
    theirs = s0_groups(text, title)
    assert len(theirs) == 85
    assert set(theirs.values()) == set(range(1, 16))
    ours = group_countries(read_features(features).at(np.array(list(theirs), dtype=object)), 15)
    assert set(ours.codes) == set(theirs)
    same = agreement([theirs[code] for code in ours.codes], ours.labels)
    assert same.ari > least_ari
    assert same.nmi > 0.9


def test_features_are_standardised_so_that_units_do_not_matter() -> None:
    features = read_features("climate-geography")
    fahrenheit = Features(features.codes, features.names, features.values * 1.8 + 32)
    np.testing.assert_allclose(features.standardised(), fahrenheit.standardised())
    np.testing.assert_array_equal(group_countries(features, 8).labels, group_countries(fahrenheit, 8).labels)
    np.testing.assert_allclose(features.standardised().std(axis=0), 1)
    constant = Features(("A", "B"), ("x",), np.array([[3.0], [3.0]]))
    assert (constant.standardised() == 0).all()


def test_groups_are_those_of_least_inertia_and_numbered_by_size() -> None:
    features = read_features("climate")
    grouping = group_countries(features, 10)
    values = features.standardised()
    literal = sum(
        ((values[grouping.labels == group] - values[grouping.labels == group].mean(axis=0)) ** 2).sum()
        for group in range(10)
    )
    assert grouping.inertia == pytest.approx(literal)
    assert (np.diff(np.bincount(grouping.labels)) <= 0).all()


def test_curves() -> None:
    features = read_features("climate").at(np.array(["FR", "DE", "IT", "ES", "NO", "SG", "MY", "AU"]))
    curves = choosing_curves(features)
    assert [row["groups"] for row in curves] == list(range(1, len(np.unique(features.values, axis=0)) + 1))
    inertia = [row["inertia"] for row in curves]
    assert inertia == sorted(inertia, reverse=True)
    assert inertia[0] == pytest.approx(2 * 8)  # variance 1 in each of two features
    assert curves[0]["silhouette"] is None
    assert all(-1 <= row["silhouette"] <= 1 for row in curves[1:-1])


def test_a_table_of_the_users(tmp_path: Path) -> None:
    path = tmp_path / "rain.csv"
    path.write_text("Country,rain_mm,note\nFrance,800,x\nUK,1100,y\nEgypt,20,z\nAtlantis,3,w\nItaly,,v\n")
    features = read_features(str(path))
    assert features.codes == ("FR", "GB", "EG")
    assert features.names == ("rain_mm",)
    assert "Atlantis, Italy" in features.remarks[0]
    assert group_countries(features, 2).labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("a,b\n1,2\n", TableError, r"no column of countries \(found: a, b\)"),
        ("country,b\nFR,x\n", TableError, "no column of numbers"),
        ("country,b\nFR,1\nFrance,2\n", TableError, "more than one row for FR"),
        ("country,b\nMars,1\n", TableError, "no row with a known country"),
    ],
)
def test_tables_that_do_not_serve(tmp_path: Path, text, error, message) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(error, match=message):
        read_features(str(path))


def test_names_that_are_no_features() -> None:
    with pytest.raises(MissingFileError, match="Did you mean:  `features=climate"):
        read_features("climat")


PLACES = np.array(
    [[48.86, 2.35]] * 5 + [[52.5, 13.4]] * 4 + [[1.3, 103.8]] * 3 + [[3.1, 101.7]] * 6 + [[-6.2, 106.8]] * 2
    + [[0.0, -30.0]] * 2
)  # fmt: skip


def test_cells_are_groups_of_the_countries_with_photos(tmp_path: Path) -> None:
    built = build_clusters(PLACES, groups=2)
    partition = built.partition
    assert sorted(partition.tokens) == ["FR+DE", "MY+SG+ID"]
    assert sorted(partition.names) == ["France, Germany", "Malaysia, Singapore, Indonesia"]
    cells = partition.encode(PLACES)
    assert len(set(cells[:9].tolist())) == 1
    assert cells[-1] == -1
    assert partition.encode([[40.4, -3.7]]).tolist() == [-1]  # Spain has no photos
    np.testing.assert_array_equal(np.bincount(cells[cells >= 0]), partition.photos)
    assert partition.source.dropped_photos == 2
    assert built.figures["countries"] == 5
    assert sorted(built.figures["sizes"]) == [2, 3]
    again = Partition.read(partition.write(tmp_path / "cells.parquet"))
    assert again.fingerprint == partition.fingerprint
    np.testing.assert_array_equal(again.encode(PLACES), cells)
    areas = dict(zip(partition.tokens, partition.areas_km2, strict=True))
    assert areas["FR+DE"] == pytest.approx(551_500 + 357_000, rel=0.02)


def test_comparison_with_s0s_numbers() -> None:
    latlon = CLIMATE.select("latitude", "longitude").to_numpy()
    built = build_clusters(latlon, groups=15, features="climate-geography")
    compared = {(row["features"], row["groups"]): row for row in built.figures["compared"]}
    assert set(compared) == {(name, k) for name in ("climate", "climate-geography") for k in (15, 20, 30)}
    assert compared["climate-geography", 15]["ari"] == pytest.approx(1)
    assert compared["climate-geography", 20]["ari"] > compared["climate", 15]["ari"]


def test_countries_without_features_or_photos(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("country,x\nFrance,1\nSingapore,2\nSpain,3\n")
    built = build_clusters(PLACES, groups=2, features=str(path))
    assert sorted(built.partition.tokens) == ["FR", "SG"]
    assert "Countries without features, left out: DE, ID, MY." in built.remarks
    assert build_clusters(PLACES, groups=1, features=str(path), min_photos=4).partition.tokens == ["FR"]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"groups": 6}, UsageError, "6 groups cannot be made of 5 countries, expected 1 to 5"),
        ({"groups": 0}, UsageError, "0 groups cannot be made"),
        ({"min_photos": 0}, UsageError, "`min_photos=1`"),
        ({"min_photos": 100}, TableError, "in a country with features"),
    ],
)
def test_numbers_that_cannot_be(words, error, message) -> None:
    with pytest.raises(error, match=message):
        build_clusters(PLACES, **words)


def test_cells_of_s2_can_be_united_too(tmp_path: Path) -> None:
    anywhere = np.random.default_rng(1).uniform([-90, -180], [90, 180], size=(300, 2))
    base = build_s2(anywhere, max_photos=20, min_photos=1)
    group = np.arange(base.count) % 3
    group[0] = -1
    partition = unite(base, group, "confusion", {}, sites=sites_of(anywhere, None))
    probes = np.random.default_rng(0).uniform([-90, -180], [90, 180], size=(3000, 2))
    found, single = partition.encode(probes), base.encode(probes)
    members = partition.tree["members"].to_list()
    expected = [next((i for i, each in enumerate(members) if cell in each), -1) for cell in single]
    assert found.tolist() == expected
    assert len(set(expected)) == 4
    again = Partition.read(partition.write(tmp_path / "u.parquet"))
    assert again.encode(probes).tolist() == expected
    shapes = shapely.from_wkb(again.nodes["geometry"].to_numpy())
    assert shapely.is_valid(shapes).all()
    assert again.areas_km2.sum() == pytest.approx(base.areas_km2[1:].sum(), rel=1e-3)
    rings, owner = again.parts()
    assert set(owner.tolist()) == {0, 1, 2}
    assert len(rings) == len(owner)


def test_fingerprint_of_unions_depends_on_the_members() -> None:
    base = build_s2(np.repeat(PLACES[:-2], 3, axis=0), max_photos=10, min_photos=1)
    sites = sites_of(PLACES, None)
    one = unite(base, np.arange(base.count) % 2, "confusion", {}, sites=sites)
    other = unite(base, np.arange(base.count) % 3 % 2, "confusion", {}, sites=sites)
    assert one.fingerprint != other.fingerprint
    tampered = one.nodes.with_columns(members=other.nodes["members"])
    header = {"method": "confusion", "parameters": {}, "source": dataclasses.asdict(one.source)}
    content = to_geoparquet(tampered, {**header, "fingerprint": one.fingerprint}, spherical=False)
    with pytest.raises(PartitionError, match="cells do not match its fingerprint"):
        Partition.read(content)
