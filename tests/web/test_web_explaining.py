"""``/v1/explain``: maps of what speaks for an area, and no more about a place than the operator lets out."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="needs the extra 'web'")
from starlette.testclient import TestClient

from graticule.explanations import explain
from graticule.inference import load_model
from graticule.web.app import create_app
from graticule.web.chores import Chores, GivenUpError, Patience
from graticule.web.problems import ProblemError
from graticule.web.settings import ServerSettings


@pytest.fixture(scope="module")
def photo() -> bytes:
    """Wider than high, so that the network sees its middle alone."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 80, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((480, 240)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(ServerSettings(rate_per_minute=0))) as client:
        yield client


def ask(client: TestClient, photo: bytes, words: str = "") -> dict:
    answer = client.post(f"/v1/explain{words}", files={"files": ("a.jpg", photo)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_map_is_that_of_explain(client: TestClient, photo: bytes) -> None:
    document = ask(client, photo)
    direct = explain(load_model(), photo, "gradcam")
    assert document["target"] == {"words": "best", "name": direct.name}
    assert document["against"] is None
    np.testing.assert_allclose(document["values"], direct.map.values, rtol=1e-3, atol=1e-6)
    assert document["probability"] == pytest.approx(direct.probability)
    assert document["box"] == {"left": 0.25, "top": 0.0, "right": 0.75, "bottom": 1.0}
    assert document["photo_id"] == "a.jpg"
    assert document["finest"] == "cell"


def test_the_best_area_is_the_first_candidate(client: TestClient, photo: bytes) -> None:
    answered = client.post("/v1/predict", files={"files": photo}).json()["predictions"][0]["candidates"]
    first, second = answered[:2]
    assert ask(client, photo)["values"] == ask(client, photo, f"?target={first['cell']}")["values"]
    document = ask(client, photo, f"?target={first['cell']}&against={second['cell']}")
    assert document["against"]["name"] == second["name"]
    of_both = first["probability"] / (first["probability"] + second["probability"])
    assert document["probability"] == pytest.approx(of_both, rel=1e-3)
    turned = ask(client, photo, f"?target={second['cell']}&against={first['cell']}")
    np.testing.assert_allclose(document["values"], -np.array(turned["values"]), rtol=1e-2, atol=1e-4)


def test_occlusion_finds_the_part_that_says_it(client: TestClient, colour_bundle: Path) -> None:
    """Red on the left, grey on the right: only the left speaks for the cell of red photos."""
    pixels = np.full((60, 60, 3), 128, dtype=np.uint8)
    pixels[:, :30] = (255, 0, 0)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    settings = ServerSettings(models=(str(colour_bundle),), rate_per_minute=0)
    with TestClient(create_app(settings)) as small:
        assert small.get("/v1/model").json()["explanations"] == [{"name": "occlusion", "title": "Occlusion"}]
        answer = small.post("/v1/explain", files={"files": buffer.getvalue()})
        assert answer.status_code == 422
        document = ask(small, buffer.getvalue(), "?method=occlusion&target=0&against=1")
        values = np.array(document["values"])
        assert values.shape == (8, 8)
        assert values[:, :3].mean() > 5 * abs(values[:, 5:].mean())
        assert document["against"]["words"] == "1"
        assert "'gradcam' does not work with the model 'colours'. Expected: occlusion." in answer.text


def test_a_cell_and_its_siblings(client: TestClient, photo: bytes) -> None:
    answered = client.post("/v1/predict?top=100&shading=true", files={"files": photo}).json()
    best = answered["predictions"][0]["candidates"][0]
    partition = load_model().partition
    above = partition.parents[partition.leaf_nodes]
    siblings = set(np.flatnonzero(above == above[best["cell"]]).tolist())
    assert len(siblings) > 1
    share = sum(value for area, value in answered["predictions"][0]["shading"] if area in siblings)
    document = ask(client, photo, f"?target=parent:{best['cell']}")
    assert document["target"]["name"] == f"{best['name']} and around"
    assert document["probability"] == pytest.approx(share, rel=0.02)


def test_an_area_is_held_against_the_best(client: TestClient, photo: bytes) -> None:
    best = client.post("/v1/predict", files={"files": photo}).json()["predictions"][0]["candidates"][0]
    other = (best["cell"] + 1) % 245
    answer = client.post(f"/v1/explain?target={other}&against=best", files={"files": photo}).json()
    assert answer["target"]["words"] == str(other)
    assert answer["against"] == {"words": "best", "name": best["name"]}
    assert answer["probability"] < 0.5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("target=9999", "There is no area 9999. They are numbered 0 to 244"),
        ("target=country:XX", "No area of the model lies in the country 'XX'."),
        ("target=somewhere", "'somewhere' is no target. Expected best, 17 (an area's number) or country:CN."),
        ("target=3&against=3", "overlap, so one cannot be held against the other"),
        ("target=best&against=best", "overlap, so one cannot be held against the other"),
        ("target=" + "9" * 50, "at most 40 characters"),
        ("method=magic", "Input should be 'gradcam' or 'occlusion'"),
    ],
)
def test_wrong_words_are_told(client: TestClient, photo: bytes, words: str, said: str) -> None:
    answer = client.post(f"/v1/explain?{words}", files={"files": photo})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_one_photo_and_nothing_else(client: TestClient, photo: bytes) -> None:
    two = [("files", ("a.jpg", photo)), ("files", ("b.jpg", photo))]
    assert "One photo is looked at" in client.post("/v1/explain", files=two).json()["detail"]
    for damaged in (b"hello", b"\xff\xd8\xff", photo[: len(photo) // 2]):
        answer = client.post("/v1/explain", files={"files": damaged})
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:graticule:problem:no-photo"


@pytest.mark.parametrize("finest", ["region", "country"])
def test_a_cap_holds_for_explanations(photo: bytes, finest: str) -> None:
    settings = ServerSettings(rate_per_minute=0, finest=finest)
    with TestClient(create_app(settings)) as capped:
        document = ask(capped, photo)
        areas = [feature["properties"] for feature in capped.get("/v1/cells.geojson").json()["features"]]
        names = {area["name"] for area in areas}
        assert document["target"]["name"] in names
        best = capped.post("/v1/predict", files={"files": photo}).json()["predictions"][0]["candidates"][0]
        assert best["name"] == document["target"]["name"]
        assert document["probability"] == pytest.approx(best["probability"], rel=1e-3)
        assert ask(capped, photo, f"?target={best['cell']}")["target"]["name"] in names
        beyond = capped.post(f"/v1/explain?target={len(areas)}", files={"files": photo})
        assert beyond.status_code == 422  # a cell's number is an area's number or nothing
        for finer in ("cell:900", "node:1", "parent:1", "Paris, FR"):
            assert (
                capped.post("/v1/explain", params={"target": finer}, files={"files": photo}).status_code
                == 422
            )
        assert ask(capped, photo, "?target=country:FR")["target"]["name"] == "France"


def test_chores_refuse_what_is_too_much_and_give_up_what_takes_too_long() -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(patience: Patience) -> None:
        begun.set()
        try:
            while True:
                patience.check()
                time.sleep(0.001)
        except GivenUpError:
            ended.set()
            raise

    async def story() -> None:
        chores = Chores(most=1, answer_s=0.2)
        waiting = asyncio.ensure_future(chores.run(endless))
        await asyncio.to_thread(begun.wait, 5)
        with pytest.raises(ProblemError, match="1 requests of this kind are in work") as busy:
            await chores.run(endless)
        assert busy.value.status == 429
        with pytest.raises(ProblemError, match=r"No answer within 0\.2 s") as slow:
            await waiting
        assert slow.value.status == 503
        assert await asyncio.to_thread(ended.wait, 5)
        assert await chores.run(lambda _: 7) == 7
        chores.close()

    asyncio.run(story())
