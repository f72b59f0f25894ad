"""Photos for recipes that name none: a synthetic planet, drawn once into a folder of the user's cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from graticule.photos.synthetic import build_planet
from graticule.training.locking import one_at_a_time
from graticule.training.recipe import SyntheticSection
from graticule.training.recipe.files import AnyRecipe

Say = Callable[[str], None]


def cache_folder() -> Path:
    """Where graticule keeps what can be made anew.

    Convention:
        - ``$GRATICULE_CACHE``, else ``graticule`` in ``$XDG_CACHE_HOME``, else in ``~/.cache``
    """
    own = os.environ.get("GRATICULE_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graticule"


def with_photos(recipe: AnyRecipe, say: Say, *, workers: int = 1) -> AnyRecipe:
    """The same recipe with a photo table: its own, or the planet that it describes, drawn if need be.

    Convention:
        - ``workers``: processes that draw; with more than one, call this under ``if __name__ == "__main__"``
        - a recipe that names neither a table nor a planet is returned as it is

    Raises:
        MissingFileError: the cache folder cannot be written.
        UsageError: the planet names a country that there is none of.
    """
    wanted = recipe.photos.synthetic
    if recipe.photos.table is not None or wanted is None:
        return recipe
    folder = draw_planet(wanted, say, workers=workers)
    photos = recipe.photos.model_copy(update={"table": folder})
    return recipe.model_copy(update={"photos": photos})


def draw_planet(wanted: SyntheticSection, say: Say, *, workers: int = 1) -> Path:
    """The folder of a planet, complete; drawn, or drawn to its end, where that is needed.

    Raises:
        MissingFileError: the cache folder cannot be written.
        UsageError: a setting is out of range.
    """
    folder = cache_folder() / "planets" / wanted.label
    told = False

    def tell(done: int, total: int) -> None:
        nonlocal told
        if not told and done < total:
            say(f"Drawing a synthetic planet of {total:,} photos, once, into '{folder}'.")
            told = True

    with one_at_a_time(folder.parent / f"{wanted.label}.lock"):
        build_planet(
            folder,
            photos=wanted.photos,
            size_px=(wanted.size_px, wanted.size_px),
            countries=wanted.countries,
            seed=wanted.seed,
            workers=workers,
            on_progress=tell,
        )
    return folder
