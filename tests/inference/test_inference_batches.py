"""Batches into folders: the same answers as in memory, whoever makes which part and whenever it is killed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule.errors import MissingFileError, UsageError
from graticule.inference import Model, load_model
from graticule.inference.batches import BatchSettings, begin, predict_chunk, run
from graticule.inference.sources import find_sources
from graticule.predictions import Predictions
from graticule.predictions.parts import part_path

SMALL = BatchSettings(batch_size=2, chunk_size=3)


@pytest.fixture(scope="module")
def model(colour_bundle: Path) -> Model:
    return load_model(colour_bundle)


def begun(model: Model, photos: Path, folder: Path, settings: BatchSettings = SMALL):
    return begin(model, find_sources(photos), folder, settings)


@pytest.fixture
def many(colour_photos: Path) -> Path:
    data = (colour_photos / "a-red.jpg").read_bytes()
    for number in range(6):
        (colour_photos / f"m{number}.jpg").write_bytes(data)
    return colour_photos


def test_a_folder_holds_what_memory_would(model: Model, many: Path, tmp_path: Path) -> None:
    job = begun(model, many, tmp_path / "out")
    assert job.plan.answering.chunk_size == 4  # whole batches
    assert (job.todo, job.photos) == ((0, 1, 2), 10)
    counted: list[int] = []
    run(model, job, on_photos=counted.append)
    assert sum(counted) == 10
    assert Predictions.read(tmp_path / "out") == model.predict(many)


def test_only_what_is_missing_is_made(model: Model, many: Path, tmp_path: Path) -> None:
    run(model, begun(model, many, tmp_path / "out"))
    parts = [part_path(tmp_path / "out", part) for part in range(3)]
    whole = [part.read_bytes() for part in parts]
    parts[1].unlink()
    stamps = [parts[n].stat().st_mtime_ns for n in (0, 2)]
    job = begun(model, many, tmp_path / "out")
    assert job.todo == (1,)
    run(model, job)
    assert [part.read_bytes() for part in parts] == whole
    assert [parts[n].stat().st_mtime_ns for n in (0, 2)] == stamps
    assert begun(model, many, tmp_path / "out").todo == ()


def test_shares_fill_one_folder(model: Model, many: Path, tmp_path: Path) -> None:
    run(model, begun(model, many, tmp_path / "one"))
    for number in (2, 1):
        settings = BatchSettings(batch_size=2, chunk_size=3, share=(number, 2))
        job = begun(model, many, tmp_path / "two", settings)
        assert job.todo == ((1,) if number == 2 else (0, 2))
        run(model, job)
    for part in range(3):
        ours, theirs = (part_path(tmp_path / name, part).read_bytes() for name in ("two", "one"))
        assert ours == theirs


def test_a_chunk_alone_is_the_same(model: Model, many: Path, tmp_path: Path) -> None:
    job = begun(model, many, tmp_path / "out")
    run(model, job)
    whole = Predictions.read(tmp_path / "out")
    assert predict_chunk(model, job.plan, 1) == whole[4:8]
    assert whole.failed == 1


def test_a_kill_between_parts_loses_only_the_part_at_work(model: Model, many: Path, tmp_path: Path) -> None:
    job = begun(model, many, tmp_path / "out")

    def die(_: int) -> None:
        if part_path(job.folder, 0).is_file():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(model, job, on_photos=die)
    again = begun(model, many, tmp_path / "out")
    assert again.todo == (1, 2)
    run(model, again)
    assert Predictions.read(tmp_path / "out") == model.predict(many)


def test_names_that_are_no_text(model: Model, colour_photos: Path, tmp_path: Path) -> None:
    odd = Path(str(colour_photos) + "/caf\udce9.png")
    odd.write_bytes((colour_photos / "b-green.png").read_bytes())
    run(model, begun(model, colour_photos, tmp_path / "out"))
    found = Predictions.read(tmp_path / "out")
    assert [item.error for item in found if item.photo_id.startswith("caf")] == [None]


@pytest.mark.parametrize("share", [(0, 2), (3, 2), (1, 0)])
def test_shares_out_of_range(model: Model, many: Path, tmp_path: Path, share: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        begun(model, many, tmp_path / "out", BatchSettings(share=share))
    assert not (tmp_path / "out").exists()


def test_photos_in_memory_have_no_batch(model: Model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this one is in memory"):
        begin(model, find_sources(np.zeros((4, 4, 3), np.uint8)), tmp_path / "out", SMALL)


def test_nothing_to_do(model: Model, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no photo to predict"):
        begin(model, [], tmp_path / "out", SMALL)


def test_the_promise_is_part_of_the_plan(model: Model, many: Path, tmp_path: Path) -> None:
    assert begun(model, many, tmp_path / "own").plan.answering.promise == "0.9"
    with pytest.raises(UsageError, match=r"no promise of 0\.5"):
        begun(model, many, tmp_path / "other", BatchSettings(promise=0.5))
    assert not (tmp_path / "other").exists()
