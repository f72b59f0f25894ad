"""Reading and writing the table of answers: Parquet, CSV, JSON, JSON Lines, GeoJSON.

Every format carries the same fields. CSV holds lists as JSON text, since it knows no lists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from graticule.errors import MissingFileError, PredictionsError, UsageError
from graticule.geo.geojson import feature, feature_collection, point_geometry
from graticule.predictions.parquet import write_parquet
from graticule.predictions.parts import read_parts
from graticule.predictions.prediction import Prediction
from graticule.predictions.table import SCHEMA, conform

MAP: Final = ".html"
"""The ending of a map, which ``Predictions.write`` draws."""

NESTED: Final = ("candidates", "region_cells")


def write_table(table: pl.DataFrame, path: Path) -> Path:
    """Write the columns of ``SCHEMA`` in the format that the ending of ``path`` says, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    _WRITERS[path.suffix.lower()](table, unfinished)
    unfinished.replace(path)
    return path


def check_target(path: Path) -> None:
    """Refuse, before any work is done, a path that could not be written; its folder is made.

    Raises:
        UsageError: the ending says no known format, or the path is a folder.
        OSError: its folder cannot be made.
    """
    if path.suffix.lower() not in {*_WRITERS, MAP}:
        raise UsageError(
            f"'{path}' does not say in which format to write.\n"
            f"End it with one of {', '.join([*_WRITERS, MAP])}, for example:  -o predictions.parquet"
        )
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder.\nName a file in it:  -o {path / 'predictions.parquet'}")
    path.parent.mkdir(parents=True, exist_ok=True)


def read_table(path: Path) -> pl.DataFrame:
    """The columns of ``SCHEMA`` from Parquet, CSV, JSON, JSON Lines or GeoJSON, or from a folder of parts.

    Raises:
        MissingFileError: there is no such file.
        PredictionsError: the file is damaged, or holds something else, or the folder is not complete.
    """
    if path.is_dir():
        return read_parts(path)
    reader = _READERS.get(path.suffix.lower())
    if not path.is_file():
        raise MissingFileError(
            f"There is no predictions file '{path}'.\nMake one:  graticule predict PHOTOS -o {path}"
        )
    if reader is None:
        raise PredictionsError(
            f"'{path}' is not a predictions file: its ending should be one of {', '.join(_READERS)}."
        )
    try:
        return conform(reader(path))
    except PredictionsError as error:
        raise PredictionsError(f"{path}: {error}") from error
    except (pl.exceptions.PolarsError, ValueError, KeyError, TypeError) as error:
        raise PredictionsError(
            f"The predictions in '{path}' cannot be read: {str(error).splitlines()[0]}\n"
            "The file is damaged or holds something else. Make it again:  graticule predict PHOTOS -o FILE"
        ) from error


def as_feature(prediction: Prediction) -> dict[str, Any]:
    """One answer as a GeoJSON feature; the geometry is null when there is no answer."""
    properties = prediction.to_dict()
    latitude, longitude = prediction.latitude, prediction.longitude
    geometry = None if latitude is None or longitude is None else point_geometry((latitude, longitude))
    return feature(geometry, properties)


def _write_csv(table: pl.DataFrame, path: Path) -> None:
    texts = {
        name: [
            None if value is None else json.dumps(value, ensure_ascii=False)
            for value in table[name].to_list()
        ]
        for name in NESTED
    }
    table.with_columns(pl.Series(name, values, dtype=pl.String) for name, values in texts.items()).write_csv(
        path
    )


def _write_json(table: pl.DataFrame, path: Path) -> None:
    _dump([item.to_dict() for item in _items(table)], path)


def _write_jsonl(table: pl.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(item.to_dict(), ensure_ascii=False) + "\n" for item in _items(table))


def _write_geojson(table: pl.DataFrame, path: Path) -> None:
    _dump(feature_collection([as_feature(item) for item in _items(table)]), path)


def _items(table: pl.DataFrame) -> Iterator[Prediction]:
    return (Prediction.from_dict(row) for row in table.iter_rows(named=True))


def _dump(document: Any, path: Path) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _read_csv(path: Path) -> pl.DataFrame:
    table = pl.read_csv(path, infer_schema=False)
    if missing := [name for name in SCHEMA if name not in table.columns and name != "region_promise"]:
        raise PredictionsError(f"the column '{missing[0]}' is missing (found: {', '.join(table.columns)}).")
    lists = {
        name: [None if text is None else json.loads(text) for text in table[name].to_list()]
        for name in NESTED
    }
    return table.with_columns(pl.Series(name, values, dtype=SCHEMA[name]) for name, values in lists.items())


def _read_json(path: Path) -> pl.DataFrame:
    return _frame(json.loads(path.read_text(encoding="utf-8")))


def _read_jsonl(path: Path) -> pl.DataFrame:
    return _frame(
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    )


def _read_geojson(path: Path) -> pl.DataFrame:
    document = json.loads(path.read_text(encoding="utf-8"))
    return _frame([item["properties"] for item in document["features"]])


def _frame(rows: Any) -> pl.DataFrame:
    if isinstance(rows, dict) and "predictions" in rows:  # what `graticule predict --json` printed
        rows = rows["predictions"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "photo_id" in row for row in rows):
        raise PredictionsError("expected a list of predictions, each with a 'photo_id'.")
    return pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in rows], schema=SCHEMA)


_WRITERS: Final[dict[str, Callable[[pl.DataFrame, Path], None]]] = {
    ".parquet": write_parquet,
    ".csv": _write_csv,
    ".json": _write_json,
    ".jsonl": _write_jsonl,
    ".geojson": _write_geojson,
}
_READERS: Final[dict[str, Callable[[Path], pl.DataFrame]]] = {
    ".parquet": pl.read_parquet,
    ".csv": _read_csv,
    ".json": _read_json,
    ".jsonl": _read_jsonl,
    ".geojson": _read_geojson,
}
