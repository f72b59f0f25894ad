"""``graticule predict``, ``models`` and ``demo`` as a user types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from graticule.predictions import Predictions


def graticule(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "graticule", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


def test_one_photo_prints_a_ranked_list(colour_bundle: Path, colour_photos: Path) -> None:
    run = graticule("predict", colour_photos / "a-red.jpg", "--model", colour_bundle)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0].startswith("a-red.jpg: ")
    assert "virtually certain" in lines[0]
    assert lines[1].startswith("  1. 100.0%")


def test_a_folder_goes_on_past_a_broken_photo(
    colour_bundle: Path, colour_photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.parquet"
    run = graticule("predict", colour_photos, "--model", colour_bundle, "-o", out)
    assert run.returncode == 3
    assert "1 of 4 photos have no answer" in run.stderr
    assert "z-broken.jpg" in run.stderr
    assert len(Predictions.read(out)) == 4


def test_json_is_one_document_on_stdout(colour_bundle: Path, colour_photos: Path) -> None:
    run = graticule("predict", colour_photos, "--model", colour_bundle, "--json")
    document = json.loads(run.stdout)
    assert document["predictions"][0]["photo_id"] == "a-red.jpg"
    assert document["predictions"][3]["latitude"] is None
    assert run.returncode == 3


def test_json_that_was_printed_can_be_read_back(
    colour_bundle: Path, colour_photos: Path, tmp_path: Path
) -> None:
    run = graticule("predict", colour_photos, "--model", colour_bundle, "--json")
    (tmp_path / "p.json").write_text(run.stdout)
    assert len(Predictions.read(tmp_path / "p.json")) == 4


def test_map_is_written_beside(colour_bundle: Path, colour_photos: Path, tmp_path: Path) -> None:
    run = graticule(
        "predict", colour_photos / "a-red.jpg", "--model", colour_bundle, "--map", tmp_path / "m.html"
    )
    assert run.returncode == 0, run.stderr
    page = (tmp_path / "m.html").read_text()
    assert "a-red.jpg" in page


@pytest.mark.parametrize(("name", "start"), [("m.png", b"\x89PNG"), ("m.svg", b"<?xml"), ("m.pdf", b"%PDF")])
def test_a_map_is_what_its_ending_says(
    colour_bundle: Path, colour_photos: Path, tmp_path: Path, name: str, start: bytes
) -> None:
    pytest.importorskip("cartopy")
    photo = colour_photos / "a-red.jpg"
    run = graticule("predict", photo, "--model", colour_bundle, "--map", tmp_path / name, "--promise", "0.9")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_map_of_another_ending_is_refused_before_the_work(colour_photos: Path, tmp_path: Path) -> None:
    run = graticule("predict", colour_photos, "--map", tmp_path / "m.jpg")
    assert run.returncode == 2
    assert "is no map: its ending is none of .html, .png, .svg, .pdf" in run.stderr
    assert "Type:  --map" in run.stderr
    run = graticule("predict", colour_photos, "--map", tmp_path / "m.png", "-o", tmp_path / "parts")
    assert run.returncode == 2
    assert "Name a file:  -o predictions.parquet" in run.stderr


def test_a_promise_that_the_model_does_not_make_is_refused(colour_bundle: Path, colour_photos: Path) -> None:
    run = graticule("predict", colour_photos / "a-red.jpg", "--model", colour_bundle, "--promise", "0.5")
    assert run.returncode == 2
    assert "makes no promise of 0.5 (it offers: 0.9)" in run.stderr


def test_only_broken_photos_is_a_failure(colour_bundle: Path, colour_photos: Path) -> None:
    run = graticule("predict", colour_photos / "z-broken.jpg", "--model", colour_bundle)
    assert run.returncode == 1
    assert "no answer" in run.stdout


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["a.jpg", "--model", "nowhere"], 1, "There is no model 'nowhere'"),
        (["a.jpg", "-o", "p.xls"], 2, "End it with one of .parquet"),
        (["a.jpg", "--top", "0"], 2, "--top"),
        ([], 2, "Missing argument 'PHOTOS...'"),
        (["a.jpg", "--modle", "x"], 2, "--model"),
    ],
)
def test_wrong_words(words: list[str], status: int, says: str) -> None:
    run = graticule("predict", *words)
    assert run.returncode == status
    assert says in run.stderr
    assert "Traceback" not in run.stderr


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    colour_bundle: Path, colour_photos: Path
) -> None:
    photo = colour_photos / "a-red.jpg"
    for target in (photo / "x.csv", colour_photos / "folder.csv"):
        (colour_photos / "folder.csv").mkdir(exist_ok=True)
        run = graticule("predict", photo, "--model", colour_bundle, "-o", target)
        assert run.returncode in (1, 2)
        assert "Error: " in run.stderr
        assert str(target.parent if target.parent == photo else target) in run.stderr
        assert "Traceback" not in run.stderr
        assert run.stdout == ""


def test_an_error_with_json_is_a_document() -> None:
    run = graticule("predict", "a.jpg", "--model", "nowhere", "--json")
    assert run.returncode == 1
    assert json.loads(run.stdout)["error"]["type"] == "MissingFileError"


def test_an_unknown_verb_names_the_nearest() -> None:
    run = graticule("predcit", "a.jpg")
    assert run.returncode == 2
    assert "Did you mean:  graticule predict" in run.stderr


def test_help_of_every_verb_has_an_example() -> None:
    from graticule.cli.main import VERBS

    words = [[verb] for verb in VERBS if verb != "collect"] + [
        ["collect", "flickr"],
        ["collect", "mapillary"],
    ]
    for verb in words:
        run = graticule(*verb, "--help")
        assert run.returncode == 0, run.stderr
        assert f"graticule {' '.join(verb)}" in run.stdout.split("Example", 1)[1], verb
        assert "--json" in run.stdout, verb


def test_models_lists_the_default_and_prints_its_card() -> None:
    run = graticule("models")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("default")
    card = graticule("models", "default").stdout
    assert card.startswith("# ")
    facts = json.loads(graticule("models", "default", "--json").stdout)
    assert facts["cells"] > 1


def test_demo_locates_the_bundled_photo_and_draws_it(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    run = graticule("demo", "-o", tmp_path / "demo")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("china.jpg: ")
    assert "The truth: Summer Palace, Beijing" in run.stderr
    assert "china.jpg" in (tmp_path / "demo" / "index.html").read_text()
    assert len(Predictions.read(tmp_path / "demo" / "predictions.json")) == 1


def test_demo_of_a_broken_photo_fails_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"no")
    run = graticule("demo", tmp_path / "x.jpg", "-o", tmp_path / "demo")
    assert run.returncode == 1
    assert "no answer" in run.stdout
