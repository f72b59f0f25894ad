"""Fixtures: a browser that watches what the page asks for, and two models for it to show.

A test file that wants them says ``pytest_plugins = ["web_fixtures"]``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from web_browser import CHROMIUM
from web_process import server

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
Opener = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One per test file: two at once cannot be, and other files have their own."""
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def other_bundle(colour_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second model, of the same cells and much less sure of itself."""
    from colour_network import colour_network
    from graticule.bundle import BundleCard, read_bundle, write_bundle

    partition = read_bundle(colour_bundle).partition
    folder = tmp_path_factory.mktemp("other") / "doubtful"
    card = BundleCard(name="doubtful", architecture="mean colour", head="MC", licence="CC0-1.0")
    network = colour_network(partition, sharpness=1.0)
    write_bundle(folder, model_onnx=network, partition=partition, card=card, model_card="# Doubtful\n")
    return folder


@pytest.fixture(scope="module")
def telling_bundle(colour_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with figures and a card that tries to break out of its page."""
    from colour_network import colour_network
    from graticule.bundle import BundleCard, read_bundle, write_bundle

    partition = read_bundle(colour_bundle).partition
    folder = tmp_path_factory.mktemp("telling") / "telling"
    metrics = {"test": {"n": 1234, "median_km": 56.7, "top_k": {"1": 0.5, "5": 0.9}, "ece": 0.012}}
    card = BundleCard(name="telling", architecture="x", head="MC", licence="CC0-1.0", metrics=metrics)
    text = (
        "# telling\n\nIt is **bold** and `code`.\n\n| continent | photos |\n|---|---|\n| Asia | 7 |\n\n"
        "<script>document.title = 'broken'</script> <img src=x onerror=alert(1)>\n\n"
        "[good](https://example.org/a) [bad](javascript:alert(1))\n\n- one\n- two\n"
    )
    write_bundle(
        folder, model_onnx=colour_network(partition), partition=partition, card=card, model_card=text
    )
    return folder


@pytest.fixture(scope="module")
def url(colour_bundle: Path, other_bundle: Path) -> Iterator[str]:
    with server(colour_bundle, "--model", str(other_bundle)) as (_, address):
        yield address


@pytest.fixture
def visit(browser: Any, url: str) -> Iterator[Opener]:
    """Opens the page; at the end no other host may have been asked, and nothing may have complained."""
    contexts, complaints, requests = [], [], []

    def opener(address: str = url, *, failing: tuple[int, ...] = (), **options: Any) -> Any:
        options = {"viewport": {"width": 1100, "height": 800}, "reduced_motion": "reduce", **options}
        contexts.append(browser.new_context(accept_downloads=True, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)  # tests run beside others

        def complain(message: Any) -> None:
            told = re.search(
                r"responded with a status of (\d+)", message.text
            )  # Chromium's own, of what we test
            if not told or int(told[1]) not in failing:
                complaints.append(message.text)

        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.on("filechooser", lambda _: None)  # so that the browser asks nobody, from the first click on
        page.goto(address)
        return page

    yield opener
    for context in contexts:
        context.close()
    assert complaints == []
    others = [each for each in requests if not each.startswith(("http://127.0.0.1:", "blob:", "data:"))]
    assert others == []
