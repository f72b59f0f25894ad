"""The whole audit: photos in, a document with figures and a verdict, and the pictures for its report, out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graticule.errors import UsageError
from graticule.explanations.auditing.clues import Clues, find_clues
from graticule.explanations.auditing.judging import Judge, Mask, Rows
from graticule.explanations.auditing.leakage import leakage
from graticule.explanations.auditing.masking import MARGIN, Sampling, in_figures, study
from graticule.explanations.auditing.patches import PatchMap, patch_map
from graticule.explanations.auditing.rectangles import USUAL, Rectangle
from graticule.explanations.auditing.retraining import how_to_retrain, region_of_photo
from graticule.explanations.auditing.searching import dealt, search
from graticule.explanations.auditing.subject import LIMIT, Subject, read_subject
from graticule.explanations.auditing.verdict import finding_of, sentences

if TYPE_CHECKING:
    from graticule.inference import Model

Step = Callable[[str, int, int], None]
"""Called with what is being done, how many steps of it are done, and of how many."""

FOUND = "the part found"


@dataclass(frozen=True)
class AuditSettings:
    """What is looked at, and how often.

    Convention:
        - ``split``: as of ``read_subject``; ``limit``: at most so many photos
        - ``patch_photos``: so many for the patch map; 100 pictures are looked at for each
        - ``clue_countries``, ``clue_photos``: of so many countries, and photos of each, crops are shown
        - ``draws``: random rectangles for each photo; ``resamples``: of the intervals, 0 for none

    Raises:
        UsageError: a count below 1.
    """

    split: str | None = None
    limit: int = LIMIT
    patch_photos: int = 100
    clue_countries: int = 6
    clue_photos: int = 24
    draws: int = 3
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("limit", "patch_photos", "clue_photos", "draws"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1; got {getattr(self, name)}.")

    @property
    def sampling(self) -> Sampling:
        """How random rectangles and intervals are drawn."""
        return Sampling(draws=self.draws, resamples=self.resamples, seed=self.seed)


@dataclass(frozen=True, eq=False)
class Audit:
    """What an audit found.

    Convention:
        - ``document``: everything, as JSON values; ``document["verdict"]``: sentences, ``["finding"]``: as
          of ``finding_of``, ``["part"]``: the rectangle found, ``["countries"]``: those that lean on it, or
          on a part that was given, and where it repeats from trip to trip
        - ``patches``, ``clues``: the maps and crops behind it; ``usual``: (S, S, 3), the mean photo;
          ``example``: the photo of the patch map that leans most, its row in the map
    """

    document: dict[str, Any]
    subject: Subject
    patches: PatchMap
    clues: tuple[Clues, ...]
    usual: NDArray[np.uint8]
    example: int = 0


def audit(
    model: Model,
    photos: str | Path,
    *,
    parts: Mapping[str, Rectangle | Mask] | None = None,
    settings: AuditSettings | None = None,
    on_step: Step | None = None,
) -> Audit:
    """Look for parts of the picture that a model leans on and that may be no evidence of the place.

    A third of the photos' groups searches for a rectangle, the others test it, and test the edges, the
    corners and whatever parts are given, against random rectangles of the same size.

    Convention:
        - ``photos``: a photo table with places
        - ``parts``: rectangles, or masks (S, S) of the network's square, by name

    Raises:
        UsageError: as ``read_subject``; a mask of another size; or the model has no cells.

    Source:
        S0, "Dataset pollution": a model that looked at the hood of the mapping car.
    """
    said, step = settings or AuditSettings(), on_step or _quiet
    step("reading photos", 0, 1)
    subject = read_subject(model, photos, split=said.split, limit=said.limit, seed=said.seed)
    judge = Judge(model, subject)
    step("reading photos", 1, 1)
    given = dict(parts or {})
    _check_masks(given, model.network.size_px)
    everybody = np.arange(len(subject))
    plain = judge(everybody)
    mapped = _mapped(subject, np.flatnonzero(judge.known), said)
    patches = patch_map(judge, mapped, on_progress=partial(step, "patches"))
    found, tested = _tested(judge, given, said, step)
    named = [part for part in tested if part["region"] == FOUND or part["region"] in given]
    countries = sorted({code for part in named for code in part["named"]})
    clues = find_clues(
        judge,
        _countries_of_clues(subject, judge.known, countries, said.clue_countries),
        everybody,
        most=said.clue_photos,
        on_progress=partial(step, "crops"),
    )
    right = plain.right.astype(bool)
    document = {
        "model": model.card.identity,
        "photos": _of_photos(judge, plain.right, photos),
        "settings": asdict(said),
        "finding": finding_of(tested),
        "margin": MARGIN,
        "countries": countries,
        "part": found,
        "tested": tested,
        "patches": patches.to_dict(subject.countries, right[mapped]),
        "clues": [each.to_dict(subject.photo_ids) for each in clues],
        "leakage": leakage(subject, plain.right, said.sampling),
        "retrain": _retraining(judge, tested),
    }
    document["verdict"] = sentences(document)
    example = _example(patches, subject, countries)
    return Audit(document, subject, patches, tuple(clues), judge.usual, example)


def _quiet(_words: str, _done: int, _of: int) -> None:
    return


def _check_masks(parts: Mapping[str, Rectangle | Mask], size_px: int) -> None:
    for name, part in parts.items():
        if not isinstance(part, Rectangle) and part.shape != (size_px, size_px):
            raise UsageError(
                f"The mask '{name}' has the shape {part.shape}, and the network sees squares of "
                f"{size_px} x {size_px}.\nScale it to that, or give a rectangle."
            )


def _tested(
    judge: Judge, given: Mapping[str, Rectangle | Mask], said: AuditSettings, step: Step
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """What was found with a third of the photos, and what the others say of it and of other parts."""
    looking, testing = dealt(judge.subject.units, judge.subject.countries, said.seed)
    found = None
    if len(looking):
        found = search(judge, looking, said.sampling, on_progress=partial(step, "searching"))
    first: dict[str, Rectangle | Mask] = {} if found is None else {FOUND: found.rectangle}
    # what was found is one question, what the user asks another, the usual parts a third
    families = [family for family in (first, dict(given), dict(USUAL)) if family]
    tested = []
    for number, family in enumerate(families):
        covered = study(
            judge, family, testing, said.sampling, on_progress=partial(step, f"testing {number + 1}")
        )
        tested += in_figures(judge, covered, said.sampling)
    if found is None:
        return None, tested
    about = {
        "rectangle": [round(share, 4) for share in found.rectangle.shares],
        "words": str(found.rectangle),
        "began_as": found.began_as,
        "suspects": sorted(found.suspects),
        "searched_with": len(looking),
        "tested_with": len(testing),
    }
    return about, tested


def _mapped(subject: Subject, rows: Rows, said: AuditSettings) -> Rows:
    """Photos for the patch map: one of each country, then another, until there are enough."""
    order = np.random.default_rng([said.seed, 3]).permutation(rows)
    turns: dict[str, int] = {}
    keys = []
    for row in order.tolist():
        code = str(subject.countries[row])
        keys.append(turns.setdefault(code, 0))
        turns[code] += 1
    chosen = order[np.argsort(np.array(keys, dtype=np.intp), kind="stable")[: said.patch_photos]]
    return np.sort(chosen)


def _countries_of_clues(subject: Subject, known: NDArray[np.bool_], named: list[str], most: int) -> list[str]:
    """Those named first, then those of most photos."""
    codes, counts = np.unique(subject.countries[known], return_counts=True)
    common = [str(code) for code in codes[np.argsort(-counts, kind="stable")]]
    return list(dict.fromkeys([*named, *common]))[: max(most, len(named))]


def _example(patches: PatchMap, subject: Subject, named: list[str]) -> int:
    """The photo of the map whose answer hangs most on a single patch, of a country that was named if any."""
    if not len(patches.rows):
        return 0
    most = patches.drops.max(axis=(1, 2))
    among = np.isin(subject.countries[patches.rows], named) if named else np.ones(len(most), dtype=np.bool_)
    return int(np.where(among if among.any() else True, most, -np.inf).argmax())


def _of_photos(judge: Judge, right: NDArray[np.float64], photos: str | Path) -> dict[str, Any]:
    subject = judge.subject
    return {
        "table": str(photos),
        "of": subject.of,
        "split": subject.split,
        "looked_at": len(subject),
        "accuracy": float(right.mean()),
        "countries": len(set(subject.countries.tolist())),
        "groups": len(set(subject.units.tolist())),
        "grouped": subject.grouped,
        "without_country": subject.unplaced,
        "of_countries_without_a_cell": int((~judge.known).sum()),
        "failed": subject.failed,
    }


def _retraining(judge: Judge, tested: list[dict[str, Any]]) -> dict[str, Any] | None:
    """How to train without the first part that some country leans on, one that repeats before others."""
    leaning = [part for part in tested if part["named"]] or [part for part in tested if part["leaning"]]
    if not leaning:
        return None
    part = leaning[0]
    if part["rectangle"] is None:
        words = "graticule train RECIPE --set augmentation.region_mask=MASK.png -o RUN"
        return {"region": None, "mask": part["region"], "type": words}
    region = region_of_photo(
        Rectangle(*part["rectangle"]),
        aspect=judge.subject.aspect,
        crop_fraction=judge.model.network.crop_fraction,
    )
    return {"region": list(region.shares), "mask": None, "type": how_to_retrain(region)}
