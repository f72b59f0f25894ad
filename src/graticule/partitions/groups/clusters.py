"""Countries grouped by what they have in common: January and July temperature, or any numbers (S0).

S0 standardises the features and groups its 85 countries by k-means into 15, 20 or 30 groups; the number is
read off an elbow plot, and groupings are compared by silhouette, adjusted Rand index and mutual information.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.config import require
from graticule.errors import TableError
from graticule.partitions.agreement import agreement
from graticule.partitions.built import Built
from graticule.partitions.groups.features import GROUPS, SETS, Features, check_groups, read_features
from graticule.partitions.groups.uniting import country_cells, unite
from graticule.partitions.outlines.growing import sites_of
from graticule.partitions.outlines.regions import bundled_regions
from graticule.partitions.outlines.roots import REACH_KM, check_numbers, located, off_remark
from graticule.partitions.partition import Partition

Array = NDArray[np.float64]

COMPARED: Final = (15, 20, 30)
"""The numbers of groups that S0 compares."""

MOST_GROUPS: Final = 30
"""Elbow and silhouette are computed for 2 to so many groups."""

_NAMED: Final = 20  # of the countries left out
_STARTS: Final = 100  # of 20 the best still differs from seed to seed


@dataclasses.dataclass(frozen=True, eq=False)
class Grouping:
    """Countries and their groups.

    Convention:
        - ``labels``: (C,) 0..K-1, in the order of ``codes``; group 0 has most countries
        - ``inertia``: sum of squared distances to the groups' means, in standard deviations
        - ``silhouette``: mean over the countries, -1 to 1; None for one group, or where all are single
    """

    codes: tuple[str, ...]
    labels: NDArray[np.int64]
    inertia: float
    silhouette: float | None


def group_countries(features: Features, groups: int = GROUPS, *, seed: int = 0) -> Grouping:
    """Countries grouped by k-means on their standardised features.

    Raises:
        MissingPackageError: scikit-learn is not installed.
        UsageError: more groups than countries, or fewer than one.

    Source:
        A. Hilger, C. Trudslev, E. Kirchhoff, "This could be anywhere" (2026), "How the clusters were made".

    Example:
        >>> features = read_features("climate").at(np.array(["SG", "MY", "NO", "FI"]))
        >>> grouping = group_countries(features, 2)
        >>> dict(zip(grouping.codes, grouping.labels.tolist()))
        {'FI': 0, 'MY': 1, 'NO': 0, 'SG': 1}
    """
    check_groups(groups, len(features.codes), "countries")
    values = features.standardised()
    distinct = len(np.unique(values, axis=0))
    cluster = require("sklearn.cluster", extra="cells")
    with require("threadpoolctl", extra="cells").threadpool_limits(1):  # threads cost 20 times what they save
        found = cluster.KMeans(min(groups, distinct), n_init=_STARTS, random_state=seed).fit(values)
    labels = _by_size(found.labels_)
    silhouette = None
    if 1 < len(np.unique(labels)) < len(labels):
        silhouette = float(require("sklearn.metrics", extra="cells").silhouette_score(values, labels))
    return Grouping(features.codes, labels, float(found.inertia_), silhouette)


def _by_size(labels: NDArray[np.int_]) -> NDArray[np.int64]:
    """The labels renumbered: the largest group first, of groups as large that of the earlier country."""
    sizes = np.bincount(labels)
    first = np.unique(labels, return_index=True)[1]
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return rank[labels]


def choosing_curves(features: Features, *, most: int = MOST_GROUPS) -> list[dict[str, Any]]:
    """What the elbow and silhouette plots show: a row for each number of groups.

    Convention:
        - rows have ``groups``, ``inertia`` and ``silhouette`` as ``Grouping``; from 1 group on

    Raises:
        MissingPackageError: scikit-learn is not installed.
    """
    rows = []
    for groups in range(1, min(most, len(np.unique(features.values, axis=0))) + 1):
        found = group_countries(features, groups)
        rows.append({"groups": groups, "inertia": found.inertia, "silhouette": found.silhouette})
    return rows


def build_clusters(
    latlon: ArrayLike,
    *,
    groups: int = GROUPS,
    features: str = "climate",
    min_photos: int = 1,
    reach_km: float = REACH_KM,
    weights: ArrayLike | None = None,
) -> Built:
    """Cells that are groups of countries.

    Convention:
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees**
        - ``features``: as ``read_features``
        - countries with fewer than ``min_photos`` photos, or without features, are left out, and counted
        - ``reach_km``: places off all countries belong to the nearest up to this far, in **km**
        - ``weights``: (N,) number of photos at each place, whole; 1 each when left out
        - ``figures``: ``curves`` as ``choosing_curves``, ``silhouette``, ``sizes`` (countries per cell, in
          the order of the cells), and ``compared``: groupings by S0's features and numbers, with ``ari`` and
          ``nmi`` against this one

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        MissingFileError, TableError: the features cannot be read.
        MissingPackageError: scikit-learn is not installed.
        TableError: there is no photo, or none in a country with features.
        UsageError: a number is out of range.
    """
    check_numbers(cells=None, min_photos=min_photos, reach_km=reach_km)
    known = read_features(features)
    sites = sites_of(latlon, weights)
    regions = bundled_regions()
    of_region = located(regions, sites, reach_km)
    photos = np.bincount(of_region[of_region >= 0], sites.photos[of_region >= 0], len(regions.codes))
    used = photos >= min_photos
    chosen = known.at(np.array(regions.codes, dtype=object)[used])
    if not chosen.codes:
        raise TableError(
            f"None of the {int(sites.photos.sum()):,} photos lies in a country with features.\n"
            "Give places on land, or other `features`."
        )
    grouping = group_countries(chosen, groups)
    wanted = np.array([code in set(chosen.codes) for code in regions.codes])
    base = country_cells(regions.at(wanted), sites, reach_km)
    label = dict(zip(grouping.codes, grouping.labels.tolist(), strict=True))
    parameters = {"groups": groups, "features": features, "min_photos": min_photos, "reach_km": reach_km}
    group = np.array([label[token] for token in base.tokens])
    partition = unite(base, group, "clusters", parameters, sites=sites)
    remarks = [*known.remarks, *off_remark(sites, of_region, reach_km)]
    missing = [code for code in regions.at(used).codes if code not in label]
    if missing:
        more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
        remarks.append(f"Countries without features, left out: {', '.join(missing[:_NAMED])}{more}.")
    return Built(partition, tuple(remarks), _figures(partition, chosen, grouping))


def _figures(partition: Partition, chosen: Features, grouping: Grouping) -> dict[str, Any]:
    return {
        "curves": choosing_curves(chosen),
        "silhouette": grouping.silhouette,
        "countries": len(chosen.codes),
        "sizes": [len(members) for members in partition.tree["members"]],
        "compared": _compared(grouping),
    }


def _compared(reference: Grouping) -> list[dict[str, Any]]:
    """S0's comparison: its features and numbers of groups against this grouping."""
    rows = []
    for name in SETS:
        features = read_features(name).at(np.array(reference.codes, dtype=object))
        place = {code: index for index, code in enumerate(reference.codes)}
        mine = reference.labels[[place[code] for code in features.codes]]
        for groups in COMPARED:
            if groups > len(features.codes):
                continue
            other = group_countries(features, groups)
            same = agreement(mine, other.labels)
            rows.append(
                {
                    "features": name,
                    "groups": groups,
                    "silhouette": other.silhouette,
                    "inertia": other.inertia,
                    "ari": same.ari,
                    "nmi": same.nmi,
                    "countries": same.things,
                }
            )
    return rows
