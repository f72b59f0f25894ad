"""The verb ``partition``: tables in, cells and figures out, and a sentence for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graticule.cli.main import main
from graticule.cli.partition import command
from graticule.geo.sphere import great_circle_km
from graticule.partitions import PRESETS, Partition
from graticule.photos.table import write_photo_table


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def _run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["partition", *map(str, words)])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return _run


def town_places(count: int = 2000, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    towns = np.array([[51.5, -0.12], [48.86, 2.35], [39.9, 116.4], [-33.9, 151.0], [40.7, -74.0]])
    return towns[rng.integers(len(towns), size=count)] + rng.standard_normal((count, 2)) * 0.3


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "places.csv"
    latlon = town_places()
    pl.DataFrame({"lat": latlon[:, 0], "lng": latlon[:, 1], "n": np.arange(2000) % 3}).write_csv(path)
    return path


def test_prints_the_figures_and_writes_the_cells(run, table: Path, tmp_path: Path) -> None:
    output = tmp_path / "cells.parquet"
    status, out, err = run(table, "--max", 150, "--min", 20, "-o", output)
    assert status == 0
    partition = Partition.read(output)
    assert dict(partition.parameters) == {
        "merge_small": False,
        "max_photos": 150,
        "min_photos": 20,
        "start_level": 2,
        "end_level": 30,
    }
    lines = {line[:20].strip(): line[20:] for line in out.splitlines()}
    assert lines["cells"] == f"{partition.count}"
    assert lines["nodes of the tree"] == f"{partition.tree.height}"
    assert lines["photos"] == "2,000"
    photos = partition.photos
    assert (
        lines["photos per cell"] == f"min {photos.min()}, median {np.median(photos):.0f}, max {photos.max()}"
    )
    dropped = 2000 - int(photos.sum())
    assert dropped > 0
    assert lines["dropped photos"].startswith(f"{dropped} ({dropped / 2000:.1%}) in ")
    assert lines["median cell radius"].endswith(" km")
    assert f"Wrote {output}" in err


def test_json_is_one_document(run, table: Path, tmp_path: Path) -> None:
    output = tmp_path / "cells.parquet"
    status, out, _ = run(table, "--max", 150, "--min", 20, "-o", output, "--json")
    document = json.loads(out)
    partition = Partition.read(output)
    assert status == 0
    assert document["cells"] == partition.count
    assert document["fingerprint"] == partition.fingerprint
    assert document["parameters"] == dict(partition.parameters)
    assert sum(document["cells_by_level"].values()) == partition.count
    assert document["photos"] - document["dropped_photos"] == partition.photos.sum()
    assert (document["rows"], document["split"], document["output"]) == (2000, None, str(output))


def test_without_output_nothing_is_kept_and_that_is_said(run, table: Path, tmp_path: Path) -> None:
    status, _, err = run(table)
    assert status == 0
    assert "keep them with  -o cells.parquet" in err
    assert sorted(tmp_path.iterdir()) == [table]


def test_preset_and_options_over_it(run, table: Path) -> None:
    document = json.loads(run(table, "--preset", "cnn-vit", "--json")[1])
    assert document["parameters"] == {
        "max_photos": 100,
        "min_photos": 20,
        "start_level": 0,
        "end_level": 30,
        "merge_small": False,
    }
    document = json.loads(run(table, "--preset", "cnn-vit", "--min", 5, "--end-level", 9, "--json")[1])
    assert document["parameters"] == {
        "max_photos": 100,
        "min_photos": 5,
        "start_level": 0,
        "end_level": 9,
        "merge_small": False,
    }


def test_help_names_every_preset() -> None:
    told = next(option.help for option in command.params if option.name == "preset")
    for name in PRESETS:
        assert name in told


def test_help_shows_its_examples_as_lines(run) -> None:
    status, out, _ = run("--help")
    assert status == 0
    assert "\n    graticule partition places.csv.gz --preset cnn-vit --merge-small -o cells.parquet\n" in out


def test_weights(run, table: Path) -> None:
    document = json.loads(run(table, "--weights", "n", "--max", 150, "--min", 20, "--json")[1])
    assert document["photos"] == pl.read_csv(table)["n"].sum()


@pytest.mark.parametrize("ending", [".csv.gz", ".tsv", ".parquet", ".jsonl"])
def test_any_table_gives_the_same_cells(run, table: Path, tmp_path: Path, ending: str) -> None:
    import gzip

    frame, other = pl.read_csv(table), tmp_path / f"other{ending}"
    if ending == ".csv.gz":
        other.write_bytes(gzip.compress(table.read_bytes()))
    elif ending == ".tsv":
        frame.write_csv(other, separator="\t")
    elif ending == ".parquet":
        frame.write_parquet(other)
    else:
        frame.write_ndjson(other)
    prints = [json.loads(run(path, "--json")[1])["fingerprint"] for path in (table, other)]
    assert prints[0] == prints[1]


@pytest.fixture
def photo_table(tmp_path: Path) -> Path:
    latlon = town_places(900)
    frame = pl.DataFrame(
        {
            "photo_id": [str(index) for index in range(1000)],
            "path": [f"{index}.jpg" for index in range(1000)],
            "latitude": [*latlon[:, 0], *[None] * 100],
            "longitude": [*latlon[:, 1], *[None] * 100],
            "split": ["train", "train", "val", "test", None] * 200,
        },
        schema_overrides={"latitude": pl.Float64, "longitude": pl.Float64},
    )
    write_photo_table(frame, tmp_path / "photos")
    return tmp_path / "photos"


def test_only_train_rows_of_a_photo_table(run, photo_table: Path) -> None:
    status, out, err = run(photo_table, "--json")
    document = json.loads(out)
    assert status == 0
    assert (document["photos"], document["rows"], document["split"], document["unplaced"]) == (
        360,
        1000,
        "train",
        40,
    )
    assert "Taking the 400 rows of split 'train' out of 1,000; --split all takes every row." in err
    assert "Rows without a place, left out: 40." in err
    assert json.loads(run(photo_table / "photos.parquet", "--json")[1]) == {
        **document,
        "table": str(photo_table / "photos.parquet"),
    }


def test_other_splits(run, photo_table: Path) -> None:
    assert json.loads(run(photo_table, "--split", "all", "--json")[1])["photos"] == 900
    assert json.loads(run(photo_table, "--split", "val", "--min", 5, "--json")[1])["photos"] == 180
    status, _, err = run(photo_table, "--split", "dev")
    assert status == 2
    assert "has no split 'dev': it has test, train, val.\nTake every row:  --split all" in err


def test_a_table_without_splits_refuses_one(run, table: Path) -> None:
    status, _, err = run(table, "--split", "train")
    assert status == 2
    assert "has no split 'train': it has no column of splits" in err


def test_impossible_rows_are_counted_by_reason_and_the_rest_goes_on(run, table: Path) -> None:
    frame = pl.read_csv(table)
    wrong = pl.DataFrame(
        {"lat": [95.0, 0.0, 10.0], "lng": [1.0, 0.0, 200.0], "n": [1, 1, 1]}, schema=frame.schema
    )
    pl.concat([frame, wrong]).write_csv(table)
    status, out, err = run(table, "--json")
    document = json.loads(out)
    assert status == 3
    assert document["refused"] == {"out-of-range": 2, "zero-position": 1}
    assert document["photos"] == 2000
    assert "Rows with a place that cannot be, refused: 2 out-of-range, 1 zero-position." in err


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--max", 20, "--min", 30], 2, "at most 20 and at least 30 photos.\nType:  --max 120 --min 30"),
        (["--preset", "hcm-4"], 2, "The method 's2' has no preset 'hcm-4'"),
        (
            ["--preset", "hmc-14"],
            1,
            "No cell is left: the fullest holds 795 of 2,000 photos, and at least 25,000",
        ),
        (["--start-level", 31], 2, "not in order within 0 to 30"),
        (["--method", "kdd"], 2, "kdd"),
        (
            ["--latitude", "latt"],
            2,
            "has no column 'latt' (found: lat, lng, n).\nDid you mean:  --latitude lat",
        ),
        (["--weights", "lat"], 1, "expected the number of photos at each place"),
    ],
)
def test_words_that_cannot_be(run, table: Path, words, status, message) -> None:
    found, out, err = run(table, *words)
    assert found == status
    assert message in err
    assert out == ""


def test_no_cell_left_advice_works_as_typed(run, table: Path) -> None:
    _, _, err = run(table, "--max", 3000, "--min", 900)
    advice = err.partition("Type:")[2].split("or")[0].split()
    assert run(table, *advice)[0] == 0


def test_a_partition_is_no_table(run, table: Path, tmp_path: Path) -> None:
    cells = tmp_path / "cells.parquet"
    run(table, "-o", cells)
    for more in ([], ["--streaming"]):
        status, _, err = run(cells, *more)
        assert status == 2
        assert f"'{cells}' is a partition; expected a table" in err
        assert f"graticule partition --compare {cells} OTHER" in err
    status, _, err = run("--compare", cells, cells, "--photos", cells)
    assert status == 2


def test_a_folder_that_is_a_file(run, table: Path) -> None:
    status, _, err = run(table, "-o", table / "cells.parquet")
    assert status == 1
    assert "a file stands where its folder would be.\nName another file." in err


def test_errors_as_json(run, table: Path) -> None:
    status, out, _ = run(table, "--max", 1, "--min", 2, "--json")
    assert status == 2
    assert json.loads(out)["error"]["type"] == "UsageError"


def test_tables_that_hold_no_places(run, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("latitude,longitude\n")
    assert run(path)[0] == 1
    assert "has no rows.\nGive a table" in run(path)[2]
    path.write_text("latitude,longitude\n,\n,\n")
    assert "of 2 rows 2 have none" in run(path)[2]
    path.write_text("name,height\nBen,3\n")
    status, _, err = run(path)
    assert status == 1
    assert "has no columns that look like latitude and longitude (found: name, height)" in err
    assert "Call two of them so, or name them:  --latitude COLUMN --longitude COLUMN" in err
    status, _, err = run(tmp_path / "none.csv")
    assert status == 1
    assert "none.csv" in err


def test_one_place(run, tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("latitude,longitude\n39.9,116.4\n")
    status, _, err = run(path)
    assert status == 1
    assert "the fullest holds 1 of 1 photos" in err
    assert "--max 300 --min 1" in err
    status, _, err = run(path, "--min", 1)
    assert status == 0
    assert "All photos are in one cell" in err


def test_swapped_columns_are_refused(run, tmp_path: Path) -> None:
    path = tmp_path / "swapped.csv"
    latlon = town_places()
    pl.DataFrame({"latitude": latlon[:, 1], "longitude": latlon[:, 0]}).write_csv(path)
    status, _, err = run(path)
    assert status == 1
    assert "exchanged" in err
    assert "or name them:  --latitude longitude --longitude latitude" in err
    assert run(path, "--latitude", "longitude", "--longitude", "latitude")[0] == 0


def test_map(run, table: Path, tmp_path: Path) -> None:
    pytest.importorskip("graticule.maps")
    page = tmp_path / "cells.html"
    status, _, err = run(table, "--map", page, "-o", tmp_path / "cells.parquet")
    assert status == 0
    assert f"Wrote {page}" in err
    partition = Partition.read(tmp_path / "cells.parquet")
    text = page.read_text(encoding="utf-8")
    assert all(token in text for token in partition.tokens)
    assert f"{partition.count} cells of places.csv" in text


def test_real_photo_table(run, shared: Path, tmp_path: Path) -> None:
    output = tmp_path / "cells.parquet"
    status, out, _ = run(
        shared / "data" / "photos" / "photos.csv", "--max", 300, "--min", 30, "-o", output, "--json"
    )
    document = json.loads(out)
    assert status == 0
    assert document["split"] == "train"
    assert document["cells"] > 10
    frame = pl.read_csv(shared / "data" / "photos" / "photos.csv").filter(pl.col("split") == "train")
    placed = frame.drop_nulls(["latitude", "longitude"])
    assert document["photos"] == placed.height
    assert document["unplaced"] == frame.height - placed.height
    partition = Partition.read(output)
    latlon = placed.select("latitude", "longitude").to_numpy()
    cells = partition.encode(latlon)
    np.testing.assert_array_equal(np.bincount(cells[cells >= 0], minlength=partition.count), partition.photos)
    beijing = partition.encode([39.9, 116.4])
    if beijing >= 0:
        assert great_circle_km(partition.centres[beijing], [39.9, 116.4]) < 3000
