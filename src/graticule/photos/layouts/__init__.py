"""The forms in which photos with places come: one small class per layout, and the choice among them.

How a layout is chosen when none is named, in this order:

1. options that only make sense for a table (``--latitude``, ``--path``, ``--images`` ...): ``table``
2. a table file: ``table``
3. a folder with a table at its top that has positions and names photos: ``table`` - unless most of those
   photos carry a position of their own, and the table is not called ``photos.*`` or ``metadata.*``
4. any other folder: ``exif``
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from graticule.config import nearest
from graticule.errors import UsageError
from graticule.photos.files import no_such
from graticule.photos.layouts.base import Found, Layout, Refusal, Words
from graticule.photos.layouts.exif import ExifLayout
from graticule.photos.layouts.table import TableLayout

__all__ = ["LAYOUTS", "ExifLayout", "Found", "Layout", "Refusal", "TableLayout", "Words", "choose_layout"]

LAYOUTS: Final[tuple[Layout, ...]] = (TableLayout(), ExifLayout())
"""Every layout, in the order in which they are tried."""


def choose_layout(source: Path, name: str, words: Words) -> tuple[Layout, str]:
    """The layout to read ``source`` by, and why, as a clause.

    Convention:
        - ``name``: that of a layout, or ``auto``

    Raises:
        MissingFileError: there is no such source.
        UsageError: there is no such layout, or none fits; the message lists them.
    """
    by_name = {layout.name: layout for layout in LAYOUTS}
    if name != "auto" and name not in by_name:
        close = nearest(name, by_name)
        advice = f"Did you mean:  --layout {close}" if close else f"Known: auto, {', '.join(by_name)}."
        raise UsageError(f"There is no layout '{name}'.\n{advice}")
    if not source.exists():
        raise no_such(source)
    if name != "auto":
        return by_name[name], "as said"
    if words.about_a_table():
        return by_name["table"], "columns or a folder of images were named"
    for layout in LAYOUTS:
        why = layout.recognise(source)
        if why is not None:
            return layout, why
    raise UsageError(
        f"'{source}' is neither a folder nor a table of photos.\n"
        f"Give the folder that holds the photos:  graticule ingest '{source.parent}' -o photos"
    )
