"""The finest answer that anyone gets: cells, regions or countries, in every endpoint and picture.

A model's cells are grouped into areas; of an answer only the probabilities of areas leave the server. Its
point is the middle of an area, rounded, so that what was capped cannot be read off the decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from graticule.config import probability_phrase
from graticule.geo import s2
from graticule.geo.countries import country_name
from graticule.geo.geojson import feature, feature_collection, latlon_of_position, planar_polygons
from graticule.geo.outlines import country_outlines
from graticule.geo.places import place_names
from graticule.geo.sphere import great_circle_km
from graticule.partitions.cells.shapes import polygon_areas_km2
from graticule.web.settings import Finest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.inference import Model
    from graticule.predictions import Predictions

REGION_LEVEL: Final = 5
"""Level of the S2 cells that stand for regions: about 290 km across, 83,000 km²."""

DECIMALS: Final[dict[str, int]] = {"country": 0, "region": 1, "cell": 4}
"""Decimals of a degree that leave the server: about 110 km, 11 km, 11 m."""

GRID_DEG: Final[dict[str, float]] = {"country": 1e-3, "region": 1e-4, "cell": 1e-4}
"""Corners of areas lie on this grid, in degrees: 110 m for outlines of countries, else 11 m."""

SHADED: Final = 1e-4
"""Areas of a smaller share are not drawn."""


@dataclass(frozen=True, eq=False)
class Areas:
    """A model's K cells as A areas.

    Convention:
        - ``of_cell``: (K,) the area of each cell
        - ``tokens``, ``names``, ``countries``: of each area
        - ``points``: (A, 2) its middle, (latitude, longitude) degrees, rounded
        - ``areas_km2``: (A,)
        - ``shapes``: (A,) polygons of the plane, x longitude, y latitude, cut at the antimeridian
        - ``photos``, ``levels``: (A,) training photos, level in the tree; -1 where there is none
    """

    finest: Finest
    of_cell: NDArray[np.intp]
    tokens: list[str]
    names: list[str]
    countries: list[str | None]
    points: NDArray[np.float64]
    areas_km2: NDArray[np.float64]
    shapes: NDArray[np.object_]
    photos: NDArray[np.int64]
    levels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tokens)

    def shares(self, probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Probabilities of cells (K,) -> of areas (A,)."""
        return np.bincount(self.of_cell, weights=probabilities, minlength=len(self)).astype(np.float64)

    def answer(self, answer: Predictions, *, top: int, shading: bool = False) -> dict[str, Any]:
        """One photo's prediction as a document that says no more than the cap allows.

        Convention:
            - ``answer``: a sequence of one, with the probabilities of all cells
            - fields as in ``Prediction``; candidates are areas, ``cell`` is an area's number
            - ``shading``: also all areas with their shares, [[number, share], ...], for a map
        """
        document = answer[0].to_dict()
        document.pop("path")  # what the server calls it is nobody's business
        document["confidence_in_words"] = None
        if document["error"] is not None:
            return document
        if answer.probabilities is None:
            return document | self._capped_place(document)
        shares = self.shares(answer.probabilities[0])
        best = np.argsort(-shares, kind="stable")
        if self.finest == "cell":
            point = np.round([document["latitude"], document["longitude"]], DECIMALS["cell"])
        else:
            point = self.points[best[0]]
        document |= {
            "latitude": float(point[0]),
            "longitude": float(point[1]),
            "confidence": float(shares[best[0]]),
            "confidence_in_words": probability_phrase(float(shares[best[0]])),
            "candidates": [self._candidate(int(area), float(shares[area])) for area in best[:top]],
        }
        if document["region_cells"] is not None:
            inside = np.unique(self.of_cell[document["region_cells"]])
            document["region_cells"] = inside.tolist()
            document["region_km2"] = float(self.areas_km2[inside].sum())
        if shading:
            drawn = best[shares[best] >= SHADED]
            document["shading"] = [[int(area), round(float(shares[area]), 6)] for area in drawn]
        return document

    def geojson(self) -> dict[str, Any]:
        """All areas as GeoJSON features with number, token, name, country, level and photos."""
        features = []
        for area in range(len(self)):
            latitude, longitude = self.points[area]
            properties = {
                "cell": area,
                "token": self.tokens[area],
                "name": self.names[area],
                "country": self.countries[area],
                "photos": int(self.photos[area]),
                "level": int(self.levels[area]) if self.levels[area] >= 0 else None,
                "latitude": float(latitude),
                "longitude": float(longitude),
                "area_km2": round(float(self.areas_km2[area])),
            }
            geometry = shapely.geometry.mapping(
                shapely.set_precision(self.shapes[area], GRID_DEG[self.finest])
            )
            features.append(feature(geometry, properties))
        return feature_collection(features)

    def _capped_place(self, document: dict[str, Any]) -> dict[str, Any]:
        """The place of a model without cells, no finer than the cap: the nearest area's middle."""
        place = np.array([document["latitude"], document["longitude"]])
        if self.finest != "cell":
            own = [at for at, country in enumerate(self.countries) if country == document["country"]]
            among = own if self.finest == "country" and document["country"] and own else range(len(self))
            middles = self.points[list(among)]
            place = middles[int(great_circle_km(middles, place).argmin())]
        latitude, longitude = np.round(place, DECIMALS[self.finest])
        return {"latitude": float(latitude), "longitude": float(longitude)}

    def _candidate(self, area: int, share: float) -> dict[str, Any]:
        return {
            "cell": area,
            "token": self.tokens[area],
            "name": self.names[area],
            "latitude": float(self.points[area, 0]),
            "longitude": float(self.points[area, 1]),
            "probability": share,
        }


def areas_of(model: Model, finest: Finest) -> Areas:
    """A model's cells as what its operator lets out."""
    return {"cell": _cells, "region": _regions, "country": _countries}[finest](model)


def _cells(model: Model) -> Areas:
    partition = model.partition
    return Areas(
        finest="cell",
        of_cell=np.arange(partition.count),
        tokens=list(partition.tokens),
        names=list(partition.names),
        countries=model.cell_countries,
        points=np.round(partition.centres, DECIMALS["cell"]),
        areas_km2=partition.areas_km2,
        shapes=shapely.from_wkb(partition.geometries()),
        photos=partition.photos,
        levels=partition.levels[partition.leaf_nodes],
    )


def _regions(model: Model) -> Areas:
    ids = s2.cell_ids(model.partition.centres, REGION_LEVEL)
    regions, of_cell = np.unique(ids, return_inverse=True)
    middles = s2.centre(regions)
    owners = [_most_common(model, of_cell == region) for region in range(len(regions))]
    return Areas(
        finest="region",
        of_cell=of_cell,
        tokens=[str(token) for token in s2.token(regions)],
        names=[f"Region of {name}" for name in place_names(middles)],
        countries=owners,
        points=np.round(middles, DECIMALS["region"]),
        areas_km2=s2.area_km2(regions),
        shapes=planar_polygons(list(s2.vertices(regions))),
        photos=np.bincount(of_cell, weights=model.partition.photos).astype(np.int64),
        levels=np.full(len(regions), REGION_LEVEL),
    )


def _countries(model: Model) -> Areas:
    outlines = country_outlines()
    codes = sorted({code or "" for code in model.cell_countries})
    of_cell = np.array([codes.index(code or "") for code in model.cell_countries])
    known = dict(zip(outlines.codes, outlines.polygons, strict=True))
    nowhere = shapely.MultiPolygon()
    shapes = np.array([known.get(code, nowhere) for code in codes], dtype=object)
    middles = [
        _middle(known[code]) if code in known else _mean(model, of_cell == n) for n, code in enumerate(codes)
    ]
    return Areas(
        finest="country",
        of_cell=of_cell,
        tokens=[code or "sea" for code in codes],
        names=[(country_name(code) or code) if code else "Open sea" for code in codes],
        countries=[code or None for code in codes],
        points=np.array(middles, dtype=np.float64).round(DECIMALS["country"]),
        areas_km2=polygon_areas_km2(shapes),
        shapes=shapes,
        photos=np.bincount(of_cell, weights=model.partition.photos).astype(np.int64),
        levels=np.full(len(codes), -1),
    )


def _middle(shape: Any) -> NDArray[np.float64]:
    """A point inside the largest part of a country, (latitude, longitude) degrees."""
    largest = max(shape.geoms, key=lambda part: part.area)
    point = largest.representative_point()
    return latlon_of_position([point.x, point.y])


def _mean(model: Model, cells: NDArray[np.bool_]) -> NDArray[np.float64]:
    from graticule.geo.sphere import spherical_mean

    return spherical_mean(model.partition.centres[cells])


def _most_common(model: Model, cells: NDArray[np.bool_]) -> str | None:
    """The country with most training photos among the cells."""
    counts: dict[str, int] = {}
    for cell in np.flatnonzero(cells):
        if code := model.cell_countries[cell]:
            counts[code] = counts.get(code, 0) + int(model.partition.photos[cell]) + 1
    return max(counts, key=lambda code: (counts[code], code)) if counts else None
