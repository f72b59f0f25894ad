"""What is to be explained: a cell, a node of the tree, a country, or one of them against another.

In: words such as ``country:CN`` and a model. Out: a weight for each of its K cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from graticule.config import nearest
from graticule.errors import ContrastError, UsageError
from graticule.geo.countries import country_code, country_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graticule.inference import Model

BEST: Final = "best"
"""The target that is each photo's own best cell."""

PARENT: Final = "parent"
"""The target that is all cells beneath the parent of each photo's best cell."""

_FORMS: Final = "best, parent, cell:17 (or the cell's name), country:CN, node:TOKEN"
_AGAINST: Final = " against "
_LEAST: Final = 1e-30


@dataclass(frozen=True, eq=False)
class Target:
    """What an explanation is of.

    Convention:
        - ``weights``: (K,); above 0 for the cells to explain, below 0 for those they are held against, or
          None: what each photo's best cell says
        - ``groups``: (K,) then: the best cell is explained with all cells of its number; alone when None
        - ``against``: (K,) then: which cells it is held against; none when None
        - ``words``: as the user said it
    """

    words: str
    weights: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None
    against: NDArray[np.bool_] | None = None

    @property
    def contrasts(self) -> bool:
        """Whether it holds some cells against others."""
        if self.weights is None:
            return self.against is not None
        return bool((self.weights < 0).any())

    def of(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """The weights (B, K) for photos with these (B, K) probabilities of cells.

        Raises:
            ContrastError: of one photo the answer is all of what it was to be held against.
        """
        probabilities = np.atleast_2d(probabilities)
        if self.weights is not None:
            return np.broadcast_to(self.weights, probabilities.shape)
        best = probabilities.argmax(axis=1)
        groups = np.arange(probabilities.shape[1]) if self.groups is None else self.groups
        chosen: NDArray[np.float64] = (groups[best][:, None] == groups).astype(np.float64)
        if self.against is None:
            return chosen
        others: NDArray[np.float64] = np.where(chosen > 0, 1.0, -1.0 * self.against)
        if not (others < 0).any(axis=1).all():
            raise ContrastError(
                f"The photo's own answer is all of '{self.words.partition(_AGAINST)[2]}', so nothing is left "
                "to hold it against. Name another place for this photo:  country:JP"
            )
        return others


def target_of(model: Model, words: str = BEST, *, against: str | None = None) -> Target:
    """The target that is meant by ``words``, and held against ``against`` where that is given.

    Convention:
        - ``best``; ``parent``, all cells beneath the best cell's parent; ``cell:17``, ``17`` or
          ``Lyon, FR``, a cell by its index or name; ``country:CN``, all cells whose mean place lies there;
          ``node:TOKEN``, all cells beneath that node of the partition (its token or its number)
        - ``best`` and ``parent`` against cells that they lie among are held against the others of these

    Raises:
        UsageError: no such cell, country or node in this model, a model without cells, or two targets that
            share a cell.

    Example:
        >>> from graticule.inference import load_model
        >>> model = load_model()
        >>> target_of(model, "cell:17").weights.sum()
        np.float64(1.0)
        >>> target_of(model, "country:CN", against="country:JP").contrasts
        True
    """
    check_cells(model)
    if against in (BEST, PARENT):
        if words in (BEST, PARENT):
            raise UsageError(
                f"'{words}' cannot be held against '{against}': both mean the photo's own answer.\n"
                "Name a place that it is held against:  country:JP"
            )
        raise UsageError(
            f"'{against}' cannot stand on the side that a place is held against.\n"
            f"Turn them round:  {against} against {words}"
        )
    if words in (BEST, PARENT):
        groups = _parents(model) if words == PARENT else None
        if against is None:
            return Target(words, groups=groups)
        return Target(f"{words}{_AGAINST}{against}", groups=groups, against=_cells(model, against))
    weights = _cells(model, words).astype(np.float64)
    if against is None:
        return Target(words, weights)
    other = _cells(model, against)
    if (weights * other).any():
        raise UsageError(
            f"'{words}' and '{against}' share {int((weights * other).sum())} cells of the model, so one "
            "cannot be held against the other.\nName two that lie apart:  country:CN against country:JP"
        )
    return Target(f"{words}{_AGAINST}{against}", weights - other)


def check_cells(model: Model) -> None:
    """Refuse a model without cells.

    Raises:
        UsageError: it gives places alone.
    """
    if not model.network.gives_cells:
        raise UsageError(
            f"The model '{model.card.name}' gives places and no probabilities of cells, of which there is "
            "nothing to explain.\nTake a model with cells, for example 'default'."
        )


def name_of(model: Model, weights: NDArray[np.floating], words: str) -> str:
    """What a target means for one photo, for people: cells, parents and countries by their names.

    Example:
        >>> from graticule.inference import load_model
        >>> model = load_model()
        >>> name_of(model, target_of(model, "cell:17").weights, "cell:17") == model.partition.names[17]
        True
    """
    one, _, other = words.partition(_AGAINST)
    if other:
        sides = (np.maximum(weights, 0), one), (np.maximum(-weights, 0), other)
        return _AGAINST.join(name_of(model, side, said) for side, said in sides)
    chosen = np.flatnonzero(weights)
    kind, _, code = words.partition(":")
    if kind == "country":
        return country_name(code.upper()) or code.upper()
    if len(chosen) == 1:
        name: str = model.partition.names[chosen[0]]
        return name
    if words == PARENT:
        above = set(np.asarray(model.partition.parents)[np.asarray(model.partition.leaf_nodes)[chosen]])
        return (
            f"{model.partition.node_names[above.pop()]} ({len(chosen)} cells)" if len(above) == 1 else words
        )
    return words


def log_probability(
    probabilities: NDArray[np.floating], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """The number that is explained, in nats: log of the weighted sum of probabilities, less that against it.

    Convention:
        - ``probabilities``: (..., K); ``weights``: (K,) or of that shape, as of ``Target``

    Example:
        >>> log_probability(np.array([0.5, 0.25, 0.25]), np.array([1.0, 0.0, -1.0])).round(3)
        np.float64(0.693)
    """
    shares, sides = np.asarray(probabilities, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    found: NDArray[np.float64] = np.log(np.maximum((shares * np.maximum(sides, 0)).sum(axis=-1), _LEAST))
    against = (shares * np.maximum(-sides, 0)).sum(axis=-1)
    some = (sides < 0).any(axis=-1)
    result: NDArray[np.float64] = found - np.where(some, np.log(np.maximum(against, _LEAST)), 0.0)
    return result


def _cells(model: Model, words: str) -> NDArray[np.bool_]:
    """Which of the K cells ``words`` means."""
    kind, _, name = words.partition(":")
    if kind == "cell" and name:
        return _one_cell(model, name)
    if kind == "country" and name:
        return _country(model, name)
    if kind == "node" and name:
        return _node(model, name)
    if words.isdecimal():
        return _one_cell(model, words)
    return _named(model, words)


def _named(model: Model, words: str) -> NDArray[np.bool_]:
    names = model.partition.names
    same = np.array([name.casefold() == words.strip().casefold() for name in names])
    if not same.any():
        close = nearest(words, names)
        raise UsageError(
            f"There is no target '{words}'. Expected one of: {_FORMS}.\nFor example:  {close or 'country:CN'}"
        )
    return same


def _parents(model: Model) -> NDArray[np.int64]:
    """A number for the siblings of each cell, (K,); a cell without a parent is on its own."""
    leaves = np.asarray(model.partition.leaf_nodes)
    above = np.asarray(model.partition.parents)[leaves]
    groups: NDArray[np.int64] = np.where(above < 0, -1 - leaves, above)
    return groups


def _one_cell(model: Model, name: str) -> NDArray[np.bool_]:
    count = model.partition.count
    if not name.isdecimal() or int(name) >= count:
        raise UsageError(
            f"There is no cell '{name}': the cells of '{model.card.name}' are numbered 0 to {count - 1}.\n"
            f"Name one of them:  cell:{count - 1}   or a country:  country:CN"
        )
    chosen: NDArray[np.bool_] = np.arange(count) == int(name)
    return chosen


def _country(model: Model, name: str) -> NDArray[np.bool_]:
    codes = model.cell_countries
    inside = np.array([code == name.upper() for code in codes])
    if not inside.any():
        known = sorted({code for code in codes if code})
        close = (country_code(name) or nearest(name.upper(), known)) if known else None
        if close not in known:
            close = known[0] if known else "CN"
        raise UsageError(
            f"No cell of '{model.card.name}' has its mean place in the country '{name}'; its "
            f"{len(known)} countries: {', '.join(known)}.\nName one of them:  country:{close}"
        )
    return inside


def _node(model: Model, name: str) -> NDArray[np.bool_]:
    partition = model.partition
    parents, leaves = np.asarray(partition.parents), np.asarray(partition.leaf_nodes)
    tokens = [str(token) for token in partition.tree["token"].to_list()]
    node = tokens.index(name) if name in tokens else int(name) if name.isdecimal() else -1
    if not 0 <= node < len(parents):
        close = nearest(name, tokens) or tokens[0]
        raise UsageError(
            f"There is no node '{name}' in the cells of '{model.card.name}': it has {len(parents)} nodes.\n"
            f"Name one by its token or number:  node:{close}   or a cell:  cell:0"
        )
    inside: NDArray[np.bool_] = leaves == node
    above = leaves.copy()
    while (above >= 0).any():
        inside |= above == node
        above = np.where(above >= 0, parents[above], -1)
    return inside
