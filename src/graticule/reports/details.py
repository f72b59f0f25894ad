"""The sections of an evaluation report on confidence, errors and their slices: figures and page parts."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any, Final

import numpy as np

from graticule.errors import PhotoError
from graticule.evaluation.details import Details
from graticule.photos.decode import decode
from graticule.reports.calibration_charts import (
    abstention_chart,
    confidence_histogram,
    coverage_chart,
    reliability_diagram,
)
from graticule.reports.canvas import Canvas
from graticule.reports.confusion_charts import confusion_matrix, dendrogram, flow_map

THUMBNAIL_PX: Final = 144


def detail_figures(details: Details) -> dict[str, Canvas]:
    """The figures that there is something to draw for, by name."""
    found: dict[str, Canvas | None] = {}
    for name, curve in details.reliability.items():
        found[f"reliability-{name}"] = reliability_diagram(curve, name)
        found[f"confidence-{name}"] = confidence_histogram(details.confidences[name], curve, name)
    coverage = details.document["coverage"]
    if coverage is not None:
        rows = [("all photos", coverage), *_by_continent(coverage)]
        found["coverage"] = coverage_chart(rows)
    if details.abstention:
        found["abstention"] = abstention_chart(details.abstention)
    for name, confusion in details.confusions.items():
        if not confusion.counts.any():
            continue
        found[f"confusion-{name}"] = confusion_matrix(confusion)
        found[f"tree-{name}"] = dendrogram(confusion)
    flows = details.document["confusion"].get("country", {}).get("flows")
    if flows:
        found["flows"] = flow_map(flows)
    return {name: canvas for name, canvas in found.items() if canvas is not None}


def _by_continent(coverage: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    from graticule.geo.countries import CONTINENTS

    rows = [(CONTINENTS[code], row) for code, row in coverage["by_continent"].items()]
    return sorted(rows, key=lambda row: -row[1]["n"])


def thumbnail(path: str | None) -> str | None:
    """A photo as a small JPEG in a ``data:`` address; None where it cannot be read."""
    if path is None or not Path(path).is_file():
        return None
    try:
        picture = decode(path, min_side_px=THUMBNAIL_PX)
    except PhotoError:
        return None
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def write_matrices(folder: Path, details: Details) -> None:
    """Each confusion matrix as CSV: true class, answered class, photos; zeros are left out."""
    import polars as pl

    for name, confusion in details.confusions.items():
        rows, columns = np.nonzero(confusion.counts)
        pl.DataFrame(
            {
                "true": [confusion.names[row] for row in rows],
                "answered": [confusion.names[column] for column in columns],
                "photos": confusion.counts[rows, columns],
            }
        ).write_csv(folder / f"confusion-{name}.csv")
