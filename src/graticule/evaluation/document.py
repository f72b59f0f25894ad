"""What is written down of a comparison: ``metrics.json``, one row per photo, and the curves."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import polars as pl

from graticule._version import __version__
from graticule.evaluation.answers import BY_POLYGON
from graticule.evaluation.breakdown import by_part
from graticule.evaluation.curves import CURVE_KM, cumulative
from graticule.evaluation.exchanged import exchanged_in_words
from graticule.evaluation.figures import Comparison
from graticule.evaluation.ground_truth import continents_of
from graticule.evaluation.improvement import improvements
from graticule.evaluation.intervals import percentile_interval
from graticule.evaluation.judging import Judged
from graticule.evaluation.metrics import NO_CELL
from graticule.evaluation.remarks import remarks
from graticule.geo.countries import CONTINENTS, country_name

HEADLINES: Final = (
    "n",
    "median_km",
    "mean_km",
    "within_km",
    "geoscore",
    "top_k",
    "country_accuracy",
    "ece",
    "coverage_90",
)
"""The figures that stand for the whole where there is room for few: in bundles, and on the server's page."""


def document(comparison: Comparison, judging: Judged) -> dict[str, Any]:
    """The contents of ``metrics.json``: shares in [0, 1], lengths in km; None for what does not exist."""
    truth, answers = comparison.truth, comparison.answers
    sampling = comparison.sampling if comparison.sampling.resamples else None
    constant = comparison.baselines.constant_within
    found = {
        **comparison.figures(),
        "intervals": comparison.intervals(),
        "baselines": comparison.baselines.to_dict(),
    }
    found |= {
        "against_constant": comparison.against_constant(found["baselines"]),
        "improvement_over_random": _improvements(comparison),
        "by_continent": by_part(
            truth.continent,
            continents_of(answers.country),
            comparison.errors_km,
            constant,
            protocol=comparison.protocol,
            name_of=CONTINENTS.get,
            sampling=sampling,
        ),
        "by_country": by_part(
            truth.country,
            answers.country,
            comparison.errors_km,
            constant,
            protocol=comparison.protocol,
            name_of=country_name,
            sampling=sampling,
        ),
        "country_rule": _country_rule(comparison),
        "protocol": comparison.protocol.to_dict(),
        "matching": judging.to_dict(),
        "model": ", ".join(sorted(set(judging.frame["model"].drop_nulls().unique()))) or None,
        "graticule": __version__,
    }
    exchanged = exchanged_in_words(answers.latlon, truth.latlon)
    found["remarks"] = [*([exchanged] if exchanged else []), *remarks(found, judging.answers)]
    found_plainly: dict[str, Any] = plain(found)
    return found_plainly


def judged(frame: pl.DataFrame, comparison: Comparison) -> pl.DataFrame:
    """One row per photo: the columns that ``Evaluation.frame`` names."""
    return frame.select(
        "photo_id",
        "path",
        "latitude",
        "longitude",
        "true_latitude",
        "true_longitude",
        pl.Series("error_km", comparison.errors_km),
        "confidence",
        pl.col("candidates").list.first().struct.field("name").alias("name"),
        comparison.answers.country.series().alias("country"),
        comparison.truth.country.series().alias("true_country"),
        comparison.truth.continent.series().alias("true_continent"),
        "error",
    )


def curves(comparison: Comparison) -> pl.DataFrame:
    """Share of photos within each distance, as ``Evaluation.curves`` says."""
    drawn = comparison.resamples
    band = np.full((len(CURVE_KM), 2), np.nan)
    if drawn is not None:
        level = comparison.sampling.level
        band = np.array([percentile_interval(column, level=level) for column in drawn.curves["median_km"].T])
    return pl.DataFrame(
        {
            "distance_km": CURVE_KM,
            "model": cumulative(comparison.errors_km),
            "low": band[:, 0],
            "high": band[:, 1],
            "constant": comparison.baselines.constant_curve,
            "random": comparison.baselines.draw.curve,
        },
        nan_to_null=True,
    )


def _improvements(comparison: Comparison) -> dict[str, Any]:
    """S4's Improvement over Random for the cells and for the countries; None where there is no accuracy."""
    truth, ratios = comparison.truth, comparison.ratios
    found: dict[str, Any] = {"cell": None, "country": None}
    if truth.partition is not None and truth.cells is not None and "top 1" in ratios:
        inside = truth.cells[truth.cells != NO_CELL]
        asked = np.bincount(inside, minlength=truth.partition.count)
        # over the photos that have a cell, as the chances: where none has one there is no chance to beat
        accuracy = ratios["top 1"].mean * len(truth) / len(inside) if len(inside) else float("nan")
        found["cell"] = improvements(accuracy, truth.partition.photos, asked)
    known, asked_of = comparison.baselines.country_shares, truth.country.counts
    if "country_accuracy" in ratios and known:
        codes = sorted({*known, *asked_of})
        found["country"] = improvements(
            ratios["country_accuracy"].mean,
            [known.get(code, 0.0) for code in codes],
            [asked_of.get(code, 0) for code in codes],
        )
    return found


def _country_rule(comparison: Comparison) -> str:
    rule = comparison.answers.country_rule
    wanted = {"nearest-town": "the nearest town", "polygon": BY_POLYGON.removeprefix("by ")}
    asked = wanted.get(comparison.protocol.area_rule)
    if asked is not None and rule != f"by {asked}":
        return f"{rule}; the one figure 'right country' is by {asked}, as the protocol wants"
    return rule


def plain(value: Any) -> Any:
    """The same for JSON, which knows neither NaN nor infinity: both become None."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
