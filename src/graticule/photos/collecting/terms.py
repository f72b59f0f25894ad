"""Words to search photos by: the shipped lists in eight languages, and lists of the user's own.

The groups, their first examples and the languages are those that Loria (2021) made his Flickr photos of; the
further words and all translations are ours.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from graticule.config import nearest
from graticule.errors import MissingFileError, TableError, UsageError

LANGUAGES: Final = ("en", "it", "fr", "es", "pt", "de", "zh", "sv")
"""English, Italian, French, Spanish, Portuguese, German, Chinese, Swedish: ISO 639-1."""

GROUPS: Final = ("urban", "natural", "regional", "events")

EVERYTHING: Final = "outdoor"
"""The name of all groups together."""

OWN_GROUP: Final = "own"
"""The group of words from a plain list."""


@dataclass(frozen=True)
class Term:
    """A word to search for.

    Convention:
        - ``group``: one of ``GROUPS``, or what the user's file says; ``language``: of ``LANGUAGES``, or None
    """

    text: str
    group: str
    language: str | None = None


def read_terms(words: Iterable[str], languages: Sequence[str] = LANGUAGES) -> list[Term]:
    """The terms that words mean: names of shipped lists, or files; each text once, in order.

    Convention:
        - a name: ``outdoor`` (all), ``urban``, ``natural``, ``regional``, ``events``
        - a file ``.csv`` has the columns ``group`` and languages, with ``|`` between words of one meaning;
          any other file has a word on each line, and ``#`` begins a remark
        - ``languages``: only these, where a language is known

    Raises:
        UsageError: there is no such list or language, or no term is left.
        MissingFileError: a file cannot be read.
        TableError: a CSV file has no column of a language.

    Example:
        >>> [term.text for term in read_terms(["events"], ["it"])][:3]
        ['tifone', 'uragano', 'ciclone']
    """
    for language in languages:
        if language not in LANGUAGES:
            raise UsageError(
                f"There are no terms in the language '{language}' (there are: {', '.join(LANGUAGES)}).\n"
                "Name some of these with commas between:  --languages en,it"
            )
    found: dict[str, Term] = {}
    for word in words:
        for term in _of_word(word):
            if term.language is None or term.language in languages:
                found.setdefault(term.text.casefold(), term)
    if not found:
        raise UsageError("There is no term to search for.\nName a list or a file of words:  --terms outdoor")
    return list(found.values())


def _of_word(word: str) -> list[Term]:
    if word == EVERYTHING or word in GROUPS:
        shipped = resources.files("graticule.photos.collecting").joinpath("terms.csv")
        terms = _of_csv(shipped.read_text(encoding="utf-8").splitlines(), "terms.csv")
        return [term for term in terms if word in (EVERYTHING, term.group)]
    path = Path(word)
    if not path.is_file():
        close = nearest(word, (EVERYTHING, *GROUPS))
        advice = f"Did you mean:  --terms {close}" if close else "Or name a file with a word on each line."
        raise UsageError(
            f"There is no list of terms '{word}' (there are: {EVERYTHING}, {', '.join(GROUPS)}), "
            f"and no such file.\n{advice}"
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MissingFileError(
            f"The terms in '{path}' cannot be read: {error}.\nGive a text file in UTF-8."
        ) from error
    if path.suffix.lower() == ".csv":
        return _of_csv(lines, str(path))
    texts = (line.partition("#")[0].strip() for line in lines)
    return [Term(text, OWN_GROUP) for text in texts if text]


def _of_csv(lines: Sequence[str], name: str) -> list[Term]:
    rows = csv.DictReader(lines)
    languages = [column for column in rows.fieldnames or () if column in LANGUAGES]
    if not languages:
        raise TableError(
            f"'{name}' has no column of a language (found: {', '.join(rows.fieldnames or ())}).\n"
            f"Begin it with a line such as:  group,{','.join(LANGUAGES)}"
        )
    return [
        Term(text.strip(), (row.get("group") or OWN_GROUP).strip(), language)
        for row in rows
        for language in languages
        for text in (row[language] or "").split("|")
        if text.strip()
    ]
