"""The questions of a datasheet, answered from facts.

The questions are those of T. Gebru et al., "Datasheets for Datasets", Communications of the ACM 64 (2021).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graticule.photos.datasheet.facts import Facts
from graticule.photos.datasheet.form import (
    NOT_STATED,
    SHOWN,
    Answer,
    Table,
    counted,
    headline,
    photos_of,
    unanswered,
)
from graticule.photos.datasheet.gaps import leaks, repeated, wrongly_coloured


def composition(facts: Facts) -> Iterator[Answer]:
    """What the data set consists of."""
    positions, sizes = facts["positions"], facts["sizes"]
    yield Answer("What do the instances represent?", ("Photos, and where they were taken.",))
    yield Answer("How many instances are there?", (headline(facts),))
    pixels = (
        f"Width {_range(sizes['width_px'])} px, height {_range(sizes['height_px'])} px"
        + (f"; of {sizes['unknown']:,} photos unknown." if sizes["unknown"] else ".")
        if sizes
        else "The sizes of the photos are not known."
    )
    rows = tuple((each["name"], each["type"], f"{each['filled']:,}") for each in facts["columns"])
    yield Answer(
        "What does each instance consist of?",
        (f"A photo ({_listed(facts['formats'])}) and a row of the table. {pixels}",),
        Table(("column", "type", "photos that have it"), rows),
    )
    yield Answer(
        "Is there a label?", tuple(_label(positions)), counted("as told", positions["precision"], facts)
    )
    scenes = facts["scenes"]
    if scenes:
        yield Answer(
            "What do they show?", (f"Scenes by {scenes['by']}.",), counted("scene", scenes["photos"], facts)
        )
    groups = facts["groups"]
    yield Answer(
        "Are relations between instances made explicit?",
        (NOT_STATED,)
        if groups is None
        else (
            f"Photos belong to {groups['count']:,} groups (authors, sequences); the largest has "
            f"{photos_of(groups['largest'])}, the median one {groups['median']:g}.",
        ),
    )
    yield Answer(
        "Are there recommended splits?", tuple(_splits(facts)), counted("split", facts["splits"], facts)
    )
    yield Answer("Are there errors, noise, or redundancies?", tuple(_noise(facts)))
    yield Answer(
        "Is the data set self-contained?",
        (
            "No: the table names the photos' files, which lie elsewhere. "
            "Where it has their SHA-256, a change of a file can be told.",
        ),
    )
    yield Answer(
        "Does it contain data that identify people?",
        (
            "Not stated. Photos may show people, homes and number plates; place, day and author together can "
            "tell where somebody was.",
        ),
    )


def _label(positions: Facts) -> Iterator[str]:
    yield (
        f"The place: latitude and longitude in degrees, {positions['distinct_places']:,} different ones; "
        "and the country (ISO 3166-1 alpha-2)."
    )
    if positions["with_place"]:
        coarse = positions["two_decimals_or_less"]
        few = f"{coarse:,}" if coarse else "None"
        yield f"{few} of the photos' places have two decimals or less (about 1 km)."
    if positions["precision_column"] is None:
        yield "How exact the places are is not stated."


def _splits(facts: Facts) -> Iterator[str]:
    if facts["splits"] is None:
        yield "None."
        return
    rules = facts["split_rules"]
    if rules is None:
        yield "The splits came with the table, or were changed since graticule made them: no rule is stated."
    else:
        embargo = f", at least {rules['embargo_km']:g} km apart" if rules["embargo_km"] else ""
        yield f"Split by {rules['by']}{embargo}, near duplicates together; seed {rules['seed']}."
    leaks = facts["leaks"]
    if leaks is not None:
        checked = ", ".join(kind.replace("-", " ") for kind in leaks["checked"]) or "nothing"
        number = len(leaks["leaks"])
        found = "one kind of leak" if number == 1 else f"{number or 'no'} kinds of leaks"
        yield f"Looked through for {checked}: {found} found."


def _noise(facts: Facts) -> Iterator[str]:
    warned = (facts["ingest"] or {}).get("warnings") or []
    found = [*leaks(facts), *repeated(facts), *wrongly_coloured(facts), *warned]
    yield from found or ["None are known."]


def coverage(facts: Facts) -> Iterator[Answer]:
    """Where on Earth the photos are from."""
    spread, photos = facts["coverage"], facts["photos"]
    continents = sorted(spread["continents"], key=lambda each: -each["photos"])
    yield Answer(
        "From which continents are the photos?",
        (
            f"{spread['north_of_equator']:,} lie north of the equator, "
            f"{spread['south_of_equator']:,} south of it.",
        ),
        Table(
            ("continent", "photos", "share", "countries"),
            tuple(
                (
                    each["name"],
                    f"{each['photos']:,}",
                    f"{each['photos'] / photos:.1%}",
                    f"{each['countries']:,}",
                )
                for each in continents
            ),
        ),
    )
    countries = spread["countries"]
    more = f" The {SHOWN} largest of {len(countries):,} are listed." if len(countries) > SHOWN else ""
    half = spread["half_of_photos_in_countries"]
    yield Answer(
        "How evenly are they spread over countries?",
        (
            f"Half of the photos are from {half:,} {'country' if half == 1 else 'countries'}; "
            f"{spread['effective_countries']:g} countries with equally many photos would be as even.{more}",
        ),
        Table(
            ("country", "photos", "share"),
            tuple(
                (each["name"], f"{each['photos']:,}", f"{each['photos'] / photos:.1%}")
                for each in countries[:SHOWN]
            ),
        ),
    )


def collection(facts: Facts) -> Iterator[Answer]:
    """How the photos were come by."""
    ingest, days = facts["ingest"], facts["days"]
    yield Answer(
        "How was the data acquired?",
        (NOT_STATED,) if facts["sources"] is None else ("The table names these sources.",),
        counted("source", facts["sources"], facts),
    )
    yield Answer(
        "How were the photos and their places read?",
        (NOT_STATED,)
        if ingest is None
        else (
            f"From '{ingest.get('source')}', as layout '{ingest.get('layout')}': "
            f"{ingest.get('layout_reason')}.",
        ),
    )
    yield Answer(
        "Over what time were the photos taken?",
        (NOT_STATED,)
        if days is None
        else (
            f"From {days['first']} to {days['last']} (column '{days['column']}')"
            + (f"; of {days['unknown']:,} photos it is not known." if days["unknown"] else "."),
        ),
        None if days is None else counted("year", days["by_year"], facts),
    )
    yield from unanswered(
        "Who collected it, and were they paid?",
        "Did the people shown consent?",
        "Was there an ethical review?",
    )


def cleaning(facts: Facts) -> Iterator[Answer]:
    """What ingest did."""
    ingest = facts["ingest"]
    if ingest is None:
        yield Answer("What cleaning was done?")
        return
    refused = ingest.get("refused") or {}
    mode = (ingest.get("duplicates") or {}).get("mode")
    treated = {"drop": "duplicates were dropped", "report": "duplicates were looked for and kept"}
    yield Answer(
        "What cleaning was done?",
        (
            f"Of {ingest.get('read', 0):,} photos {ingest.get('kept', 0):,} were kept. "
            + (
                "Every photo was decoded to find damaged ones"
                if ingest.get("pixels_checked")
                else "Pixels were not looked at"
            )
            + f"; {treated.get(str(mode), 'duplicates were not looked for')}.",
        ),
        Table(("refused because", "photos"), tuple((why, f"{number:,}") for why, number in refused.items()))
        if refused
        else None,
    )
    yield Answer(
        "Was the raw data kept?",
        ("Reading the photos changed none of them: the table names the files as they were.",),
    )


def uses() -> Iterator[Answer]:
    """What the data set is for, and what it is not for."""
    yield Answer("What is it for?", ("Training and judging models that tell where a photo was taken.",))
    yield Answer("Has it been used already?")
    yield Answer(
        "For what should it not be used?",
        (
            "To find private persons, their homes or their ways. Judging a model on places, authors or "
            "countries that the gaps above name would mislead.",
        ),
    )


def distribution(facts: Facts) -> Iterator[Answer]:
    """Under which terms the photos may be used."""
    yield Answer(
        "Under which licences do the photos stand?",
        (NOT_STATED,)
        if facts["licences"] is None
        else ("As the sources state them; graticule has not checked them, and this is no legal advice.",),
        counted("licence", facts["licences"], facts),
    )
    yield from unanswered("How and to whom will it be distributed?")


def _range(figures: dict[str, Any]) -> str:
    low, high = figures["min"], figures["max"]
    return f"{low:,}" if low == high else f"{low:,} to {high:,} (median {figures['median']:,.0f})"


def _listed(numbers: dict[str, int]) -> str:
    return ", ".join(f"{value} {number:,}" for value, number in list(numbers.items())[:6])
