"""``graticule models``: which models are at hand, and what their cards say."""

from __future__ import annotations

import click

from graticule.cli.output import emit, json_option, stdout


@click.command("models")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the models, or print the card of the model NAME (a name or a bundle's path).

    \b
    Examples:
      graticule models
      graticule models default
    """
    from graticule.inference.registry import find_bundle, list_models

    if name is not None:
        bundle = find_bundle(name)
        if as_json:
            emit(bundle.card.model_dump() | {"cells": bundle.partition.count})
        else:
            click.echo(bundle.model_card)
        return
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
