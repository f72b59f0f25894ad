"""Photos that could not be read while a run trained: said and written, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from graticule.training.callbacks import Say
from graticule.training.photo_sets import PhotoSets
from graticule.training.run_folder import RunFolder

COUNT_AS_WRONG: Final = {"train": "taught nothing", "val": "count as wrong"}
"""What became of them, by split, where cells are learned."""

NO_CELLS: Final = {"train": "taught nothing", "val": "have no loss"}
"""The same where none are."""


def name_unreadable(
    run: RunFolder,
    sets: PhotoSets,
    found: Mapping[str, Sequence[int]],
    say: Say,
    *,
    meaning: Mapping[str, str] = COUNT_AS_WRONG,
) -> None:
    """Say which photos could not be read, and add them to ``photos.json``.

    Convention:
        - ``found``: rows of ``sets.train`` and ``sets.val``, by split; ``meaning``: what became of them
    """
    named = {}
    for split, photos in (("train", sets.train), ("val", sets.val)):
        names = named[split] = [photos.ids[row] for row in found[split]]
        if names:
            more = ", ..." if len(names) > 3 else ""
            say(
                f"{len(names):,} photos of '{split}' could not be read and {meaning[split]}: "
                f"{', '.join(names[:3])}{more}"
            )
    run.write_unreadable(named)
