"""Why there, in a real browser: the heat map over the photo, candidates to choose, two to contrast."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from web_browser import RED, needs_chromium, png, send, settle
from web_process import server

pytest_plugins = ["web_fixtures"]
pytestmark = needs_chromium


@pytest.fixture(scope="module")
def default_url() -> Iterator[str]:
    """The model that ships inside the package, which has Grad-CAM."""
    with server("default") as (_, address):
        yield address


@pytest.fixture(scope="module")
def photo() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 12, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((480, 240)).save(buffer, "PNG")
    return buffer.getvalue()


def heat_of(page):
    """Its pixels (H, W, 4), once the map that was asked for has come."""
    page.wait_for_selector(".why:not(.asking) .heat:not([hidden])")
    shape = """() => {
        const heat = document.querySelector(".heat");
        const copy = document.createElement("canvas");
        [copy.width, copy.height] = [heat.width, heat.height];
        const pen = copy.getContext("2d", {willReadFrequently: true});
        pen.drawImage(heat, 0, 0);
        return [heat.height, heat.width, ...pen.getImageData(0, 0, heat.width, heat.height).data];
    }"""
    height, width, *values = page.evaluate(shape)
    return np.array(values).reshape(height, width, 4)


def said_of(page, words):
    """The sentence under the photo, once it has these words."""
    page.wait_for_function("it => document.querySelector('.why-said').textContent.includes(it)", arg=words)
    return page.locator(".why-said").inner_text()


def test_the_heat_map_lies_over_the_middle_of_the_photo(visit, default_url, photo):
    page = visit(default_url)
    send(page, ("wide.png", photo))
    heat = heat_of(page)
    assert heat[..., 3].max() > 200
    frame = page.locator(".frame .picture").bounding_box()
    box = page.locator(".heat").bounding_box()
    assert box["x"] - frame["x"] == pytest.approx(frame["width"] / 4, abs=1.5)
    assert box["width"] == pytest.approx(frame["width"] / 2, abs=1.5)
    assert box["height"] == pytest.approx(frame["height"], abs=1.5)
    first = page.locator(".candidate-name").first.inner_text()
    assert f"speaks for {first}" in page.locator(".why-said").inner_text()
    page.get_by_label("Opacity of the heat map").fill("20")
    assert page.evaluate("() => getComputedStyle(document.querySelector('.heat')).opacity") == "0.2"
    page.get_by_label("Heat map", exact=True).select_option(label="none")
    assert page.locator(".heat").is_hidden()
    assert page.get_by_label("Opacity of the heat map").is_hidden()


def test_a_candidate_that_is_clicked_is_explained_and_held_against_another(visit, default_url, photo):
    page = visit(default_url)
    send(page, ("wide.png", photo))
    before = heat_of(page)
    names = page.locator(".candidate-name").all_inner_texts()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".candidate").nth(2).click()
    page.wait_for_function(
        "name => document.querySelector('.why-said').textContent.includes(name)", arg=names[2]
    )
    chosen = page.locator(".candidate[aria-current=true]")
    assert chosen.locator(".candidate-name").inner_text() == names[2]
    assert page.evaluate("() => document.activeElement.closest('.candidate') !== null")  # focus is kept
    assert not np.array_equal(heat_of(page), before)
    settle(page)
    page.get_by_label("against").select_option(index=1)
    said = said_of(page, "Of the two")
    assert f"speaks for {names[2]}" in said
    assert f"speaks for {names[0]}. Of the two, {names[2]} has" in said
    explained = [each for each in asked if "/v1/explain" in each]
    assert len(explained) == 2
    assert "against=" not in explained[0]
    against = page.get_by_label("against")
    countries = against.locator("option[value^='country:']")
    assert countries.count() >= 1
    target = page.get_by_label("for", exact=True)
    target.select_option(value=countries.first.get_attribute("value"))
    name = countries.first.inner_text()
    said_of(page, f"speaks for {name}")
    assert against.locator("option:disabled").count() >= 2  # itself, and the candidates in it
    assert page.locator(".candidate[aria-current=true]").count() == 0
    target.select_option(label=f"{names[0]} and around")
    said_of(page, f"speaks for {names[0]} and around speaks against it")
    assert against.input_value() == ""
    asked.clear()
    page.locator(".candidate").nth(2).click()
    said_of(page, f"speaks for {names[2]} speaks against it")
    page.get_by_label("against").select_option(index=1)
    said_of(page, "Of the two")
    page.locator(".candidate").nth(0).click()  # it cannot be held against itself
    said_of(page, f"speaks for {names[0]} speaks against it")
    assert against.input_value() == ""
    assert not any("/v1/explain" in each for each in asked)  # what is known is not asked again


def test_a_model_without_a_quick_method_is_asked_only_when_somebody_wants_it(visit):
    page = visit()
    send(page, ("red.png", png(RED)))
    page.wait_for_selector(".candidates")
    methods = page.get_by_label("Heat map", exact=True).locator("option").all_inner_texts()
    assert methods == ["none", "Occlusion"]
    assert page.locator(".heat").is_hidden()
    page.get_by_label("Heat map", exact=True).select_option(label="Occlusion")
    assert heat_of(page).shape == (168, 168, 4)


def test_the_second_model_can_be_explained_too(visit):
    page = visit()
    send(page, ("red.png", png(RED)))
    page.wait_for_selector(".candidates")
    page.get_by_label("Beside it").select_option(label="doubtful")
    page.wait_for_function("() => document.querySelectorAll('.candidates').length === 2")
    page.get_by_label("Heat map", exact=True).select_option(label="Occlusion")
    heat_of(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".answer").nth(1).locator(".candidate").nth(1).click()
    page.wait_for_selector(".answer:nth-of-type(2) .candidate[aria-current=true]")
    heat_of(page)
    assert any("/v1/explain" in each and "doubtful" in each for each in asked)


def percent(share: float) -> str:
    value = 100 * share
    return f"{value:.{0 if value >= 9.95 else 1 if value >= 0.995 else 2}f}\u00a0%"


def test_a_share_is_told_of_the_cell_that_it_belongs_to(visit, default_url, photo):
    """The pin may lie outside the likeliest cell: then its name stands beside its own cell's share."""
    page = visit(default_url, permissions=["clipboard-read", "clipboard-write"])

    def answer(route):
        document = route.fetch().json()
        for prediction in document["predictions"]:
            third = prediction["candidates"][2]
            prediction |= {name: third[name] for name in ("latitude", "longitude")}
        route.fulfill(json=document)
        page.answered = document["predictions"][0]["candidates"]

    page.route("**/v1/predict*", answer)
    send(page, ("a.png", photo), ("b.png", photo))
    page.wait_for_function(
        "() => [...document.querySelectorAll('.photo-sure')].filter(it => it.textContent).length === 2"
    )
    first, _, third, *_ = page.answered
    assert page.locator(".photo-place").first.inner_text() == third["name"]
    assert page.locator(".photo-sure").first.inner_text() == percent(third["probability"])
    said = f"{percent(first['probability'])} for the likeliest cell, {first['name']}; the pin lies elsewhere"
    assert said in page.locator(".sure").first.inner_text()
    page.wait_for_function("it => document.querySelector('p.unseen').textContent.includes(it)", arg=said)
    page.get_by_role("button", name="Copy").click()
    assert f"({said.replace(chr(0xA0), ' ')})" in page.evaluate("() => navigator.clipboard.readText()")


def test_why_it_failed_is_told(visit, default_url, photo):
    page = visit(default_url, failing=(503,))
    problem = {"detail": "No answer within 30 s."}
    page.route("**/v1/explain*", lambda route: route.fulfill(status=503, json=problem))
    send(page, ("wide.png", photo))
    page.wait_for_function(
        "() => document.querySelector('.why-said').textContent.includes('No answer within')"
    )
    assert page.locator(".heat").is_hidden()
    assert page.locator(".candidate").count() == 10
