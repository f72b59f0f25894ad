"""MODEL_CARD.md from the files alone: a bundle's card and the figures of its evaluation reports.

Says what a model is, what it learned from, how well it does beside trivial guesses, also by continent, and
what it is for and not for. Needs no run and no torch; ``graticule.training.exporting.card`` adds what a run
knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from graticule.bundle import BundleCard
from graticule.config import THRESHOLDS_KM

MOST_LICENCES: Final = 12


def card_of_files(card: BundleCard, documents: Mapping[str, Mapping[str, Any]]) -> str:
    """The model card as Markdown.

    Convention:
        - ``documents``: by name of the photo set, the contents of a ``metrics.json``
    """
    parts = [
        f"# {card.name}",
        "Says where on Earth a photo was taken, and how sure that is.",
        model_section(card),
        _data(card),
        *(results_section(name, document) for name, document in documents.items()),
        _promises(card),
        limits_section(""),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def model_section(card: BundleCard, more: Sequence[tuple[str, str]] = ()) -> str:
    """What the network is; ``more``: further rows."""
    rows = [
        ("network", card.architecture),
        ("head", card.head),
        ("first weights", card.backbone or "not stated"),
        ("weights stored as", card.weights),
        ("licence", card.licence or "not stated"),
        ("point estimate", card.estimate),
    ]
    return section("Model", table(("", ""), [*rows, *more]))


def _data(card: BundleCard) -> str:
    known = card.training_data
    licences = sorted(known.get("licences", {}).items(), key=lambda item: -item[1])
    rows = [(f"`{name}`", f"{count:,}") for name, count in licences[:MOST_LICENCES]]
    if rest := licences[MOST_LICENCES:]:
        rows.append((f"{len(rest):,} others", f"{sum(count for _, count in rest):,}"))
    lines = [
        known.get("description", ""),
        f"Learned from {known['photos']:,} photos." if "photos" in known else "Not stated.",
        table(("licence of the training photos", "photos"), rows) if rows else "",
    ]
    return section("Data", "\n\n".join(line for line in lines if line))


def _promises(card: BundleCard) -> str:
    known = card.calibration
    lines = [
        f"- Temperature {card.temperature:.3f}" + (f", then {card.scaling.method}." if card.scaling else ".")
    ]
    promised = ", ".join(f"{100 * float(share):g} %" for share in sorted(card.conformal, key=float))
    by = f", by {card.region_rule.by}" if card.region_rule.by else ""
    lines.append(
        f"- Regions ({card.region_rule.method}{by}) promise to hold the truth for {promised or 'nothing'}."
    )
    for row in known.get("coverage", []):
        low, high = row["interval"]
        lines.append(
            f"- Of photos that it was not fitted on, the {100 * row['promise']:g} % regions held "
            f"{100 * row['coverage']:.1f} % ({100 * low:.0f} to {100 * high:.0f} %): {row['verdict']}."
        )
    return section("Calibration", "\n".join(lines))


def results_section(name: str, document: Mapping[str, Any]) -> str:
    """The figures on one photo set beside the trivial guesses, and by continent."""
    baselines = document["baselines"]
    columns = {
        "model": document,
        "best constant guess": baselines["constant"],
        "random training place": baselines["random"],
    }
    rows = [("median error (km)", *(_number(values["median_km"]) for values in columns.values()))]
    for limit in THRESHOLDS_KM:
        shares = [_share(values["within_km"][str(limit)]) for values in columns.values()]
        rows.append((f"within {limit} km", *shares))
    rows.append(("GeoScore (0 to 5000)", *(_number(values["geoscore"]) for values in columns.values())))
    text = table(("", *columns), rows)
    regions = [
        (part["name"], f"{part['n']:,}", _number(part["median_km"]), _share(part["within_km"]["750"]))
        for part in document["by_continent"]
        if part["n"]
    ]
    more = [
        f"Right cell first: {_share(document['top_k']['1'])}; among the first ten: "
        f"{_share(document['top_k']['10'])}. "
        f"Country right: {_share(document['country_accuracy'])}. Calibration error: "
        f"{_share(document['ece'])}. "
        f"The 90 % region holds the truth for {_share(document['coverage_90'])}.",
        table(("continent", "photos", "median error (km)", "within 750 km"), regions),
    ]
    return section(f"Results on {name} ({document['n']:,} photos)", "\n\n".join([text, *more]))


def limits_section(said: str) -> str:
    """What the model is for and not for; ``said``: what its maker adds."""
    lines = [
        said,
        "The model answers for any photo, also for one that shows nothing of its place; then its "
        "confidence is "
        "low and the answer is little better than the best constant guess. It is worse where it has seen few "
        "photos: see the errors by continent above. Confidence and regions hold for photos like those it was "
        "calibrated on.",
        "Locating photos can harm people. See RESPONSIBLE_USE.md of graticule: not for finding "
        "private persons, "
        "not as the only evidence of anything.",
    ]
    return section("Limits and responsible use", "\n\n".join(line for line in lines if line))


def section(title: str, text: str) -> str:
    """A section of a Markdown card."""
    return f"## {title}\n\n{text}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [
        "| " + " | ".join(str(value).replace("|", "\\|").replace("\n", " ") for value in row) + " |"
        for row in rows
    ]
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
