"""What ``graticule explain`` writes: a page, a sheet, or predictions with the maps as small arrays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from graticule.config import nearest
from graticule.errors import UsageError

if TYPE_CHECKING:
    from graticule.explanations import Check, Explanation, SaliencyMap
    from graticule.inference import Model
    from graticule.predictions.prediction import Prediction
    from graticule.reports.explanation import ExplainedPhoto, Layer

ENDINGS: Final = (".html", ".png", ".json")

HEAT_PX: Final = 256
"""Side of a heat map on the page; the browser enlarges it smoothly."""

MOST: Final = {".png": 20, ".html": 200, "--check": 200}
"""So many photos at most: of a sheet, of a page, and for a check, which holds them all."""

Refused = Sequence[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Explained:
    """A photo's answer and what was found of it.

    Convention:
        - ``explanation``: with its pictures, or None where nothing draws or checks it, so that thousands of
          photos can be explained
    """

    photo_id: str
    prediction: Prediction
    saliency: dict[str, Any]
    lines: list[str]
    explanation: Explanation | None

    @classmethod
    def of(
        cls, photo_id: str, prediction: Prediction, explanation: Explanation, *, is_kept: bool
    ) -> Explained:
        """What is needed of an explanation."""
        lines = [f"{photo_id}: {explanation.name}, {explanation.share_in_words}"]
        lines += [f"  {explanation.titles[name]}: {where(map_)}" for name, map_ in explanation.maps.items()]
        kept = explanation if is_kept else None
        return cls(photo_id, prediction, explanation.to_dict(), lines, kept)

    @property
    def whole(self) -> Explanation:
        """The explanation, where it was kept."""
        assert self.explanation is not None
        return self.explanation

    def to_dict(self) -> dict[str, Any]:
        """The prediction's fields, and the explanation under ``saliency``."""
        return self.prediction.to_dict() | {"saliency": self.saliency}


def check_count(count: int, output: Path | None, *, is_checked: bool) -> bool:
    """Refuse, before any work is done, more photos than can be held; whether they have to be held.

    Raises:
        UsageError: more photos than a sheet, a page or a check holds.
    """
    ending = "" if output is None else output.suffix.lower()
    asked = [name for name in (ending, "--check" if is_checked else "") if name in MOST]
    for name in asked:
        if count > MOST[name]:
            what = "A check" if name == "--check" else f"A {name}"
            raise UsageError(
                f"{what} holds {MOST[name]} photos, and there are {count:,}.\n"
                "Name fewer, or write numbers alone:  -o explained.json"
            )
    return bool(asked)


def where(map_: SaliencyMap) -> str:
    """Which part speaks most, in words."""
    from graticule.explanations.crops import strongest_part

    found = strongest_part(map_)
    if found is None:
        return "nothing in the photo speaks for it"
    part, share = found
    said = "says most: {} of what speaks for it" if map_.unit == "nats" else "has the most: {} of it"
    return f"{part} {said.format(f'{share:.0%}')}".replace("%", " %")


def check_output(path: Path) -> None:
    """Refuse, before any work is done, what cannot be written; its folder is made.

    Raises:
        UsageError: the ending says no known format, or the path is a folder.
    """
    if path.suffix.lower() not in ENDINGS:
        close = nearest(path.suffix.lower(), ENDINGS) or ".html"
        raise UsageError(
            f"'{path}' does not say what to write: its ending is none of {', '.join(ENDINGS)}.\n"
            f"Type:  -o {path.with_suffix(close)}"
        )
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder.\nName a file in it:  -o {path / 'explanation.html'}")
    path.parent.mkdir(parents=True, exist_ok=True)


def document(
    model: Model, explained: Sequence[Explained], refused: Refused, checked: Check | None
) -> dict[str, Any]:
    """Predictions as ``graticule predict --json`` gives them, each with its ``saliency``."""
    without = [
        {"photo_id": photo_id, "model": model.card.identity, "error": reason, "saliency": None}
        for photo_id, reason in refused
    ]
    found: dict[str, Any] = {
        "model": model.card.identity,
        "predictions": [each.to_dict() for each in explained] + without,
    }
    return found if checked is None else found | {"check": checked.to_dict()}


def write(
    path: Path,
    model: Model,
    explained: Sequence[Explained],
    refused: Refused,
    *,
    checked: Check | None,
    words: dict[str, Any],
) -> None:
    """Write what the ending of ``path`` says."""
    ending = path.suffix.lower()
    if ending == ".json":
        found = document(model, explained, refused, checked)
        text = json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)
        _replace(path, text.encode())
        return
    if ending == ".png":
        _write_sheet(path, explained, words)
    else:
        _write_page(path, model, explained, refused, checked)


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _write_sheet(path: Path, explained: Sequence[Explained], words: dict[str, Any]) -> None:
    from graticule.explanations import png
    from graticule.explanations.sheet import sheet

    rows = [(each.photo_id, each.whole) for each in explained]
    _replace(path, png(sheet(rows, opacity=words["opacity"], colours=words["colours"])))


def _write_page(
    path: Path, model: Model, explained: Sequence[Explained], refused: Refused, checked: Check | None
) -> None:
    from graticule.reports.explanation import ExplainedMethod, write_explanation_page

    first = explained[0].whole
    methods = [ExplainedMethod(name, first.titles[name], map_.meaning) for name, map_ in first.maps.items()]
    write_explanation_page(
        path,
        [_photo(each) for each in explained],
        methods,
        model=model.card.identity,
        refused=refused,
        check=None if checked is None else checked.to_dict(),
    )


def _photo(each: Explained) -> ExplainedPhoto:
    from graticule.explanations import jpeg
    from graticule.reports.explanation import ExplainedPhoto

    explanation = each.whole
    which = "" if explanation.target.contrasts else " by the model's probabilities"
    return ExplainedPhoto(
        photo_id=each.photo_id,
        photo=jpeg(explanation.view.picture),
        sides=explanation.sides,
        answer="The answer: " + str(each.prediction).splitlines()[0].removeprefix(f"{each.photo_id}: "),
        probability=explanation.share_in_words + which,
        layers=[_layer(explanation, name) for name in explanation.maps],
    )


def _layer(explanation: Explanation, name: str) -> Layer:
    from graticule.explanations import heat, jpeg, png
    from graticule.explanations.crops import crops
    from graticule.reports.explanation import Layer

    map_, picture = explanation.maps[name], explanation.view.picture
    speaking, opposing = (
        [jpeg(crop.of(picture)) for crop in crops(map_, against=against)] for against in (False, True)
    )
    words = where(map_)
    remark = words[0].upper() + words[1:] + "."
    return Layer(
        name, png(heat(map_, HEAT_PX, HEAT_PX)), remark, speaking, opposing, takes_sides=map_.takes_sides
    )
