"""Maps for print of one photo and of several."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.errors import MissingPackageError, PredictionsError, UsageError
from graticule.partitions import Partition, build_s2
from graticule.predictions import Prediction, Predictions
from graticule.reports.prediction_figure import (
    MappedPhoto,
    check_map_path,
    telling,
    where_the_mass_is,
    write_prediction_figure,
)

TOWNS = np.array(
    [[48.86, 2.35], [52.5, 13.4], [39.9, 116.4], [-33.9, 151.2], [-17.8, 179.5], [-16.5, -179.9]]
)


@pytest.fixture(autouse=True)
def _drawing() -> None:
    pytest.importorskip("cartopy")
    pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def cells() -> Partition:
    return build_s2(TOWNS.repeat(20, axis=0), max_photos=25, min_photos=5, start_level=4, end_level=8)


def answers(cells: Partition, shares: np.ndarray, **fields: object) -> Predictions:
    rows = [
        Prediction(f"photo {i}", latitude=cells.centres[k, 0], longitude=cells.centres[k, 1], **fields)  # type: ignore[arg-type]
        for i, k in enumerate(shares.argmax(axis=1))
    ]
    return Predictions(
        Predictions.of(rows).to_polars(), partition=cells, probabilities=shares.astype(np.float32)
    )


def sure(cells: Partition, latlon: np.ndarray, share: float = 0.97) -> np.ndarray:
    rest = np.full((len(latlon), cells.count), (1 - share) / (cells.count - 1))
    rest[np.arange(len(latlon)), cells.encode(latlon)] = share
    return rest


def test_every_kind_of_picture(cells: Partition, tmp_path: Path) -> None:
    given = answers(cells, sure(cells, TOWNS[:1]))
    for ending, start in [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")]:
        path = write_prediction_figure(tmp_path / f"new/map{ending}", given, truth=TOWNS[:1])
        assert path.read_bytes().startswith(start)
    text = (tmp_path / "new" / "map.svg").read_text(encoding="utf-8")
    assert "photo 0" in text
    assert "concentrated" in text


def test_the_truth_is_a_red_dot_and_the_best_cell_is_dark(cells: Partition, tmp_path: Path) -> None:
    given = answers(cells, sure(cells, TOWNS[:1]))
    picture = np.asarray(
        Image.open(write_prediction_figure(tmp_path / "m.png", given, truth=TOWNS[:1])).convert("RGB")
    ).astype(int)
    red = (picture[..., 0] > 180) & (picture[..., 1] < 60) & (picture[..., 2] < 60)
    plain = np.asarray(Image.open(write_prediction_figure(tmp_path / "n.png", given)).convert("RGB")).astype(
        int
    )
    bare = (plain[..., 0] > 180) & (plain[..., 1] < 60) & (plain[..., 2] < 60)
    assert red.sum() > 100
    assert bare.sum() == 0
    map_only = plain[150:1000, 60:-60]
    dark = map_only.sum(axis=-1) < 260
    assert dark.mean() > 0.01


def test_the_map_is_zoomed_to_the_mass_unless_the_world_is_asked_for(
    cells: Partition, tmp_path: Path
) -> None:
    given = answers(cells, sure(cells, TOWNS[:1]))
    near = Image.open(write_prediction_figure(tmp_path / "near.png", given))
    world = Image.open(write_prediction_figure(tmp_path / "world.png", given, zoom="world"))
    assert near.size == world.size
    assert np.abs(np.asarray(near).astype(int) - np.asarray(world).astype(int)).mean() > 5


def test_where_the_mass_is_across_the_antimeridian(cells: Partition) -> None:
    shares = np.zeros(cells.count)
    east, west = cells.encode(TOWNS[4:6])
    shares[[east, west]] = 0.6, 0.4
    photo = MappedPhoto(Prediction("x"), shares, cells, cells.centres[east], None)
    middle, reach = where_the_mass_is(photo)
    assert middle.tolist() == cells.centres[east].tolist()
    assert reach < 1500
    assert photo.cells == pytest.approx(np.exp(-(0.6 * np.log(0.6) + 0.4 * np.log(0.4))))
    far = MappedPhoto(Prediction("x"), shares, cells, cells.centres[east], TOWNS[0])
    assert where_the_mass_is(far)[1] > 15_000  # the truth has to be on it
    assert far.is_right is False
    assert photo.is_right is None


def test_a_page_shows_sure_and_unsure_right_and_wrong(cells: Partition, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    places = TOWNS[random.integers(0, 4, 40)]
    said = places.copy()
    said[20:] = TOWNS[(cells.encode(places[20:]) + 1) % 4]
    shares = np.concatenate([sure(cells, said[i : i + 1], random.uniform(0.3, 0.98)) for i in range(40)])
    given = answers(cells, shares)
    photos = [
        MappedPhoto(given[i], shares[i], cells, cells.centres[shares[i].argmax()], places[i])
        for i in range(40)
    ]
    chosen = telling(photos)
    kinds = [photo.is_right for photo in chosen]
    assert len(chosen) == 8
    assert 2 <= kinds.count(True) <= 6
    assert kinds == sorted(kinds, reverse=True)
    spread = [photo.cells for photo in photos if photo.is_right]
    assert min(spread) == chosen[0].cells
    assert max(spread) == chosen[kinds.count(True) - 1].cells
    few = telling([photo for photo in photos if photo.is_right][:2] + [p for p in photos if not p.is_right])
    assert len(few) == 8
    with Image.open(write_prediction_figure(tmp_path / "page.png", given, truth=places)) as picture:
        assert picture.height > 1500


def test_photos_without_an_answer_are_left_out(cells: Partition, tmp_path: Path) -> None:
    shares = sure(cells, TOWNS[:2])
    table = Predictions.of(
        [Prediction("broken", error="The file is empty."), answers(cells, shares)[1]]
    ).to_polars()
    given = Predictions(table, partition=cells, probabilities=shares.astype(np.float32))
    assert "photo 1" in write_prediction_figure(tmp_path / "m.svg", given).read_text(encoding="utf-8")
    with pytest.raises(PredictionsError, match="None of the photos has an answer"):
        write_prediction_figure(tmp_path / "n.svg", given[:1])
    with pytest.raises(PredictionsError, match="needs those of all cells"):
        write_prediction_figure(tmp_path / "n.svg", given.without_probabilities())


def test_other_endings_and_missing_packages_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"does not end in .png, .svg or .pdf.\nType:  --map .*m.png"):
        check_map_path(tmp_path / "m.pgn")
    monkeypatch.setitem(sys.modules, "cartopy", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'graticule\[report\]'"):
        check_map_path(tmp_path / "m.png")


def test_a_place_that_cannot_be_written_is_a_sentence(cells: Partition, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PredictionsError, match="Cannot write the map"):
        write_prediction_figure(tmp_path / "file" / "m.png", answers(cells, sure(cells, TOWNS[:1])))
