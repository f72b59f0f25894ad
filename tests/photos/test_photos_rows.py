"""What every table is checked for: positions that many photos share, and scenes."""

from __future__ import annotations

import polars as pl
import pytest

from graticule.photos.columns import sniff
from graticule.photos.files import FileIndex
from graticule.photos.layouts import Words
from graticule.photos.layouts.rows import Origin, photos_of
from graticule.photos.layouts.scene import with_scene


def origin(tmp_path) -> Origin:
    for number in range(100):
        (tmp_path / f"{number}.jpg").touch()
    return Origin(tmp_path / "a.csv", FileIndex(tmp_path), Words(), "graticule ingest a.csv -o photos")


@pytest.mark.parametrize(("same", "told"), [(1, False), (19, False), (20, True), (100, True)])
def test_one_position_for_many_photos_is_told(tmp_path, same, told):
    rows = [(f"{n}.jpg", "48.5", "11.5" if n < same else f"{n / 10}") for n in range(100)]
    frame = pl.DataFrame(rows, schema=["path", "latitude", "longitude"], orient="row")
    warnings = photos_of(frame, sniff(frame), origin(tmp_path)).warnings
    assert any("photos have the one position (48.5, 11.5)" in line for line in warnings) == told


def test_the_scene_is_the_most_probable_group_or_the_label():
    frame = pl.DataFrame(
        {
            "Prob_indoor": ["0.8", "1e-5", "0.3", "", "nan"],
            "Prob_natural": ["0.1", "0.9", "0.3", "", "0.5"],
            "Prob_urban": ["0.1", "0.1", "0.4", "", "0.5"],
            "S3_Label": ["2", "0", "0", "1", "7"],
        }
    )
    assert with_scene(frame)["scene"].to_list() == ["indoor", "natural", "urban", "natural", None]
    assert with_scene(frame.select("S3_Label"))["scene"].to_list()[:2] == ["urban", "indoor"]


def test_tables_without_scenes_or_with_their_own_are_left_alone():
    for frame in (pl.DataFrame({"a": ["1"]}), pl.DataFrame({"scene": ["port"], "S3_Label": ["1"]})):
        assert with_scene(frame).equals(frame)
    assert "scene" not in with_scene(pl.DataFrame({"S3_Label": ["x"]})).columns
