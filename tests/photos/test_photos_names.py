"""Finding files among many by path, name and stem: as a slow, literal search finds them."""

from __future__ import annotations

import numpy as np

from graticule.photos.names import NameIndex


def literal(paths: list[str]) -> dict[str, dict[str, list[str]]]:
    """By name and by stem, in order."""
    by: dict[str, dict[str, list[str]]] = {"name": {}, "stem": {}}
    for path in dict.fromkeys(paths):
        name = path.split("::")[-1].split("/")[-1]
        stem = name[: name.rindex(".")] if "." in name[1:] else name
        by["name"].setdefault(name, []).append(path)
        by["stem"].setdefault(stem, []).append(path)
    return by


def test_as_a_literal_search():
    rng = np.random.default_rng(0)
    endings = [".jpg", ".png", "", ".tar.gz"]
    paths = [
        f"{'a/' * int(rng.integers(3))}{rng.integers(200)}{endings[int(rng.integers(4))]}" for _ in range(800)
    ]
    paths += ["shard.tar::x/1.jpg", "ä/日本.jpg", "a\udcff.jpg", paths[0]]
    index, by = NameIndex(paths), literal(paths)
    assert len(index) == len(paths)
    for path in paths:
        assert path in index
    for name, found in by["name"].items():
        assert index.named(name) == found
    for stem, found in by["stem"].items():
        assert index.with_stem(stem) == found
    for missing in ("none.jpg", "", "a/", "1"):
        assert (missing in index) == (missing in paths)
        assert index.named(missing) == by["name"].get(missing, [])


def test_names_that_share_a_hash_are_told_apart(monkeypatch):
    monkeypatch.setattr("graticule.photos.names.hash", lambda name: len(name), raising=False)
    index = NameIndex(["a/1.jpg", "b/2.jpg", "c/1.jpg"])
    assert index.named("1.jpg") == ["a/1.jpg", "c/1.jpg"]
    assert "b/1.jpg" not in index
    assert index.with_stem("2") == ["b/2.jpg"]


def test_none():
    assert len(NameIndex([])) == 0
    assert NameIndex([]).named("a") == []
