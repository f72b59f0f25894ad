"""Gradients of layers: dense layers, norms, softmax, and the reductions that pooling is made of."""

from __future__ import annotations

from typing import Any, Final

from graticule.explanations.graph.builder import GraphBuilder, UnsupportedGraphError
from graticule.explanations.graph.pointwise_rules import Rule


def _gemm(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    given, said = outputs[0], b.attributes(node)
    if any(wanted[1:]) or said.get("transA", 0):
        raise UnsupportedGraphError("a dense layer's weights depend on the photo")
    back = b.op(
        "Gemm", given or "", node.input[1], transB=1 - said.get("transB", 0), alpha=said.get("alpha", 1.0)
    )
    return [back, *[None] * (len(wanted) - 1)]


def _matmul(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    if wanted[1] or b.rank(node.input[1]) != 2:
        raise UnsupportedGraphError("two values that depend on the photo are multiplied as matrices")
    return [b.op("MatMul", outputs[0] or "", b.transposed(node.input[1], (1, 0))), None]


def _softmax(b: GraphBuilder, node: Any, outputs: list[str | None], _wanted: list[bool]) -> list[Any]:
    given, y = outputs[0] or "", node.output[0]
    weighted = b.op("Mul", given, y)
    mean = b.op("ReduceSum", weighted, b.integers(_axis(b, node)), keepdims=1)
    return [b.op("Sub", weighted, b.op("Mul", y, mean))]


def _log_softmax(b: GraphBuilder, node: Any, outputs: list[str | None], _wanted: list[bool]) -> list[Any]:
    given = outputs[0] or ""
    total = b.op("ReduceSum", given, b.integers(_axis(b, node)), keepdims=1)
    return [b.op("Sub", given, b.op("Mul", b.op("Exp", node.output[0]), total))]


def _axis(b: GraphBuilder, node: Any) -> int:
    return int(b.attributes(node).get("axis", -1))


def _batch_norm(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    _, scale, _, _, variance = node.input
    epsilon = b.number(float(b.attributes(node).get("epsilon", 1e-5)))
    slope = b.op("Div", scale, b.op("Sqrt", b.op("Add", variance, epsilon)))
    rank = b.rank(node.input[0])
    slope = b.op("Reshape", slope, b.integers(1, -1, *[1] * (rank - 2)))
    return [b.op("Mul", outputs[0] or "", slope), *[None] * (len(wanted) - 1)]


def _layer_norm(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    x, scale = node.input[0], node.input[1]
    said, rank = b.attributes(node), b.rank(x)
    axes = b.integers(*range(int(said.get("axis", -1)) % rank, rank))
    centred = b.op("Sub", x, b.op("ReduceMean", x, axes, keepdims=1))
    variance = b.op("ReduceMean", b.op("Mul", centred, centred), axes, keepdims=1)
    spread = b.op("Sqrt", b.op("Add", variance, b.number(float(said.get("epsilon", 1e-5)))))
    normal, slope = b.op("Div", centred, spread), b.op("Mul", outputs[0] or "", scale)
    along = b.op("Mul", normal, b.op("ReduceMean", b.op("Mul", slope, normal), axes, keepdims=1))
    rest = b.op("Sub", b.op("Sub", slope, b.op("ReduceMean", slope, axes, keepdims=1)), along)
    return [b.op("Div", rest, spread), *[None] * (len(wanted) - 1)]


def _spread(b: GraphBuilder, node: Any, given: str) -> str:
    """The gradient of a reduction, with the reduced axes back as axes of size 1."""
    keeps = b.attributes(node).get("keepdims", 1) or node.op_type.startswith("Global")
    return given if keeps else b.op("Unsqueeze", given, b.integers(*b.axes(node)))


def _reduce_sum(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    spread = b.op("Expand", _spread(b, node, outputs[0] or ""), b.op("Shape", node.input[0]))
    return [spread, *[None] * (len(wanted) - 1)]


def _reduce_mean(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    sizes = (b.op("Cast", b.op("Size", name), to=b.onnx.TensorProto.FLOAT) for name in _ends(node))
    share = b.op("Div", outputs[0] or "", b.op("Div", *sizes))
    return _reduce_sum(b, node, [share], wanted)


def _ends(node: Any) -> tuple[str, str]:
    return node.input[0], node.output[0]


def _reduce_max(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    """Shared alike among those that are the highest."""
    global_pool = node.op_type.startswith("Global")
    axes = [2, 3] if global_pool else b.axes(node)
    highest = _spread(b, node, node.output[0])
    where = b.op("Cast", b.op("Equal", node.input[0], highest), to=b.onnx.TensorProto.FLOAT)
    many = b.op("ReduceSum", where, b.integers(*axes), keepdims=1)
    share = b.op("Div", _spread(b, node, outputs[0] or ""), many)
    return [b.op("Mul", where, share), *[None] * (len(wanted) - 1)]


def _reduce_logsumexp(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    total, given = _spread(b, node, node.output[0]), _spread(b, node, outputs[0] or "")
    shares = b.op("Exp", b.op("Sub", node.input[0], total))
    return [b.op("Mul", shares, given), *[None] * (len(wanted) - 1)]


def _reduce_l2(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    length, given = _spread(b, node, node.output[0]), _spread(b, node, outputs[0] or "")
    return [b.op("Mul", node.input[0], b.op("Div", given, length)), *[None] * (len(wanted) - 1)]


LAYER_RULES: Final[dict[str, Rule]] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "ReduceSum": _reduce_sum,
    "ReduceMean": _reduce_mean,
    "GlobalAveragePool": _reduce_mean,
    "ReduceMax": _reduce_max,
    "GlobalMaxPool": _reduce_max,
    "ReduceLogSumExp": _reduce_logsumexp,
    "ReduceL2": _reduce_l2,
}
"""Operation -> its rule."""
