"""What a check of a photo found, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from graticule.geo.countries import country_name
from graticule.photos.metadata import KINDS
from graticule.predictions.prediction import in_words

if TYPE_CHECKING:
    from graticule.explanations.privacy.check import PrivacyReport, Told

_WIDTH = max(len(kind) for kind in KINDS) + 1


def in_sentences(report: PrivacyReport) -> list[str]:
    """The lines of a report on one photo, for people."""
    return [*_of_metadata(report), *_of_pixels(report), *_of_copy(report)]


def _of_metadata(report: PrivacyReport) -> Iterator[str]:
    traces = report.metadata.traces
    if not traces:
        yield "Its metadata tells nothing."
        return
    yield "Its metadata tells:"
    for trace in traces:
        yield f"  {trace.kind:<{_WIDTH}} {trace.words}"


def _of_pixels(report: PrivacyReport) -> Iterator[str]:
    before = report.before
    if before is None:
        return
    if before.confidence is None:
        yield f"Its pixels tell {report.model}: {before.latitude:.2f}, {before.longitude:.2f}"
        return
    yield f"Its pixels tell {report.model}: {before.cell}, {in_words(before.confidence)}{_off(before)}"
    if not report.regions:
        yield "No part of them takes confidence from that answer when it is blurred."
        return
    yield "These parts of it say most, in shares of its width and height:"
    width, height = report.metadata.width_px, report.metadata.height_px
    for region in report.regions:
        left, top, right, bottom = region.box
        across = f"from left {_percent(left / width)} to {_percent(right / width)}"
        down = f"from top {_percent(top / height)} to {_percent(bottom / height)}"
        yield f"  {across}, {down}; without it {_percent(region.confidence)}"


def _off(told: Told) -> str:
    if told.error_km is None:
        return ""
    return f"; its best estimate lies {told.error_km:,.0f} km from the position in the metadata"


def _of_copy(report: PrivacyReport) -> Iterator[str]:
    how = "every pixel as it was" if report.is_lossless else "encoded anew"
    if report.regions:
        how = f"{_percent(report.blurred_area)} of the photo blurred"
    yield f"A copy without metadata, {how}:"
    before, after = report.before, report.after
    if before is None or after is None:
        yield "  what its pixels tell was not looked at"
        return
    if before.confidence is not None and after.confidence is not None:
        yield f"  confidence in {before.cell}: {_percent(before.confidence)} -> {_percent(after.confidence)}"
    if before.country_confidence is not None and after.country_confidence is not None:
        name = country_name(before.country or "") or before.country
        shares = f"{_percent(before.country_confidence)} -> {_percent(after.country_confidence)}"
        yield f"  confidence in {name}: {shares}"
    if before.region_km2 is not None and after.region_km2 is not None and before.region_promise is not None:
        areas = f"{_area(before.region_km2)} -> {_area(after.region_km2)}"
        yield f"  region that holds the place {_percent(before.region_promise)} of the time: {areas}"
    yield "  Measured with one model: people and other models may still recognise the place."


def _percent(share: float) -> str:
    """A share for people, small ones with a digit more.

    Example:
        >>> _percent(0.256), _percent(0.0123)
        ('26 %', '1.2 %')
    """
    return f"{share:.1%}".replace("%", " %") if share < 0.0995 else f"{share:.0%}".replace("%", " %")


def _area(km2: float) -> str:
    return f"{km2 / 1e6:,.1f} million km²" if km2 >= 1e6 else f"{km2:,.0f} km²"
