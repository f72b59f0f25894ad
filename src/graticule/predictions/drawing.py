"""From answers to a map: the cells shaded by probability, the estimate, and the truth where it is known."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from graticule.errors import PhotoError
from graticule.geo.sphere import great_circle_km
from graticule.maps import CellLayer, MapPhoto, MapScene, write_map
from graticule.photos.decode import decode

if TYPE_CHECKING:
    from graticule.partitions import Partition
    from graticule.predictions.prediction import Prediction

LEAST_PROBABILITY: Final = 1e-4
"""A share; cells below it are not drawn: they could not be told from the ground."""

MOST_THUMBNAILS: Final = 200
"""Past that many photos the page would grow too large to open quickly."""

THUMBNAIL_PX: Final = 256


def draw(
    predictions: Sequence[Prediction],
    path: Path,
    *,
    partition: Partition | None = None,
    probabilities: NDArray[np.float32] | None = None,
    truth: NDArray[np.float64] | None = None,
    title: str | None = None,
) -> Path:
    """Write one HTML file that shows the answers on a map and opens offline.

    Convention:
        - ``truth``: (N, 2) places in (latitude, longitude) degrees, NaN where unknown, or None
        - cells are drawn where ``partition`` and ``probabilities`` (N, K) are known, else only the places of
          the candidates
    """
    thumbnails = len(predictions) <= MOST_THUMBNAILS
    photos = tuple(
        _photo(
            prediction,
            () if probabilities is None else _drawn_cells(probabilities[row]),
            None if truth is None else truth[row],
            thumbnails,
        )
        for row, prediction in enumerate(predictions)
    )
    scene = MapScene(
        title=title or _title(predictions),
        cells=None if partition is None else _layer(partition),
        photos=photos,
    )
    write_map(path, scene)
    return path


def _title(predictions: Sequence[Prediction]) -> str:
    return predictions[0].photo_id if len(predictions) == 1 else f"{len(predictions)} photos"


def _layer(partition: Partition) -> CellLayer:
    rings, owners = partition.parts()
    return CellLayer(
        polygons=rings,
        labels=partition.names,
        tokens=partition.tokens,
        photos=partition.photos,
        owners=owners,
    )


def _drawn_cells(shares: NDArray[np.float32]) -> tuple[tuple[int, float], ...]:
    drawn = np.flatnonzero(shares >= LEAST_PROBABILITY)
    return tuple((int(cell), float(shares[cell])) for cell in drawn)


def _photo(
    prediction: Prediction,
    cells: tuple[tuple[int, float], ...],
    truth: NDArray[np.float64] | None,
    thumbnail: bool,
) -> MapPhoto:
    known = None if truth is None or np.isnan(truth).any() else (float(truth[0]), float(truth[1]))
    error_km = None
    if known is not None and prediction.latitude is not None and prediction.longitude is not None:
        error_km = float(great_circle_km([prediction.latitude, prediction.longitude], known))
    return MapPhoto(
        name=prediction.photo_id,
        latitude=prediction.latitude,
        longitude=prediction.longitude,
        confidence=prediction.confidence,
        truth=known,
        error_km=error_km,
        cells=cells,
        candidates=tuple(
            {"name": c.name, "latitude": c.latitude, "longitude": c.longitude, "probability": c.probability}
            for c in prediction.candidates
        ),
        thumbnail_jpeg=_thumbnail(prediction) if thumbnail else None,
        error=prediction.error,
    )


def _thumbnail(prediction: Prediction) -> bytes | None:
    if prediction.path is None or prediction.error is not None:
        return None
    try:
        picture = decode(prediction.path, min_side_px=THUMBNAIL_PX)
    except PhotoError:  # the file went away since it was predicted; the map stands without its picture
        return None
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
