"""``graticule explain`` as a user types it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from graticule.cli.explain import _check_methods
from graticule.cli.main import main
from graticule.errors import ExplanationError
from graticule.explanations import Method
from graticule.explanations.explaining import GRADCAM, OF_RUNS, chosen_methods
from graticule.predictions import Predictions
from graticule.reports.explanation import ExplainedMethod, ExplainedPhoto, Layer, render_explanations

SMALL = ("--method", "occlusion", "--patch", "2", "--stride", "2")


def graticule(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "graticule", *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "holiday.jpg"
    Image.effect_noise((320, 260), 90).convert("RGB").save(path)
    return path


@pytest.fixture(scope="module")
def explained(photo: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The line of the README, with larger patches."""
    out = photo.parent / "w" / "explain.html"
    words = ("--method", "gradcam,occlusion", "--patch", "64", "--stride", "80", "--check")
    return graticule("explain", photo, *words, "-o", out), out


def test_the_line_of_the_readme(explained: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    run, out = explained
    assert run.returncode == 0, run.stderr
    assert f"Wrote {out}" in run.stderr
    lines = run.stdout.splitlines()
    assert re.fullmatch(r"holiday\.jpg: .+, \d+\.\d %", lines[0])
    assert re.fullmatch(r"  Grad-CAM: .+ says most: \d+ % of what speaks for it", lines[1])
    assert lines[2].startswith("  Occlusion: ")
    assert "Areas under curves of 14 steps over 1 photo, in nats" in lines[4]
    page = out.read_text()
    assert page.count('class="heat"') == 2
    assert "How faithful the methods are here" in page


def test_the_page_asks_nobody_and_runs_its_own_script_alone(
    explained: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    page = explained[1].read_text()
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    [script] = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    pictures = re.findall(r"data:image/(?:png|jpeg);base64,([^\"]+)", page)
    sizes = [size_of(io.BytesIO(base64.b64decode(each))) for each in pictures]
    assert sizes[:3] == [(260, 260), (256, 256), (256, 256)]
    assert len(sizes) > 5  # crops of both sides


def size_of(picture: Any) -> tuple[int, int]:
    with Image.open(picture) as image:
        return image.size


@pytest.mark.parametrize("takes_sides", [True, False])
def test_a_page_of_attention_speaks_of_no_sides(takes_sides: bool) -> None:
    layer = Layer("rollout", b"", "Here.", [b""], takes_sides=takes_sides)
    photo = ExplainedPhoto("a.jpg", b"", ("Senegal", ""), "The answer", "8.1 %", [layer])
    page = render_explanations([photo], [ExplainedMethod("rollout", "Rollout", "Shares.")], model="m")
    assert ("Says most for Senegal" in page, "Most attention" in page) == (takes_sides, not takes_sides)
    assert ('class="against"' in page, "more attention" in page) == (takes_sides, not takes_sides)


@pytest.mark.browser
def test_the_slider_and_the_choice_work(
    explained: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        pytest.skip("needs Debian's chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(explained[1].as_uri())
        assert page.locator(".heat").evaluate_all("all => all.map(one => one.hidden)") == [False, True]
        page.click("input[value=occlusion]")
        assert page.locator(".heat").evaluate_all("all => all.map(one => one.hidden)") == [True, False]
        page.fill("#opacity", "85")
        assert page.locator(".heat").last.evaluate("one => getComputedStyle(one).opacity") == "0.85"
        assert complaints == []
        browser.close()


def test_a_contrast_as_a_sheet(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "contrast.png"
    run = graticule("explain", photo, "--for", "country:CN", "--against", "country:JP", "-o", out)
    assert run.returncode == 0, run.stderr
    assert re.match(r"holiday\.jpg: China against Japan, \d+\.\d % of the two\n", run.stdout)
    width, height = size_of(out)
    assert width > 3 * 336 / 1.5
    assert height > 336


def test_several_photos_and_a_broken_one(colour_bundle: Path, colour_photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "e.json"
    run = graticule("explain", colour_photos, "--model", colour_bundle, *SMALL, "-o", out)
    assert run.returncode == 3
    assert "1 of 4 photos have no explanation" in run.stderr
    assert "z-broken.jpg" in run.stderr
    document = json.loads(out.read_text())
    assert [each["photo_id"] for each in document["predictions"]] == [
        "a-red.jpg",
        "b-green.png",
        "trip/c-blue.webp",
        "z-broken.jpg",
    ]
    for cell, each in enumerate(document["predictions"][:3]):
        assert each["saliency"]["cells"] == [cell] == [each["candidates"][0]["cell"]]
        assert np.array(each["saliency"]["maps"]["occlusion"]["values"]).shape == (8, 8)
    assert document["predictions"][3]["saliency"] is None
    assert len(Predictions.read(out)) == 4


def test_json_is_one_document_on_stdout(colour_bundle: Path, colour_photos: Path) -> None:
    run = graticule("explain", colour_photos / "a-red.jpg", "--model", colour_bundle, *SMALL, "--json")
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert document["predictions"][0]["saliency"]["maps"]["occlusion"]["unit"] == "nats"


def test_an_answer_is_not_held_against_itself(colour_bundle: Path, colour_photos: Path) -> None:
    run = graticule("explain", colour_photos, "--model", colour_bundle, *SMALL, "--against", "cell:1")
    assert run.returncode == 3
    assert "2 of 4 photos have no explanation" in run.stderr
    assert "b-green.png: The photo's own answer is all of 'cell:1'" in run.stderr
    assert "a-red.jpg: " in run.stdout


def test_only_broken_photos_is_a_failure(colour_bundle: Path, colour_photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "e.html"
    broken = colour_photos / "z-broken.jpg"
    run = graticule("explain", broken, "--model", colour_bundle, *SMALL, "-o", out)
    assert run.returncode == 1
    assert "1 of 1 photo has no explanation" in run.stderr
    assert "is not an image" in run.stderr
    assert not out.exists()


def test_a_network_without_a_map_says_which_methods_work(colour_bundle: Path, colour_photos: Path) -> None:
    run = graticule("explain", colour_photos / "a-red.jpg", "--model", colour_bundle)
    assert run.returncode == 1
    assert "--method occlusion" in run.stderr


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--method", "gradcm"], 2, "Did you mean:  gradcam"),
        (["--method", "rollout"], 2, "needs the network in torch"),
        (["--method", ","], 2, "No method is named"),
        (["--for", "cell:9999"], 2, "numbered 0 to 2"),
        (["--for", "country:France"], 2, "country:FR\n"),
        (["--for", "parent", "--against", "best"], 2, "both mean the photo's own answer"),
        (["--for", "cell:1", "--against", "cell:1"], 2, "share 1 cells"),
        (["--for", "country:BR"], 2, "No cell of 'colours' has its mean place in the country 'BR'"),
        (["--patch", "9", "--method", "occlusion"], 2, "does not fit the square of 8 px"),
        (["-o", "e.htm"], 2, "-o e.html"),
        (["--opacity", "40"], 2, "--opacity"),
    ],
)
def test_wrong_words(
    colour_bundle: Path,
    colour_photos: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    says: str,
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["explain", str(colour_photos / "a-red.jpg"), "--model", str(colour_bundle), *words])
    assert stop.value.code == status
    assert says in capsys.readouterr().err


def test_more_photos_than_a_sheet_holds_are_refused_before_the_work(
    colour_bundle: Path, colour_photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [str(colour_photos / "a-red.jpg")] * 21
    out = tmp_path / "e.png"
    with pytest.raises(SystemExit) as stop:
        main(["explain", *many, "--model", str(colour_bundle), *SMALL, "-o", str(out)])
    assert stop.value.code == 2
    assert "A .png holds 20 photos, and there are 21" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(("methods", "is_refused"), [("gradcam", True), ("occlusion", False)])
def test_a_run_without_a_map_says_what_else_there_is(methods: str, is_refused: bool) -> None:
    more = [Method(name, title, GRADCAM.run) for name, title in OF_RUNS.items()]
    model = SimpleNamespace(
        network=SimpleNamespace(gives_saliency=False), card=SimpleNamespace(architecture="vit_tiny")
    )
    ask = partial(_check_methods, model, "runs/vit", chosen_methods(methods, more=more), more)  # type: ignore[arg-type]
    if is_refused:
        with pytest.raises(ExplanationError, match="--method occlusion,attention,rollout,gradient-attention"):
            ask()
    else:
        ask()


@pytest.mark.torch
def test_the_folder_of_a_run(finished_run: Path, colour_photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("captum")
    out = tmp_path / "e.json"
    methods = "gradcam,integrated-gradients"
    photo = colour_photos / "a-red.jpg"
    run = graticule("explain", photo, "--model", finished_run, "--method", methods, "-o", out)
    assert run.returncode == 0, run.stderr
    maps = json.loads(out.read_text())["predictions"][0]["saliency"]["maps"]
    assert list(maps) == methods.split(",")
    assert maps["gradcam"]["score"] == pytest.approx(maps["integrated-gradients"]["score"], abs=1e-3)
