"""Reading and writing bundles: a folder, or one ``.graticule`` file (a zip of the same four files)."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from graticule._version import __version__
from graticule.bundle.card import BundleCard
from graticule.errors import BundleError, MissingFileError, PartitionError
from graticule.partitions import Partition

MODEL: Final = "model.onnx"
CELLS: Final = "cells.parquet"
CARD: Final = "bundle.json"
MODEL_CARD: Final = "MODEL_CARD.md"
SUFFIX: Final = ".graticule"

_ANSWERING: Final = (
    "temperature",
    "scaling",
    "region_rule",
    "conformal",
    "conformal_by_group",
    "estimate",
)
"""What in the card changes the answers; the files beside it are covered by their hashes."""

MAX_MEMBER_BYTES: Final = 4 << 30
"""No member of a zip is unpacked past this many bytes, whatever its header says."""


@dataclass(frozen=True)
class Bundle:
    """A bundle in memory: the card, the cells, the network as ONNX bytes and the model card as Markdown."""

    card: BundleCard
    partition: Partition
    model_onnx: bytes
    model_card: str


def write_bundle(
    path: str | Path, *, model_onnx: bytes, partition: Partition, card: BundleCard, model_card: str
) -> BundleCard:
    """Write a bundle: a zip when ``path`` ends with .graticule, else a folder.

    A zip is replaced at once. In a folder that is a bundle already the bundle's own files are replaced one by
    one, the card with their hashes last, so that a broken write is noticed; other files there are left alone.

    Returns:
        The card as written: revision, date, version and the files' sha256 filled in.

    Raises:
        BundleError: ``path`` is a folder that holds something else.
    """
    path = Path(path)
    card = BundleCard.model_validate(card.model_dump())  # numbers as they will be read back
    members = {MODEL: model_onnx, CELLS: partition.to_bytes(), MODEL_CARD: model_card.encode()}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    written = card.model_copy(
        update={
            "files": hashes,
            "revision": revision_of(card, hashes),
            "created": card.created or datetime.now(UTC).isoformat(timespec="seconds"),
            "graticule_version": __version__,
        }
    )
    members[CARD] = written.model_dump_json(indent=2).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == SUFFIX:
        _write_zip(path, members)
    else:
        _write_folder(path, members)
    return written


def read_bundle(path: str | Path) -> Bundle:
    """Read and check a bundle.

    Raises:
        MissingFileError: there is nothing at ``path``.
        BundleError: a file of the bundle is missing, damaged, changed, or of a later format.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(
            f"There is no bundle '{path}'.\n"
            "Make one:  graticule export RUN -o BUNDLE   or take one by name:  graticule models"
        )
    members = _read_folder(path) if path.is_dir() else _read_zip(path)
    for name in (CARD, MODEL, CELLS, MODEL_CARD):
        if name not in members:
            raise BundleError(f"The bundle '{path}' has no '{name}'.\n{_again(path)}")
    card = _read_card(path, members[CARD])
    check_seal(card, {name: content for name, content in members.items() if name != CARD}, path)
    try:
        partition = Partition.read(members[CELLS])
    except PartitionError as error:  # its own advice is to build cells, which would not be this model's
        raise BundleError(
            f"'{CELLS}' of the bundle '{path}' cannot be used: {str(error).splitlines()[0]}\n{_again(path)}"
        ) from error
    return Bundle(
        card=card,
        partition=partition,
        model_onnx=members[MODEL],
        model_card=members[MODEL_CARD].decode("utf-8", errors="replace"),
    )


def revision_of(card: BundleCard, hashes: Mapping[str, str]) -> str:
    """The first 12 digits of a sha256 over the files' hashes and what of the card changes the answers."""
    digest = hashlib.sha256("".join(sorted(hashes.values())).encode())
    digest.update(card.model_dump_json(include=set(_ANSWERING)).encode())
    return digest.hexdigest()[:12]


def check_seal(card: BundleCard, members: Mapping[str, bytes], path: Path) -> None:
    """Refuse a bundle whose files or card are not what was written.

    Raises:
        BundleError: the card names no sha256 for a file, or another; or the card itself was changed.
    """
    for name, content in members.items():
        if name not in card.files:
            raise BundleError(
                f"'{CARD}' of the bundle '{path}' names no sha256 of '{name}', so damage to it could not be "
                f"noticed.\n{_again(path)}"
            )
        if hashlib.sha256(content).hexdigest() != card.files[name]:
            raise BundleError(
                f"'{name}' in the bundle '{path}' is damaged: its sha256 is not the one in {CARD}.\n"
                f"{_again(path)}"
            )
    hashes = "".join(sorted(card.files.values()))
    of_files_alone = hashlib.sha256(hashes.encode()).hexdigest()[:12]  # as bundles of 0.1.0 have it
    if card.revision not in (revision_of(card, card.files), of_files_alone):
        raise BundleError(
            f"'{CARD}' of the bundle '{path}' was changed after it was written: its revision "
            f"'{card.revision}' is not that of its temperature, thresholds and files.\n{_again(path)}\n"
            "To change what it promises:  graticule calibrate MODEL --photos TABLE -o MODEL2"
        )


def _again(path: Path) -> str:
    return f"Copy the bundle again, or export it again:  graticule export RUN -o {path}"


def _read_card(path: Path, content: bytes) -> BundleCard:
    try:
        return BundleCard.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BundleError(
            f"'{CARD}' of the bundle '{path}' cannot be used: {where}: {first['msg']}.\n"
            "It is damaged or was written by a later graticule; then:  pip install --upgrade graticule"
        ) from error


def _write_zip(path: Path, members: dict[str, bytes]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(members.items()):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # same content, same bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(buffer.getvalue())
    unfinished.replace(path)


def check_output(path: str | Path) -> None:
    """Refuse a place that a bundle must not be written to, before any work is done.

    Raises:
        BundleError: ``path`` is a folder that holds something else, or a file that is no ``.graticule``.
    """
    path = Path(path)
    ours = path.is_dir() and ((path / CARD).is_file() or not any(path.iterdir()))
    if path.exists() and not ours and not (path.suffix == SUFFIX and path.is_file()):
        raise BundleError(
            f"'{path}' exists and is not a bundle; it is left as it is.\nName another place with -o."
        )


def _write_folder(path: Path, members: dict[str, bytes]) -> None:
    check_output(path)
    unfinished = path.with_name(f".{path.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name, content in members.items():
        (unfinished / name).write_bytes(content)
    if not path.exists():
        unfinished.replace(path)
        return
    for name in members:  # what else lies in the folder is the user's; the card comes last and seals the rest
        (unfinished / name).replace(path / name)
    unfinished.rmdir()


def _read_folder(path: Path) -> dict[str, bytes]:
    names = (CARD, MODEL, CELLS, MODEL_CARD)
    return {name: (path / name).read_bytes() for name in names if (path / name).is_file()}


def _read_zip(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            present = set(archive.namelist())
            members: dict[str, bytes] = {}
            for name in (CARD, MODEL, CELLS, MODEL_CARD):
                if name in present:
                    if archive.getinfo(name).file_size > MAX_MEMBER_BYTES:
                        raise BundleError(f"'{name}' in '{path}' is larger than any bundle's may be.")
                    members[name] = archive.read(name)
            return members
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise BundleError(
            f"'{path}' is not a bundle: it is neither a folder nor a readable {SUFFIX} file ({error}).\n"
            "Make one:  graticule export RUN -o BUNDLE"
        ) from error
