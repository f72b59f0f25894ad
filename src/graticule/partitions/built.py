"""What a builder gives when it has more to say than the cells: remarks for people, figures for reports."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from graticule.partitions.partition import Partition


@dataclasses.dataclass(frozen=True)
class Built:
    """What a method made.

    Convention:
        - ``remarks``: sentences on what was repaired, merged or left out, for people
        - ``figures``: what only this method measures, as JSON values by name
    """

    partition: Partition
    remarks: tuple[str, ...] = ()
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)
