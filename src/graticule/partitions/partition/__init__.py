"""The partition itself and its file: one class, whichever method made the cells.

Both classes are loaded together, so that a file with several resolutions is always read as one.
"""

from graticule.partitions.partition.multi import MultiPartition
from graticule.partitions.partition.partition import Partition
from graticule.partitions.partition.source import Source

__all__ = ["MultiPartition", "Partition", "Source"]
