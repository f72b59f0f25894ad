"""Classes grouped by how a model confuses them: what it cannot tell apart becomes one cell (S0)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graticule.errors import TableError, UsageError
from graticule.geo.countries import country_code, country_name
from graticule.geo.sphere import unit_vectors
from graticule.partitions.built import Built
from graticule.partitions.groups.confusion_files import Confusion, read_confusion
from graticule.partitions.groups.features import GROUPS, check_groups
from graticule.partitions.groups.uniting import country_cells, unite
from graticule.partitions.outlines.growing import Sites, sites_of
from graticule.partitions.outlines.regions import bundled_regions
from graticule.partitions.outlines.roots import REACH_KM, check_numbers
from graticule.partitions.partition import Partition

Array = NDArray[np.float64]

_TIE: Final = 1e-6  # of classes confused as often, the nearer on Earth are joined first


def group_confused(counts: Array, groups: int, *, centres: Array | None = None) -> NDArray[np.int64]:
    """Classes joined, most confused first, until so many groups are left.

    Convention:
        - ``counts``: (C, C), row: the true class, column: the predicted one; rows become shares, so that a
          class with many photos weighs no more
        - two groups are as near as their classes are confused on average (average linkage)
        - ``centres``: (C, 2) degrees; of groups confused as often, such as never, the nearer join first
        - the result: (C,) 0..groups-1, numbered by their first class

    Raises:
        UsageError: more groups than classes, or fewer than one.

    Source:
        R. Sokal, C. Michener, "A statistical method for evaluating systematic relationships" (1958).

    Example:
        >>> group_confused(np.array([[8.0, 2, 0], [3, 7, 0], [0, 1, 9]]), 2).tolist()
        [0, 0, 1]
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    check_groups(groups, len(counts), "classes")
    if len(counts) == 1:
        return np.zeros(1, dtype=np.int64)
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    apart = 1 - (shares + shares.T) / 2
    if centres is not None:
        vectors = unit_vectors(centres)
        apart = apart + _TIE * np.arccos(np.clip(vectors @ vectors.T, -1, 1)) / np.pi
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), method="average")
    labels = fcluster(tree, groups, criterion="maxclust")
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    rank: NDArray[np.int64] = np.argsort(np.argsort(first)).astype(np.int64)
    return rank[number]


def build_confusion(
    latlon: ArrayLike,
    *,
    confusion: str | Path,
    groups: int = GROUPS,
    cells: str | Path | None = None,
    reach_km: float = REACH_KM,
    weights: ArrayLike | None = None,
) -> Built:
    """Cells that are groups of countries, or of the cells of a partition, by a confusion matrix.

    Convention:
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees**: whose photos are counted
        - ``confusion``: as ``read_confusion``; classes are codes or names of countries or, with ``cells``,
          tokens, names or numbers of its cells; without names they are the cells in their order
        - ``cells``: a partition file; the bundled countries when left out
        - ``reach_km``: places off all countries belong to the nearest up to this far, in **km**
        - classes of no known cell, and cells that are no class, are left out, and counted
        - ``figures``: ``confused``, the share of photos taken for another class, and ``still_confused``, the
          same after grouping

    Raises:
        CoordinateError: a latitude lies outside [-90, 90], or a value is not finite.
        MissingFileError, TableError, PartitionError: a file cannot be read, or does not fit.
        UsageError: a number is out of range.
    """
    check_numbers(cells=None, min_photos=1, reach_km=reach_km)
    found = read_confusion(confusion)
    check_groups(groups, len(found.counts), "classes")
    sites = sites_of(latlon, weights)
    if cells is None:
        base, cell_of_class = _countries_of(found, sites, reach_km, confusion)
        names = [country_name(token) or token for token in base.tokens]
    else:
        base = Partition.read(cells)
        cell_of_class, names = _cells_of_classes(base, found, cells), base.names
    kept = np.flatnonzero(cell_of_class >= 0)
    check_groups(groups, len(kept), "classes with a cell")
    counts = found.counts[np.ix_(kept, kept)]
    labels = group_confused(counts, groups, centres=base.centres[cell_of_class[kept]])
    group = np.full(base.count, -1, dtype=np.int64)
    group[cell_of_class[kept]] = labels
    parameters: dict[str, Any] = {"groups": groups, "classes": len(kept), "reach_km": reach_km}
    partition = unite(base, group, "confusion", parameters, sites=sites, names=names)
    total = counts.sum() or 1.0
    figures = {
        "confused": float(1 - np.trace(counts) / total),
        "still_confused": float(counts[labels[:, None] != labels].sum() / total),
        "sizes": [len(members) for members in partition.tree["members"]],
    }
    return Built(partition, tuple(_left_out(found, cell_of_class)), figures)


def _left_out(found: Confusion, cell_of_class: NDArray[np.int64]) -> list[str]:
    lost = np.flatnonzero(cell_of_class < 0).tolist()
    if not lost or found.classes is None:
        return []
    more = f" and {len(lost) - 8:,} more" if len(lost) > 8 else ""
    listed = ", ".join(found.classes[index] for index in lost[:8])
    return [f"Classes that are no known cell, or one that another class is, left out: {listed}{more}."]


def _countries_of(
    found: Confusion, sites: Sites, reach_km: float, label: str | Path
) -> tuple[Partition, NDArray[np.int64]]:
    """A partition of the countries that are classes, and the cell of each class."""
    if found.classes is None:
        raise UsageError(
            f"Confusion matrix '{label}' does not name its classes, so they cannot be countries.\n"
            "Add a first line with names, or say which cells they are:  `cells_file=cells.parquet`"
        )
    codes = [country_code(name) for name in found.classes]
    regions = bundled_regions()
    known = np.array([code in codes for code in regions.codes])
    if not known.any():
        raise TableError(
            f"None of the classes of '{label}', such as '{found.classes[0]}', is a country.\n"
            "Give codes or English names, or the partition of the classes with `cells_file`."
        )
    base = country_cells(regions.at(known), sites, reach_km)
    return base, _matched(codes, [base.tokens])


def _matched(wanted: Sequence[str | None], known: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """For each name its index in that of the lists that knows most of them; -1 where it has none.

    One list for all: an S2 token such as "3" is also the number of another cell.
    """
    tables = [{name: index for index, name in enumerate(names)} for names in known]
    table = max(tables, key=lambda each: sum(name in each for name in wanted))
    hits = [-1 if name is None else table.get(name, -1) for name in wanted]
    taken: set[int] = set()
    for index, hit in enumerate(hits):  # "UK" and "United Kingdom" are one cell: the first class has it
        if hit in taken:
            hits[index] = -1
        taken.add(hit)
    return np.array(hits, dtype=np.int64)


def _cells_of_classes(base: Partition, found: Confusion, cells: str | Path) -> NDArray[np.int64]:
    """The cell of each class."""
    if found.classes is None:
        if len(found.counts) != base.count:
            raise TableError(
                f"The confusion matrix has {len(found.counts)} classes without names, but '{cells}' has "
                f"{base.count} cells.\nName the classes, or give the partition of the model."
            )
        return np.arange(base.count)
    numbers = [str(index) for index in range(base.count)]
    cell_of_class = _matched(found.classes, [base.tokens, base.names, numbers])
    if (cell_of_class < 0).all():
        raise TableError(
            f"None of the classes of the confusion matrix (such as '{found.classes[0]}') is a cell of "
            f"'{cells}' (such as '{base.tokens[0]}').\nName classes by token, by name or by number."
        )
    return cell_of_class
