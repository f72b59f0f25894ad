"""The output ``saliency`` of an exported network: Grad-CAM of any cells, in the forward pass.

In: an ONNX model that gives ``probabilities`` of cells by a softmax. Out: the same model with one more output
and one more input that need not be given; what it said before it says still.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from graticule.explanations.graph.builder import GraphBuilder, UnsupportedGraphError
from graticule.explanations.graph.differentiation import gradient
from graticule.inference.network import EMBEDDING, PROBABILITIES, SALIENCY, WEIGHTS

_OPSET: Final = 18  # since then reductions take their axes as an input, as the rules write them
_NEVER: Final = -1e9  # added to a logit: a share of zero, without an infinity
_POOLING: Final = ("ReduceMean", "ReduceMax", "GlobalAveragePool", "GlobalMaxPool")


def with_saliency(model: Any) -> Any:
    """The same model that also gives ``saliency`` (B, h, w) of the feature map that is pooled.

    Convention:
        - ``model``: an ``onnx.ModelProto``; it is not changed
        - the further input ``weights``, (1, K) or (B, K), may be left out; then each photo's best cell is
          explained. Weights above 0 speak of what to explain, those below 0 of what to hold against it: the
          explained number is log(sum w p) over the former, minus that over the latter, in nats. Where none
          lies below 0 it is the log-probability itself
        - ``saliency``: the map's channels, each weighted with the mean gradient of that number over the map;
          signed: Grad-CAM proper is its positive part

    Raises:
        UnsupportedGraphError: there are no cells, no feature map, or an operation without a gradient.

    Source:
        R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
        Localization" (2017), equations 1 and 2; the gradient of the log-probability of a set of cells with
        respect to the logits is the softmax among them minus the softmax among all.
    """
    if any(output.name == SALIENCY for output in model.graph.output):
        return model
    grown = type(model)()
    grown.CopyFrom(model)
    builder = GraphBuilder(grown)
    logits = _logits(builder)
    features, axes = _feature_map(builder)
    cells = builder.shape(logits)
    if cells is None or not isinstance(cells[-1], int):
        raise UnsupportedGraphError("the number of its cells is not known")
    upstream = _slope(builder, logits, cells[-1])
    slope = gradient(builder, logits, upstream, wrt=features)
    channel = next(axis for axis in (1, 2, 3) if axis not in axes)
    weights = builder.op("ReduceMean", slope, builder.integers(*axes), keepdims=1)
    weighted = builder.op("Mul", features, weights)
    saliency = builder.op("ReduceSum", weighted, builder.integers(channel), keepdims=0)
    _finish(builder, saliency, cells[-1])
    return grown


def _logits(builder: GraphBuilder) -> str:
    node = builder.producers.get(PROBABILITIES)
    if node is None:
        raise UnsupportedGraphError("it gives places and no probabilities of cells")
    version = next((item.version for item in builder.model.opset_import if not item.domain), 0)
    if node.op_type != "Softmax" or version < _OPSET:
        raise UnsupportedGraphError("its cells do not come from a softmax of operation set 18 or later")
    return str(node.input[0])


def _feature_map(builder: GraphBuilder) -> tuple[str, list[int]]:
    """The value (four axes) that is pooled into the embedding, and the two axes that are."""
    stack, seen = [EMBEDDING], set()
    found: set[tuple[str, tuple[int, ...]]] = set()
    while stack:
        name = stack.pop()
        node = builder.producers.get(name)
        if name in seen or node is None:
            continue
        seen.add(name)
        if node.op_type in _POOLING:
            axes = [2, 3] if node.op_type.startswith("Global") else builder.axes(node)
            if builder.rank(node.input[0]) != 4 or len(axes) != 2:
                raise UnsupportedGraphError("it reads patches and has no convolution map that is pooled")
            found.add((node.input[0], tuple(axes)))
        elif node.op_type in ("Conv", "Attention"):
            break
        elif node.op_type not in ("Shape", "Size"):
            stack += node.input
    if len(found) != 1:
        raise UnsupportedGraphError("it reads patches and has no convolution map that is pooled")
    features, pooled = found.pop()
    return features, list(pooled)


def _slope(b: GraphBuilder, logits: str, cells: int) -> str:
    """(B, K) gradient of the explained number with respect to the logits, from ``weights``."""
    zero, last = b.number(0.0), b.integers(1)
    none_given = b.op("Equal", b.op("ReduceMax", b.op("Abs", WEIGHTS), keepdims=0), zero)
    best = b.op("Equal", logits, b.op("ReduceMax", logits, last, keepdims=1))
    weights = b.op("Where", none_given, b.op("Cast", best, to=b.onnx.TensorProto.FLOAT), WEIGHTS)
    against = b.op("Max", b.op("Neg", weights), zero)
    some = b.op("Greater", b.op("ReduceMax", against, last, keepdims=1), zero)
    against = b.op("Where", some, against, b.array(np.ones((1, cells), dtype=np.float32)))
    shares = [_share(b, logits, side) for side in (b.op("Max", weights, zero), against)]
    return b.op("Sub", *shares)


def _share(b: GraphBuilder, logits: str, weights: str) -> str:
    """(B, K): each cell's share in the weighted probability of those with a weight."""
    least = b.number(float(np.finfo(np.float32).tiny))
    some, logs = b.op("Greater", weights, b.number(0.0)), b.op("Log", b.op("Max", weights, least))
    logs = b.op("Where", some, logs, b.number(_NEVER))
    return b.op("Softmax", b.op("Add", logits, logs), axis=1)


def _finish(builder: GraphBuilder, saliency: str, cells: int) -> None:
    helper, floats = builder.onnx.helper, builder.onnx.TensorProto.FLOAT
    builder.graph.node.append(helper.make_node("Identity", [saliency], [SALIENCY], name=SALIENCY))
    builder.graph.input.append(helper.make_tensor_value_info(WEIGHTS, floats, ["weightings", cells]))
    zeros = builder.onnx.numpy_helper.from_array(np.zeros((1, cells), dtype=np.float32), WEIGHTS)
    builder.graph.initializer.append(zeros)  # an input with a value of its own may be left out
    builder.graph.output.append(
        helper.make_tensor_value_info(SALIENCY, floats, ["batch", "map_rows", "map_columns"])
    )
