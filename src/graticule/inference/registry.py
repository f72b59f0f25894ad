"""Models by name. Each is a bundle; the one called ``default`` ships inside the package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from graticule.bundle import Bundle, read_bundle
from graticule.config import nearest
from graticule.errors import MissingFileError, UsageError

MODELS: Final = {"default": Path(__file__).with_name("default.graticule")}
"""Name -> bundle."""

HUB_PREFIX: Final = "hf-hub:"


def list_models() -> list[str]:
    """The names that ``load_model`` knows, sorted."""
    return sorted(MODELS)


def find_bundle(name: str | Path) -> Bundle:
    """The bundle of a registered name, at a path, or on the Hugging Face hub.

    Convention:
        - ``name``: ``"default"``, a folder or ``.graticule`` file, or ``"hf-hub:owner/name"``

    Raises:
        UsageError: the name is empty or no text.
        MissingFileError: no model of that name and nothing at that path.
        BundleError: the bundle is damaged.
        MissingPackageError: a hub name without the package huggingface_hub.
    """
    if not isinstance(name, str | Path) or not str(name).strip():
        raise UsageError(
            f"A model is named by text or a path; got {name!r}.\n"
            f"Names: {', '.join(list_models())}; or a bundle's path."
        )
    if isinstance(name, str) and name in MODELS:
        return read_bundle(MODELS[name])
    if isinstance(name, str) and name.startswith(HUB_PREFIX):
        from graticule.inference.hub import download_bundle

        return read_bundle(download_bundle(name.removeprefix(HUB_PREFIX)))
    if not Path(name).exists():
        close = nearest(str(name), MODELS)
        advice = f"Did you mean '{close}'?" if close else f"Names: {', '.join(list_models())}."
        raise MissingFileError(
            f"There is no model '{name}': it is neither a name that graticule knows nor a bundle's path.\n"
            f"{advice}  List them:  graticule models"
        )
    return read_bundle(name)


def bundle_of(identity: str) -> Bundle | None:
    """The registered model of that name and revision, as predictions state them ("name@revision").

    None when no registered model is it: another revision, or a bundle of the user's.
    """
    for path in MODELS.values():
        if path.exists() and (bundle := read_bundle(path)).card.identity == identity:
            return bundle
    return None
