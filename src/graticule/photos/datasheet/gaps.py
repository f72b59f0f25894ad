"""What a user of a photo table should know first: what is missing, uneven or wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from graticule.photos.colours import GREY_FILL, MONOCHROME, ONE_COLOUR
from graticule.photos.datasheet.facts import FEW_PHOTOS, NONE, Facts
from graticule.photos.datasheet.form import of_all, photos_of

_MOST: Final = 0.5

_LOOKS: Final = {
    MONOCHROME: "black and white, or of one tone",
    ONE_COLOUR: "of but one colour",
    GREY_FILL: "without a part, which is filled with grey",
}


def gaps(facts: Facts) -> Iterator[str]:
    """What is missing or wrong, the gravest first."""
    yield from leaks(facts)
    photos, coverage, positions = facts["photos"], facts["coverage"], facts["positions"]
    if facts["splits"] is None:
        yield "The photos are not split; a random split would leak (graticule split makes one that does not)."
    if facts["licences"] is None:
        yield "No photo states a licence."
    elif NONE in facts["licences"]:
        yield f"{of_all(facts['licences'][NONE], photos)} state no licence."
    if facts["groups"] is None:
        yield "Nothing tells which photos belong together (author, sequence), so they cannot be split by it."
    elif facts["groups"]["photos_without"]:
        yield f"{of_all(facts['groups']['photos_without'], photos)} have no group (author, sequence)."
    if lacking := photos - positions["with_place"]:
        country_only = positions["country_only"]
        yield f"{of_all(lacking, photos)} have no place; of {country_only:,} of these the country is known."
    if positions["two_decimals_or_less"] > _MOST * max(positions["with_place"], 1):
        yield "Most places are rounded to two decimals or less: they are no better than about 1 km."
    absent = [each["name"] for each in coverage["continents"] if not each["photos"] and each["code"] != "AN"]
    if absent:
        yield f"No photo is from {' or '.join(absent)}."
    few = sum(each["photos"] < FEW_PHOTOS for each in coverage["countries"])
    if few or coverage["countries_without_photos"]:
        yield (
            f"{coverage['countries_without_photos']:,} countries and territories have no photo, and {few:,} "
            f"have fewer than {FEW_PHOTOS}."
        )
    top = coverage["countries"][:1]
    if top and top[0]["photos"] > _MOST * photos:
        yield f"{top[0]['photos'] / photos:.0%} of the photos are from {top[0]['name']}."
    yield from repeated(facts)
    yield from wrongly_coloured(facts)
    if facts["days"] is None:
        yield "It is not told when the photos were taken."


def leaks(facts: Facts) -> Iterator[str]:
    """What the splits share that they should not, a sentence for each kind."""
    for leak in (facts["leaks"] or {}).get("leaks", []):
        split_counts = ", ".join(f"{name} {number:,}" for name, number in leak["by_split"].items())
        yield f"The splits leak: {leak['meaning']} ({photos_of(leak['photos'])}: {split_counts})."


def repeated(facts: Facts) -> Iterator[str]:
    """Which pictures are there twice."""
    duplicates = facts["duplicates"]
    for name, words in (
        ("exact", "are the same file as another"),
        ("near", "show nearly the same picture as another"),
    ):
        if duplicates[name]:
            yield f"{of_all(duplicates[name], facts['photos'])} {words}."
    if duplicates["near"] is None:
        yield "It is not known which photos show the same picture: the table has no perceptual hashes."


def wrongly_coloured(facts: Facts) -> Iterator[str]:
    """Which photos lack colours of their own, as far as ingest looked, and kept them."""
    report = (facts["ingest"] or {}).get("wrong_colours") or {}
    if report.get("mode") != "report":
        return
    for kind, number in (report.get("counts") or {}).items():
        if kind in _LOOKS:
            yield f"{photos_of(number)} {'is' if number == 1 else 'are'} {_LOOKS[kind]}."
