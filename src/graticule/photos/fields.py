"""Brings the values of a source's columns to those of the photo table: country codes, split names, text."""

from __future__ import annotations

from typing import Final

import polars as pl

from graticule.geo.countries import country_code

_SPLIT_WORDS: Final = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def as_text(column: pl.Series) -> pl.Series:
    """The column as text without blanks around it, null where there is nothing.

    Example:
        >>> as_text(pl.Series([" 007", "", None])).to_list(), as_text(pl.Series([7])).to_list()
        (['007', None, None], ['7'])
    """
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


def country_codes(column: pl.Series) -> tuple[pl.Series, list[str]]:
    """ISO 3166-1 alpha-2 codes of countries written as codes or names, and the words that are none.

    Example:
        >>> codes, unknown = country_codes(pl.Series(["South Korea", "fr", None, "Atlantis"]))
        >>> codes.to_list(), unknown
        (['KR', 'FR', None, None], ['Atlantis'])
    """
    text = as_text(column)
    known = {word: country_code(word) for word in text.drop_nulls().unique().sort()}
    return _mapped(text, known)


def split_name(word: str) -> str | None:
    """``train``, ``val`` or ``test`` for what a source calls a part, or None.

    Example:
        >>> split_name("Validation"), split_name("extra")
        ('val', None)
    """
    return _SPLIT_WORDS.get(word.strip().lower())


def split_names(column: pl.Series) -> tuple[pl.Series, list[str]]:
    """``train``, ``val`` or ``test`` for what sources call the parts, and the words that are none.

    Example:
        >>> split_names(pl.Series(["Training", "valid", "extra"]))[0].to_list()
        ['train', 'val', None]
    """
    text = as_text(column)
    known = {word: split_name(word) for word in text.drop_nulls().unique().sort()}
    return _mapped(text, known)


def _mapped(text: pl.Series, known: dict[str, str | None]) -> tuple[pl.Series, list[str]]:
    unknown = [word for word, meant in known.items() if meant is None]
    meant = text.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)
    return meant, unknown
