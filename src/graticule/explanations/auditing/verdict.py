"""What an audit comes to, in sentences with the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from graticule.explanations.auditing.masking import MARGIN
from graticule.explanations.auditing.rectangles import Rectangle
from graticule.geo.countries import country_name

_MARGIN: Final = f"{100 * MARGIN:.0f} points"

Finding = Literal["shortcut", "leans", "nothing found", "cannot tell"]


def finding_of(tested: Sequence[Mapping[str, Any]]) -> Finding:
    """What the tests of all parts come to.

    Convention:
        - ``shortcut``: some country leans on a part that repeats from trip to trip; ``leans``: on one that
          does not; ``cannot tell``: no country could be tested
    """
    if any(part["named"] for part in tested):
        return "shortcut"
    if any(part["leaning"] for part in tested):
        return "leans"
    could = any(row["p"] is not None for part in tested for row in part["by_country"])
    return "nothing found" if could else "cannot tell"


def sentences(document: Mapping[str, Any]) -> list[str]:
    """The verdict of an audit's document."""
    return [
        *_on_parts(document),
        *_on_patches(document),
        *_on_clues(document),
        *_on_leakage(document["leakage"]),
    ]


def _on_parts(document: Mapping[str, Any]) -> Iterator[str]:
    tested = document["tested"]
    leaning = [part for part in tested if part["leaning"]]
    if document["finding"] == "cannot tell":
        yield (
            "No country has enough groups (authors, trips) among the photos that test, so nothing can be "
            "said of countries; give more photos."
        )
        yield _on_all(tested)
    elif not leaning:
        yield (
            f"No country leans on any of the {len(tested)} parts tested: as far as these photos can tell, "
            f"covering one costs nowhere more than {_MARGIN} of accuracy beyond random rectangles as large."
        )
        yield _how_many(tested)
        yield _on_all(tested)
    else:
        yield from _on_leaning(leaning)


def _how_many(tested: Sequence[Mapping[str, Any]]) -> str:
    """Of how many countries the photos could have told."""
    rows = [row for part in tested for row in part["by_country"]]
    could = {row["country"] for row in rows if row["p"] is not None}
    every = {row["country"] for row in rows}
    return (
        f"{len(could)} of {len(every)} countries have enough groups (authors, trips) to be tested; of the "
        "others nothing can be said."
        if could != every
        else f"All {len(every)} countries have enough groups (authors, trips) to be tested."
    )


def _on_leaning(leaning: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    main = next((part for part in leaning if part["named"]), leaning[0])
    names = _names(main["leaning"])
    if len(main["leaning"]) == 1:
        costs, there = "that country", "that country"
    else:
        costs, there = "each of these countries", "the country that it comes from"
    yield (
        f"The model leans on one part of the picture, {_where(main)}, in {names}: covering it costs {costs} "
        f"more than {_MARGIN} of accuracy beyond random rectangles of its size, and pasted into photos of "
        f"other countries it makes the model name {there} there."
    )
    if main["named"]:
        yield (
            f"In {_names(main['named'])} it looks the same from trip to trip: that is the camera, its car or "
            "a mark, and no evidence of the place."
        )
    if others := sorted({*main["leaning"]} - {*main["named"]}):
        yield (
            f"In {_names(others)} it differs from photo to photo, so it may be honest evidence, such as the "
            "road: look at the contact sheets."
        )
    for row in main["by_country"]:
        if row["leans"]:
            yield _on_country(row)
    for part in leaning:
        if part is not main:
            yield f"Also tested, {_where(part)}: {_names(part['leaning'])}."


def _on_all(tested: Sequence[Mapping[str, Any]]) -> str:
    """The part whose covering costs most over all countries."""
    most = max(tested, key=lambda part: part["excess"])
    over = (
        "Over the one photo that tests"
        if most["photos"] == 1
        else f"Over all {most['photos']} photos that test"
    )
    if most["excess"] <= 0:
        return f"{over}, covering none of the parts costs more than random rectangles."
    interval = most["intervals"]["excess"] if most["intervals"] else None
    between = f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})" if interval else ""
    return (
        f"{over}, covering {_where(most)} costs most: "
        f"{100 * most['excess']:.1f} points{between} more than random rectangles."
    )


def _where(part: Mapping[str, Any]) -> str:
    if part["rectangle"] is None:
        return f"the mask '{part['region']}' ({part['area']:.0%} of the picture)".replace("%", " %")
    return f"{part['region']} ({Rectangle(*part['rectangle'])})"


def _on_country(row: Mapping[str, Any]) -> str:
    plain, covered, random = (
        f"{100 * row[key]:.0f} %" for key in ("accuracy", "accuracy_covered", "accuracy_random")
    )
    name = country_name(row["country"]) or row["country"]
    interval = row["intervals"]["excess"] if row["intervals"] else None
    between = ""
    if interval:
        between = f", {100 * interval[0]:.0f} to {100 * interval[1]:.0f} points more than chance"
    carried = f"{100 * row['carried']:.0f} % of other photos {name}"
    tests = f"{row['photos']} photos of {row['groups']} groups, p {_p(row['p_holm'])} after Holm's correction"
    return (
        f"{name}: {plain} right, {covered} with the part covered, {random} with random rectangles{between}; "
        f"pasted elsewhere it makes {carried}, random rectangles {100 * row['carried_random']:.0f} %; "
        f"correlation between trips {row['alike']:.2f} ({tests})."
    )


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _on_patches(document: Mapping[str, Any]) -> Iterator[str]:
    every = document["patches"]["maps"][0]
    shares = {row["region"]: row for row in every["mass"]}
    if shares["bottom edge"]["share"] is None:
        return
    corners = [row for name, row in shares.items() if name.endswith("corner")]
    said = [
        f"{100 * shares[name]['share']:.0f} % on the {name} (of {100 * shares[name]['area']:.0f} % area)"
        for name in ("bottom edge", "top edge")
    ]
    share, area = (100 * sum(row[key] for row in corners) for key in ("share", "area"))
    yield (
        f"Of what matters on average over {_photos(every['photos'])}, {said[0]}, {said[1]} and "
        f"{share:.0f} % in the corners (of {area:.0f} %)."
    )


def _on_clues(document: Mapping[str, Any]) -> Iterator[str]:
    for row in document["clues"]:
        for cluster in row["clusters"]:
            if cluster["returns_at_one_place"]:
                down, across = (f"{100 * share:.0f} %" for share in cluster["centre"])
                name = country_name(row["country"]) or row["country"]
                yield (
                    f"In {cluster['photos']} of {row['photos']} photos of {name} the most important crops "
                    f"are alike and lie at one place, {across} from the left and {down} from the top."
                )


def _on_leakage(found: Mapping[str, Any]) -> Iterator[str]:
    if not found["known"] or found["difference"] is None:
        yield f"Whether photos of the same author or trip inflate accuracy is not known: {found['why_not']}."
        return
    one, other = (found[side] for side in ("with_fellows", "without_fellows"))
    shares = f"{100 * one['accuracy']:.0f} % right against {100 * other['accuracy']:.0f} %"
    photos = f"{one['photos']} photos have fellows of their author or trip among the training photos"
    if found["inflates"]:
        yield (
            f"{photos}, and are placed better: {shares}; within countries by {100 * found['difference']:.0f} "
            f"points (p {_p(found['p'])}). Without that the accuracy of all would be "
            f"{100 * found['inflation']:.0f} points lower."
        )
    else:
        yield f"{photos}, and are not placed clearly better: {shares} (p {_p(found['p'])})."


def _photos(count: int) -> str:
    return f"{count} photo{'s' if count != 1 else ''}"


def _names(codes: Sequence[str]) -> str:
    names = [country_name(code) or code for code in codes]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
