"""``make default-model`` on a tiny copy of what it is made from."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from graticule.bundle import read_bundle
from graticule.inference import load_model
from graticule.models.weights import default_bundle
from graticule.training.default_model import IM2GPS3K, PHOTOS, PLACES, WEIGHTS, main
from tiny_world import TOWNS, draw_world

SMALL = [
    "network.backbone.name=mobilenetv3_small_050",
    "network.backbone.identity_modules=[]",
    "network.image_size_px=32",
    "partition.end_level=4",
    "phases.0.epochs=1",
    "phases.1.epochs=1",
    "workers=0",
    "batch_size=8",
]


@pytest.fixture
def tiny_shared(tmp_path: Path) -> Path:
    shared = tmp_path / "shared"
    drawn = draw_world(shared / PHOTOS)
    table = pl.read_parquet(drawn / "photos.parquet")
    table.select(
        "photo_id", "path", "latitude", "longitude", "split", "group", "licence", "usable"
    ).write_csv(drawn / "photos.csv")
    (drawn / "photos.parquet").unlink()
    (shared / PLACES).parent.mkdir(parents=True)
    places = pl.DataFrame(
        [(town[0], town[1]) for town in TOWNS.values()], schema=["latitude", "longitude"], orient="row"
    )
    (shared / PLACES).write_bytes(gzip.compress(places.write_csv().encode()))
    (shared / WEIGHTS).parent.mkdir()
    torch.manual_seed(0)
    network = timm.create_model("mobilenetv3_small_050", pad_type="same")
    save_file(network.state_dict(), shared / WEIGHTS)
    (shared / IM2GPS3K / "images").mkdir(parents=True)
    rows = ["IMG_ID,AUTHOR,LAT,LON"]
    for name, (latitude, longitude, colour) in TOWNS.items():
        Image.new("RGB", (40, 40), colour).save(shared / IM2GPS3K / "images" / f"{name}.jpg")
        rows.append(f"{name}.jpg,{name}@N00,{latitude},{longitude}")
    rows.append("absent.jpg,x@N00,1.0,2.0")
    (shared / IM2GPS3K / "im2gps3k_places365.csv").write_text("\n".join(rows) + "\n")
    return shared


def words(shared: Path, tmp_path: Path, *more: str) -> list[str]:
    overrides = [word for item in SMALL for word in ("--set", item)]
    output = tmp_path / "default.graticule"
    return [
        "--shared",
        str(shared),
        "--work",
        str(tmp_path / "work"),
        "--output",
        str(output),
        *overrides,
        *more,
    ]


def test_it_makes_a_bundle_from_usable_photos_alone(
    tiny_shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(tiny_shared, tmp_path)) == 0
    bundle = read_bundle(tmp_path / "default.graticule")
    assert bundle.card.training_data["photos"] == 20  # half of 40 are usable
    assert bundle.card.weights == "float16"
    assert bundle.card.licence == "Apache-2.0"
    assert set(bundle.card.metrics) == {"val", "test", "im2gps3k (4 of 2,997)"}
    assert bundle.card.metrics["im2gps3k (4 of 2,997)"]["n"] == 4
    assert "mobilenet_edgetpu_100" in bundle.model_card
    assert (
        len(
            load_model(tmp_path / "default.graticule").predict([tiny_shared / IM2GPS3K / "images" / "FR.jpg"])
        )
        == 1
    )
    assert not list(tmp_path.glob("unfinished*"))
    made = (tmp_path / "default.graticule").read_bytes()
    capsys.readouterr()
    monkeypatch.setattr("graticule.training.default_model.MOST_BYTES", 1000)
    assert main(words(tiny_shared, tmp_path)) == 1  # too large to ship
    text = capsys.readouterr().err
    assert "Going on with" in text  # the run that is there
    assert "bytes and may have 1,000" in text
    assert (tmp_path / "default.graticule").read_bytes() == made
    assert main(words(tiny_shared, tmp_path, "--set", "network.dropout=0.1")) == 1
    text = capsys.readouterr().err
    assert "was begun with another recipe" in text
    assert "--work DIR" in text


def test_it_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(tmp_path / "nowhere", tmp_path)) == 1
    text = capsys.readouterr().err
    assert f"has no '{PHOTOS}'" in text
    assert "--shared DIR" in text


def test_it_writes_where_the_package_looks() -> None:
    from graticule.inference.registry import MODELS

    assert default_bundle() == MODELS["default"]
