"""Positions of tables: numbers from text, points, and the signs of swapped columns."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import shapely

from graticule.errors import TableError
from graticule.photos.coordinates import (
    check_decimal_point,
    read_numbers,
    read_points,
    refusals,
    swapped_evidence,
    writes_decimal_comma,
)

EUROPE = [(52.5, 13.4, "DE"), (48.9, 2.4, "FR"), (41.9, 12.5, "IT"), (40.4, -3.7, "ES"), (59.3, 18.1, "SE"),
          (60.2, 24.9, "FI"), (50.1, 14.4, "CZ"), (47.5, 19.0, "HU"), (52.2, 21.0, "PL"), (48.2, 16.4, "AT"),
          (55.7, 12.5, "DK"), (37.9, 23.8, "GR")]  # fmt: skip


def places(rows, *, countries=True):
    schema = {"latitude": pl.Float64, "longitude": pl.Float64, "country": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame if countries else frame.with_columns(pl.lit(None, dtype=pl.String).alias("country"))


def exchanged(rows):
    return [(longitude, latitude, country) for latitude, longitude, country in rows]


def test_numbers_and_what_is_none():
    values, wrong = read_numbers(pl.Series([" 48.1", "", "NA", "null", "-", None, "-3e1", "north", "48°N"]))
    assert values.to_list() == [48.1, None, None, None, None, None, -30.0, None, None]
    assert wrong.to_list() == [False] * 7 + [True, True]


def test_nan_stays_nan_to_be_refused():
    values, wrong = read_numbers(pl.Series(["nan", "inf"]))
    assert math.isnan(values[0])
    assert math.isinf(values[1])
    assert not wrong.any()


def test_decimal_commas():
    column = pl.Series(["48,137", "-3,5", "11", None])
    assert writes_decimal_comma(column)
    assert read_numbers(column, decimal_comma=True)[0].to_list() == [48.137, -3.5, 11.0, None]
    assert not writes_decimal_comma(pl.Series(["48.1", "2,5", "3.1"]))
    assert not writes_decimal_comma(pl.Series([48.1]))
    with pytest.raises(
        TableError, match=r"such as '48,137'\)\.\nSay so:  graticule ingest a\.csv --decimal-comma"
    ):
        check_decimal_point(
            pl.DataFrame({"lat": column}), ("lat",), table="a.csv", command="graticule ingest a.csv"
        )


def test_points_in_every_form_have_longitude_first():
    point = shapely.Point(13.4, 52.5)
    values = ["POINT (13.4 52.5)", "srid=4326;point(13.4 52.5)", "[13.4, 52.5]", point.wkb, [13.4, 52.5]]
    values += ['{"type":"Point","coordinates":[13.4,52.5,30]}', {"coordinates": [13.4, 52.5]}]
    for value in values:
        assert read_points(pl.Series([value])).row(0) == (52.5, 13.4, False), value


def test_points_that_are_none():
    values = ["Berlin", "POLYGON ((0 0, 1 1, 1 0, 0 0))", "[1]", "{}", "[1, 2", ""]
    assert read_points(pl.Series(values))["wrong"].to_list() == [True] * 5 + [False]


def test_each_nonsense_has_its_reason():
    rows = [
        (91.0, 0.0, False, "out-of-range"),
        (-90.0, 180.0, False, None),
        (1.0, -180.1, False, "out-of-range"),
        (0.0, 0.0, False, "zero-position"),
        (0.0, 9.0, False, None),
        (math.nan, 1.0, False, "nan-position"),
        (1.0, math.inf, False, "nan-position"),
        (None, 1.0, False, "half-position"),
        (None, None, False, None),
        (None, 1.0, True, "not-a-number"),
    ]
    frame = pl.DataFrame(rows, schema=["latitude", "longitude", "wrong", "expected"], orient="row")
    assert refusals(frame).to_list() == frame["expected"].to_list()


def test_right_tables_are_not_suspected():
    assert swapped_evidence(places(EUROPE)) is None
    assert swapped_evidence(places(EUROPE, countries=False)) is None
    assert swapped_evidence(places([])) is None
    assert swapped_evidence(places([(91.0, 10.0, None)])) is None


def test_latitudes_beyond_the_poles_show_it():
    rows = [(116.4, 39.9, "CN"), (121.5, 31.2, "CN"), (13.4, 52.5, "DE")]
    assert "2 of 3 latitudes lie outside [-90, 90]" in swapped_evidence(places(rows))
    assert swapped_evidence(places([*exchanged(rows), (95.0, 5.0, "DE"), (99.0, 120.0, "DE")])) is None


def test_countries_show_it_where_both_could_be_latitudes():
    assert "0% of the places lie in the country stated" in swapped_evidence(places(exchanged(EUROPE)))


def test_land_shows_it_where_no_country_is_stated():
    somali_sea = [
        (10.0 + step, 51.5 + 0.1 * step, None) for step in np.linspace(0, 3, 12)
    ]  # Germany, exchanged
    assert "on land" in swapped_evidence(places(somali_sea, countries=False))


def test_wrong_countries_alone_do_not_show_it():
    assert (
        swapped_evidence(places([(latitude, longitude, "AU") for latitude, longitude, _ in EUROPE])) is None
    )
