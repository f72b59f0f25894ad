"""Writes a scene as one HTML file that opens from disk, offline, and asks nobody for anything.

Viewer, style and country outlines come from ``maps/assets``, which the build hook makes from
``web/``; the page's content security policy lets nothing else run or load.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from graticule.errors import GraticuleError, MissingFileError
from graticule.maps.scene import MapScene, scene_document

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="graticule">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript>This map is drawn by a script inside this file. Allow scripts for this page to see it.</noscript>
<main id="graticule"></main>
<script type="application/json" id="scene">{scene}</script>
<script>{script}</script>
</body>
</html>
"""


def write_map(path: str | os.PathLike[str], scene: MapScene) -> Path:
    """Write ``scene`` as one HTML file; the file appears whole or not at all.

    Convention:
        - the folder of ``path`` is made when missing; an existing file is replaced
        - the page needs no network and makes no request; a link to OpenStreetMap is followed only
          when a person clicks it

    Raises:
        MissingFileError: ``path`` cannot be written.
        GraticuleError: the viewer is not in this installation.
        UsageError: a photo refers to a cell that the scene does not have.
        CoordinateError: a place of the scene is not on Earth.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> write_map(Path(folder) / "map.html", MapScene(title="Nothing yet")).name
        'map.html'
    """
    target = Path(path)
    page = map_page(scene).encode("utf-8")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, page)
    except OSError as error:
        raise MissingFileError(
            f"The map '{target}' cannot be written ({error.strerror or error}).\n"
            "Name a file in a folder you may write to."
        ) from error
    return target


def map_page(scene: MapScene) -> str:
    """The HTML text of ``write_map``, for those who serve or embed it.

    Raises:
        GraticuleError: the viewer is not in this installation.
        UsageError: a photo refers to a cell that the scene does not have.
        CoordinateError: a place of the scene is not on Earth.

    Example:
        >>> map_page(MapScene(title="A < B")).count("<title>A &lt; B</title>")
        1
    """
    script, style = _asset("viewer.js"), _asset("viewer.css")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return _PAGE.format(
        policy=policy,
        title=html.escape(scene.title),
        style=style,
        scene=embedded_json(scene_document(scene)),
        script=script,
    )


def embedded_json(document: Any) -> str:
    r"""JSON that is safe inside a ``<script>`` element, whatever texts it holds.

    Convention:
        - ``<``, ``>``, ``&`` and the line separators U+2028 and U+2029 are written as escapes, so
          that no text can end the element or open a comment

    Raises:
        ValueError: a number is not finite, which JSON cannot say.

    Example:
        >>> print(embedded_json({"name": "</script><!--"}))
        {"name":"\u003c/script\u003e\u003c!--"}
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # a lone surrogate (an undecodable byte in a file's name) cannot be written as UTF-8
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


@cache
def _asset(name: str) -> str:
    asset = resources.files("graticule.maps") / "assets" / name
    try:
        return asset.read_text(encoding="utf-8")
    except OSError as error:
        raise GraticuleError(
            f"The map viewer is not in this installation of graticule ('maps/assets/{name}' is missing).\n"
            "Install it again, which builds the viewer:  pip install --force-reinstall --no-deps graticule\n"
            "or, in a checkout:  pip install -e ."
        ) from error


@cache
def _digest(text: str) -> str:
    """The content security policy's name for an inline element with this text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _replace(target: Path, content: bytes) -> None:
    """Write beside ``target`` and move into place, so that a kill leaves the old file or the new one."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
