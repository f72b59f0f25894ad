"""The page of explanations: each photo under its heat maps, with a choice of the method and a slider.

In: pictures and sentences, whoever made them. Out: one HTML file that opens offline.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from graticule.errors import MissingFileError
from graticule.reports.page import render_page

OPACITY: Final = 40
"""Where the slider stands at first, in percent: S4's blending."""


@dataclass(frozen=True)
class Layer:
    """A heat map over a photo.

    Convention:
        - ``heat``: a PNG with transparency, of the photo's square; ``remark``: what it shows, in words
        - ``speaking``, ``opposing``: JPEGs of the crops that say most for either side, strongest first
        - ``takes_sides``: whether it says what speaks for and against; attention says where the network looks
    """

    method: str
    heat: bytes
    remark: str
    speaking: Sequence[bytes] = ()
    opposing: Sequence[bytes] = ()
    takes_sides: bool = True


@dataclass(frozen=True)
class ExplainedPhoto:
    """A photo and its layers.

    Convention:
        - ``photo``: a JPEG of the square that was looked at; ``sides``: what is explained, and what it is
          held against (empty where there is nothing)
        - ``answer``: the prediction; ``probability``: of what is explained, both in words
    """

    photo_id: str
    photo: bytes
    sides: tuple[str, str]
    answer: str
    probability: str
    layers: Sequence[Layer]


@dataclass(frozen=True)
class ExplainedMethod:
    """A method, its title and what its values mean."""

    name: str
    title: str
    meaning: str


def write_explanation_page(
    path: str | Path,
    photos: Sequence[ExplainedPhoto],
    methods: Sequence[ExplainedMethod],
    *,
    model: str,
    refused: Sequence[tuple[str, str]] = (),
    check: Mapping[str, Any] | None = None,
) -> Path:
    """Write the page.

    Convention:
        - ``photos``: each with a layer for each of ``methods``, in their order
        - ``refused``: photo ids and why they have no explanation
        - ``check``: what ``graticule.explanations.Check.to_dict`` gives

    Raises:
        MissingFileError: it cannot be written.
    """
    target = Path(path)
    page = render_explanations(photos, methods, model=model, refused=refused, check=check)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise MissingFileError(
            f"The page cannot be written to '{target}' ({error.strerror or error}).\n"
            "Name a file you may write to:  -o explanation.html"
        ) from error
    return target


def render_explanations(
    photos: Sequence[ExplainedPhoto],
    methods: Sequence[ExplainedMethod],
    *,
    model: str,
    refused: Sequence[tuple[str, str]] = (),
    check: Mapping[str, Any] | None = None,
) -> str:
    """The page as HTML text."""
    templates = resources.files("graticule.reports") / "templates"
    return render_page(
        "explanation.html",
        title=photos[0].photo_id if len(photos) == 1 else f"{len(photos):,} photos",
        filters={"jpeg": _jpeg, "png": _png, "signed": _signed, "range": _range},
        has_images=True,
        script=(templates / "explanation.js").read_text(encoding="utf-8"),
        photos=photos,
        methods=methods,
        model=model,
        refused=refused,
        check=check,
        contrasts=any(photo.sides[1] for photo in photos),
        opacity=OPACITY,
    )


def _jpeg(content: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"


def _png(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _range(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"{_signed(interval[0])} to {_signed(interval[1])}"
