"""The Earth cut into cells: one ``Partition`` and one file format, whichever builder made it.

Names are loaded when first used: the command line asks ``methods`` for words without paying for tables.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graticule.partitions.partition import Partition, Source
    from graticule.partitions.s2.adaptive import PRESETS, S2Settings, build_s2
    from graticule.partitions.summary import Summary, summarise

_HOMES = {
    "PRESETS": "s2.adaptive",
    "Partition": "partition",
    "S2Settings": "s2.adaptive",
    "Source": "partition",
    "Summary": "summary",
    "build_s2": "s2.adaptive",
    "summarise": "summary",
}

__all__ = ["PRESETS", "Partition", "S2Settings", "Source", "Summary", "build_s2", "summarise"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'graticule.partitions' has no attribute {name!r}")
    return getattr(importlib.import_module(f"graticule.partitions.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
