"""Which prediction meets which true place."""

from __future__ import annotations

import polars as pl
import pytest

from graticule.errors import PredictionsError
from graticule.evaluation.matching import match, shown


def _table(ids: list[str], paths: list[str | None] | None = None) -> pl.DataFrame:
    table = pl.DataFrame({"photo_id": ids, "row": list(range(len(ids)))})
    return table if paths is None else table.with_columns(pl.Series("path", paths, dtype=pl.String))


def _pairs(predictions: pl.DataFrame, truth: pl.DataFrame) -> list[tuple[int, int]]:
    return match(predictions, truth).frame.select("row", "true_row").rows()


def test_by_id_in_the_order_of_the_predictions() -> None:
    found = match(_table(["c", "a", "b"]), _table(["a", "b", "c"]))
    assert found.frame["photo_id"].to_list() == ["c", "a", "b"]
    assert found.frame["true_row"].to_list() == [2, 0, 1]
    assert found.rules == {"photo_id": 3}
    assert (found.only_predicted, found.only_truth) == ([], [])


def test_each_rule_in_turn() -> None:
    predictions = _table(
        ["same", "x1", "sub/file.jpg", "stem@N00.jpg", "stranger"],
        [None, "sub/path.jpg", "/data/sub/file.jpg", "/data/stem@N00.jpg", None],
    )
    truth = _table(
        ["same", "t1", "other/file.jpg", "stem@N00", "lost"], [None, "sub/path.jpg", None, None, None]
    )
    found = match(predictions, truth)
    assert _pairs(predictions, truth) == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert found.rules == {"photo_id": 1, "path": 1, "file name": 1, "stem": 1}
    assert found.only_predicted == ["stranger"]
    assert found.only_truth == ["lost"]


def test_im2gps_file_names_with_dots_and_at_signs() -> None:
    name = "113912238_2a4c51a668_43_87434398@N00.jpg"
    assert match(_table([f"images/{name}"]), _table([name])).rules == {"file name": 1}
    assert match(_table([name.removesuffix(".jpg")]), _table([name])).rules == {"stem": 1}
    assert match(_table(["v1.2.7"]), _table(["v1.2.JPG", "v1.2.7.HEIC"])).only_truth == ["v1.2.JPG"]


def test_windows_paths_and_shard_members() -> None:
    found = match(
        _table(["a", "b"], [r"C:\photos\one.jpg", "shards/0.tar::two.jpg"]), _table(["one.jpg", "two.jpg"])
    )
    assert found.rules == {"file name": 2}


def test_a_name_that_several_photos_share_pairs_nothing() -> None:
    predictions = _table(["london/1.jpg", "paris/1.jpg", "rome/2.jpg"])
    found = match(predictions, _table(["1.jpg", "2.jpg"]))
    assert found.frame["photo_id"].to_list() == ["rome/2.jpg"]
    assert found.only_predicted == ["london/1.jpg", "paris/1.jpg"]
    assert found.only_truth == ["1.jpg"]
    with pytest.raises(PredictionsError):
        match(_table(["1.jpg"]), _table(["london/1.jpg", "paris/1.jpg"]))


def test_no_photo_is_paired_twice() -> None:
    found = match(_table(["a.jpg", "x/a.png"]), _table(["a.jpg", "a"]))
    assert found.frame["photo_id"].to_list() == ["a.jpg", "x/a.png"]
    assert found.frame["true_photo_id"].to_list() == ["a.jpg", "a"]


def test_nothing_matches_shows_three_of_each_side() -> None:
    with pytest.raises(PredictionsError) as raised:
        match(_table(["p1", "p2", "p3", "p4"]), _table(["t1", "t2"]))
    text = str(raised.value)
    assert "None of the 4 predicted photos is among the 2 of the truth" in text
    assert "'p1', 'p2', 'p3', ..." in text
    assert "p4" not in text
    assert "'t1', 't2'" in text
    assert "--id COLUMN" in text


def test_the_report_counts_all_and_shows_three() -> None:
    found = match(_table(["a", *"bcdef"]), _table(["a"])).to_dict()
    assert found["only_predicted"] == 5
    assert found["only_predicted_first"] == ["b", "c", "d"]


def test_shown() -> None:
    assert shown([]) == ""
    assert shown(["a", "b", "c"]) == "'a', 'b', 'c'"


def test_the_short_way_for_the_same_order_gives_the_same() -> None:
    ids = [f"p{row}" for row in range(50)]
    straight = match(_table(ids), _table(ids))
    turned = match(_table(ids), _table(ids[::-1]))
    assert straight.rules == turned.rules == {"photo_id": 50}
    assert straight.frame["true_photo_id"].to_list() == turned.frame["true_photo_id"].to_list() == ids
    assert turned.frame["true_row"].to_list() == list(range(49, -1, -1))
    assert (straight.only_predicted, straight.only_truth) == ([], [])
