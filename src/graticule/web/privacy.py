"""What does my photo give away, over HTTP: metadata, telling parts, and a clean copy, sent back at once.

In: a photo's bytes. Out: a document; the copy in it as base64. What is said of the place is capped as in
every answer: where cells may not be told, there are countries alone, and the metadata's position is rounded.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from graticule.config import probability_phrase
from graticule.geo.countries import country_name
from graticule.web.areas import DECIMALS
from graticule.web.settings import Finest

if TYPE_CHECKING:
    from graticule.explanations.privacy import PrivacyReport, Told
    from graticule.inference import Model
    from graticule.web.chores import Patience

MEDIA_TYPES: Final = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "HEIF": "image/heic",
}


def checked(
    model: Model, photo: bytes, *, most_area: float, finest: Finest, copy: bool, patience: Patience
) -> dict[str, Any]:
    """The document of ``/v1/privacy``, without the photo's name.

    Convention:
        - ``most_area``: share of what the network sees that may be blurred; 0: metadata only
        - ``copy``: the copy comes along, as base64

    Raises:
        PhotoError: the photo cannot be read.
        UsageError: the model has no cells, and something is to be blurred.
        GivenUpError: nobody waits any more.
    """
    from graticule.explanations.privacy import PrivacySettings, check_privacy

    report = check_privacy(
        model if most_area > 0 else None,
        photo,
        settings=PrivacySettings(most_area=most_area),
        name="The photo",
        on_progress=patience.check,
    )
    return document_of(report, finest=finest, copy=copy)


def document_of(report: PrivacyReport, *, finest: Finest, copy: bool) -> dict[str, Any]:
    """A report as it may leave the server."""
    document = report.to_dict()
    document["finest"] = finest
    document["before"], document["after"] = _told(report.before, finest), _told(report.after, finest)
    if finest != "cell":
        document["regions"] = [region | {"confidence": None} for region in document["regions"]]
    document["metadata"] = _capped(document["metadata"], finest)
    document["copy"]["media_type"] = MEDIA_TYPES.get(report.form, "application/octet-stream")
    document["copy"]["base64"] = base64.b64encode(report.clean).decode("ascii") if copy else None
    return document


def _told(told: Told | None, finest: Finest) -> dict[str, Any] | None:
    if told is None:
        return None
    document = told.to_dict()
    if finest != "cell":
        hidden = ("cell", "place", "latitude", "longitude", "confidence", "region_km2", "error_km")
        document |= dict.fromkeys(hidden)
    document["country_name"] = country_name(told.country) if told.country else None
    stated = document["confidence"] if finest == "cell" else document["country_confidence"]
    document["confidence_in_words"] = None if stated is None else probability_phrase(stated)
    return document


def _capped(metadata: dict[str, Any], finest: Finest) -> dict[str, Any]:
    """The metadata with its position no finer than an answer's; its own words on places are not repeated."""
    if finest == "cell":
        return metadata
    position = metadata["position"]
    rounded = ""
    if position is not None:
        latitude, longitude = (round(position[name], DECIMALS[finest]) for name in ("latitude", "longitude"))
        position = position | {"latitude": latitude, "longitude": longitude, "place": None}
        rounded = f", near {latitude:g}, {longitude:g}"
    said = {"position": f"an exact position{rounded}", "place": "a place, in words"}
    said["text"] = "a text, which may name a place"
    traces = [
        trace | ({"words": said[trace["kind"]], "values": {}} if trace["kind"] in said else {})
        for trace in metadata["traces"]
    ]
    return metadata | {"position": position, "traces": traces}
