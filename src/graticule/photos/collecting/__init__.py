"""Collects photos with places through the official APIs of Flickr and Mapillary, with the user's own key.

``collect`` searches by terms or around places, fetches what is free to use, and leaves a photo table; killed,
it goes on where it was. No page is scraped, and Street View is not offered: see docs/collect.md.
"""

from graticule.photos.collecting.candidates import Candidate, Wishes, why_not
from graticule.photos.collecting.collect import CLIENTS, CollectSettings, collect
from graticule.photos.collecting.licences import FREE, SETS, read_licences
from graticule.photos.collecting.outcome import CollectReport
from graticule.photos.collecting.session import Manners, PoliteSession
from graticule.photos.collecting.terms import EVERYTHING, GROUPS, LANGUAGES, Term, read_terms

__all__ = [
    "CLIENTS",
    "EVERYTHING",
    "FREE",
    "GROUPS",
    "LANGUAGES",
    "SETS",
    "Candidate",
    "CollectReport",
    "CollectSettings",
    "Manners",
    "PoliteSession",
    "Term",
    "Wishes",
    "collect",
    "read_licences",
    "read_terms",
    "why_not",
]
