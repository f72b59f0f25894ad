"""What is taken for what among anybody's classes, as a matrix whose neighbours mean something.

In: how often each answered class stood for each true one. Out: a ``Confusion`` in which countries stand by
continent and from west to east, and other classes beside those that they are confused with.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from graticule.evaluation.confusions import MOST_CLASSES, Confusion, country_centres, tree_of
from graticule.geo.countries import continent_of, country_code


def confusion_of_classes(confusions: pl.DataFrame) -> Confusion:
    """The matrix of the classes with the most photos, at most 120.

    Convention:
        - ``confusions``: columns ``true``, ``predicted`` (null without an answer), ``count``, as
          ``ClassEvaluation`` has them
        - ``centres`` are those of countries, known by name or code; 0, 0 where a class is none

    Example:
        >>> rows = {"true": ["a", "b", "c"], "predicted": ["c", "b", "a"], "count": [2, 5, 3]}
        >>> confusion_of_classes(pl.DataFrame(rows)).names
        ['b', 'a', 'c']
    """
    totals = confusions.group_by("true").agg(pl.col("count").sum()).sort("count", "true", descending=True)
    names = totals["true"].head(MOST_CLASSES).sort().to_list()
    place = {name: number for number, name in enumerate(names)}
    counts, left_out = np.zeros((len(names), len(names)), dtype=np.int64), 0
    for true, said, count in confusions.select("true", "predicted", "count").iter_rows():
        if true in place and said in place:
            counts[place[true], place[said]] += count
        else:
            left_out += count
    codes = [country_code(name) for name in names]
    centres = country_centres({code for code in codes if code})
    if len(centres) == len(names) > 1:
        found = Confusion(
            counts, names, np.array([centres[code or ""] for code in codes]), "countries", left_out
        )
        by_place = [(continent_of(code or "") or "", float(centres[code or ""][1])) for code in codes]
        return _ordered(found, sorted(range(len(names)), key=by_place.__getitem__))
    found = Confusion(counts, names, np.zeros((len(names), 2)), "classes", left_out)
    return _ordered(found, _by_likeness(found))


def _by_likeness(confusion: Confusion) -> list[int]:
    """Classes beside those that they are confused with: the leaves of the tree, then what is in none."""
    from scipy.cluster.hierarchy import leaves_list

    found = tree_of(confusion, most=MOST_CLASSES)
    if found is None:
        return list(range(len(confusion.names)))
    kept, links = found
    return [kept[leaf] for leaf in leaves_list(links)]


def _ordered(confusion: Confusion, order: list[int]) -> Confusion:
    return replace(
        confusion,
        counts=confusion.counts[np.ix_(order, order)],
        names=[confusion.names[index] for index in order],
        centres=confusion.centres[order],
    )
