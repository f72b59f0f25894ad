"""Confusion matrices read, classes grouped against a literal agglomeration, and the cells they become."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule.errors import MissingFileError, PartitionError, TableError, UsageError
from graticule.partitions import Partition, build_s2
from graticule.partitions.groups.confusion import build_confusion, group_confused
from graticule.partitions.groups.confusion_files import read_confusion

PLACES = np.array([[48.86, 2.35]] * 5 + [[52.5, 13.4]] * 4 + [[50.85, 4.35]] * 3 + [[35.7, 139.7]] * 6)
SQUARE = np.array([[50.0, 20, 25, 5], [18, 60, 15, 7], [30, 20, 45, 5], [1, 1, 0, 98]])
NAMES = ["France", "Germany", "Belgium", "Japan"]


def written(path: Path, *, columns: bool = True, rows: bool = True, corner: str = "") -> Path:
    lines = [",".join(([corner] if rows else []) + NAMES)] if columns else []
    for name, row in zip(NAMES, SQUARE, strict=True):
        lines.append(",".join(([name] if rows else []) + [f"{value:g}" for value in row]))
    path.write_text("\n".join(lines) + "\n")
    return path


def literal_groups(counts: np.ndarray, groups: int) -> set[frozenset[int]]:
    """The two groups with the highest mean of confusion between their classes, joined again and again."""
    shares = counts / counts.sum(axis=1, keepdims=True)
    near = (shares + shares.T) / 2
    sets = [frozenset([index]) for index in range(len(counts))]
    while len(sets) > groups:
        pairs = [(a, b) for i, a in enumerate(sets) for b in sets[i + 1 :]]
        a, b = max(pairs, key=lambda pair: np.mean([near[i, j] for i in pair[0] for j in pair[1]]))
        sets = [each for each in sets if each not in (a, b)] + [a | b]
    return set(sets)


@pytest.mark.parametrize("groups", [1, 2, 5, 11, 12])
def test_groups_like_the_literal_version(groups: int) -> None:
    counts = np.random.default_rng(groups).uniform(0, 10, size=(12, 12))
    labels = group_confused(counts, groups)
    found = {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}
    assert found == literal_groups(counts, groups)
    assert labels[0] == 0


def test_a_class_with_many_photos_weighs_no_more() -> None:
    counts = np.array([[900.0, 90, 10], [1, 9, 0], [3, 0, 7]])
    assert group_confused(counts, 2).tolist() == group_confused(counts * [[1], [50], [7]], 2).tolist()


def test_classes_never_confused_join_the_nearer_on_earth() -> None:
    centres = np.array([[0.0, 179.5], [50, 5], [0, -179.5], [52, 5]])
    assert group_confused(np.eye(4), 2, centres=centres).tolist() == [0, 1, 0, 1]
    assert group_confused(np.zeros((4, 4)), 2, centres=centres).tolist() == [0, 1, 0, 1]


def test_one_class() -> None:
    assert group_confused(np.array([[3.0]]), 1).tolist() == [0]


@pytest.mark.parametrize(("columns", "rows"), [(True, True), (True, False), (False, True), (False, False)])
def test_squares_with_and_without_names(tmp_path: Path, columns: bool, rows: bool) -> None:
    found = read_confusion(written(tmp_path / "c.csv", columns=columns, rows=rows, corner="true\\predicted"))
    np.testing.assert_array_equal(found.counts, SQUARE)
    assert found.classes == (tuple(NAMES) if columns or rows else None)


def test_numbers_as_names(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("0,1\n5,2\n1,4\n")
    found = read_confusion(path)
    assert found.classes == ("0", "1")
    assert found.counts.tolist() == [[5, 2], [1, 4]]


def test_pairs(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("count,True,predicted\n5,FR,FR\n2,FR,DE\n4,DE,DE\n")
    found = read_confusion(path)
    assert found.classes == ("DE", "FR")
    assert found.counts.tolist() == [[4, 0], [2, 5]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c,d\n1,2,3,4\n", "has 2 rows of 4 columns; it has to be square"),
        ("x,a,b\na,1,2\nc,1,2\n", "calls class 2 'c' in its rows and 'b' in its columns"),
        ("a,b\n1,-2\n1,3\n", "has '-2' for a count"),
        ("a,b\n1,nan\n1,3\n", "has 'nan' for a count"),
        ("a,b\n1,\n1,3\n", "has '' for a count"),
        ("a,a\n1,1\n1,3\n", "two classes of one name"),
        ("", "no CSV that can be read"),
    ],
)
def test_matrices_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=message):
        read_confusion(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="Name a CSV with `confusion`"):
        read_confusion(tmp_path / "none.csv")


def test_countries(tmp_path: Path) -> None:
    built = build_confusion(PLACES, confusion=written(tmp_path / "c.csv"), groups=3)
    partition = built.partition
    assert sorted(partition.tokens) == ["DE", "FR+BE", "JP"]
    assert sorted(partition.names) == ["France, Belgium", "Germany", "Japan"]
    cells = partition.encode(PLACES)
    np.testing.assert_array_equal(np.bincount(cells), partition.photos)
    assert built.figures["confused"] == pytest.approx(1 - np.trace(SQUARE) / SQUARE.sum())
    together = (0, 2)
    left = sum(SQUARE[i, j] for i in range(4) for j in range(4) if i != j and {i, j} != set(together))
    assert built.figures["still_confused"] == pytest.approx(left / SQUARE.sum())
    again = Partition.read(partition.write(tmp_path / "cells.parquet"))
    assert again.encode(PLACES).tolist() == cells.tolist()


def test_classes_that_are_no_country_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("France,Mars,FR,Japan\n5,1,1,0\n1,5,1,1\n2,2,2,2\n0,0,0,9\n")
    built = build_confusion(PLACES, confusion=path, groups=2)
    assert sorted(built.partition.tokens) == ["FR", "JP"]
    assert any("left out: Mars, FR." in remark for remark in built.remarks)


@pytest.mark.parametrize("named", ["token", "name", "number", "order"])
def test_cells_of_a_partition(tmp_path: Path, named: str) -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform([-60, -180], [70, 180], size=(500, 2))
    base = build_s2(places, max_photos=60, min_photos=5)
    base.write(tmp_path / "base.parquet")
    counts = rng.integers(0, 9, size=(base.count, base.count))
    heads = {"token": base.tokens, "name": [f'"{name}"' for name in base.names], "number": range(base.count)}
    lines = [",".join(map(str, row)) for row in counts.tolist()]
    if named != "order":
        lines.insert(0, ",".join(map(str, heads[named])))
    (tmp_path / "c.csv").write_text("\n".join(lines) + "\n")
    built = build_confusion(places, confusion=tmp_path / "c.csv", groups=4, cells=tmp_path / "base.parquet")
    labels = group_confused(counts.astype(float), 4, centres=base.centres)
    found, single = built.partition.encode(places), base.encode(places)
    for cell in range(4):
        assert len({labels[one] for one in single[(found == cell)]}) == 1
    assert ((found < 0) == (single < 0)).all()


def test_what_does_not_fit(tmp_path: Path) -> None:
    base = build_s2(np.repeat(PLACES, 3, axis=0), max_photos=10, min_photos=1)
    base.write(tmp_path / "base.parquet")
    path = written(tmp_path / "c.csv")
    with pytest.raises(TableError, match=r"None of the classes.*such as 'France'"):
        build_confusion(PLACES, confusion=path, groups=2, cells=tmp_path / "base.parquet")
    bare = written(tmp_path / "bare.csv", columns=False, rows=False)
    with pytest.raises(UsageError, match="does not name its classes"):
        build_confusion(PLACES, confusion=bare, groups=2)
    (tmp_path / "five.csv").write_text("\n".join([",".join("11111")] * 5))
    with pytest.raises(TableError, match=f"5 classes without names, but .* has {base.count} cells"):
        build_confusion(PLACES, confusion=tmp_path / "five.csv", groups=2, cells=tmp_path / "base.parquet")
    with pytest.raises(UsageError, match="9 groups cannot be made of 4 classes"):
        build_confusion(PLACES, confusion=path, groups=9)
    (tmp_path / "mars.csv").write_text("Mars,Venus\n1,2\n3,4\n")
    with pytest.raises(TableError, match="such as 'Mars', is a country"):
        build_confusion(PLACES, confusion=tmp_path / "mars.csv", groups=2)
    with pytest.raises(PartitionError):
        build_confusion(PLACES, confusion=path, groups=2, cells=path)
