"""Keys of stored photos: one each, safe everywhere."""

from __future__ import annotations

import re

from graticule.photos.storing.keys import storage_keys


def test_keys_differ_even_without_case_and_are_safe():
    ids = [
        "a",
        "A",
        "a.jpg",
        "a.png",
        "a b",
        "a_b",
        "a/b",
        ".",
        "",
        "..",
        "ä",
        "x" * 200,
        "x" * 201,
        "con-0123456789ab",
    ]
    ids += storage_keys(ids)[4:]  # ids that look like keys of others
    ids = list(dict.fromkeys(ids))
    keys = storage_keys(ids)
    assert len({key.lower() for key in keys}) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,73}", key) for key in keys)


def test_plain_ids_stay_readable():
    assert storage_keys(["000017", "IMG_1.JPG", "e1"]) == ["000017", "IMG_1", "e1"]
