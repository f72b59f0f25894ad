"""Clue clustering: the most important crop of each photo of a country, and which of them are alike.

A hood, a badge or a date that returns in many photos of a country is seen at once on such a sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graticule.explanations.auditing.judging import Judge, Rows, logarithm
from graticule.explanations.auditing.rectangles import Rectangle

PLACES: Final = 6
"""Places of the patch along each side."""

PATCH: Final = 0.25
"""Side of the patch that is covered, a share; neighbours overlap."""

CROP: Final = 1 / 3
"""Side of the crop around it that is shown, a share."""

ALIKE: Final = 0.5
"""Crops are alike when their embeddings lie nearer than this share of the median distance of all crops."""

SPREAD: Final = 0.12
"""Crops return at one place when their centres spread by less than this share of a side."""

_LEAST_SHARE: Final = 0.3
_FEWEST: Final = 4


@dataclass(frozen=True, eq=False)
class Clues:
    """The most important crops of one country.

    Convention:
        - ``rows``: (n,) of the subject; ``crops``: (n, S, S, 3) uint8; ``boxes``: where they lie
        - ``drops``: (n,) how far the country's log-probability falls without the patch, nats
        - ``clusters``: (n,) number of each crop's cluster, 0 the largest
    """

    country: str
    rows: Rows
    crops: NDArray[np.uint8]
    boxes: tuple[Rectangle, ...]
    drops: NDArray[np.float64]
    clusters: NDArray[np.intp]

    def to_dict(self, photo_ids: Sequence[str]) -> dict[str, Any]:
        """The clusters, the largest first, as JSON values."""
        return {
            "country": self.country,
            "photos": len(self.rows),
            "clusters": [
                self._cluster(number, photo_ids) for number in range(int(self.clusters.max(initial=-1)) + 1)
            ],
        }

    def _cluster(self, number: int, photo_ids: Sequence[str]) -> dict[str, Any]:
        inside = np.flatnonzero(self.clusters == number)
        centres = np.array([[(box.top + box.bottom) / 2, (box.left + box.right) / 2] for box in self.boxes])[
            inside
        ]
        spread = float(centres.std(axis=0).max())
        share = len(inside) / len(self.rows)
        return {
            "photos": len(inside),
            "share": share,
            "centre": [round(float(value), 4) for value in centres.mean(axis=0)],
            "spread": round(spread, 4),
            "returns_at_one_place": bool(
                len(inside) >= _FEWEST and share >= _LEAST_SHARE and spread < SPREAD
            ),
            "drop": round(float(self.drops[inside].mean()), 4),
            "crops": [
                {"photo_id": photo_ids[self.rows[one]], "box": [round(s, 4) for s in self.boxes[one].shares]}
                for one in inside.tolist()
            ],
        }


def find_clues(
    judge: Judge,
    countries: Sequence[str],
    rows: Rows,
    *,
    most: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Clues]:
    """The clues of some countries.

    Convention:
        - ``rows``: of the subject, of which each country's own are taken, ``most`` at most, those that the
          model is surest of
    """
    found = []
    for number, code in enumerate(countries):
        own = rows[judge.subject.countries[rows] == code]
        own = own[np.argsort(-judge(own).share, kind="stable")[:most]]
        found.append((code, own, *_telling(judge, own)))
        if on_progress:
            on_progress(number + 1, len(countries))
    crops = [_cropped(judge, own, boxes) for _, own, boxes, _ in found]
    embedded = [judge.embedded(each) for each in crops]
    limit = _near(embedded)
    return [
        Clues(code, own, pictures, boxes, drops, _clustered(vectors, limit))
        for (code, own, boxes, drops), pictures, vectors in zip(found, crops, embedded, strict=True)
    ]


def _telling(judge: Judge, rows: Rows) -> tuple[tuple[Rectangle, ...], NDArray[np.float64]]:
    """Around each photo's most important patch, the part to show; and how far the answer falls without it."""
    base = logarithm(judge(rows).share)
    corners = np.linspace(0, 1 - PATCH, PLACES)
    places = [(float(top), float(left)) for top in corners for left in corners]
    drops = np.empty((len(rows), len(places)))
    for number, (top, left) in enumerate(places):
        patch = Rectangle(top, left, min(1.0, top + PATCH), min(1.0, left + PATCH))
        drops[:, number] = base - logarithm(judge(rows, judge.mask(patch)).share)
    best = drops.argmax(axis=1)
    boxes = tuple(_around(*places[number]) for number in best.tolist())
    return boxes, drops[np.arange(len(rows)), best]


def _around(top: float, left: float) -> Rectangle:
    """The crop with a patch in its middle, moved into the square."""
    high, wide = (min(1 - CROP, max(0.0, start + PATCH / 2 - CROP / 2)) for start in (top, left))
    return Rectangle(high, wide, min(1.0, high + CROP), min(1.0, wide + CROP))


def _cropped(judge: Judge, rows: Rows, boxes: Sequence[Rectangle]) -> NDArray[np.uint8]:
    size_px = judge.model.network.size_px
    crops = np.empty((len(rows), size_px, size_px, 3), dtype=np.uint8)
    for number, (row, box) in enumerate(zip(rows.tolist(), boxes, strict=True)):
        corners = (size_px * box.left, size_px * box.top, size_px * box.right, size_px * box.bottom)
        picture = Image.fromarray(judge.subject.squares[row])
        crops[number] = np.asarray(picture.resize((size_px, size_px), Image.Resampling.BILINEAR, box=corners))
    return crops


def _near(embedded: Sequence[NDArray[np.float64]]) -> float:
    """The distance below which crops are alike."""
    from scipy.spatial.distance import pdist

    every = np.concatenate(embedded) if embedded else np.empty((0, 1))
    return ALIKE * float(np.median(pdist(every))) if len(every) > 1 else 0.0


def _clustered(vectors: NDArray[np.float64], limit: float) -> NDArray[np.intp]:
    """Average linkage up to a distance; the number of each one's cluster, 0 the largest."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=np.intp)
    labels = fcluster(linkage(vectors, "average"), limit, criterion="distance")
    sizes = np.bincount(labels)
    rank = np.empty(len(sizes), dtype=np.intp)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    numbers: NDArray[np.intp] = rank[labels]
    return numbers
