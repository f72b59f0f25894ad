"""Which parts of a photo speak for an area, over HTTP: no finer than what the operator lets out.

In: a photo's bytes and words for what is to be explained. Out: a document with a signed map, and which part
of the photo it lies over. What can be asked for are the areas that answers are made of, and countries; the
map is of the probabilities of these, so nothing is learned of the cells within.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from graticule.geo.countries import country_name
from graticule.photos.crop import centre_crop, middle_box, short_side_px
from graticule.photos.decode import decode
from graticule.web.problems import ProblemError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.explanations import SaliencyMap
    from graticule.inference import Model
    from graticule.web.areas import Areas
    from graticule.web.chores import Patience

Method = Literal["gradcam", "occlusion"]

TITLES: Final[dict[Method, str]] = {"gradcam": "Grad-CAM", "occlusion": "Occlusion"}

BEST: Final = "best"

PATCHES: Final = 7
STRIDES: Final = 28
"""Patches and strides along a side: S1's 32 and 8 of 224 pixels."""

SIDE: Final = 56
"""Numbers along a side of a map at most: what is finer says nothing more of a patch of 32 pixels."""


@dataclass(frozen=True)
class Question:
    """What is asked of one photo; ``target`` and ``against`` as ``/v1/explain`` describes them."""

    method: Method
    target: str = BEST
    against: str | None = None


@dataclass(frozen=True, eq=False)
class Side:
    """The cells that are meant by some words: ``mask`` (K,), and what people call them."""

    words: str
    name: str
    mask: NDArray[np.bool_]


def methods_of(model: Model) -> list[dict[str, str]]:
    """The methods that work with a model, the quickest first."""
    works: dict[Method, bool] = {"gradcam": model.network.gives_saliency, "occlusion": True}
    if not model.network.gives_cells:
        return []
    return [{"name": name, "title": TITLES[name]} for name, does in works.items() if does]


def explained(
    model: Model, areas: Areas, photo: bytes, question: Question, patience: Patience
) -> dict[str, Any]:
    """The document of ``/v1/explain`` for one photo, without its name.

    Raises:
        PhotoError: the photo cannot be read.
        ProblemError: 422, a method that does not work with the model, or no such area or country.
        GivenUpError: nobody waits any more.
    """
    known = [each["name"] for each in methods_of(model)]
    if question.method not in known:
        said = f"Expected: {' or '.join(known)}." if known else "It gives places and no probabilities."
        raise ProblemError(
            422,
            "no-such-method",
            f"'{question.method}' does not work with the model '{model.card.name}'. {said}",
        )
    asked = [question.target] if question.against is None else [question.target, question.against]
    named = {words: side_of(model, areas, words) for words in asked if words != BEST}
    if len(named) == len(asked):  # wrong words are told before any work
        _check_apart(*(named[words] for words in asked))
    size_px, crop = model.network.size_px, model.network.crop_fraction
    image = decode(photo, min_side_px=short_side_px(size_px, crop), name="The photo")
    square = centre_crop(image, size_px=size_px, crop_fraction=crop)
    if BEST in asked:
        named[BEST] = _best(model, areas, square)
    target, against = named[asked[0]], named[asked[1]] if len(asked) > 1 else None
    _check_apart(target, against)
    found = _map(model, square, question.method, (target, against), patience)
    odds = float(np.exp(found.score))
    return {
        "model": model.card.identity,
        "finest": areas.finest,
        "method": question.method,
        "title": TITLES[question.method],
        "target": {"words": target.words, "name": target.name},
        "against": against and {"words": against.words, "name": against.name},
        "probability": min(1.0, odds) if against is None else odds / (1 + odds),
        "meaning": found.meaning,
        "unit": found.unit,
        "values": found.to_dict(side=SIDE)["values"],
        "box": _box(image.size, crop),
    }


def side_of(model: Model, areas: Areas, words: str) -> Side:
    """The cells of an area, ``17`` or ``cell:17``, or of a country, ``country:CN``.

    Where cells may be told, ``parent:17`` is the cell with all others beneath its parent in the tree.

    Raises:
        ProblemError: 422, there is none.
    """
    kind, _, rest = words.rpartition(":")
    kinds = ("", "cell", "parent") if areas.finest == "cell" else ("", "cell")
    if kind in kinds and rest.isdecimal() and rest.isascii():
        area = int(rest)
        if area >= len(areas):
            advice = f"They are numbered 0 to {len(areas) - 1}; see /v1/cells.geojson."
            raise ProblemError(422, "no-such-target", f"There is no area {area}. {advice}")
        if kind == "parent":
            return Side(words, f"{areas.names[area]} and around", _siblings(model, area))
        return Side(rest, areas.names[area], areas.of_cell == area)
    if kind == "country":
        code = rest.upper()
        mask = np.array([own == code for own in model.cell_countries])
        if mask.any():
            return Side(f"country:{code}", country_name(code) or code, mask)
        raise ProblemError(422, "no-such-target", f"No area of the model lies in the country '{rest}'.")
    raise ProblemError(
        422, "no-such-target", f"'{words}' is no target. Expected best, 17 (an area's number) or country:CN."
    )


def _siblings(model: Model, cell: int) -> NDArray[np.bool_]:
    leaves = np.asarray(model.partition.leaf_nodes)
    above = np.asarray(model.partition.parents)[leaves]
    alone: NDArray[np.bool_] = np.arange(len(leaves)) == cell
    return alone if above[cell] < 0 else above == above[cell]


def _check_apart(target: Side, against: Side | None = None) -> None:
    if against is not None and (target.mask & against.mask).any():
        raise ProblemError(
            422,
            "no-contrast",
            f"{target.name} and {against.name} overlap, so one cannot be held against the other. "
            "Name two that lie apart.",
        )


def _best(model: Model, areas: Areas, square: NDArray[np.uint8]) -> Side:
    from graticule.explanations.stating import stated

    area = int(areas.shares(stated(model, square[None])[0]).argmax())
    return Side(BEST, areas.names[area], areas.of_cell == area)


def _map(
    model: Model,
    square: NDArray[np.uint8],
    method: Method,
    sides: tuple[Side, Side | None],
    patience: Patience,
) -> SaliencyMap:
    from graticule.explanations import OcclusionSettings, Target
    from graticule.explanations.gradcam import gradcam
    from graticule.explanations.occlusion import occlusion

    target, against = sides
    weights = target.mask.astype(np.float64)
    if against is not None:
        weights -= against.mask
    aim = Target(target.words, weights)
    if method == "gradcam":
        return gradcam(model, square[None], aim)[0]
    # S1's patch and stride as shares of the square; a tenth of the places, for a person waits for it
    patch_px, stride_px = (max(1, round(len(square) / parts)) for parts in (PATCHES, STRIDES))
    settings = OcclusionSettings(patch_px=patch_px, stride_px=stride_px, coarse=True)
    return occlusion(model, square, aim, settings, on_progress=patience.check)


def _box(size: tuple[int, int], crop: float) -> dict[str, float]:
    """The square that the network sees, as shares of the upright photo's width and height."""
    width, height = size
    left, top, right, bottom = middle_box(width, height, crop_fraction=crop)
    shares = {"left": left / width, "top": top / height, "right": right / width, "bottom": bottom / height}
    return {name: round(share, 6) for name, share in shares.items()}
