"""Terms and licences to collect by."""

from __future__ import annotations

from pathlib import Path

import pytest

from graticule.errors import TableError, UsageError
from graticule.photos.collecting.licences import FLICKR_LICENCES, FREE, SETS, read_licences
from graticule.photos.collecting.terms import EVERYTHING, GROUPS, LANGUAGES, read_terms

NAMED = {  # the examples that Loria (2021) gives
    "urban": "city building street monument parkway fountain architecture skyscraper",
    "natural": "countryside landscape mountain woods forest river lake camping beach",
    "regional": "pyramid savanna tundra volcano fjord pagoda",
    "events": "typhoon flood earthquake",
}


def test_the_shipped_lists_hold_the_sources_examples_in_eight_languages() -> None:
    for group, words in NAMED.items():
        assert set(words.split()) <= {term.text for term in read_terms([group], ["en"])}
    everything = read_terms([EVERYTHING])
    for language in LANGUAGES:
        for group in GROUPS:
            assert (
                sum(
                    term.language == language and term.group == group
                    for term in read_terms([group], [language])
                )
                >= 10
            )
    assert len(everything) > 500
    assert len({term.text.casefold() for term in everything}) == len(everything)


def test_own_words_extend_the_lists(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("\ufeffred barn\n\n# nothing\nfjord # again\n", encoding="utf-8")
    (tmp_path / "words.csv").write_text("group,en,de\nfarm,barn|shed,Scheune\n", encoding="utf-8")
    terms = read_terms(["regional", str(tmp_path / "words.txt"), str(tmp_path / "words.csv")], ["en"])
    own = [(term.text, term.group, term.language) for term in terms if term.group not in GROUPS]
    assert own == [("red barn", "own", None), ("barn", "farm", "en"), ("shed", "farm", "en")]


def test_lists_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("word\nbarn\n")
    (tmp_path / "none.txt").write_text("# nothing\n")
    with pytest.raises(TableError, match=r"no column of a language \(found: word\)"):
        read_terms([str(tmp_path / "words.csv")])
    with pytest.raises(UsageError, match="There is no term to search for"):
        read_terms([str(tmp_path / "none.txt")])
    with pytest.raises(UsageError, match="and no such file"):
        read_terms(["missing.txt"])


def test_free_means_free() -> None:
    assert not any(part in name for name in FREE for part in ("NC", "ND", "reserved", "no-known"))
    assert {"CC-BY-4.0", "CC-BY-SA-2.0", "CC0-1.0"} <= FREE < SETS["any"]
    assert read_licences(["cc"]) >= {"CC-BY-NC-ND-4.0", "CC-BY-2.0"}
    assert "all-rights-reserved" not in read_licences(["cc"])
    assert read_licences(["any"]) == {name for name, _ in FLICKR_LICENCES.values()}
    assert read_licences(["cc-by-4.0"]) == {"CC-BY-4.0"}
    with pytest.raises(UsageError, match=r"Did you mean:  --licences CC-BY-4\.0"):
        read_licences(["CC-BY-4"])
