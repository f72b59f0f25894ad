"""The Earth cut into cells: one ``Partition`` and one file format, whichever builder made it."""

from graticule.partitions.partition import Partition, Source
from graticule.partitions.s2_adaptive import PRESETS, S2Settings, build_s2
from graticule.partitions.summary import Summary, summarise

__all__ = ["PRESETS", "Partition", "S2Settings", "Source", "Summary", "build_s2", "summarise"]
