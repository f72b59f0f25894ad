"""Facts are counted from the table and the reports beside it, and nothing is guessed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from graticule.errors import MissingFileError, TableError
from graticule.photos.datasheet import dataset_facts
from graticule.photos.split import SplitRules
from graticule.photos.split_files import split_table
from graticule.photos.table import write_photo_table

Frames = Callable[..., pl.DataFrame]


@pytest.fixture
def table(tmp_path: Path, frame_of: Frames) -> Path:
    """Twelve photos in four countries; one without a place, one file twice."""
    places = [(48.1234, 11.5)] * 3 + [(-33.9, 151.2)] * 2 + [(40.71, -74.01)] * 6 + [None]
    frame = frame_of(
        places,
        country=["DE"] * 3 + ["AU"] * 2 + ["US"] * 6 + ["FR"],
        group=["a", "a", "b"] + ["c"] * 8 + [None],
        licence=["CC0"] * 10 + [None, "CC BY 4.0"],
        source=["here"] * 12,
        sha256=["f0", "f0", *(f"f{number}" for number in range(2, 12))],
        width=[100] * 11 + [300],
        height=[50] * 11 + [None],
        taken=["2020-01-01"] * 4 + ["2021-05-05"] * 7 + ["?"],
        prob_indoor=[0.9] + [0.1] * 11,
        prob_natural=[0.05] * 6 + [0.8] * 6,
        prob_urban=[0.05] + [0.7] * 11,
    )
    write_photo_table(frame, tmp_path / "trips")
    return tmp_path / "trips"


def test_counts(table: Path) -> None:
    facts = dataset_facts(table)
    assert (facts["name"], facts["photos"], facts["table"]) == ("trips", 12, "photos.parquet")
    assert facts["positions"] == {
        "with_place": 11,
        "country_only": 1,
        "distinct_places": 3,
        "two_decimals_or_less": 8,
        "precision_column": None,
        "precision": None,
    }
    assert facts["groups"] == {"count": 3, "largest": 8, "median": 2.0, "photos_without": 1}
    assert facts["licences"] == {"CC0": 10, "CC BY 4.0": 1, "none": 1}
    assert facts["duplicates"] == {"exact": 1, "near": None, "near_bits": 8}
    assert facts["sizes"]["width_px"] == {"min": 100, "median": 100.0, "max": 100}
    assert facts["sizes"]["unknown"] == 1
    assert facts["formats"] == {".jpg": 12}
    assert facts["days"] == {
        "column": "taken",
        "first": "2020-01-01",
        "last": "2021-05-05",
        "by_year": {"2020": 4, "2021": 7},
        "unknown": 1,
    }
    assert facts["scenes"]["photos"] == {"natural": 6, "urban": 5, "indoor": 1}
    own = [each["name"] for each in facts["columns"] if each["of_the_source"]]
    assert own == ["taken", "prob_indoor", "prob_natural", "prob_urban"]
    assert {each["name"]: each["filled"] for each in facts["columns"]}["licence"] == 11


def test_coverage(table: Path) -> None:
    coverage = dataset_facts(table)["coverage"]
    assert coverage["countries"][0] == {"code": "US", "name": "United States", "photos": 6}
    by_continent = {each["code"]: (each["photos"], each["countries"]) for each in coverage["continents"]}
    assert by_continent == {
        "AF": (0, 0), "AN": (0, 0), "AS": (0, 0), "EU": (4, 2), "NA": (6, 1), "OC": (2, 1), "SA": (0, 0),
    }  # fmt: skip
    assert coverage["half_of_photos_in_countries"] == 1
    assert coverage["effective_countries"] == pytest.approx(3.3, abs=0.1)
    assert (coverage["north_of_equator"], coverage["south_of_equator"]) == (9, 2)
    assert coverage["countries_without_photos"] > 200


def test_splits_their_rules_and_leaks(table: Path) -> None:
    facts = dataset_facts(table)
    assert facts["splits"] is facts["split_rules"] is facts["leaks"] is None
    split_table(table, SplitRules(by="photo", keep_days=False))
    facts = dataset_facts(table)
    assert facts["splits"] == {"train": 9, "test": 2, "val": 1} or sum(facts["splits"].values()) == 12
    assert facts["split_rules"]["by"] == "photo"
    kinds = [leak["kind"] for leak in facts["leaks"]["leaks"]]
    assert "shared-group" in kinds
    assert "exact-duplicate" not in kinds


def test_what_ingest_said_without_folders_and_single_photos(table: Path) -> None:
    assert dataset_facts(table)["ingest"] is None
    report = {
        "source": "/home/anna/private/trips",
        "table": "/home/anna/out/photos.parquet",
        "replaced": "Make them again:  graticule split /home/anna/out",
        "read": 14,
        "kept": 12,
        "refused": {"truncated": 2},
        "refusals": [{"photo_id": "x"}, {"photo_id": "y"}],
        "duplicates": {"mode": "report", "counts": {"exact-duplicate": 1}, "listed": [{"photo_id": "p1"}]},
        "wrong_colours": {"mode": "report", "counts": {}, "listed": [{"path": "/home/anna/private/1.jpg"}]},
    }
    (table / "ingest.json").write_text(json.dumps(report))
    told = dataset_facts(table)["ingest"]
    assert told["source"] == "trips"
    assert told["duplicates"] == {"mode": "report", "counts": {"exact-duplicate": 1}}
    assert "anna" not in json.dumps(told)
    for broken in ("{", "[]", ""):
        (table / "ingest.json").write_text(broken)
        assert dataset_facts(table)["ingest"] is None


def test_a_table_that_says_little(tmp_path: Path, frame_of: Frames) -> None:
    write_photo_table(frame_of([None, None]), tmp_path)
    facts = dataset_facts(tmp_path, name="bare")
    assert facts["name"] == "bare"
    for what in ("groups", "splits", "licences", "sources", "sizes", "days", "scenes", "ingest"):
        assert facts[what] is None, what
    assert facts["coverage"]["countries"] == []
    json.dumps(facts, allow_nan=False)


def test_tables_that_are_none(tmp_path: Path, frame_of: Frames) -> None:
    write_photo_table(frame_of([]), tmp_path)
    with pytest.raises(TableError, match="has no photos, so there is nothing to tell"):
        dataset_facts(tmp_path)
    with pytest.raises(MissingFileError):
        dataset_facts(tmp_path / "none")
