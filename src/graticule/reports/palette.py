"""The colours of reports, in their one home: for pages and pictures, on light ground and on dark."""

from __future__ import annotations

from typing import Final

PALETTE: Final[dict[str, tuple[str, str]]] = {
    "ground": ("#fbfbf9", "#14181a"),
    "sheet": ("#ffffff", "#1b2022"),
    "ink": ("#1d2426", "#e7eae8"),
    "soft": ("#5b6668", "#9ba6a6"),
    "rule": ("#dde1df", "#2f3739"),
    "faint": ("#eef0ee", "#22292b"),
    "land": ("#d8ddd7", "#343d3f"),
    "model": ("#0a6c74", "#4fc3c9"),
    "band": ("#c4dfe0", "#1f4a4d"),
    "constant": ("#b3541e", "#eb9158"),
    "random": ("#8a8f96", "#868d95"),
    "warn": ("#a3301f", "#f0826e"),
    "heat-1": ("#dcebea", "#22393b"),
    "heat-2": ("#a5cfcd", "#2f5f63"),
    "heat-3": ("#5aa9a3", "#3d8a8d"),
    "heat-4": ("#1f7378", "#6fc4c2"),
    "heat-5": ("#0b3f59", "#c9f0ea"),
    "near-1": ("#0a6c74", "#4fc3c9"),
    "near-2": ("#4c9a8f", "#3d9c8e"),
    "near-3": ("#b9a44c", "#c2ae5c"),
    "near-4": ("#cf7a3c", "#d98648"),
    "near-5": ("#a3301f", "#e0604c"),
}
"""Name -> (colour on light ground, colour on dark ground). ``near-1`` to ``near-5`` go from near to far,
``heat-1`` to ``heat-5`` from little to much."""


def variables() -> str:
    """The palette as CSS custom properties that follow the reader's light or dark setting."""
    light = "".join(f"--{name}:{pair[0]};" for name, pair in PALETTE.items())
    dark = "".join(f"--{name}:{pair[1]};" for name, pair in PALETTE.items())
    return f":root{{color-scheme:light dark;{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
