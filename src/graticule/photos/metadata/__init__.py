"""What a photo's file tells beside its pixels, and a copy that tells nothing."""

from graticule.photos.metadata.reading import Metadata, read_metadata
from graticule.photos.metadata.stripping import (
    FORMATS,
    encoded,
    format_for,
    format_of,
    stripped,
    suffix_for,
    upright_pixels,
)
from graticule.photos.metadata.trace import KINDS, Trace

__all__ = [
    "FORMATS",
    "KINDS",
    "Metadata",
    "Trace",
    "encoded",
    "format_for",
    "format_of",
    "read_metadata",
    "stripped",
    "suffix_for",
    "upright_pixels",
]
