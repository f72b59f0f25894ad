"""Reads everything that a photo's file tells beside its pixels. Nothing is sent anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graticule.errors import PhotoError
from graticule.geo.places import place_names
from graticule.photos.decode import open_header, upright_size
from graticule.photos.exif import Position, position_in
from graticule.photos.metadata.blocks import jpeg_traces, picture_traces, profile_traces
from graticule.photos.metadata.exif_fields import exif_traces
from graticule.photos.metadata.packets import comment_traces, iptc_traces, xmp_traces
from graticule.photos.metadata.trace import Trace, in_order


@dataclass(frozen=True)
class Metadata:
    """What a photo's file tells.

    Convention:
        - ``format``: JPEG, HEIF, PNG, ...; ``width_px``, ``height_px``: of the upright photo
        - ``position``: in degrees, or None; ``place``: its name, offline
        - ``traces``: the most telling first; empty when the file tells nothing
    """

    format: str
    width_px: int
    height_px: int
    bytes: int
    position: Position | None
    place: str | None
    traces: tuple[Trace, ...]

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        at = self.position
        return {
            "format": self.format,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "bytes": self.bytes,
            "position": None
            if at is None
            else {
                "latitude": at.latitude,
                "longitude": at.longitude,
                "source": at.source,
                "place": self.place,
            },
            "traces": [trace.to_dict() for trace in self.traces],
        }


def read_metadata(data: bytes, *, name: str = "The photo", path: Path | None = None) -> Metadata:
    """What a photo's file tells beside its pixels.

    Convention:
        - ``data``: the bytes of a file; ``name`` begins the sentences of errors
        - ``path``: where a sidecar ``.xmp`` is looked for; none when left out

    Raises:
        PhotoError: the file cannot be read as an image; ``reason`` as of ``graticule.photos.decode``.

    Example:
        >>> from io import BytesIO
        >>> from PIL import Image
        >>> plain = BytesIO()
        >>> Image.new("RGB", (4, 3)).save(plain, "PNG")
        >>> read_metadata(plain.getvalue()).traces
        ()
    """
    image = open_header(data, name=name)
    if image.format in ("PNG", "WEBP", "GIF"):  # whose texts may come behind the pixels
        _load(image)
    width_px, height_px = upright_size(image)
    position, place, said = _position(image, name, path)
    traces = [*said, *exif_traces(image), *xmp_traces(image), *iptc_traces(image), *comment_traces(image)]
    traces += [*profile_traces(image), *picture_traces(image), *jpeg_traces(data)]
    found = in_order(traces)
    return Metadata(image.format or "", width_px, height_px, len(data), position, place, found)


def _load(image: Any) -> None:
    try:
        image.load()
    except Exception:  # damaged pixels are told of by who decodes them
        return


def _position(image: Any, name: str, path: Path | None) -> tuple[Position | None, str | None, list[Trace]]:
    """The position, its name, and what to say of it; one that cannot be believed is told of as well."""
    try:
        at = position_in(image, name=name, path=path)
    except PhotoError as error:
        if error.reason == "no-position":
            return None, None, []
        words = f"a position that is broken or empty ({error.reason})"
        return None, None, [Trace("position", words, "EXIF GPS", {"problem": error.reason})]
    place = place_names([[at.latitude, at.longitude]])[0]
    words = f"{at.latitude:.5f}, {at.longitude:.5f} ({place})"
    values = {"latitude": at.latitude, "longitude": at.longitude, "place": place}
    return at, place, [Trace("position", words, at.source, values)]
