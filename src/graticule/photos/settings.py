"""What may be said about an ingest beside the source and the output: one frozen object with the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graticule.photos.cleaning import MIN_SIDE_PX
from graticule.photos.layouts.base import Words
from graticule.photos.storing.storage import Storage


@dataclass(frozen=True)
class IngestSettings:
    """How a source becomes a photo table; all of it may be left out.

    Convention:
        - ``latitude``, ``longitude``, ``path``, ``photo_id``: columns, where their names are not known ones
        - ``images``: folder that a table's paths start from; the table's own folder when left out
        - ``source_name``: written as ``source`` where the table has none (else that of the data set)
        - ``layout``: ``auto``, or the name of one; which there are and how it is chosen:
          ``graticule.photos.layouts``
        - ``decimal_comma``: numbers are written ``48,137``
        - ``utm_zone``: such as ``32N``, where file names hold UTM coordinates without their zone
        - ``check_pixels``: decode every photo; else ``sha256`` and ``phash`` stay null, and so do ``width``
          and ``height`` of a table's photos, which are not opened
        - ``duplicates``: what to do about photos that are there twice: ``report``, ``drop`` or ``keep``;
          without ``check_pixels`` they are not looked for
        - ``min_side_px``: photos whose shorter side has fewer pixels are refused
        - ``wrong_colours``: what to do about photos without colours of their own: ``report``, ``drop`` or
          ``keep``; without ``check_pixels`` they are not looked for
        - ``workers``: threads that open photos; one per processor when left out
        - ``storage``: store the photos in the output, scaled or in shards; None: they stay where they are
        - ``force``: what was stored in the output before, of other photos or in another form, is removed

    Example:
        >>> IngestSettings(latitude="breite").words(Path("photos")).columns()["latitude"]
        'breite'
    """

    latitude: str | None = None
    longitude: str | None = None
    path: str | None = None
    photo_id: str | None = None
    images: Path | None = None
    decimal_comma: bool = False
    utm_zone: str | None = None
    source_name: str | None = None
    layout: str = "auto"
    check_pixels: bool = True
    duplicates: str = "report"
    min_side_px: int = MIN_SIDE_PX
    wrong_colours: str = "report"
    workers: int | None = None
    storage: Storage | None = None
    force: bool = False

    def words(self, output: Path) -> Words:
        """The part that layouts need; ``output`` is for the lines that their errors advise to type."""
        return Words(
            latitude=self.latitude,
            longitude=self.longitude,
            path=self.path,
            photo_id=self.photo_id,
            images=self.images,
            decimal_comma=self.decimal_comma,
            output=output,
            utm_zone=self.utm_zone,
        )
