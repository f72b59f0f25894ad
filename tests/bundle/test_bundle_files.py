"""Bundles: written whole, read back equal, and every kind of damage named."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from graticule.bundle import BundleCard, read_bundle, write_bundle
from graticule.errors import BundleError, MissingFileError
from graticule.partitions import Partition


@pytest.fixture
def copy(colour_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(colour_bundle, tmp_path / "copy"))


def test_reads_back_what_was_written(colour_bundle: Path, three_cells: Partition) -> None:
    bundle = read_bundle(colour_bundle)
    assert bundle.card.name == "colours"
    assert bundle.partition.fingerprint == three_cells.fingerprint
    assert bundle.model_card == "# Colours\n"
    assert bundle.card.identity == f"colours@{bundle.card.revision}"
    assert len(bundle.card.revision) == 12


def test_zip_and_folder_hold_the_same(colour_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(colour_bundle)
    packed = tmp_path / "colours.graticule"
    for _ in range(2):  # writing twice gives the same revision: it depends on the content only
        card = write_bundle(
            packed,
            model_onnx=bundle.model_onnx,
            partition=bundle.partition,
            card=bundle.card,
            model_card=bundle.model_card,
        )
        assert card.revision == bundle.card.revision
    again = read_bundle(packed)
    assert again.card == bundle.card
    assert again.model_onnx == bundle.model_onnx
    assert sorted(zipfile.ZipFile(packed).namelist()) == [
        "MODEL_CARD.md",
        "bundle.json",
        "cells.parquet",
        "model.onnx",
    ]


@pytest.mark.parametrize("name", ["model.onnx", "cells.parquet", "bundle.json", "MODEL_CARD.md"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=rf"has no '{name}'.\nCopy the bundle again, or export it again"):
        read_bundle(copy)


def _changed(copy: Path, **fields: object) -> None:
    document = json.loads((copy / "bundle.json").read_text())
    (copy / "bundle.json").write_text(json.dumps(document | fields))


def test_a_bundle_without_hashes_is_refused(copy: Path) -> None:
    _changed(copy, files={})
    with pytest.raises(BundleError, match=r"names no sha256 of '.*', so damage .*\nCopy the bundle again"):
        read_bundle(copy)


def test_damaged_cells_give_the_advice_of_a_bundle_not_of_a_partition(copy: Path) -> None:
    content = (copy / "cells.parquet").read_bytes()[:-200]
    (copy / "cells.parquet").write_bytes(content)
    hashes = json.loads((copy / "bundle.json").read_text())["files"]
    hashes["cells.parquet"] = hashlib.sha256(content).hexdigest()
    _changed(
        copy,
        files=hashes,
        revision=hashlib.sha256("".join(sorted(hashes.values())).encode()).hexdigest()[:12],
    )
    with pytest.raises(
        BundleError, match=r"'cells.parquet' of the bundle .*\nCopy the bundle again"
    ) as caught:
        read_bundle(copy)
    assert "graticule partition" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 1.5},
        {"conformal": {"0.9": 0.5}},
        {"conformal_by_group": {"0.9": {"EU": 0.5}}},
        {"region_rule": {"method": "distance"}},
        {"scaling": {"method": "platt", "slope": [1.0], "shift": [0.5]}},
        {"estimate": "expected-distance"},
    ],
)
def test_what_changes_the_answers_changes_the_revision(
    copy: Path, tmp_path: Path, fields: dict[str, object]
) -> None:
    bundle = read_bundle(copy)
    other = BundleCard.model_validate(bundle.card.model_dump() | fields)
    written = write_bundle(
        tmp_path / "other",
        model_onnx=bundle.model_onnx,
        partition=bundle.partition,
        card=other,
        model_card=bundle.model_card,
    )
    assert written.files == bundle.card.files
    assert written.revision != bundle.card.revision
    assert read_bundle(tmp_path / "other").card == written
    _changed(copy, **fields)  # the same by hand is noticed
    with pytest.raises(BundleError, match="was changed after it was written"):
        read_bundle(copy)


def test_what_says_nothing_of_the_answers_leaves_the_revision(copy: Path) -> None:
    before = read_bundle(copy).card.revision
    _changed(copy, metrics={"val": {"n": 3}}, licence="other")
    assert read_bundle(copy).card.revision == before


def test_a_bundle_whose_revision_covers_the_files_alone_is_still_read(copy: Path) -> None:
    hashes = json.loads((copy / "bundle.json").read_text())["files"]
    _changed(copy, revision=hashlib.sha256("".join(sorted(hashes.values())).encode()).hexdigest()[:12])
    assert read_bundle(copy).card.conformal == {"0.9": 0.9}


@pytest.mark.parametrize("name", ["model.onnx", "cells.parquet", "MODEL_CARD.md"])
def test_a_damaged_file_is_named(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(bytes(content))
    with pytest.raises(BundleError, match=rf"'{name}' in the bundle .* is damaged"):
        read_bundle(copy)


def test_a_card_of_a_later_format_asks_for_an_upgrade(copy: Path) -> None:
    document = json.loads((copy / "bundle.json").read_text())
    (copy / "bundle.json").write_text(json.dumps(document | {"format": 99}))
    with pytest.raises(BundleError, match=r"format.*\n.*pip install --upgrade graticule"):
        read_bundle(copy)


def test_other_files_are_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="There is no bundle"):
        read_bundle(tmp_path / "nothing")
    (tmp_path / "text.graticule").write_text("hello")
    with pytest.raises(BundleError, match="neither a folder nor a readable"):
        read_bundle(tmp_path / "text.graticule")


def test_a_truncated_zip_is_refused(colour_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(colour_bundle)
    packed = tmp_path / "x.graticule"
    write_bundle(
        packed, model_onnx=bundle.model_onnx, partition=bundle.partition, card=bundle.card, model_card=""
    )
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(BundleError):
        read_bundle(packed)


def test_never_replaces_a_folder_that_is_something_else(colour_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("mine")
    bundle = read_bundle(colour_bundle)
    with pytest.raises(BundleError, match="exists and is not a bundle"):
        write_bundle(tmp_path, model_onnx=b"", partition=bundle.partition, card=bundle.card, model_card="")
    assert (tmp_path / "holiday.txt").read_text() == "mine"


def test_the_card_refuses_unknown_fields() -> None:
    with pytest.raises(ValueError, match="temprature"):
        BundleCard.model_validate({"name": "x", "architecture": "y", "head": "MC", "temprature": 2})


def test_exporting_again_keeps_what_else_lies_in_the_folder(copy: Path) -> None:
    (copy / "my_notes.txt").write_text("mine")
    bundle = read_bundle(copy)
    write_bundle(
        copy, model_onnx=bundle.model_onnx, partition=bundle.partition, card=bundle.card, model_card="# New"
    )
    assert (copy / "my_notes.txt").read_text() == "mine"
    assert read_bundle(copy).model_card == "# New"
    assert sorted(path.name for path in copy.parent.iterdir()) == ["copy"]
