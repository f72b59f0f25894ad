"""Facts that more than one part relies on, each in its one home, and how optional packages are imported.

Nothing here imports anything heavy: ``import graticule`` has to stay under 0.3 s.
"""

from __future__ import annotations

import difflib
import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Final

from graticule.errors import MissingPackageError

EARTH_RADIUS_KM: Final = 6371.0088
"""Mean radius R1 of the Earth in km (IUGG 1980); the sphere that every length in graticule is measured on."""

THRESHOLDS_KM: Final = (1, 25, 200, 750, 2500)
"""Street, city, region, country, continent: the field's five thresholds, in km (Vo et al., 2017)."""

GEOSCORE_SCALE_KM: Final = 1492.7
"""Decay length in km of GeoGuessr's world-map score, 5000 * exp(-d / scale) (Haas et al., 2023)."""

PROBABILITY_WORDS: Final = (
    (0.99, "virtually certain"),
    (0.9, "very likely"),
    (0.66, "likely"),
    (0.33, "about as likely as not"),
    (0.1, "a guess, unlikely to be right"),
    (0.0, "a guess, very unlikely to be right"),
)
"""From which share in [0, 1] on a calibrated probability is called what, the highest first (after the IPCC's
guidance note on uncertainty, Mastrandrea et al., 2010)."""

# fmt: off
IMAGE_SUFFIXES: Final = frozenset([
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".hif", ".avif", ".tif", ".tiff",
    ".mpo", ".gif", ".bmp", ".ppm", ".pgm",
])
# fmt: on
"""File endings (lower case) that a folder is searched for; a file named outright is tried whatever it is."""

PACKAGES: Final = {
    "captum": "explain",
    "cartopy": "report",
    "fastapi": "web",
    "lightning": "train",
    "matplotlib": "report",
    "mlflow": "loggers",
    "onnx": "train",
    "onnxscript": "train",
    "optuna": "train",
    "prometheus_client": "web",
    "python_multipart": "web",
    "ray": "ray",
    "safetensors": "train",
    "sklearn": "demo",
    "tensorboard": "loggers",
    "threadpoolctl": "cells",
    "timm": "train",
    "torch": "train",
    "torchvision": "train",
    "uvicorn": "web",
    "urllib3": "collect",
    "wandb": "loggers",
}
"""Which extra brings which optional package."""


def probability_phrase(probability: float) -> str:
    """What a calibrated probability, a share in [0, 1], is called.

    Example:
        >>> probability_phrase(0.7), probability_phrase(0.02)
        ('likely', 'a guess, very unlikely to be right')
    """
    return next(
        (words for least, words in PROBABILITY_WORDS if probability >= least), PROBABILITY_WORDS[-1][1]
    )


def require(package: str, *, extra: str | None = None) -> ModuleType:
    """Import an optional package, or say what to install.

    Convention:
        - ``package`` is the import name, dotted or not: ``"torch"``, ``"lightning.pytorch"``
        - ``extra`` is the extra of graticule that brings it; taken from ``PACKAGES`` when left out

    Raises:
        MissingPackageError: the package is not installed; the message holds the line to type.

    Example:
        >>> require("math").sqrt(4.0)
        2.0
    """
    top = package.partition(".")[0]
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        chosen = extra or PACKAGES.get(top, "all")
        raise MissingPackageError(
            f"This needs the package '{top}', which is not installed.\n"
            f"Install it:  pip install 'graticule[{chosen}]'{_in_a_checkout(chosen)}",
            name=top,
        ) from error


def _in_a_checkout(extra: str) -> str:
    """What to type when this graticule is a checkout, which pip knows by its folder alone."""
    folder = Path(__file__).parents[2]
    if not (folder / "pyproject.toml").is_file():
        return ""
    return f"\nor, as this is a checkout:  pip install -e '{folder}[{extra}]'"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name most like a mistyped one, or None when nothing is like it.

    Example:
        >>> nearest("lattitude", ["latitude", "longitude"])
        'latitude'
    """
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def usable_cores() -> int:
    """How many processor cores this process may use: what a scheduler or container leaves it, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
