"""The datasheet says what is known, says "Not stated." of the rest, and shows any text as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from graticule.photos.datasheet import dataset_facts, markdown, sections
from graticule.photos.datasheet.facts import Facts
from graticule.photos.datasheet.form import NOT_STATED
from graticule.photos.split import SplitRules
from graticule.photos.split_files import split_table
from graticule.photos.table import write_photo_table

Frames = Callable[..., pl.DataFrame]


def answers(facts: Facts) -> dict[str, str]:
    """Question to its sentences."""
    found = (answer for section in sections(facts) for answer in section.answers)
    return {answer.question: " ".join(answer.sentences) for answer in found}


@pytest.fixture
def facts(tmp_path: Path, frame_of: Frames) -> Facts:
    places = [(40.71 + number, -74.01) for number in range(30)]
    frame = frame_of(places, group=[f"g{number % 10}" for number in range(30)], country=["US"] * 30)
    write_photo_table(frame, tmp_path / "set")
    split_table(tmp_path / "set", SplitRules(embargo_km=2))
    return dataset_facts(tmp_path / "set")


def test_every_section_of_the_form(facts: Facts) -> None:
    titles = [section.title for section in sections(facts)]
    assert titles == [
        "Known gaps",
        "Motivation",
        "Composition",
        "Coverage",
        "Collection",
        "Cleaning",
        "Uses",
        "Distribution",
        "Maintenance",
    ]
    text = markdown(facts)
    for title in titles:
        assert f"\n## {title}\n" in text


def test_what_is_known_is_said(facts: Facts) -> None:
    said = answers(facts)
    assert said["How many instances are there?"] == "30 photos, 30 of them with a place, in 1 country."
    assert said["Are there recommended splits?"] == (
        "Split by group, at least 2 km apart, near duplicates together; seed 0. "
        "Looked through for shared group, near place: no kinds of leaks found."
    )
    assert "10 groups" in said["Are relations between instances made explicit?"]
    gaps = said["What should a user know first?"]
    assert "No photo states a licence." in gaps
    assert "Most places are rounded to two decimals or less" in gaps
    assert "100% of the photos are from United States." in gaps
    assert "No photo is from Africa or Asia or Europe or Oceania or South America." in gaps
    assert "no perceptual hashes" in gaps
    assert "leak" not in gaps


def test_what_is_not_known_is_not_stated(facts: Facts) -> None:
    said = answers(facts)
    for question in (
        "For what purpose was the data set created?",
        "How was the data acquired?",
        "Over what time were the photos taken?",
        "What cleaning was done?",
        "Under which licences do the photos stand?",
        "Did the people shown consent?",
    ):
        assert said[question] == NOT_STATED


@pytest.mark.parametrize(("mode", "said"), [("report", True), ("drop", False)])
def test_wrongly_coloured_photos_that_were_kept_are_told(facts: Facts, mode: str, said: bool) -> None:
    counts = {"monochrome": 1, "grey-fill": 2}
    facts["ingest"] = {"read": 30, "kept": 30, "wrong_colours": {"mode": mode, "counts": counts}}
    noise = answers(facts)["Are there errors, noise, or redundancies?"]
    words = (
        "1 photo is black and white, or of one tone. 2 photos are without a part, which is filled with grey."
    )
    assert (words in noise) == said
    assert (words in answers(facts)["What should a user know first?"]) == said


def test_leaks_come_first(tmp_path: Path, frame_of: Frames) -> None:
    frame = frame_of([(0, 0), (0, 0.0001)], split=["train", "test"], group=["a", "a"])
    write_photo_table(frame, tmp_path)
    gaps = answers(dataset_facts(tmp_path))["What should a user know first?"]
    assert gaps.startswith(
        "The splits leak: a group (author, sequence) has photos in several splits "
        "(2 photos: train 1, test 1). The splits leak: photos of different splits were taken within "
        "0.1 km of each other"
    )


def test_text_of_the_table_cannot_become_markup(tmp_path: Path, frame_of: Frames) -> None:
    evil = "a|b\n# <script>x</script> [y](http://z) *w*"
    write_photo_table(frame_of([(1, 1)] * 3, licence=[evil] * 3), tmp_path)
    text = markdown(dataset_facts(tmp_path, name=evil))
    assert "<script>" not in text
    row = next(line for line in text.splitlines() if line.startswith("| a"))
    assert row.replace("\\|", "").count("|") == 4
    assert "\\[y\\](http://z) \\*w\\*" in row


def test_long_lists_are_cut_and_add_up(tmp_path: Path, frame_of: Frames) -> None:
    write_photo_table(frame_of([(1, 1)] * 40, source=[f"s{number:02}" for number in range(40)]), tmp_path)
    table = next(
        answer.table
        for section in sections(dataset_facts(tmp_path))
        for answer in section.answers
        if answer.question == "How was the data acquired?"
    )
    assert table is not None
    assert table.rows[-1] == ("15 more", "15", "37.5%")
