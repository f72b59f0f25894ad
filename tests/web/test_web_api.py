"""The API as a client meets it: answers, refusals, headers, and nothing finer than the operator's cap."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="needs the extra 'web'")
from starlette.testclient import TestClient

from graticule.errors import UsageError
from graticule.inference import load_model
from graticule.web.app import create_app
from graticule.web.settings import ServerSettings


def settings(bundle: Path, **words: object) -> ServerSettings:
    return ServerSettings(models=(str(bundle),), rate_per_minute=0, **words)


@pytest.fixture(scope="module")
def client(colour_bundle: Path) -> Iterator[TestClient]:
    with TestClient(create_app(settings(colour_bundle))) as client:
        yield client


def photo(
    colour: tuple[int, int, int] = (255, 0, 0), kind: str = "PNG", size: tuple[int, int] = (30, 20)
) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def files(*photos: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (f"{number}.png", data)) for number, data in enumerate(photos)]


def test_answers_are_those_of_predict(client: TestClient, colour_bundle: Path) -> None:
    photos = [photo((255, 0, 0)), photo((0, 255, 0)), photo((0, 0, 255))]
    document = client.post("/v1/predict", files=files(*photos)).json()
    assert document["finest"] == "cell"
    direct = load_model(colour_bundle).predict(photos)
    for ours, theirs in zip(document["predictions"], direct, strict=True):
        assert ours["candidates"][0]["cell"] == theirs.candidates[0].cell
        assert ours["confidence"] == pytest.approx(theirs.confidence)
        assert ours["latitude"] == pytest.approx(theirs.latitude, abs=1e-4)
        assert ours["region_cells"] == list(theirs.region_cells or ())
        assert ours["region_km2"] == pytest.approx(theirs.region_km2)
        assert ours["country"] == theirs.country
        assert "shading" not in ours
        assert "path" not in ours


def test_top_and_shading(client: TestClient) -> None:
    answer = client.post("/v1/predict?top=2&shading=true", files=files(photo())).json()["predictions"][0]
    assert len(answer["candidates"]) == 2
    assert answer["shading"][0] == [0, pytest.approx(answer["confidence"], abs=1e-6)]


def test_a_bad_file_beside_a_good_one(client: TestClient) -> None:
    response = client.post("/v1/predict", files=files(photo(), b"\x89PNG\r\n\x1a\n broken"))
    assert response.status_code == 200
    good, bad = response.json()["predictions"]
    assert good["error"] is None
    assert bad["latitude"] is None
    assert "PNG" in bad["error"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"hello", "no photo of a kind"),
        (b"%!PS-Adobe", "no photo of a kind"),
        (b"\xff\xd8\xff", ""),
    ],
)
def test_no_photo_at_all(client: TestClient, data: bytes, said: str) -> None:
    response = client.post("/v1/predict", files={"files": ("x.jpg", data)})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert said in response.json()["detail"]
    assert response.json()["errors"][0]["photo_id"] == "x.jpg"


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ({"content": b"x", "headers": {"content-type": "image/jpeg"}}, 415, "not-multipart"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "broken-form"),
        (
            {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            400,
            "broken-form",
        ),
        ({"files": {"other": ("a", b"b")}}, 422, "wrong-words"),
        ({"data": {"top": "3"}, "files": files(b"x")}, 422, "wrong-words"),
        (
            {
                "content": b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\ntext\r\n--b--\r\n',
                "headers": {"content-type": "multipart/form-data; boundary=b"},
            },
            422,
            "no-file",
        ),
        ({"files": files(*[b"x"] * 21)}, 413, "too-many-files"),
        ({"files": {"files": ("a.jpg", b"\xff\xd8\xff" + bytes(26_000_000))}}, 413, "too-large"),
    ],
)
def test_forms_that_are_refused(client: TestClient, words: dict, status: int, code: str) -> None:
    response = client.post("/v1/predict", **words)
    assert (response.status_code, response.json()["type"]) == (status, f"urn:graticule:problem:{code}")


@pytest.mark.parametrize(
    "query",
    [
        "top=0",
        "top=101",
        "top=many",
        "tops=3",
        "estimate=best",
        "promise=1.5",
        "promise=0.123",
        "shading=perhaps",
    ],
)
def test_words_that_are_refused(client: TestClient, query: str) -> None:
    response = client.post(f"/v1/predict?{query}", files=files(photo()))
    assert response.status_code == 422
    assert response.json()["type"] == "urn:graticule:problem:wrong-words"


def test_what_is_not_read_is_named_and_not_passed_over(client: TestClient) -> None:
    def said(address: str = "", **words: object) -> str:
        return client.post(f"/v1/predict{address}", **words).json()["detail"]

    assert "calls a file 'photo'; expected is 'files'" in said(files={"photo": ("a.jpg", photo())})
    assert "?top=..." in said(files=files(photo()), data={"top": "3"})
    assert said("?tops=3", files=files(photo())).endswith("Did you mean 'top'?")
    assert client.get("/v1/test-photo?model=x").json()["detail"].endswith("Expected: none.")
    assert client.get("/healthz?probe=1").status_code == 200  # balancers add what they like


def test_head_is_answered_as_get_is(client: TestClient) -> None:
    for path in ("/healthz", "/v1/model", "/"):
        assert client.head(path).status_code == client.get(path).status_code
    assert client.head("/v1/predict").status_code == 405


def test_one_limit_is_told_however_large_a_photo_says_it_is(client: TestClient) -> None:
    gif = bytearray(photo(kind="GIF"))
    gif[6:10] = b"\xe8\xfd\xe8\xfd"  # 65,000 x 65,000
    detail = client.post("/v1/predict", files=files(bytes(gif))).json()["detail"]
    assert detail == "The photo is too large; at most 60 megapixels are taken here. Scale it down first."


def test_a_photo_of_too_many_pixels_is_refused_from_its_header(colour_bundle: Path) -> None:
    with TestClient(create_app(settings(colour_bundle, pixels=500))) as client:
        response = client.post("/v1/predict", files=files(photo(size=(30, 20))))
    assert response.status_code == 422
    assert "30 x 20 pixels" in response.json()["detail"]


def test_unknown_model_path_and_method(client: TestClient) -> None:
    response = client.post("/v1/predict?model=defualt", files=files(photo()))
    assert (response.status_code, response.json()["title"]) == (404, "No model")
    assert client.get("/v1/nothing").json()["status"] == 404
    wrong = client.get("/v1/predict")
    assert wrong.headers["allow"] == "POST"
    assert wrong.json()["detail"].endswith("Expected POST.")


def test_every_answer_carries_the_safety_headers(client: TestClient) -> None:
    for response in (client.get("/healthz"), client.get("/nothing"), client.post("/v1/predict")):
        assert response.headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self';"
        )
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["referrer-policy"] == "no-referrer"
    assert client.get("/v1/model").headers["cache-control"] == "no-store"


def test_the_model_and_its_areas(client: TestClient) -> None:
    about = client.get("/v1/model").json()
    assert (about["cells"], about["areas"], about["card"]["name"]) == (3, 3, "colours")
    assert about["model_card"] == "# Colours\n"
    areas = client.get("/v1/cells.geojson")
    assert areas.headers["content-type"] == "application/geo+json"
    features = areas.json()["features"]
    assert [feature["properties"]["cell"] for feature in features] == [0, 1, 2]
    assert all(feature["geometry"]["coordinates"] for feature in features)


def test_metrics_count_routes_and_tell_nothing_of_photos(client: TestClient) -> None:
    client.post("/v1/predict", files={"files": ("secret-holiday.png", photo())})
    client.get("/v1/secret-path")
    text = client.get("/metrics").text
    assert 'graticule_requests_total{route="/v1/predict",status="200"}' in text
    assert "graticule_photos_total" in text
    assert "secret" not in text


def test_a_token_is_needed_where_one_is_set(colour_bundle: Path) -> None:
    with TestClient(create_app(settings(colour_bundle, token="s3cret"))) as client:
        for path in ("/v1/model", "/metrics", "/openapi.json", "/v1/cells.geojson"):
            response = client.get(path)
            assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
            assert client.get(path, headers={"Authorization": "Bearer s3cre"}).status_code == 401
            assert client.get(path, headers={"Authorization": "Bearer s3cret"}).status_code == 200
        assert client.get("/healthz").status_code == 200


def test_too_many_requests_are_told_when_to_come_back(colour_bundle: Path) -> None:
    few = settings(colour_bundle).model_copy(update={"rate_per_minute": 6.0, "burst": 2})
    with TestClient(create_app(few)) as client:
        assert [client.get("/v1/model").status_code for _ in range(3)] == [200, 200, 429]
        assert 1 <= int(client.get("/v1/model").headers["retry-after"]) <= 10
        assert client.get("/healthz").status_code == 200


def test_guesses_of_the_token_are_limited_too(colour_bundle: Path) -> None:
    few = settings(colour_bundle, token="s3cret").model_copy(update={"rate_per_minute": 6.0, "burst": 2})
    guess = {"Authorization": "Bearer s3cre"}
    with TestClient(create_app(few)) as client:
        answers = [client.get("/metrics", headers=guess) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[0].json()["detail"].startswith("That is not this server's token.")
    assert "Try again in" in answers[2].json()["detail"]


def test_a_full_queue_is_told(colour_bundle: Path) -> None:
    with TestClient(create_app(settings(colour_bundle, queue=1))) as client:
        response = client.post("/v1/predict", files=files(photo(), photo()))
        assert (response.status_code, response.json()["title"]) == (429, "Busy")
        assert "retry-after" in response.headers
        assert client.post("/v1/predict", files=files(photo())).status_code == 200


@pytest.mark.parametrize("finest", ["country", "region"])
def test_nothing_finer_than_the_cap_leaves_the_server(colour_bundle: Path, finest: str) -> None:
    centres = load_model(colour_bundle).partition.centres
    with TestClient(create_app(settings(colour_bundle, finest=finest))) as client:
        answer = client.post("/v1/predict?shading=true", files=files(photo())).json()
        areas = client.get("/v1/cells.geojson").json()
        about = client.get("/v1/model").json()
    assert answer["finest"] == about["finest"] == finest
    decimals = {"country": 0, "region": 1}[finest]
    prediction = answer["predictions"][0]
    points = [(prediction["latitude"], prediction["longitude"])]
    points += [(c["latitude"], c["longitude"]) for c in prediction["candidates"]]
    points += [(f["properties"]["latitude"], f["properties"]["longitude"]) for f in areas["features"]]
    for point in points:
        assert point == tuple(np.round(point, decimals))
    said = json.dumps([answer, areas])
    for latitude, longitude in centres:
        assert f"{latitude:.4f}" not in said
        assert f"{longitude:.4f}" not in said
    if finest == "country":
        assert {c["token"] for c in prediction["candidates"]} == {"FR", "CN", "AU"}
        assert prediction["candidates"][0]["token"] == prediction["country"]
        assert prediction["confidence"] == pytest.approx(prediction["country_confidence"])


def test_shares_of_areas_are_sums_over_cells(colour_bundle: Path) -> None:
    from graticule.web.areas import areas_of

    model = load_model(colour_bundle)
    for finest in ("cell", "region", "country"):
        areas = areas_of(model, finest)
        shares = np.array([0.5, 0.3, 0.2])
        assert areas.shares(shares).sum() == pytest.approx(1.0)
        for area in range(len(areas)):
            assert areas.shares(shares)[area] == pytest.approx(shares[areas.of_cell == area].sum())


def test_a_test_photo_has_its_place_in_the_headers(
    colour_bundle: Path, colour_photos: Path, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"path,latitude,longitude\n{colour_photos / 'a-red.jpg'},48.85661,2.35222\n")
    with TestClient(create_app(settings(colour_bundle, photos=table, finest="region"))) as client:
        response = client.get("/v1/test-photo")
    assert response.headers["graticule-truth"] == "48.9,2.4"
    with Image.open(io.BytesIO(response.content)) as image:
        assert image.size == (40, 30)


def test_no_test_photos(client: TestClient) -> None:
    assert client.get("/v1/test-photo").json()["title"] == "No test photos"


@pytest.mark.parametrize(
    ("words", "open_to_others"),
    [
        ({"host": "127.0.0.1"}, True),
        ({"host": "::1"}, True),
        ({"host": "localhost"}, True),
        ({"host": "0.0.0.0"}, False),
        ({"host": "10.0.0.1", "token": "x"}, True),
        ({"host": "0.0.0.0", "allow_anonymous": True}, True),
        ({"host": "example.org"}, False),
    ],
)
def test_no_one_is_open_to_others_by_accident(words: dict, open_to_others: bool) -> None:
    if open_to_others:
        ServerSettings(**words).check_reachable()
    else:
        with pytest.raises(UsageError, match="--token SECRET"):
            ServerSettings(**words).check_reachable()


def test_rates_fill_and_forget() -> None:
    from graticule.web.guard import CLIENTS, Rates

    rates = Rates(per_s=0.5, burst=2)
    assert [rates.wait_s("a", now_s=0.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert rates.wait_s("b", now_s=0.0) == 0.0
    assert rates.wait_s("a", now_s=1.0) == pytest.approx(1.0)
    assert rates.wait_s("a", now_s=2.0) == 0.0
    for number in range(CLIENTS + 5):
        rates.wait_s(f"c{number}", now_s=3.0)
    assert len(rates._left) <= CLIENTS


def test_a_photo_s_own_position_changes_nothing(client: TestClient) -> None:
    answers = []
    for latitude in (None, 48.85, -33.9):
        exif = Image.Exif()
        if latitude is not None:
            exif.get_ifd(0x8825).update({1: "N" if latitude > 0 else "S", 2: (abs(latitude), 0.0, 0.0)})
        buffer = io.BytesIO()
        Image.new("RGB", (30, 20), (0, 0, 255)).save(buffer, "JPEG", exif=exif)
        answers.append(client.post("/v1/predict", files=files(buffer.getvalue())).json())
    assert answers[0]["predictions"][0]["candidates"][0]["cell"] == 2
    assert answers[0] == answers[1] == answers[2]
