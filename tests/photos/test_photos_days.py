"""Days from columns of any type."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from graticule.photos.days import day_column, days

DAY = date(2021, 7, 3)
SECONDS = int(datetime(2021, 7, 3, 12).timestamp())


@pytest.mark.parametrize(
    "value",
    [
        "2021-07-03",
        "2021-07-03T23:59:59Z",
        "2021:07:03 10:11:12",
        "2021/07/03 10:11",
        DAY,
        datetime(2021, 7, 3, 23, 59),
        SECONDS,
        SECONDS * 1000,
        str(SECONDS * 1000),
    ],
)
def test_a_day_however_written(value: Any) -> None:
    assert days(pl.Series([value, None])).to_list() == [DAY, None]


@pytest.mark.parametrize("value", ["soon", "", "2021-13-45", "20210703x", "2021", 2021, 3, True])
def test_what_is_no_day_is_null(value: Any) -> None:
    assert days(pl.Series([value])).to_list() == [None]


def test_text_and_numbers_in_one_column() -> None:
    assert days(pl.Series(["2021-07-03", str(SECONDS), "?"])).to_list() == [DAY, DAY, None]


@pytest.mark.parametrize("name", ["captured_at", "capturedAt", "Date Taken", "DateTimeOriginal", "taken"])
def test_column_by_name(name: str) -> None:
    assert day_column(pl.DataFrame({"update": ["x"], name: ["2021-07-03"]})) == name


def test_the_best_name_wins_and_others_mean_nothing() -> None:
    assert day_column(pl.DataFrame({"date": [1], "captured_at": [1]})) == "captured_at"
    assert day_column(pl.DataFrame({"photo_id": ["x"], "candidate": [1]})) is None
