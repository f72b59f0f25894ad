"""Values of other people's columns in the photo table's terms."""

from __future__ import annotations

import polars as pl
import pytest

from graticule.photos.fields import as_text, country_codes, split_names


def test_text_keeps_leading_zeros_and_loses_blanks():
    assert as_text(pl.Series([" 007 ", "", "  ", None])).to_list() == ["007", None, None, None]
    assert as_text(pl.Series([7, None])).to_list() == ["7", None]
    assert as_text(pl.Series([None, None])).to_list() == [None, None]


def test_countries_by_code_and_name():
    codes, unknown = country_codes(
        pl.Series(["DE", "germany", "NA", "UnitedKingdom", "", "Mars", "Mars", None])
    )
    assert codes.to_list() == ["DE", "DE", "NA", "GB", None, None, None, None]
    assert unknown == ["Mars"]


def test_no_values_are_no_trouble():
    for column in (pl.Series([], dtype=pl.String), pl.Series([None, None], dtype=pl.String)):
        assert country_codes(column)[0].to_list() == column.to_list()
        assert split_names(column)[1] == []


@pytest.mark.parametrize(
    ("said", "meant"),
    [("Train", "train"), ("validation", "val"), ("dev", "val"), ("TEST", "test"), ("x", None)],
)
def test_splits(said, meant):
    names, unknown = split_names(pl.Series([said]))
    assert names.to_list() == [meant]
    assert unknown == ([said] if meant is None else [])
