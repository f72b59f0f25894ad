"""MODEL_CARD.md: what a model is, what it learned from, how well it does beside trivial guesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from graticule.bundle import BundleCard
from graticule.config import THRESHOLDS_KM
from graticule.training.recipe import CardSection

if TYPE_CHECKING:
    from graticule.training.parity import Parity


@dataclass(frozen=True, eq=False)
class CardFacts:
    """What a run knows of its data.

    Convention:
        - ``counts`` is its photos.json, ``photos`` the rows it learned from
        - ``cells`` is 0 where the head knows none
    """

    checkpoint: str
    counts: Mapping[str, Any]
    cells: int
    photos: pl.DataFrame

    def licences(self) -> dict[str, int]:
        """Number of training photos by licence, most first; what names one photo's own page is left out."""
        named = self.photos["licence"].fill_null("not stated").str.replace(r"\s*\(file page:.*$", "")
        counted = named.value_counts().sort(["count", "licence"], descending=[True, False])
        return dict(counted.iter_rows())

    def countries(self) -> int:
        """How many countries the training photos come from, as far as the table says."""
        return self.photos["country"].drop_nulls().n_unique()


def model_card(
    card: BundleCard,
    said: CardSection,
    facts: CardFacts,
    measured: Mapping[str, Mapping[str, Any]],
    parity: Sequence[Parity],
) -> str:
    """The card as Markdown.

    Convention:
        - ``measured``: by name of the photo set, the document of its ``metrics.json``
    """
    parts = [
        f"# {card.name}",
        said.description or "Says where on Earth a photo was taken, and how sure that is.",
        _model(card, facts),
        _data(said, facts),
        *(_results(name, document) for name, document in measured.items()),
        _trust(card, parity),
        _limits(said),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _model(card: BundleCard, facts: CardFacts) -> str:
    return _section(
        "Model",
        _table(
            ("", ""),
            [
                ("network", card.architecture),
                (
                    "head",
                    f"{card.head}, {facts.cells} cells"
                    if facts.cells
                    else f"{card.head}, a place without cells",
                ),
                ("first weights", card.backbone or "not stated"),
                ("weights stored as", card.weights),
                ("licence", card.licence),
                ("point estimate", card.estimate),
                ("checkpoint", facts.checkpoint),
            ],
        ),
    )


def _data(said: CardSection, facts: CardFacts) -> str:
    counts = facts.counts
    lost = [f"{count:,} {reason}" for reason, count in counts["dropped"].items() if count]
    counted = list(facts.licences().items())
    licences = [(f"`{name}`", f"{count:,}") for name, count in counted[:12]]
    if rest := counted[12:]:
        licences.append((f"{len(rest):,} others", f"{sum(count for _, count in rest):,}"))
    lines = [
        said.data,
        f"Learned from {counts['train']:,} photos of {facts.countries()} countries; {counts['val']:,} "
        "others (val) "
        f"chose the checkpoint and calibrate it, so figures on them flatter; {counts['test']:,} more "
        "(test) only measure." + (f" Left out: {', '.join(lost)}." if lost else ""),
        _table(("licence of the training photos", "photos"), licences),
    ]
    return _section("Data", "\n\n".join(line for line in lines if line))


def _results(name: str, document: Mapping[str, Any]) -> str:
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
    text = _table(("", *columns), rows)
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
        _table(("continent", "photos", "median error (km)", "within 750 km"), regions),
    ]
    return _section(f"Results on {name} ({document['n']:,} photos)", "\n\n".join([text, *more]))


def _trust(card: BundleCard, parity: Sequence[Parity]) -> str:
    lines = [f"- {item.in_words()}" for item in parity]
    promised = ", ".join(f"{coverage} at {mass:.3f}" for coverage, mass in card.conformal.items())
    lines.append(
        f"- Temperature {card.temperature:.3f}; cumulative probability of the conformal regions: "
        f"{promised or 'none'}."
    )
    return _section("Checks and calibration", "\n".join(lines))


def _limits(said: CardSection) -> str:
    lines = [
        said.limits,
        "The model answers for any photo, also for one that shows nothing of its place; then its "
        "confidence is "
        "low and the answer is little better than the best constant guess. It is worse where it has seen few "
        "photos: see the errors by continent above. Confidence and regions hold for photos like those it was "
        "calibrated on.",
        "Locating photos can harm people. See RESPONSIBLE_USE.md of graticule: not for finding "
        "private persons, "
        "not as the only evidence of anything.",
    ]
    return _section("Limits and responsible use", "\n\n".join(line for line in lines if line))


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
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
