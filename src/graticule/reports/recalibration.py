"""A bundle calibrated anew on somebody's photos: read, fitted, judged on others, written with its card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.bundle import Bundle, BundleCard, write_bundle
from graticule.errors import UsageError
from graticule.evaluation.calibration.calibrating import (
    Calibrated,
    CalibrationSettings,
    calibrate,
)
from graticule.evaluation.calibration.coverage import coverage_in_words
from graticule.evaluation.calibration.sample import Sample
from graticule.inference import Model
from graticule.inference.estimate import chosen_cells, distances_km
from graticule.inference.sources import Source
from graticule.photos.layouts import Refusal
from graticule.photos.opening import open_photos

Progress = Callable[[int], None]

SECTION = "Calibration"


@dataclass(frozen=True, eq=False)
class CalibrationPhotos:
    """The photos to calibrate on.

    Convention:
        - ``sources``: N photos with known places; ``groups``: (N,) author, sequence or trip, or None
        - ``left_out``: photos of the table that are not among them, by ``ingest``'s reason or
          ``other-split``; those with a country alone are ``no-position``
    """

    sources: list[Source]
    groups: list[str | None]
    left_out: dict[str, int]


def read_calibration_photos(table: str | Path, *, split: str | None = None) -> CalibrationPhotos:
    """The photos with a place in a photo table, those that a model learns from (train) left out.

    Convention:
        - ``table``: a photo table, or a folder or table that ``ingest`` reads
        - ``split``: only the photos of that split; every split but train when left out

    Raises:
        MissingFileError: there is no such table.
        TableError: it is damaged, or ``ingest`` refuses every photo of it.
        UsageError: the table has no such split.
    """
    refusals: list[Refusal] = []
    photos = open_photos(table, refusals=refusals)
    chosen = _of_split(photos, split, Path(table))
    placed = chosen.filter(pl.col("latitude").is_not_null())
    sources = [
        Source(row["photo_id"], row["path"], Path(row["path"]), (row["latitude"], row["longitude"]))
        for row in placed.iter_rows(named=True)
    ]
    left_out = Counter(refusal.reason for refusal in refusals)
    left_out["other-split"] = photos.height - chosen.height
    left_out["no-position"] += chosen.height - placed.height
    return CalibrationPhotos(sources, placed["group"].to_list(), {k: n for k, n in left_out.items() if n})


def _of_split(photos: pl.DataFrame, split: str | None, table: Path) -> pl.DataFrame:
    stated = photos["split"]
    if stated.null_count() == photos.height:
        if split is not None:
            raise UsageError(f"Table '{table}' states no splits.\nLeave --split out.")
        return photos
    kept = photos.filter(stated == split) if split else photos.filter(stated.ne_missing("train"))
    if kept.is_empty():
        known = sorted(stated.drop_nulls().unique())
        wanted = f"of the split '{split}'" if split else "but those that models learn from (train)"
        others = [name for name in known if name != "train"]
        if others:
            advice = f"Name a split:  --split {others[0]}"
        elif stated.null_count():
            advice = f"Leave --split out, for the {stated.null_count():,} photos of no split."
        else:
            advice = "Give photos that the model has not learned from."
        raise UsageError(f"Table '{table}' has no photo {wanted} (found: {', '.join(known)}).\n{advice}")
    return kept


@dataclass(frozen=True, eq=False)
class Recalibration:
    """What came out: the ``card`` as written, the ``document`` of all figures, ``unreadable`` photos."""

    card: BundleCard
    document: dict[str, Any]
    unreadable: dict[str, str]


def recalibrate(
    bundle: Bundle,
    photos: CalibrationPhotos,
    output: str | Path,
    *,
    settings: CalibrationSettings | None = None,
    threads: int | None = None,
    advance: Progress | None = None,
) -> Recalibration:
    """Fit and judge a bundle's calibration, and write it as a new bundle.

    Convention:
        - ``output``: folder or ``.graticule`` file
        - ``advance``: told how many photos were looked at since it was last told

    Raises:
        TableError: no photo could be read, or they are too few for a promise; says how many are needed.
        BundleError: ``output`` is a folder that holds something else.
    """
    model = Model(bundle, threads=threads)
    raw, reasons = _raw(model, photos.sources, advance)
    read = np.array([reason is None for reason in reasons], dtype=bool)
    latlon = np.array([source.truth for source in photos.sources], dtype=np.float64).reshape(-1, 2)
    groups = [group for group, good in zip(photos.groups, read, strict=True) if good]
    sample = Sample.of(raw[read], latlon[read], model.partition, groups)
    made = calibrate(
        sample, model.partition, card=bundle.card, settings=settings, answer=_answer_of(model, bundle.card)
    )
    card = BundleCard.model_validate(bundle.card.model_dump() | _plain(made.fields))
    text = with_section(bundle.model_card, SECTION, calibration_section(made))
    written = write_bundle(
        output, model_onnx=bundle.model_onnx, partition=bundle.partition, card=card, model_card=text
    )
    unreadable = {
        source.photo_id: reason
        for source, reason in zip(photos.sources, reasons, strict=True)
        if reason is not None
    }
    document = {
        "before": bundle.card.identity,
        "after": written.identity,
        "left_out": photos.left_out,
        "unreadable": len(unreadable),
        **made.document,
    }
    return Recalibration(written, document, unreadable)


def _raw(
    model: Model, sources: list[Source], advance: Progress | None
) -> tuple[NDArray[np.float32], list[str | None]]:
    parts, reasons = [np.empty((0, model.partition.count), dtype=np.float32)], []
    for why, shares in model.raw_probabilities(sources):
        parts.append(shares)
        reasons += why
        if advance is not None:
            advance(len(why))
    return np.concatenate(parts), reasons


def _answer_of(model: Model, card: BundleCard) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    centres = model.partition.centres
    between_km = distances_km(centres) if card.estimate == "expected-distance" else None

    def answer(shares: NDArray[np.float64]) -> NDArray[np.float64]:
        return centres[chosen_cells(shares, card.estimate, between_km)]

    return answer


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.model_dump() if hasattr(value, "model_dump") else value for name, value in fields.items()
    }


def calibration_section(made: Calibrated) -> str:
    """What the model card says of a calibration, as Markdown."""
    document = made.document
    photos = document["photos"]
    lines = [
        f"Calibrated with graticule calibrate on {photos['n']:,} photos ({photos['groups']:,} authors or "
        "trips, "
        f"never torn apart): {photos['scaling']:,} to scale ({document['scaling']}), {photos['regions']:,} "
        "to "
        f"find regions on ({document['regions']['method']}), {photos['judging']:,} to judge. On the last:",
        "| | before | after |\n|---|---|---|\n"
        + "\n".join(
            f"| {name} | {_of(document, 'before', key)} | {_of(document, 'after', key)} |"
            for name, key in (
                ("calibration error (ECE)", "ece"),
                ("root mean square error, chance taken off", "ece_debiased"),
                ("log-loss", "nll"),
            )
        ),
        "\n".join(f"- {coverage_in_words(row)}" for row in document["coverage"]["after"]),
        "\n".join(f"- {remark}" for remark in document["remarks"]),
        "These figures hold for photos like those; on others promises may break.",
    ]
    return "\n\n".join(line for line in lines if line)


def _of(document: dict[str, Any], name: str, key: str) -> str:
    value = document["confidence"][name][key]
    return f"{value:.3f}" if key == "nll" else f"{100 * value:.1f} %"


def with_section(card: str, title: str, text: str) -> str:
    r"""A Markdown card with the section of that title replaced, or put before the one on limits, or last.

    Example:
        >>> print(with_section("# M\n\n## Limits and use\n\nB\n", "Calibration", "C"))
        # M
        <BLANKLINE>
        ## Calibration
        <BLANKLINE>
        C
        <BLANKLINE>
        ## Limits and use
        <BLANKLINE>
        B
        <BLANKLINE>
    """
    head, *sections = ("\n" + card).split("\n## ")
    kept = [section for section in sections if section.splitlines()[0].strip() != title]
    at = next((n for n, section in enumerate(kept) if section.startswith("Limits")), len(kept))
    kept.insert(at, f"{title}\n\n{text}")
    whole = "\n\n## ".join([head.strip("\n"), *(section.strip("\n") for section in kept)])
    return whole.lstrip("\n") + "\n"
