"""Splits do not leak, have the sizes asked for, and come out the same again; or are refused with advice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from graticule.errors import TableError, UsageError
from graticule.geo.sphere import destination, great_circle_km
from graticule.photos.split import SplitRules, split_photos

Frames = Callable[..., pl.DataFrame]


def towns(count: int, seed: int = 0, towns: int = 60) -> np.ndarray:
    """Places in towns all over the Earth, up to 5 km from the middle."""
    chance = np.random.default_rng(seed)
    middles = np.stack([chance.uniform(-60, 70, towns), chance.uniform(-180, 180, towns)], axis=1)
    return destination(
        middles[chance.integers(0, towns, count)], chance.uniform(0, 360, count), chance.uniform(0, 5, count)
    )


def parts(split: pl.Series) -> np.ndarray:
    return split.to_numpy().astype(object)


def nearest_across_km(frame: pl.DataFrame, split: pl.Series) -> float:
    rows = split.is_not_null() & frame["latitude"].is_not_null()
    latlon = frame.filter(rows).select("latitude", "longitude").to_numpy()
    names = parts(split.filter(rows))
    km = great_circle_km(latlon[:, None], latlon[None])
    return float(km[names[:, None] != names[None]].min())


def test_groups_stay_together_and_sizes_are_met(frame_of: Frames) -> None:
    chance = np.random.default_rng(1)
    groups = [f"author{number}" for number in chance.integers(0, 120, 600)]
    frame = frame_of(towns(600), group=groups)
    split, report = split_photos(frame, SplitRules())
    assert frame.with_columns(split).group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1
    assert report.asked == {"train": 420, "val": 60, "test": 120}
    assert split.value_counts().sort("split").rows() == [("test", 120), ("train", 420), ("val", 60)]
    assert report.units == 120 - (120 - len(set(groups)))


@pytest.mark.parametrize("embargo_km", [1.0, 30.0])
@pytest.mark.parametrize("by", ["group", "place"])
def test_an_embargo_is_kept(frame_of: Frames, by: str, embargo_km: float) -> None:
    latlon = towns(500, seed=2)
    town = np.unique(latlon.round(0), axis=0, return_inverse=True)[1]
    frame = frame_of(latlon, group=[f"{number}" for number in town // 2])
    split, report = split_photos(frame, SplitRules(by=by, embargo_km=embargo_km))
    assert nearest_across_km(frame, split) > embargo_km
    assert sum(report.got.values()) + sum(report.left_out.values()) == 500
    assert min(report.got.values()) > 30


def test_a_dense_country_is_cut_and_the_zone_between_is_left_out(frame_of: Frames) -> None:
    chance = np.random.default_rng(3)
    frame = frame_of(np.stack([chance.uniform(55, 57.5, 1500), chance.uniform(8.5, 12, 1500)], axis=1))
    split, report = split_photos(frame, SplitRules(by="place", embargo_km=8))
    assert report.blocks_cut >= 1
    assert 0 < report.left_out["embargo"] < 500
    assert split.null_count() == report.left_out["embargo"]
    assert nearest_across_km(frame, split) > 8


def test_across_the_antimeridian(frame_of: Frames) -> None:
    places = [(-17.0, 179.9999), (-17.0, -179.9999)] * 5 + [(0.0, float(x)) for x in range(40)]
    split, _ = split_photos(frame_of(places), SplitRules(by="place", embargo_km=1))
    assert len(set(split[:10])) == 1


def test_near_duplicates_and_days_stay_together(frame_of: Frames) -> None:
    places = [(0.0, float(number)) for number in range(40)]
    hashes = np.random.default_rng(0).integers(0, 1 << 62, 40, dtype=np.uint64)
    hashes[1] = hashes[0] ^ np.uint64(0b1011)
    files = [f"file{number % 39}" for number in range(40)]  # the first and the last are one file
    frame = frame_of(places, phash=hashes, sha256=files)
    for seed in range(8):
        split, _ = split_photos(frame, SplitRules(by="photo", seed=seed))
        assert split[0] == split[1] == split[39]
    same_place = frame_of([(10.0, 10.0)] * 6 + places, captured_at=["2021-07-03"] * 6 + [None] * 40)
    for seed in range(8):
        rules = SplitRules(by="photo", seed=seed)
        assert len(set(split_photos(same_place, rules)[0][:6])) == 1
    divided = [
        set(split_photos(same_place, SplitRules(by="photo", seed=seed, keep_days=False))[0][:6])
        for seed in range(8)
    ]
    assert max(map(len, divided)) > 1


def test_the_same_seed_gives_the_same_split_and_another_another(frame_of: Frames) -> None:
    frame = frame_of(towns(300), group=[f"a{number % 77}" for number in range(300)])
    rules = SplitRules(embargo_km=0.5)
    first, again = split_photos(frame, rules)[0], split_photos(frame, rules)[0]
    assert first.to_list() == again.to_list()
    assert first.to_list() != split_photos(frame, replace(rules, seed=1))[0].to_list()


def test_stratified_by_country(frame_of: Frames) -> None:
    countries = ["DK"] * 200 + ["SE"] * 100 + ["NO"] * 30 + ["IS"] * 3 + [None] * 7
    frame = frame_of(towns(340), country=countries)
    split, report = split_photos(frame, SplitRules(by="photo", stratify="country"))
    assert report.strata["DK"] == {"train": 140, "val": 20, "test": 40}
    assert report.strata["SE"] == {"train": 70, "val": 10, "test": 20}
    assert set(report.strata) == {"DK", "SE", "NO", "IS", "none"}
    assert split.value_counts().sort("split")["count"].to_list() == [68, 238, 34]


def test_photos_without_a_place_or_a_group(frame_of: Frames) -> None:
    latlon: list[Any] = [*map(tuple, towns(100)), *([None] * 50)]
    groups = [f"g{number % 30}" if number % 3 else None for number in range(150)]
    frame = frame_of(latlon, group=groups)
    split, report = split_photos(frame, SplitRules(embargo_km=1))
    assert report.without["place"] == 50
    assert any("50 photos have no place" in remark for remark in report.remarks)
    assert any("50 photos have no group" in remark for remark in report.remarks)
    split, report = split_photos(frame, SplitRules(by="place", embargo_km=1))
    assert report.left_out["no-place"] == 50
    assert split[100:].null_count() == 50


def test_val_may_be_left_out(frame_of: Frames) -> None:
    split, report = split_photos(frame_of(towns(100)), SplitRules(by="photo", val=0, test=0.25))
    assert report.got == {"train": 75, "val": 0, "test": 25}
    assert set(split) == {"train", "test"}


def test_one_group_that_holds_everything(frame_of: Frames) -> None:
    frame = frame_of(towns(100), group=["a"] * 100)
    with pytest.raises(TableError) as caught:
        split_photos(frame, SplitRules(), name="Photo table 'x'")
    assert str(caught.value) == (
        "Photo table 'x' cannot be split as asked: photos would be train 100 of 70, val 0 of 10, "
        "test 0 of 20.\n"
        "100 of 100 photos (of group 'a') belong together by group, picture or day, and are never divided.\n"
        "Ask to keep pictures together only:  --by photo"
    )


def test_one_group_that_holds_too_much(frame_of: Frames) -> None:
    groups = ["a"] * 94 + [f"b{number}" for number in range(6)]
    frame = frame_of(towns(100), group=groups)
    advice = "Ask for smaller shares:  --val 0.02 --test 0.04, or to keep pictures together only:  --by photo"
    with pytest.raises(TableError, match=advice):
        split_photos(frame, SplitRules())
    _, report = split_photos(frame, SplitRules(val=0.02, test=0.04))
    assert report.got == {"train": 94, "val": 2, "test": 4}


def test_an_embargo_that_leaves_nothing(frame_of: Frames) -> None:
    frame = frame_of(towns(200, towns=1))
    with pytest.raises(TableError) as caught:
        split_photos(frame, SplitRules(by="place", embargo_km=50))
    assert "An embargo of 50 km joins too many neighbours.\nAsk for a shorter one:  --embargo-km 10" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"by": "groups"}, "Give one of:  --by group | place | photo"),
        ({"val": 0.6, "test": 0.4}, "For example:  --val 0.1 --test 0.2"),
        ({"val": 0, "test": 0}, "leave nothing to split"),
        ({"val": -0.1}, "two shares from 0 to 1"),
        ({"val": float("nan")}, "two shares from 0 to 1"),
        ({"embargo_km": -1}, "An embargo of -1 km makes no sense"),
        ({"by": "place"}, "--by place --embargo-km 1"),
        ({"stratify": "land"}, "no column 'land'"),
        ({"near_bits": 40}, "expected 0 to 16 of 64"),
    ],
)
def test_rules_that_make_no_sense(frame_of: Frames, rules: dict[str, Any], message: str) -> None:
    frame = frame_of([(0, 0), (1, 1), (2, 2)], group=["a", "b", "c"])
    with pytest.raises(UsageError) as caught:
        split_photos(frame, SplitRules(**rules))
    assert message in str(caught.value)


def test_tables_that_cannot_be_split(frame_of: Frames) -> None:
    with pytest.raises(TableError, match="at least 2 are needed"):
        split_photos(frame_of([(0, 0)]), SplitRules(by="photo"))
    with pytest.raises(TableError, match="Split it otherwise:  --by place --embargo-km 1"):
        split_photos(frame_of(towns(10)), SplitRules())
    with pytest.raises(TableError, match="Split it otherwise:  --by photo"):
        split_photos(frame_of([None] * 10), SplitRules())
    with pytest.raises(TableError, match="no photo with a place, so an embargo cannot be kept"):
        split_photos(frame_of([None] * 10), SplitRules(by="place", embargo_km=1))
    with pytest.raises(TableError, match="too few photos, or units"):
        split_photos(frame_of([(0, 0), (5, 5)]), SplitRules(by="photo"))


def test_real_places_need_no_cut_at_a_few_kilometres(shared: Path, frame_of: Frames) -> None:
    places = pl.read_csv(shared / "data" / "coords" / "mp16_sample_100k.csv.gz")[:20_000]
    frame = frame_of(places.select("latitude", "longitude").rows())
    split, report = split_photos(frame, SplitRules(by="place", embargo_km=5))
    assert report.got == {"train": 14_000, "val": 2_000, "test": 4_000}
    assert split.null_count() == 0
