"""``graticule models``: which models are at hand, and what their cards say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graticule.cli.output import emit, json_option, stderr, stdout

if TYPE_CHECKING:
    from graticule.bundle import Bundle


@click.command("models")
@click.argument("name", required=False)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Make the card anew from the bundle and this report of evaluate (several may be given).",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the card here.")
@json_option
def command(name: str | None, reports: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """List the models, or print the card of the model NAME (a name or a bundle's path).

    \b
    Examples:
      graticule models
      graticule models default
      graticule models default --report report/ -o MODEL_CARD.md
    """
    from graticule.errors import UsageError
    from graticule.inference.registry import find_bundle, list_models

    if name is not None:
        bundle = find_bundle(name)
        text = bundle.model_card if not reports else _card(bundle, reports)
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(text, encoding="utf-8")
            stderr().print(f"Wrote {output}", markup=False)
        if as_json:
            emit(bundle.card.model_dump() | {"cells": bundle.partition.count})
        elif output is None:
            click.echo(text)
        return
    if reports or output is not None:
        raise UsageError("Whose card? Name a model:  graticule models default --report REPORT -o FILE")
    cards = {known: find_bundle(known) for known in list_models()}
    if as_json:
        emit({"models": {known: item.card.model_dump() for known, item in cards.items()}})
        return
    for known, item in cards.items():
        card = item.card
        stdout().print(
            f"{known}  {card.identity}  {card.architecture}, {card.head}, {item.partition.count} cells"
        )
        stdout().print(f"{'':{len(known)}}  {card.licence}")


def _card(bundle: Bundle, reports: tuple[Path, ...]) -> str:
    """The card from the files alone; each report is called by its folder."""
    import json

    from graticule.errors import MissingFileError
    from graticule.reports.evaluation import METRICS
    from graticule.reports.model_card import card_of_files

    documents = {}
    for report in reports:
        file = report / METRICS if report.is_dir() else report
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            documents[report.resolve().stem] = document
            known = {"baselines", "by_continent", "within_km"} <= document.keys()
        except (OSError, ValueError, AttributeError):
            known = False
        if not known:
            raise MissingFileError(
                f"'{report}' is no report of an evaluation: it has no usable {METRICS}.\n"
                "Make one:  graticule evaluate PREDICTIONS --truth TABLE -o REPORT"
            )
    return card_of_files(bundle.card, documents)
