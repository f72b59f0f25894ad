"""What a datasheet is made of: sections of questions with answers in sentences and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from graticule.photos.datasheet.facts import Facts

NOT_STATED: Final = "Not stated."

SHOWN: Final = 25
"""So many countries, licences or sources are listed; the JSON has all."""


@dataclass(frozen=True)
class Table:
    """A table in an answer; all cells are text."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Answer:
    """A question and what is known about it: sentences, and perhaps a table."""

    question: str
    sentences: tuple[str, ...] = (NOT_STATED,)
    table: Table | None = None


@dataclass(frozen=True)
class Section:
    """Questions that belong together."""

    title: str
    answers: tuple[Answer, ...]


def unanswered(*questions: str) -> tuple[Answer, ...]:
    """Questions that a table never answers."""
    return tuple(Answer(question) for question in questions)


def counted(what: str, numbers: dict[str, int] | None, facts: Facts) -> Table | None:
    """Photos by value, the rest of a long list in one row."""
    if numbers is None:
        return None
    shown = list(numbers.items())[:SHOWN]
    rest = sum(numbers.values()) - sum(number for _, number in shown)
    if rest:
        shown.append((f"{len(numbers) - SHOWN:,} more", rest))
    rows = tuple((value, f"{number:,}", f"{number / facts['photos']:.1%}") for value, number in shown)
    return Table((what, "photos", "share"), rows)


def photos_of(number: int) -> str:
    """So many photos, in words."""
    return "1 photo" if number == 1 else f"{number:,} photos"


def of_all(number: int, photos: int) -> str:
    """So many of all photos, in words, with the share."""
    return f"{number:,} of {photos:,} photos ({number / photos:.1%})"


def headline(facts: Facts) -> str:
    """The data set in a sentence."""
    countries = len(facts["coverage"]["countries"])
    placed = facts["positions"]["with_place"]
    return (
        f"{photos_of(facts['photos'])}, {placed:,} of them with a place, in {countries:,} "
        f"{'country' if countries == 1 else 'countries'}."
    )
