"""The matrix of anybody's classes."""

from __future__ import annotations

import numpy as np
import polars as pl

from graticule.evaluation.classes.confusion import confusion_of_classes


def _pairs(*rows: tuple[str, str | None, int]) -> pl.DataFrame:
    schema = {"true": pl.String, "predicted": pl.String, "count": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_countries_stand_by_continent_and_from_west_to_east() -> None:
    found = confusion_of_classes(
        _pairs(("Japan", "France", 3), ("France", "France", 4), ("Kenya", "Japan", 1), ("India", None, 2))
    )
    assert found.names == ["Kenya", "India", "Japan", "France"]
    assert found.counts[found.names.index("Japan"), found.names.index("France")] == 3
    assert found.left_out == 2
    assert found.pairs()[0]["apart_km"] > 8000


def test_other_classes_stand_beside_those_they_are_taken_for() -> None:
    rows = [(name, name, 5) for name in "pqrstu"] + [
        ("p", "s", 9),
        ("s", "p", 9),
        ("q", "u", 9),
        ("u", "q", 9),
    ]
    names = confusion_of_classes(_pairs(*rows)).names
    assert abs(names.index("p") - names.index("s")) == 1
    assert abs(names.index("q") - names.index("u")) == 1


def test_every_photo_is_counted_once_whatever_the_order() -> None:
    random = np.random.default_rng(0)
    rows = [(f"c{i}", f"c{j}", int(random.integers(1, 9))) for i in range(130) for j in (i, (i + 7) % 130)]
    found = confusion_of_classes(_pairs(*rows))
    assert len(found.names) == 120
    assert found.counts.sum() + found.left_out == sum(count for *_, count in rows)
    for i, name in enumerate(found.names[:5]):
        stated = {said: count for true, said, count in rows if true == name}
        assert found.counts[i, i] == stated[name]


def test_one_and_two_classes() -> None:
    assert confusion_of_classes(_pairs(("a", "a", 2))).names == ["a"]
    assert confusion_of_classes(_pairs(("a", "b", 2), ("b", "b", 1))).counts.sum() == 3
