"""Layouts with the ten columns of GeoEstimation: Im2GPS, Im2GPS3k, YFCC26k and any other such table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from graticule.photos.layouts.published import PublishedLayout


class Places365Layout(PublishedLayout):
    """``IMG_ID,AUTHOR,LAT,LON,...,Prob_indoor,Prob_natural,Prob_urban``; authors become groups."""

    name: ClassVar[str] = "places365"
    summary: ClassVar[str] = "any table with the columns of GeoEstimation (IMG_ID, LAT, LON, Prob_urban ...)"
    title: ClassVar[str] = "GeoEstimation's tables"
    tables: ClassVar[Mapping[str, str | None]] = {"*places365*": None}
    known_by: ClassVar[frozenset[str]] = frozenset(
        ["img_id", "lat", "lon", "prob_indoor", "prob_natural", "prob_urban"]
    )


class Im2gpsLayout(Places365Layout):
    """The 237 photos of Hays and Efros (2008)."""

    name: ClassVar[str] = "im2gps"
    summary: ClassVar[str] = "Im2GPS: im2gps_places365.csv and its photos"
    title: ClassVar[str] = "Im2GPS"
    source: ClassVar[str | None] = "im2gps"
    tables: ClassVar[Mapping[str, str | None]] = {"im2gps_places365": None}


class Im2gps3kLayout(Places365Layout):
    """The 2,997 photos of Vo, Jacobs and Hays (2017)."""

    name: ClassVar[str] = "im2gps3k"
    summary: ClassVar[str] = "Im2GPS3k: im2gps3k_places365.csv and its photos"
    title: ClassVar[str] = "Im2GPS3k"
    source: ClassVar[str | None] = "im2gps3k"
    tables: ClassVar[Mapping[str, str | None]] = {"im2gps3k_places365": None}


class Yfcc26kLayout(Places365Layout):
    """The 25,600 photos of Müller-Budack, Pustu-Iren and Ewerth (2018)."""

    name: ClassVar[str] = "yfcc26k"
    summary: ClassVar[str] = "YFCC26k: yfcc25600_places365.csv and its photos"
    title: ClassVar[str] = "YFCC26k"
    source: ClassVar[str | None] = "yfcc26k"
    tables: ClassVar[Mapping[str, str | None]] = {"yfcc25600_places365": None, "yfcc26k_places365": None}
