"""The forms in which photos with places come: one small class per layout, and the choice among them.

How a layout is chosen when none is named, in this order:

1. options about columns (``--latitude``, ``--path``, ``--decimal-comma`` ...): ``table``
2. a published data set, known by the names of its files and of their columns: ``im2gps3k``, ``osv5m`` ...
3. a table file, or (``--images``) a table and a folder of its photos: ``table``
4. a folder with a table at its top that has positions and names photos: ``table`` - unless most of those
   photos carry a position of their own, and the table is not called ``photos.*`` or ``metadata.*``
5. a folder without such a table, whose own order or names of files say where photos were taken:
   ``country-folders``, ``utm-names``, ``webdataset``
6. any other folder: ``exif``
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from graticule.config import nearest
from graticule.errors import UsageError
from graticule.photos.files import no_such
from graticule.photos.layouts.base import Found, Layout, Refusal, Words
from graticule.photos.layouts.country_folders import CountryFoldersLayout
from graticule.photos.layouts.exif import ExifLayout
from graticule.photos.layouts.gsv_cities import GsvCitiesLayout
from graticule.photos.layouts.hf_folder import HuggingFaceFolderLayout
from graticule.photos.layouts.hf_parquet import HuggingFaceParquetLayout
from graticule.photos.layouts.im2gps_info import Im2gpsInfoLayout
from graticule.photos.layouts.mp16 import Mp16Layout
from graticule.photos.layouts.mp16_pro import Mp16ProLayout
from graticule.photos.layouts.msls import MslsLayout
from graticule.photos.layouts.osv5m import Osv5mLayout
from graticule.photos.layouts.osv_mini import OsvMiniLayout
from graticule.photos.layouts.places365 import (
    Im2gps3kLayout,
    Im2gpsLayout,
    Places365Layout,
    Yfcc26kLayout,
)
from graticule.photos.layouts.table import TableLayout
from graticule.photos.layouts.utm_names import UtmNamesLayout
from graticule.photos.layouts.webdataset import WebDatasetLayout
from graticule.photos.layouts.yfcc4k import Yfcc4kLayout
from graticule.photos.layouts.yfcc100m import Yfcc100mLayout

__all__ = ["LAYOUTS", "ExifLayout", "Found", "Layout", "Refusal", "TableLayout", "Words", "choose_layout"]

_PUBLISHED: Final[tuple[Layout, ...]] = (
    Osv5mLayout(),
    OsvMiniLayout(),
    Mp16Layout(),
    Mp16ProLayout(),
    Im2gpsLayout(),
    Im2gps3kLayout(),
    Im2gpsInfoLayout(),
    Yfcc26kLayout(),
    Yfcc4kLayout(),
    Yfcc100mLayout(),
    Places365Layout(),
    MslsLayout(),
    GsvCitiesLayout(),
    HuggingFaceFolderLayout(),
    HuggingFaceParquetLayout(),
)

_BY_THE_FILES: Final[tuple[Layout, ...]] = (CountryFoldersLayout(), UtmNamesLayout(), WebDatasetLayout())

LAYOUTS: Final[tuple[Layout, ...]] = (*_PUBLISHED, TableLayout(), *_BY_THE_FILES, ExifLayout())
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
    if words.about_columns():
        return by_name["table"], "columns were named"
    for layout in _PUBLISHED if words.images else LAYOUTS:
        why = layout.recognise(source)
        if why is not None:
            return layout, why
    if words.images:
        return by_name["table"], "a folder of images was named"
    raise UsageError(
        f"'{source}' is neither a folder nor a table of photos.\n"
        f"Give the folder that holds the photos:  graticule ingest '{source.parent}' -o photos"
    )
