"""How photos are stored when ingest is to store them: how large, how good, loose or in shards."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from graticule.errors import UsageError

PHOTOS_PER_SHARD: Final = 1000
"""What a kill can cost: photos of a shard that was not finished are stored again."""

QUALITY: Final = 90
"""JPEG quality of photos that are encoded anew: a third of the bytes of 95."""

_LARGEST_PX: Final = 65_500  # of JPEG


@dataclass(frozen=True)
class Storage:
    """Where photos go and in which form.

    Convention:
        - ``max_side_px``: the long side of what is stored has at most so many pixels; None: bytes as they are
        - ``shards``: in tar files, in the layout of WebDataset; else as files in folders
        - ``photos_per_shard``: photos in a shard, or in a folder
        - ``quality``: of JPEG, 1 to 100

    Raises:
        UsageError: nothing is to be stored, or a number is out of range.
    """

    max_side_px: int | None = None
    shards: bool = False
    photos_per_shard: int = PHOTOS_PER_SHARD
    quality: int = QUALITY

    def __post_init__(self) -> None:
        if self.max_side_px is None and not self.shards:
            raise UsageError(
                "Photos that are neither scaled nor packed are not stored: they stay where they are."
            )
        for name, value, most in (
            ("long side", 1 if self.max_side_px is None else self.max_side_px, _LARGEST_PX),
            ("photos per shard", self.photos_per_shard, 1_000_000),
            ("JPEG quality", self.quality, 100),
        ):
            if not 1 <= value <= most:
                raise UsageError(f"The {name} is to be {value}; it can be 1 to {most:,}.")

    @property
    def folder(self) -> str:
        """Name of the folder in the output that holds what is stored."""
        return "shards" if self.shards else "photos"

    def form(self) -> dict[str, Any]:
        """What decides about the bytes that are written; ready for JSON."""
        return asdict(self)
