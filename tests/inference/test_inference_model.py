"""Models: whatever a user hands over is located, in order, and what cannot be read never stops a batch."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import graticule
from graticule.bundle import BundleCard, read_bundle, write_bundle
from graticule.errors import BundleError, MissingFileError, UsageError
from graticule.inference import Model, load_model
from graticule.inference.sources import find_sources

CITIES = ["Paris", "Beijing", "Sydney"]


@pytest.fixture(scope="module")
def model(colour_bundle: Path) -> Model:
    return load_model(colour_bundle)


def cell_of(model: Model, colour: str) -> int:
    return {"red": 0, "green": 1, "blue": 2}[colour]


def test_locates_every_kind_of_input(model: Model, colour_photos: Path) -> None:
    image = Image.new("RGB", (20, 20), (0, 255, 0))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    given = [
        colour_photos / "b-green.png",
        str(colour_photos / "b-green.png"),
        buffer.getvalue(),
        image,
        np.asarray(image),
    ]
    together = model.predict(given)
    assert [item.candidates[0].cell for item in together] == [1] * 5
    for one in given:
        assert model.predict(one)[0].candidates[0].cell == 1
    assert together[2].photo_id == "photo-2"
    assert together[2].path is None


def test_an_answer_is_whole(model: Model, colour_photos: Path) -> None:
    answer = model.predict(colour_photos / "a-red.jpg")[0]
    centre = model.partition.centres[0]
    assert (answer.latitude, answer.longitude) == tuple(centre)
    assert answer.confidence == pytest.approx(answer.candidates[0].probability)
    assert sum(candidate.probability for candidate in answer.candidates) == pytest.approx(1.0, abs=1e-6)
    assert answer.name == model.partition.names[0]
    assert answer.country in {"FR", "CN", "AU"}
    assert answer.region_cells == (0,)
    assert answer.region_km2 == pytest.approx(model.partition.areas_km2[0])
    assert answer.model == model.card.identity
    assert answer.error is None


def test_a_folder_is_searched_and_a_broken_photo_is_reported(model: Model, colour_photos: Path) -> None:
    found = model.predict(colour_photos)
    assert [item.photo_id for item in found] == [
        "a-red.jpg",
        "b-green.png",
        "trip/c-blue.webp",
        "z-broken.jpg",
    ]
    assert [item.candidates[0].cell for item in found[:3]] == [0, 1, 2]
    assert found[3].error is not None
    assert found[3].latitude is None
    assert found[3].confidence is None
    assert found.failed == 1


def test_a_missing_photo_is_an_answer_with_an_error(model: Model, tmp_path: Path) -> None:
    answer = model.predict([tmp_path / "none.jpg"])[0]
    assert answer.error is not None
    assert "none.jpg" in answer.error


def test_batch_size_and_threads_change_nothing(colour_bundle: Path, colour_photos: Path) -> None:
    many = sorted(colour_photos.rglob("*.*")) * 5
    one = load_model(colour_bundle, threads=1).predict(many, batch_size=1)
    assert load_model(colour_bundle, threads=2).predict(many, batch_size=7) == one


def test_top_keeps_the_best_candidates(model: Model, colour_photos: Path) -> None:
    answer = model.predict(colour_photos / "a-red.jpg", top=2)[0]
    assert len(answer.candidates) == 2
    assert answer.candidates[0].probability >= answer.candidates[1].probability


def test_nothing_in_nothing_out(model: Model) -> None:
    assert len(model.predict([])) == 0


@pytest.mark.parametrize("words", [{"top": 0}, {"batch_size": 0}, {"estimate": "middle"}])
def test_words_out_of_range(model: Model, words: dict) -> None:
    with pytest.raises(UsageError):
        model.predict([], **words)


def test_a_thing_that_is_no_photo(model: Model) -> None:
    with pytest.raises(UsageError, match="A float is not a photo"):
        model.predict(3.5)


def test_an_empty_folder_says_what_was_looked_for(model: Model, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="There is no photo in the folder"):
        model.predict(tmp_path)


def test_a_table_keeps_its_ids_and_the_place_is_no_input(model: Model, colour_photos: Path) -> None:
    table = pl.DataFrame(
        {
            "photo_id": ["007", "x"],
            "path": [str(colour_photos / "a-red.jpg"), str(colour_photos / "b-green.png")],
            "latitude": [1.0, None],
            "longitude": [2.0, None],
        }
    )
    found = model.predict(table)
    assert [item.photo_id for item in found] == ["007", "x"]
    assert [item.candidates[0].cell for item in found] == [0, 1]


def test_temperature_flattens(colour_bundle: Path, tmp_path: Path, colour_photos: Path) -> None:
    bundle = read_bundle(colour_bundle)
    warm = tmp_path / "warm"
    write_bundle(
        warm,
        model_onnx=bundle.model_onnx,
        partition=bundle.partition,
        card=bundle.card.model_copy(update={"temperature": 5.0}),
        model_card="",
    )
    photo = colour_photos / "a-red.jpg"
    assert (
        load_model(warm).predict(photo)[0].confidence < load_model(colour_bundle).predict(photo)[0].confidence
    )


def test_network_and_cells_of_different_models(colour_bundle: Path, tmp_path: Path) -> None:
    from graticule.partitions import build_s2

    bundle = read_bundle(colour_bundle)
    other = build_s2(np.repeat([[10.0, 10.0], [50.0, 50.0]], 9, axis=0), max_photos=20, min_photos=2)
    write_bundle(
        tmp_path / "b", model_onnx=bundle.model_onnx, partition=other, card=bundle.card, model_card=""
    )
    with pytest.raises(BundleError, match="they are of different models"):
        load_model(tmp_path / "b")


def test_a_network_that_is_no_onnx(colour_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(colour_bundle)
    write_bundle(
        tmp_path / "b", model_onnx=b"\0" * 99, partition=bundle.partition, card=bundle.card, model_card=""
    )
    with pytest.raises(BundleError, match=r"'model.onnx' cannot be loaded"):
        load_model(tmp_path / "b")


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(MissingFileError, match="Did you mean 'default'"):
        load_model("defualt")


def test_embeddings_are_the_mean_colour(model: Model, colour_photos: Path) -> None:
    found = model.embed(colour_photos)
    assert found.shape == (4, 3)
    np.testing.assert_allclose(found[1], [0, 1, 0], atol=1e-6)
    assert np.isnan(found[3]).all()


def test_import_is_light_and_names_load_when_used() -> None:
    program = (
        "import sys, graticule; "
        "heavy = {'torch', 'numpy', 'polars', 'onnxruntime', 'matplotlib', 'pydantic'} & set(sys.modules); "
        "assert not heavy, heavy; graticule.load_model; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert "load_model" in dir(graticule)
    with pytest.raises(AttributeError, match="no attribute 'lode_model'"):
        graticule.lode_model  # noqa: B018


def test_a_hub_folder_is_fetched_by_name(
    colour_bundle: Path, monkeypatch: pytest.MonkeyPatch, colour_photos: Path
) -> None:
    """The hub's client itself is asked, with a stand-in for its download: there is no network in tests."""
    hub = pytest.importorskip("huggingface_hub")
    asked = {}

    def snapshot_download(name: str, **options: object) -> str:
        asked.update(options, name=name)
        return str(colour_bundle)

    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    assert load_model("hf-hub:someone/colours@v1").card.name == "colours"
    assert asked["name"] == "someone/colours"
    assert asked["revision"] == "v1"
    assert set(asked["allow_patterns"]) == {"bundle.json", "cells.parquet", "model.onnx", "MODEL_CARD.md"}


def test_a_csv_of_photos_is_a_table(model: Model, colour_photos: Path) -> None:
    rows = ["id,file_name,lat,lng", "007,a-red.jpg,95,2", "008,b-green.png,1.5,2", "009,,1,2"]
    (colour_photos / "t.csv").write_text("\n".join(rows))
    found = model.predict(colour_photos / "t.csv")
    assert [item.photo_id for item in found] == ["007", "008", "009"]
    assert [item.candidates[0].cell for item in found[:2]] == [0, 1]
    assert found[2].error is not None
    (colour_photos / "u.csv").write_text("colour\nred\n")
    with pytest.raises(UsageError, match="no column that names the photos"):
        model.predict(colour_photos / "u.csv")


def test_a_name_that_is_no_text_does_not_stop_a_batch(
    model: Model, colour_photos: Path, tmp_path: Path
) -> None:
    odd = colour_photos / "odd-\udcff.jpg"
    odd.write_bytes((colour_photos / "a-red.jpg").read_bytes())
    found = model.predict(colour_photos)
    assert "odd-\\udcff.jpg" in [item.photo_id for item in found]
    assert found.write(tmp_path / "p.parquet").is_file()


@pytest.mark.parametrize("item", [None, 42, {"path": "a.jpg"}, ["a.jpg"]])
def test_items_are_looked_at_before_the_first_is_read(
    model: Model, colour_photos: Path, item: object
) -> None:
    with pytest.raises(UsageError, match="Item 1 of the photos is a"):
        model.predict([colour_photos / "a-red.jpg", item])


@pytest.mark.parametrize("words", [{"top": 1.5}, {"top": True}, {"batch_size": "8"}])
def test_counts_are_whole_numbers(model: Model, words: dict) -> None:
    with pytest.raises(UsageError, match="whole number"):
        model.predict([], **words)


@pytest.mark.parametrize("name", [None, "", "  ", 7])
def test_a_model_without_a_name(name: object) -> None:
    with pytest.raises(UsageError, match="named by text or a path"):
        load_model(name)


@pytest.mark.parametrize("threads", [0, -1, 1.5])
def test_threads_out_of_range(colour_bundle: Path, threads: float) -> None:
    with pytest.raises(UsageError, match="threads must be"):
        load_model(colour_bundle, threads=threads)


def test_an_empty_path_is_not_the_present_folder(model: Model) -> None:
    with pytest.raises(UsageError, match="path of the photo is empty"):
        model.predict("")


def test_bytes_of_any_kind(model: Model, colour_photos: Path) -> None:
    data = (colour_photos / "b-green.png").read_bytes()
    found = model.predict([data, bytearray(data), memoryview(data)])
    assert [item.candidates[0].cell for item in found] == [1, 1, 1]


def test_embedding_of_nothing_and_of_nothing_readable(model: Model) -> None:
    whole = model.embed(np.zeros((4, 4, 3), np.uint8))
    assert model.embed([]).shape == (0, whole.shape[1])
    assert np.isnan(model.embed([b"no photo"])).all()
    assert model.embed([b"no photo"]).shape == whole.shape


def test_files_of_one_name_are_told_apart(model: Model, colour_photos: Path, tmp_path: Path) -> None:
    for folder, name in (("one", "a-red.jpg"), ("two", "b-green.png")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "IMG_1.jpg").write_bytes((colour_photos / name).read_bytes())
    given = [tmp_path / "one" / "IMG_1.jpg", tmp_path / "two" / "IMG_1.jpg", colour_photos / "a-red.jpg"]
    assert [item.photo_id for item in model.predict(given)] == [str(given[0]), str(given[1]), "a-red.jpg"]


def test_a_broken_link_and_a_pipe_in_a_folder_are_told_of(model: Model, tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    found = model.predict(tmp_path)
    assert [item.photo_id for item in found] == ["gone.jpg", "pipe.jpg"]
    assert "does not exist" in str(found[0].error)
    assert "a pipe or device" in str(found[1].error)


def _with(colour_bundle: Path, path: Path, **fields: object) -> Model:
    bundle = read_bundle(colour_bundle)
    card = BundleCard.model_validate(bundle.card.model_dump() | fields)
    write_bundle(
        path,
        model_onnx=bundle.model_onnx,
        partition=bundle.partition,
        card=card,
        model_card=bundle.model_card,
    )
    return load_model(path)


def test_a_promise_is_one_that_the_bundle_offers(
    colour_bundle: Path, tmp_path: Path, colour_photos: Path
) -> None:
    model = _with(colour_bundle, tmp_path / "b", temperature=30.0, conformal={"0.5": 0.4, "0.9": 0.99})
    assert model.promises == ["0.5", "0.9"]
    photo = colour_photos / "a-red.jpg"
    half, most = (model.predict(photo, promise=promise)[0] for promise in (0.5, "0.90"))
    assert (half.region_promise, most.region_promise) == (0.5, 0.9)
    assert len(half.region_cells or ()) < len(most.region_cells or ())
    assert model.predict(photo)[0] == most
    with pytest.raises(
        UsageError, match=r"no promise of 0.8 \(it offers: 0.5, 0.9\).*\n.*graticule calibrate"
    ):
        model.predict(photo, promise=0.8)


def test_a_bundle_without_promises_states_no_region(
    colour_bundle: Path, tmp_path: Path, colour_photos: Path
) -> None:
    model = _with(colour_bundle, tmp_path / "b", conformal={})
    answer = model.predict(colour_photos / "a-red.jpg")[0]
    assert (answer.region_cells, answer.region_km2, answer.region_promise) == (None, None, None)


def test_continents_have_limits_of_their_own(
    colour_bundle: Path, tmp_path: Path, colour_photos: Path
) -> None:
    fields = {"temperature": 30.0, "conformal": {"0.9": 0.0}, "region_rule": {"by": "continent"}}
    model = _with(colour_bundle, tmp_path / "b", conformal_by_group={"0.9": {"EU": 2.0}}, **fields)
    europe = model._describing._continents.index("EU")
    for photo in ("a-red.jpg", "b-green.png", "trip/c-blue.webp"):
        answer = model.predict(colour_photos / photo)[0]
        assert set(answer.region_cells or ()) == {answer.candidates[0].cell, europe}


def test_scaling_changes_what_is_stated(colour_bundle: Path, tmp_path: Path, colour_photos: Path) -> None:
    plain = load_model(colour_bundle).predict(colour_photos / "a-red.jpg")[0]
    shifted = {"method": "vector", "slope": [0.01] * 3, "shift": [0.0, 5.0, 0.0]}
    model = _with(colour_bundle, tmp_path / "b", scaling=shifted)
    answer = model.predict(colour_photos / "a-red.jpg")[0]
    assert plain.candidates[0].cell == 0
    assert answer.candidates[0].cell == 1
    wrong = {"method": "vector", "slope": [1.0] * 2, "shift": [0.0] * 2}
    with pytest.raises(BundleError, match=r"for 2 cells, its cells\.parquet has 3"):
        _with(colour_bundle, tmp_path / "c", scaling=wrong)


def test_raw_probabilities_are_those_of_the_network(colour_bundle: Path, colour_photos: Path) -> None:
    model = load_model(colour_bundle)
    parts = list(model.raw_probabilities(find_sources(colour_photos), batch_size=2))
    reasons = [reason for part, _ in parts for reason in part]
    raw = np.concatenate([shares for _, shares in parts])
    assert raw.shape == (4, 3)
    assert [reason is None for reason in reasons] == [True, True, True, False]
    assert np.allclose(raw[:3].sum(axis=1), 1)
    assert np.isnan(raw[3]).all()
