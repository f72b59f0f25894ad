"""Each kind of leak is found when it is planted, and only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from graticule.photos.leaks import EXAMPLES, KINDS, find_leaks

Frames = Callable[..., pl.DataFrame]


def clean(frame_of: Frames, **changes: Any) -> pl.DataFrame:
    """Twelve photos in three splits and one without, which share nothing; ``changes`` replaces values."""
    hashes = np.random.default_rng(5).integers(0, 1 << 62, 12, dtype=np.uint64)
    columns: dict[str, Any] = {
        "split": ["train"] * 6 + ["val"] * 2 + ["test"] * 3 + [None],
        "group": ["a", "a", "b", "b", "c", "d", "e", "e", "f", "f", None, "a"],
        "sha256": [f"file{number}" for number in range(12)],
        "phash": hashes.tolist(),
        "captured_at": ["2021-07-03"] * 12,
    }
    places = [(10.0 * number - 60, 0.0) for number in range(12)]
    for name, values in changes.items():
        for row, value in values.items():
            if name == "place":
                places[row] = value
            else:
                columns[name][row] = value
    return frame_of(places, **columns)


def found(frame: pl.DataFrame, **rules: Any) -> dict[str, Any]:
    return {leak.kind: leak for leak in find_leaks(frame, **rules).leaks}


def test_nothing_leaks(frame_of: Frames) -> None:
    report = find_leaks(clean(frame_of), embargo_km=100)
    assert report.leaks == []
    assert report.checked == list(KINDS)
    assert report.splits == {"train": 6, "val": 2, "test": 3, "none": 1}


def test_a_group_in_two_splits(frame_of: Frames) -> None:
    leaks = found(clean(frame_of, group={9: "b"}), embargo_km=1)
    assert list(leaks) == ["shared-group"]
    leak = leaks["shared-group"]
    assert (leak.photos, leak.by_split) == (3, {"train": 2, "test": 1})
    assert leak.examples == [
        {
            "shared": "b",
            "photos": {
                "train": {"photo_id": "p2", "path": "p2.jpg"},
                "test": {"photo_id": "p9", "path": "p9.jpg"},
            },
        }
    ]


def test_a_file_in_two_splits_is_told_once(frame_of: Frames) -> None:
    same_hash = clean(frame_of)["phash"][0]
    leaks = found(clean(frame_of, sha256={8: "file0"}, phash={8: same_hash}))
    assert list(leaks) == ["exact-duplicate"]
    assert leaks["exact-duplicate"].photos == 2


def test_a_picture_in_two_splits(frame_of: Frames) -> None:
    hashes = clean(frame_of)["phash"]
    frame = clean(frame_of, phash={7: hashes[0] ^ 0b111, 10: hashes[0]})
    leaks = found(frame)
    assert list(leaks) == ["near-duplicate"]
    leak = leaks["near-duplicate"]
    assert (leak.photos, leak.by_split) == (3, {"train": 1, "val": 1, "test": 1})
    assert leak.examples[0]["bits"] == 0
    assert {photo["photo_id"] for photo in leak.examples[0]["photos"].values()} == {"p0", "p10"}
    assert found(frame, near_bits=2)["near-duplicate"].photos == 2
    inside = clean(frame_of, phash={1: hashes[0] ^ 1, 11: hashes[0]})
    assert found(inside) == {}


def test_places_within_the_embargo(frame_of: Frames) -> None:
    frame = clean(frame_of, place={9: (-60.0, 0.01)})  # 0.56 km from the first
    leak = found(frame, embargo_km=1)["near-place"]
    assert (leak.photos, leak.by_split) == (2, {"train": 1, "test": 1})
    assert leak.examples[0]["km"] == pytest.approx(0.556, abs=1e-3)
    assert "near-place" not in found(frame, embargo_km=0.5)
    assert "near-place" in find_leaks(frame, embargo_km=0).not_checked
    assert found(clean(frame_of, place={11: (-60.0, 0.0)}), embargo_km=1) == {}  # in no split


def test_one_day_in_one_cell(frame_of: Frames) -> None:
    near = {"place": {9: (-60.0, 0.01)}}
    leak = found(clean(frame_of, **near))["same-day-same-cell"]
    assert (leak.photos, leak.by_split) == (2, {"train": 1, "test": 1})
    assert leak.examples[0]["shared"].startswith("2021-07-03 in ")
    assert found(clean(frame_of, **near, captured_at={9: "2021-07-04"})) == {}


def test_what_the_table_does_not_tell_is_not_looked_for(frame_of: Frames) -> None:
    frame = frame_of([None, None], split=["train", "test"])
    report = find_leaks(frame, embargo_km=1)
    assert report.checked == []
    assert set(report.not_checked) == set(KINDS)
    assert report.leaks == []


def test_examples_are_few_and_of_several_places(frame_of: Frames) -> None:
    places = [(float(number), 0.0) for number in range(20)]
    frame = frame_of(
        places * 2, split=["train"] * 20 + ["test"] * 20, group=[str(number) for number in range(20)] * 2
    )
    leaks = found(frame, embargo_km=1)
    assert leaks["shared-group"].photos == leaks["near-place"].photos == 40
    for leak in leaks.values():
        assert len(leak.examples) == EXAMPLES
        assert len({str(example) for example in leak.examples}) == EXAMPLES
