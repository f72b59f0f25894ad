"""Bundles from the Hugging Face hub: the four files of a bundle, at a pinned revision, nothing else."""

from __future__ import annotations

from pathlib import Path

from graticule.bundle.files import CARD, CELLS, MODEL, MODEL_CARD
from graticule.config import require
from graticule.errors import MissingFileError


def download_bundle(repository: str) -> Path:
    """Fetch a bundle into the hub's own cache and say where it lies.

    Convention:
        - ``repository``: ``"owner/name"`` or ``"owner/name@revision"``

    Raises:
        MissingFileError: no such repository, or the hub cannot be reached and the cache does not hold it.
        MissingPackageError: the package huggingface_hub is not installed.
    """
    hub = require("huggingface_hub")
    name, _, revision = repository.partition("@")
    try:
        folder: str = hub.snapshot_download(
            name, revision=revision or None, allow_patterns=[CARD, CELLS, MODEL, MODEL_CARD]
        )
    except Exception as error:  # the hub raises its own, httpx's and the operating system's errors
        raise MissingFileError(
            f"The model 'hf-hub:{repository}' could not be fetched: {str(error).splitlines()[0]}\n"
            "Check the name and the connection, or copy the bundle here and give its path:  --model FOLDER"
        ) from error
    return Path(folder)
