from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import os
import re
import stat

import pytest
from map_scenes import HOSTILE

from graticule.errors import GraticuleError, MissingFileError
from graticule.maps import MapPhoto, MapScene, map_page, write_map
from graticule.maps import html as maps_html
from graticule.maps.html import embedded_json


class Page(html.parser.HTMLParser):
    """Elements with their attributes and texts, as a browser's parser would cut them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        self.elements.append((f"/{tag}", {}, []))

    def handle_data(self, data):
        if self.elements:
            self.elements[-1][2].append(data)

    def texts(self, tag: str) -> list[str]:
        return ["".join(data) for name, _, data in self.elements if name == tag]


@pytest.fixture
def page(album_scene) -> Page:
    return Page(map_page(album_scene))


def test_the_scene_can_be_read_back(page):
    document = json.loads(page.texts("script")[0])
    assert document["title"] == "Album & <b>more</b>"
    assert [photo["name"] for photo in document["photos"]] == ["china.jpg", HOSTILE, "lima.jpg"]


def test_hostile_names_open_no_element(page):
    assert page.texts("title") == ["Album & <b>more</b>"]
    assert [tag for tag, _, _ in page.elements if tag in ("img", "b")] == []
    assert len(page.texts("script")) == 2


def test_the_policy_allows_nothing_but_this_script_and_this_style(page):
    policy = next(attrs["content"] for _, attrs, _ in page.elements if attrs.get("http-equiv"))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        digest = base64.b64encode(hashlib.sha256(page.texts(tag)[-1].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_nothing_is_referred_to(page):
    for _, attrs, _ in page.elements:
        assert not {"src", "href", "srcset", "data", "action", "poster"} & set(attrs)
    assert "url(" not in page.texts("style")[0]
    assert "@import" not in page.texts("style")[0]
    hosts = set(re.findall(r"https?://([\w.-]+)", page.texts("script")[1]))
    assert hosts == {"www.openstreetmap.org", "www.w3.org"}  # a link, and the name of SVG


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "a\u2028b\u2029c", "\udcff", "\x00", '"\\'])
def test_any_text_survives_embedding(text):
    embedded = embedded_json({"name": text})
    assert not re.search("[<>&\u2028\u2029]", embedded)
    wanted = text.replace("\udcff", "\ufffd" * 3)
    assert json.loads(embedded.encode("utf-8"))["name"] == wanted


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path, monkeypatch):
    target = tmp_path / "deep" / "map.html"
    write_map(target, MapScene(title="first"))
    assert "<title>first</title>" in target.read_text(encoding="utf-8")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(MissingFileError, match=r"map.html' cannot be written \(No space left on device\)"):
        write_map(target, MapScene(title="second"))
    assert "<title>first</title>" in target.read_text(encoding="utf-8")
    assert [path.name for path in target.parent.iterdir()] == ["map.html"]


def test_the_file_is_as_readable_as_any_other(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    written = write_map(tmp_path / "map.html", MapScene(title="t"))
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingFileError, match="Name a file in a folder you may write to"):
        write_map(tmp_path / "file" / "map.html", MapScene(title="t"))


def test_a_missing_viewer_says_how_to_install_it(monkeypatch, tmp_path):
    maps_html._asset.cache_clear()
    monkeypatch.setattr(maps_html.resources, "files", lambda _: tmp_path)
    try:
        with pytest.raises(
            GraticuleError, match=r"'maps/assets/viewer.js' is missing(.|\n)*pip install -e \."
        ):
            map_page(MapScene(title="t"))
    finally:
        maps_html._asset.cache_clear()


def test_photos_without_a_layer_make_a_page():
    page = Page(map_page(MapScene(title="t", photos=[MapPhoto(name="x", latitude=1.0, longitude=2.0)])))
    assert json.loads(page.texts("script")[0])["cells"] is None
