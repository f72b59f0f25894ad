"""Reports that ``graticule evaluate -o`` wrote, for the page Model; no photo's answer is in what is kept.

In: folders of reports and the names of the models that are served. Out: what was measured of each model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from graticule.errors import MissingFileError, TableError, UsageError

METRICS: Final = "metrics.json"

PARTS: Final = ("by_continent", "calibration", "remarks")
"""Parts of a report's metrics that are handed on whole."""


def reports_of(identity: str, folders: Iterable[Path], served: Iterable[str]) -> list[dict[str, Any]]:
    """What the reports among ``folders`` say that are of the model ``identity``.

    Convention:
        - ``identity``: name and revision, ``default@1dcebc83c455``; ``served``: those of all models
        - fields as in a report's ``metrics.json``, and ``name``, the folder's

    Raises:
        MissingFileError: a folder holds no report.
        TableError: it cannot be read.
        UsageError: it is of a model that is not served.
    """
    known = set(served)
    found = []
    for folder in folders:
        document = _read(folder)
        model = document.get("model")
        if model not in known:
            what = f"the model '{model}', which is not" if model else "no single model that is"
            raise UsageError(
                f"The report '{folder}' is of {what} served; served: {', '.join(sorted(known))}.\n"
                "Measure it:  graticule predict PHOTOS -o p.parquet; "
                "graticule evaluate p.parquet --truth PHOTOS --model MODEL -o REPORT"
            )
        if model == identity:
            found.append(_kept(folder.resolve().name, document))
    return found


def _read(folder: Path) -> dict[str, Any]:
    path = folder / METRICS if folder.is_dir() else folder
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingFileError(
            f"There is no report in '{folder}' (no {METRICS}).\n"
            "Write one:  graticule evaluate PREDICTIONS --truth PHOTOS -o REPORT"
        ) from error
    except (OSError, ValueError) as error:
        raise TableError(f"The report '{path}' cannot be read: {error}.\nWrite it again.") from error
    if not isinstance(document, dict):
        raise TableError(f"The report '{path}' is no object of figures.\nWrite it again.")
    return document


def _kept(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """The figures, the best constant guess beside them, and the parts that the page draws."""
    from graticule.evaluation.document import HEADLINES  # a server without reports starts without it

    kept = {"name": name} | {key: document[key] for key in HEADLINES if key in document}
    kept["constant"] = (document.get("baselines") or {}).get("constant") or {}
    kept |= {key: document[key] for key in PARTS if key in document}
    kept["confusion"] = {
        what: {key: each[key] for key in ("classes", "what", "n", "accuracy", "pairs") if key in each}
        for what, each in (document.get("confusion") or {}).items()
    }
    return kept
