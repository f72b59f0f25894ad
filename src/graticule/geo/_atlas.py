"""The file of country outlines, decoded; ``outlines`` is the front of it.

It is world-atlas's TopoJSON of Natural Earth 1:50m (public domain), put beside this module when the package
is built. Natural Earth draws territories as they are held, graticule counts them as ISO 3166-1 does, with a
code for each overseas part: ``_UNCODED`` and ``_PARTS`` say what is done where the two differ.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import iso3166
import numpy as np
import shapely
from numpy.typing import NDArray

from graticule.errors import GraticuleError
from graticule.geo.geojson import latlon_of_position, planar_polygons, position

Array = NDArray[np.float64]

_POLE_DEG: Final = 89.9

_FILE: Final = Path(__file__).parent / "assets" / "countries-50m.json"

# Features without an ISO number, by Natural Earth's name.
_UNCODED: Final = {
    "Kosovo": "XK",  # the code in general use, reserved by ISO for users
    "N. Cyprus": "CY",
    "Somaliland": "SO",
    "Siachen Glacier": "IN",  # claimed by India and Pakistan, held by India since 1984
    "Indian Ocean Ter.": "CX",  # Christmas Island and, by _PARTS, the Cocos Islands
}

# Parts of a feature that ISO codes on their own: (feature's code, part's code, south, west, north, east),
# a box in degrees around the whole part. Crimea is in Ukraine as in ISO 3166-2 (UA-43, UA-40).
_PARTS: Final = (
    ("CX", "CC", -13.0, 96.0, -11.0, 98.0),
    ("FR", "GF", 2.0, -55.0, 6.5, -51.0),
    ("FR", "GP", 15.7, -62.0, 16.7, -60.9),
    ("FR", "MQ", 14.3, -61.4, 15.0, -60.7),
    ("FR", "RE", -21.5, 55.0, -20.7, 56.0),
    ("FR", "YT", -13.1, 44.9, -12.5, 45.4),
    ("NL", "BQ", 11.9, -68.6, 17.8, -62.8),
    ("NO", "SJ", 70.7, -9.3, 71.3, -7.7),  # Jan Mayen
    ("NO", "SJ", 74.0, 10.0, 81.0, 34.0),  # Svalbard and Bear Island
    ("NZ", "TK", -10.0, -173.0, -8.0, -171.0),
    ("RU", "UA", 44.0, 32.4, 46.3, 36.7),
)

# Ground inside a polygon that ISO codes on its own, in the same form. Western Sahara begins at 27°40' N.
_CUTS: Final = (("MA", "EH", 20.7, -17.3, 27 + 40 / 60, -8.66),)


class Atlas(NamedTuple):
    """What is read from the file: single polygons to look places up in, and the coasts to measure to."""

    codes: NDArray[np.object_]  # (P,)
    polygons: NDArray[np.object_]  # (P,)
    tree: shapely.STRtree
    coast_codes: NDArray[np.object_]  # (S,)
    coast: Array  # (S, 2, 2): the two ends, latitude and longitude, of each piece of coast
    joined: frozenset[str]  # codes that stand for several features of the file, which share borders


@functools.cache
def atlas() -> Atlas:
    """The file, decoded once, in about a fifth of a second.

    Raises:
        GraticuleError: the file is missing or damaged.
    """
    try:
        topology = json.loads(_FILE.read_bytes())
        arcs = _arcs(topology)
        parts = list(_parts(topology, arcs))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise GraticuleError(
            f"The country outlines '{_FILE}' cannot be read ({type(error).__name__}: {error}).\n"
            "They are put there when the package is built; install it again:  pip install ."
        ) from error
    codes, polygons = _polygons(parts)
    coast_codes, coast = _coast(arcs, parts)
    features = {(part.code, part.feature) for part in parts}
    joined = {code for code, times in Counter(code for code, _ in features).items() if times > 1}
    return Atlas(
        codes=codes,
        polygons=polygons,
        tree=shapely.STRtree(polygons),
        coast_codes=coast_codes,
        coast=coast,
        joined=frozenset(joined | {piece for _, piece, *_ in _CUTS}),
    )


class _Part(NamedTuple):
    """One polygon of a feature."""

    feature: str
    code: str
    arcs: list[int]  # all that its rings are made of
    rings: list[Array]  # the outer ring, then the holes


def _parts(topology: dict[str, Any], arcs: list[Array]) -> Iterator[_Part]:
    by_number = {country.numeric: country.alpha2 for country in iso3166.countries}
    for geometry in topology["objects"]["countries"]["geometries"]:
        name = geometry["properties"]["name"]
        code = by_number.get(geometry.get("id")) or _UNCODED[name]
        polygons = [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry["arcs"]
        for polygon in polygons:
            joined = [(indices, _join(arcs, indices)) for indices in polygon]
            # The map's lower edge, below Antarctica, is left as a ring of 0.1 km around the pole.
            kept = [(indices, ring) for indices, ring in joined if np.abs(ring[:, 0]).min() < _POLE_DEG]
            used = [index if index >= 0 else ~index for indices, _ in kept for index in indices]
            yield _Part(name, _code_of_part(code, kept[0][1]), used, [ring for _, ring in kept])


def _polygons(parts: list[_Part]) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """All polygons in single pieces, and the code of each piece."""
    polygons = planar_polygons([part.rings[0] for part in parts], max_km=None)
    for index, part in enumerate(parts):
        if len(part.rings) > 1:
            holes = shapely.union_all(planar_polygons(part.rings[1:], max_km=None))
            polygons[index] = shapely.difference(polygons[index], holes)
    codes = np.asarray([part.code for part in parts], dtype=object)
    for whole, piece, *box in _CUTS:
        of_whole = codes == whole
        (south, west), (north, east) = box[:2], box[2:]
        cutter = shapely.box(*position([south, west]), *position([north, east]))
        polygons = np.append(polygons, shapely.intersection(polygons[of_whole], cutter))
        polygons[: len(codes)][of_whole] = shapely.difference(polygons[: len(codes)][of_whole], cutter)
        codes = np.append(codes, np.full(of_whole.sum(), piece, dtype=object))
    single, origin = shapely.get_parts(polygons, return_index=True)
    return codes[origin], single


def _coast(arcs: list[Array], parts: list[_Part]) -> tuple[NDArray[np.object_], Array]:
    """The pieces of all arcs that bound one polygon only, and the code of that polygon.

    An arc of two polygons is a border; no place off all outlines is nearest to one.
    """
    uses = np.bincount([index for part in parts for index in part.arcs], minlength=len(arcs))
    code = {index: part.code for part in parts for index in part.arcs}
    coast = np.flatnonzero(uses == 1).tolist()
    pieces = [np.stack([arcs[index][:-1], arcs[index][1:]], axis=1) for index in coast]
    codes = np.repeat([code[index] for index in coast], [len(each) for each in pieces]).astype(object)
    places = np.concatenate(pieces)
    for whole, piece, *box in _CUTS:
        middle = places.mean(axis=1)
        codes[(codes == whole) & (middle > box[:2]).all(axis=1) & (middle < box[2:]).all(axis=1)] = piece
    return codes, places


def _arcs(topology: dict[str, Any]) -> list[Array]:
    """The lines that outlines are made of, as places (n, 2).

    TopoJSON stores each as integer steps from point to point, scaled.
    """
    steps = topology["arcs"]
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = [np.cumsum(np.asarray(each, dtype=np.int64), axis=0) for each in steps]
    bounds = np.cumsum([len(each) for each in arcs])[:-1]
    return np.split(latlon_of_position(np.concatenate(arcs) * scale + shift), bounds)


def _join(arcs: Sequence[Array], indices: Sequence[int]) -> Array:
    """A ring from its arcs, each but the last without its end; ~i stands for arc i backwards."""
    return np.concatenate([(arcs[i] if i >= 0 else arcs[~i][::-1])[:-1] for i in indices])


def _code_of_part(code: str, ring: Array) -> str:
    """The part's own code where ISO has one, else its country's."""
    (south, west), (north, east) = ring.min(axis=0), ring.max(axis=0)
    for whole, part, *box in _PARTS:
        if code == whole and box[0] <= south and box[1] <= west and north <= box[2] and east <= box[3]:
            return part
    return code
