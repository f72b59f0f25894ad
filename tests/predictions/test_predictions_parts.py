"""Folders of parts: a plan that cannot be mixed up with another, parts that are whole or not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from graticule.errors import PredictionsError
from graticule.predictions import Predictions
from graticule.predictions.parts import (
    PLAN_SCHEMA,
    Answering,
    Plan,
    part_path,
    read_parts,
    read_plan,
    tidy,
    write_part,
)
from graticule.predictions.table import SCHEMA

ANSWERING = Answering(model="m@1", estimate="best-cell", top=3, batch_size=2, chunk_size=2)


def plan_of(count: int) -> Plan:
    rows = [(f"p{n}", f"p{n}.jpg", None, None, 1.0 * n, None) for n in range(count)]
    return Plan(pl.DataFrame(rows, schema=PLAN_SCHEMA, orient="row"), ANSWERING)


def answers(plan: Plan, part: int) -> pl.DataFrame:
    rows = [dict.fromkeys(SCHEMA) | {"photo_id": name} for name in plan.chunk(part)["photo_id"]]
    return pl.DataFrame(rows, schema=SCHEMA)


@pytest.mark.parametrize(("photos", "parts"), [(0, 0), (1, 1), (2, 1), (3, 2), (5, 3)])
def test_parts_cover_every_photo_once(tmp_path: Path, photos: int, parts: int) -> None:
    plan = plan_of(photos)
    assert plan.parts == parts
    plan.begin(tmp_path)
    for part in reversed(range(parts)):
        assert plan.missing(tmp_path) == list(range(part + 1))
        write_part(tmp_path, part, answers(plan, part))
    found = Predictions.read(tmp_path)
    assert [item.photo_id for item in found] == [f"p{n}" for n in range(photos)]


def test_a_plan_is_read_back_and_begun_twice(tmp_path: Path) -> None:
    plan = plan_of(3)
    plan.begin(tmp_path)
    plan.begin(tmp_path)
    again = read_plan(tmp_path)
    assert again.answering == ANSWERING
    assert again.photos.equals(plan.photos)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Plan(plan_of(3).photos, replace(ANSWERING, model="m@2")), "begun with model m@1, now it is m@2"),
        (Plan(plan_of(3).photos, replace(ANSWERING, top=4)), "begun with top 3, now it is 4"),
        (plan_of(4), "3 then, 4 now"),
        (Plan(plan_of(3).photos.reverse(), ANSWERING), "'p0.jpg' then, 'p2.jpg' now"),
    ],
)
def test_another_plan_is_refused(tmp_path: Path, other: Plan, said: str) -> None:
    plan_of(3).begin(tmp_path)
    with pytest.raises(PredictionsError, match=said):
        other.begin(tmp_path)
    assert read_plan(tmp_path).photos.equals(plan_of(3).photos)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(PredictionsError, match=r"was not begun by `predict` \(found: thesis.tex\)"):
        plan_of(1).begin(tmp_path)
    with pytest.raises(PredictionsError, match="holds no predictions"):
        Predictions.read(tmp_path)


def test_an_unfinished_batch_is_not_read(tmp_path: Path) -> None:
    plan = plan_of(5)
    plan.begin(tmp_path)
    write_part(tmp_path, 1, answers(plan, 1))
    with pytest.raises(PredictionsError, match="holds 1 of 3 parts"):
        read_parts(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"PAR1 no"])
def test_a_damaged_part_is_named(tmp_path: Path, damage: bytes) -> None:
    plan = plan_of(2)
    plan.begin(tmp_path)
    part_path(tmp_path, 0).write_bytes(damage)
    with pytest.raises(PredictionsError, match=r"part-000000.parquet' is damaged"):
        read_parts(tmp_path)


def test_a_part_of_another_length_is_named(tmp_path: Path) -> None:
    plan = plan_of(3)
    plan.begin(tmp_path)
    write_part(tmp_path, 0, answers(plan, 0))
    write_part(tmp_path, 1, answers(plan, 0))
    with pytest.raises(PredictionsError, match="holds 2 photos, its plan says 1"):
        read_parts(tmp_path)


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    plan = plan_of(1)
    plan.begin(tmp_path)
    (tmp_path / ".part-000000.parquet.77.unfinished").write_bytes(b"half")
    assert plan.missing(tmp_path) == [0]
    write_part(tmp_path, 0, answers(plan, 0))
    tidy(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part-000000.parquet", "plan.parquet"]
