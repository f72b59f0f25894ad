"""Gradients of operations that only move numbers: reshaping, cutting, joining, choosing rows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from graticule.explanations.graph.builder import GraphBuilder, UnsupportedGraphError
from graticule.explanations.graph.pointwise_rules import Rule


def _reshaped(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    back = b.op("Reshape", outputs[0] or "", b.op("Shape", node.input[0]))
    return [back, *[None] * (len(wanted) - 1)]


def _transpose(b: GraphBuilder, node: Any, outputs: list[str | None], _wanted: list[bool]) -> list[Any]:
    order = b.attributes(node).get("perm") or list(range(b.rank(node.input[0])))[::-1]
    return [b.transposed(outputs[0] or "", np.argsort(order).tolist())]


def _concat(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    axis = int(b.attributes(node)["axis"]) % b.rank(node.output[0])
    sizes = [b.op("Shape", name, start=axis, end=axis + 1) for name in node.input]
    if len(sizes) == 1:
        return [outputs[0]]
    parts = b.split(outputs[0] or "", b.op("Concat", *sizes, axis=0), len(sizes), axis)
    return [part if want else None for part, want in zip(parts, wanted, strict=True)]


def _split(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    axis = int(b.attributes(node).get("axis", 0))
    parts = [
        found or _zeros(b, b.op("Shape", name)) for name, found in zip(node.output, outputs, strict=True)
    ]
    return [b.op("Concat", *parts, axis=axis), *[None] * (len(wanted) - 1)]


def _zeros(b: GraphBuilder, shape: str) -> str:
    return b.op("ConstantOfShape", shape)


def _gather(b: GraphBuilder, node: Any, outputs: list[str | None], _wanted: list[bool]) -> list[Any]:
    """Each row gets back the sum over all places that it was copied to."""
    data, index = node.input
    rank, given = b.rank(data), outputs[0] or ""
    axis = int(b.attributes(node).get("axis", 0)) % rank
    many = b.rank(index)
    if many == 0:
        given, index, many = b.op("Unsqueeze", given, b.integers(axis)), _vector(b, index), 1
    if axis and many != 1:
        raise UnsupportedGraphError("a table of indices is gathered along a later axis")
    order = [axis, *[other for other in range(rank) if other != axis]]
    turned, target = given, b.op("Shape", data)
    if axis:
        turned, target = b.transposed(given, order), b.op("Gather", target, b.integers(*order))
    places = b.op("Unsqueeze", index, b.integers(many))
    found = b.op("ScatterND", _zeros(b, target), places, turned, reduction="add")
    return [b.transposed(found, np.argsort(order).tolist()) if axis else found, None]


def _gather_nd(b: GraphBuilder, node: Any, outputs: list[str | None], _wanted: list[bool]) -> list[Any]:
    """As ``Gather``, of places that are told by several indices."""
    if int(b.attributes(node).get("batch_dims", 0)):
        raise UnsupportedGraphError("each photo is indexed with a table of its own")
    zeros = _zeros(b, b.op("Shape", node.input[0]))
    return [b.op("ScatterND", zeros, node.input[1], outputs[0] or "", reduction="add"), None]


def _vector(b: GraphBuilder, index: str) -> str:
    return b.op("Reshape", index, b.integers(-1))


def _slice(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    """Zeros on both sides of what was cut out."""
    rank = b.rank(node.input[0])
    starts = b.constant(node.input[1])
    axes = b.constant(node.input[3]) if len(node.input) > 3 and node.input[3] else None
    steps = b.constant(node.input[4]) if len(node.input) > 4 and node.input[4] else np.ones(1)
    if starts is None or (starts < 0).any() or steps is None or (steps != 1).any():
        raise UnsupportedGraphError("a cut is not constant, or has steps")
    before = np.zeros(rank, dtype=np.int64)
    before[np.arange(len(starts)) if axes is None else axes] = starts
    ahead, given = b.array(before), outputs[0] or ""
    after = b.op("Sub", b.op("Sub", b.op("Shape", node.input[0]), b.op("Shape", given)), ahead)
    return [b.op("Pad", given, b.op("Concat", ahead, after, axis=0)), *[None] * (len(wanted) - 1)]


def _pad(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    if b.attributes(node).get("mode", b"constant") != b"constant" or len(node.input) > 3:
        raise UnsupportedGraphError("a value is padded with itself")
    rank = b.rank(node.input[0])
    ahead = b.op("Slice", node.input[1], b.integers(0), b.integers(rank))
    end = b.op("Add", ahead, b.op("Shape", node.input[0]))
    back = b.op("Slice", outputs[0] or "", ahead, end, b.integers(*range(rank)))
    return [back, *[None] * (len(wanted) - 1)]


def _expand(b: GraphBuilder, node: Any, outputs: list[str | None], _wanted: list[bool]) -> list[Any]:
    own, wide = b.shape(node.input[0]), b.shape(node.output[0])
    if own is None or wide is None or len(own) != len(wide):
        raise UnsupportedGraphError("a value is repeated along axes that are not known")
    axes = [axis for axis, (mine, its) in enumerate(zip(own, wide, strict=True)) if mine == 1 and its != 1]
    given = outputs[0] or ""
    return [b.op("ReduceSum", given, b.integers(*axes), keepdims=1) if axes else given, None]


SHAPE_RULES: Final[dict[str, Rule]] = {
    "Reshape": _reshaped,
    "Flatten": _reshaped,
    "Squeeze": _reshaped,
    "Unsqueeze": _reshaped,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Gather": _gather,
    "GatherND": _gather_nd,
    "Slice": _slice,
    "Pad": _pad,
    "Expand": _expand,
}
"""Operation -> its rule."""
