"""One photo, checked: what its metadata and its pixels tell, and a copy that tells less, as measured.

Faces are neither recognised nor named. Nothing is sent anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graticule.errors import UsageError
from graticule.explanations.privacy.blurring import blurred
from graticule.explanations.privacy.revealing import Region, regions_of, revealing_mask
from graticule.explanations.squares import square_of
from graticule.geo.sphere import great_circle_km
from graticule.photos.decode import read_bytes
from graticule.photos.metadata import (
    Metadata,
    encoded,
    format_of,
    read_metadata,
    stripped,
    upright_pixels,
)

if TYPE_CHECKING:
    from graticule.inference import Model
    from graticule.photos.exif import Position
    from graticule.predictions import Prediction


@dataclass(frozen=True)
class PrivacySettings:
    """How a copy is made.

    Convention:
        - ``most_area``: share of the square that the network sees which may be blurred, in [0, 1]; 0: nothing
          is blurred, and no model is needed
        - ``enough``: blurring stops when the probability of the answer has fallen to this share of what it
          was

    Raises:
        UsageError: a share outside [0, 1].
    """

    most_area: float = 0.2
    enough: float = 0.25

    def __post_init__(self) -> None:
        for name, share in (
            ("most_area (the share that may be blurred)", self.most_area),
            ("enough", self.enough),
        ):
            if not 0 <= share <= 1:
                raise UsageError(f"{name} must be a share in [0, 1]; got {share:g}. A fifth is 0.2.")


@dataclass(frozen=True)
class Told:
    """What a model says of the pixels.

    Convention:
        - ``cell``: name of its best cell; ``place``, ``latitude``, ``longitude``: its answer, degrees;
          ``country``: its most likely country
        - ``confidence``: the probability of the cell that was answered for the photo **as it was**, and
          ``country_confidence`` that of the country answered then: so the two of before and after compare
        - ``region_km2``: of the region that holds the truth ``region_promise`` of the time; None where the
          model promises none
        - ``error_km``: from the position in the metadata, which the model never sees; None without one
    """

    cell: str | None
    place: str | None
    latitude: float | None
    longitude: float | None
    confidence: float | None
    country: str | None
    country_confidence: float | None
    region_km2: float | None
    region_promise: float | None
    error_km: float | None

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class PrivacyReport:
    """What a photo gives away, and a copy.

    Convention:
        - ``before``, ``after``: what the model says of the photo and of the copy's own bytes; None without a
          model
        - ``regions``: what was blurred in the copy, the most telling first; ``blurred_area``: share of the
          photo
        - ``clean``: the bytes of the copy, without metadata, of format ``form`` (JPEG, PNG, WEBP, TIFF, HEIF)
        - ``is_lossless``: every pixel is as it was: a JPEG of which nothing is blurred
    """

    metadata: Metadata
    model: str | None
    before: Told | None
    after: Told | None
    regions: tuple[Region, ...]
    clean: bytes
    form: str
    is_lossless: bool

    @property
    def blurred_area(self) -> float:
        """Share of the photo that is blurred in the copy."""
        return sum(region.area for region in self.regions)

    def to_dict(self) -> dict[str, Any]:
        """All but the copy itself, as JSON values."""
        return {
            "metadata": self.metadata.to_dict(),
            "model": self.model,
            "before": None if self.before is None else self.before.to_dict(),
            "after": None if self.after is None else self.after.to_dict(),
            "regions": [region.to_dict() for region in self.regions],
            "copy": {
                "format": self.form,
                "bytes": len(self.clean),
                "is_lossless": self.is_lossless,
                "blurred_area": self.blurred_area,
            },
        }


def check_privacy(
    model: Model | None,
    photo: bytes | str | Path,
    *,
    settings: PrivacySettings | None = None,
    form: str | None = None,
    name: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> PrivacyReport:
    """What a photo gives away, and a copy that gives away less.

    Returns a ``PrivacyReport``: ``metadata`` (position, time, device, thumbnails, ... as ``traces``),
    ``before`` and ``after`` (what the model says of the photo and of the copy: confidence, country, region in
    km2), ``regions`` (which parts were blurred, and what each does alone), ``clean`` (the copy's bytes,
    without metadata) and ``form``; ``to_dict()`` gives all but the bytes as JSON values. Nothing is written
    or sent.

    Convention:
        - ``photo``: a path, beside which a sidecar ``.xmp`` is looked for, or the bytes of a file
        - ``model``: None where nothing is to be blurred, then only metadata is told and taken off
        - ``form``: the copy's format; that of the photo where it is JPEG, PNG, WebP or TIFF, else JPEG
        - ``name`` begins the sentences of errors; ``on_progress`` is called with pictures done, and of how
          many
        - only the square that the network sees is searched: the middle of the photo

    Raises:
        PhotoError: the photo cannot be read, or the copy cannot be written in that format.
        UsageError: the model has no probabilities of cells, or there is none and something is to be blurred.

    Example:
        >>> from io import BytesIO
        >>> from PIL import Image
        >>> file = BytesIO()
        >>> Image.new("RGB", (64, 48), "red").save(file, "JPEG", comment=b"at home")
        >>> found = check_privacy(None, file.getvalue(), settings=PrivacySettings(most_area=0))
        >>> found.metadata.traces[0].words, found.is_lossless, b"home" in found.clean
        ('comment: at home', True, False)
    """
    said = settings or PrivacySettings()
    path = None if isinstance(photo, bytes) else Path(photo)
    name = name or ("The photo" if path is None else f"Photo '{path}'")
    data = photo if isinstance(photo, bytes) else read_bytes(photo)
    metadata = read_metadata(data, name=name, path=path)
    wanted = form or format_of(data, name=name)
    if model is None:
        if said.most_area > 0:
            raise UsageError(
                "To find what is to be blurred a model is needed; without one set most_area to 0."
            )
        clean, is_lossless = _stripped(data, wanted, name)
        return PrivacyReport(metadata, None, None, None, (), clean, wanted, is_lossless)
    before = _answered(model, data)
    square = square_of(model, data, name=name)
    mask = np.zeros(square.shape[:2], dtype=np.bool_)
    if said.most_area > 0:
        mask = revealing_mask(
            model, square, most_area=said.most_area, enough=said.enough, on_progress=on_progress
        )
    regions = regions_of(model, square, mask, (metadata.width_px, metadata.height_px))
    if regions:
        copy = blurred(upright_pixels(data, name=name), mask, crop_fraction=model.network.crop_fraction)
        clean, is_lossless = encoded(copy, wanted, name=name), False
    else:
        clean, is_lossless = _stripped(data, wanted, name)
    told = [
        _told(model, answer, before[0], metadata.position) for answer in (before, _answered(model, clean))
    ]
    return PrivacyReport(metadata, model.card.identity, told[0], told[1], regions, clean, wanted, is_lossless)


def _stripped(data: bytes, wanted: str, name: str) -> tuple[bytes, bool]:
    if wanted == format_of(data, name=name):
        return stripped(data, name=name)
    return encoded(upright_pixels(data, name=name), wanted, name=name), False


Answered = tuple["Prediction", "np.ndarray[Any, Any] | None"]


def _answered(model: Model, data: bytes) -> Answered:
    """The answer for a photo, and the calibrated probability of every cell."""
    found = model.predict(data)
    return found[0], None if found.probabilities is None else found.probabilities[0]


def _told(model: Model, answered: Answered, first: Prediction, position: Position | None) -> Told:
    """An answer, its probabilities those of what was answered ``first``."""
    answer, shares = answered
    confidence = country_confidence = None
    if shares is not None and first.candidates:
        confidence = float(shares[first.candidates[0].cell])
        inside = [code is not None and code == first.country for code in model.cell_countries]
        country_confidence = float(shares[inside].sum()) if first.country else None
    error_km = None
    if position is not None and answer.latitude is not None and answer.longitude is not None:
        here = (answer.latitude, answer.longitude)
        error_km = float(great_circle_km(here, (position.latitude, position.longitude)))
    return Told(
        cell=answer.name,
        place=answer.estimate_name,
        latitude=answer.latitude,
        longitude=answer.longitude,
        confidence=confidence,
        country=answer.country,
        country_confidence=country_confidence,
        region_km2=answer.region_km2,
        region_promise=answer.region_promise,
        error_km=error_km,
    )
