"""MODEL_CARD.md: what a model is, what it learned from, how well it does beside trivial guesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from graticule.bundle import BundleCard
from graticule.reports.model_card import limits_section, model_section, results_section, section, table
from graticule.training.by_country import by_country_in_words
from graticule.training.recipe import CardSection

if TYPE_CHECKING:
    from graticule.training.exporting.parity import Parity


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
        model_section(
            card,
            [
                ("cells", f"{facts.cells:,}" if facts.cells else "none: it answers with a place"),
                ("checkpoint", facts.checkpoint),
            ],
        ),
        _data(said, facts),
        *(results_section(name, document) for name, document in measured.items()),
        _trust(card, parity),
        limits_section(said.limits),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


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
        by_country_in_words(counts["by_country"]) if counts.get("by_country") else None,
        table(("licence of the training photos", "photos"), licences),
    ]
    return section("Data", "\n\n".join(line for line in lines if line))


def _trust(card: BundleCard, parity: Sequence[Parity]) -> str:
    lines = [f"- {item.in_words()}" for item in parity]
    promised = ", ".join(f"{coverage} at {mass:.3f}" for coverage, mass in card.conformal.items())
    lines.append(
        f"- Temperature {card.temperature:.3f}; cumulative probability of the conformal regions: "
        f"{promised or 'none'}."
    )
    return section("Checks and calibration", "\n".join(lines))
