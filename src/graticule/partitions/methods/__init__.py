"""The ways to cut the Earth into cells, by name: what each takes, and the function that does it.

Nothing below imports this package: builders know nothing of the words that they are called by.
"""

from graticule.partitions.methods.method import Method
from graticule.partitions.methods.options import OPTIONS, Option
from graticule.partitions.methods.registry import METHODS, build_from_counts, build_partition
from graticule.partitions.methods.spelling import Spell, respelled, spelled

__all__ = [
    "METHODS",
    "OPTIONS",
    "Method",
    "Option",
    "Spell",
    "build_from_counts",
    "build_partition",
    "respelled",
    "spelled",
]
