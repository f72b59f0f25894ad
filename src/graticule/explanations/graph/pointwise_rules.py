"""Gradients of operations that treat every number by itself, operands broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from graticule.explanations.graph.builder import GraphBuilder, UnsupportedGraphError

Rule = Callable[[GraphBuilder, Any, list[str | None], list[bool]], list[str | None]]
"""Builder, node, gradients of its outputs, which inputs want one -> gradients of its inputs."""


def unbroadcast(builder: GraphBuilder, found: str, operand: str, other: str) -> str:
    """The gradient of ``operand``, summed over the axes along which it was repeated beside ``other``.

    Raises:
        UnsupportedGraphError: their shapes are not known.
    """
    own, beside = builder.shape(operand), builder.shape(other)
    if beside == ():
        return found
    if own is None or beside is None:
        raise UnsupportedGraphError(f"the shape of '{operand if own is None else other}' is not known")
    if len(own) < len(beside):
        raise UnsupportedGraphError(f"'{operand}' is repeated along a new axis")
    padded = (1,) * (len(own) - len(beside)) + beside
    repeated = [
        axis for axis, (mine, its) in enumerate(zip(own, padded, strict=True)) if mine == 1 and its != 1
    ]
    return builder.op("ReduceSum", found, builder.integers(*repeated), keepdims=1) if repeated else found


def _one(function: Callable[[GraphBuilder, str, str, str], str]) -> Rule:
    """The rule of an operation of one operand: (builder, gradient, operand, result) -> its gradient."""

    def rule(builder: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
        given = outputs[0]
        assert given is not None
        found = function(builder, given, node.input[0], node.output[0])
        return [found, *[None] * (len(wanted) - 1)]

    return rule


def _two(function: Callable[[GraphBuilder, str, str, str, str, int], str]) -> Rule:
    """The rule of an operation of two: (builder, gradient, first, second, result, which) -> its gradient."""

    def rule(builder: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
        given = outputs[0]
        assert given is not None
        first, second = node.input[0], node.input[1]
        found: list[str | None] = [None, None]
        for which, (operand, other) in enumerate(((first, second), (second, first))):
            if wanted[which]:
                raw = function(builder, given, first, second, node.output[0], which)
                found[which] = unbroadcast(builder, raw, operand, other)
        return found

    return rule


def _sub(b: GraphBuilder, g: str, _first: str, _second: str, _y: str, which: int) -> str:
    return b.op("Neg", g) if which else g


def _mul(b: GraphBuilder, g: str, first: str, second: str, _y: str, which: int) -> str:
    return b.op("Mul", g, first if which else second)


def _div(b: GraphBuilder, g: str, _first: str, second: str, y: str, which: int) -> str:
    share = b.op("Div", g, second)
    return b.op("Neg", b.op("Mul", share, y)) if which else share


def _pow(b: GraphBuilder, g: str, first: str, second: str, _y: str, which: int) -> str:
    if which:
        raise UnsupportedGraphError("a power depends on the photo")
    less = b.op("Pow", first, b.op("Sub", second, b.op("CastLike", b.number(1.0), second)))
    return b.op("Mul", g, b.op("Mul", less, b.op("CastLike", second, first)))


def _chosen(b: GraphBuilder, g: str, first: str, second: str, y: str, which: int) -> str:
    kept = b.op("Equal", second if which else first, y)
    return b.op("Mul", g, b.op("Cast", kept, to=b.onnx.TensorProto.FLOAT))


def _relu(b: GraphBuilder, g: str, _x: str, y: str) -> str:
    return b.op("Mul", g, b.op("Cast", b.op("Greater", y, b.number(0.0)), to=b.onnx.TensorProto.FLOAT))


def _tanh(b: GraphBuilder, g: str, _x: str, y: str) -> str:
    return b.op("Mul", g, b.op("Sub", b.number(1.0), b.op("Mul", y, y)))


def _sigmoid(b: GraphBuilder, g: str, _x: str, y: str) -> str:
    return b.op("Mul", g, b.op("Mul", y, b.op("Sub", b.number(1.0), y)))


def _clip(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    given = outputs[0]
    assert given is not None
    unchanged = b.op("Cast", b.op("Equal", node.input[0], node.output[0]), to=b.onnx.TensorProto.FLOAT)
    return [b.op("Mul", given, unchanged), *[None] * (len(wanted) - 1)]


def _where(b: GraphBuilder, node: Any, outputs: list[str | None], wanted: list[bool]) -> list[Any]:
    given = outputs[0]
    assert given is not None
    condition, first, second = node.input
    zero = b.number(0.0)
    return [
        None,
        unbroadcast(b, b.op("Where", condition, given, zero), first, second) if wanted[1] else None,
        unbroadcast(b, b.op("Where", condition, zero, given), second, first) if wanted[2] else None,
    ]


POINTWISE_RULES: Final[dict[str, Rule]] = {
    "Add": _two(lambda _b, g, *_: g),
    "Sub": _two(_sub),
    "Mul": _two(_mul),
    "Div": _two(_div),
    "Pow": _two(_pow),
    "Max": _two(_chosen),
    "Min": _two(_chosen),
    "Neg": _one(lambda b, g, *_: b.op("Neg", g)),
    "Exp": _one(lambda b, g, _x, y: b.op("Mul", g, y)),
    "Log": _one(lambda b, g, x, _y: b.op("Div", g, x)),
    "Sqrt": _one(lambda b, g, _x, y: b.op("Div", b.op("Mul", g, b.number(0.5)), y)),
    "Relu": _one(_relu),
    "Tanh": _one(_tanh),
    "Sigmoid": _one(_sigmoid),
    "Softplus": _one(lambda b, g, x, _y: b.op("Mul", g, b.op("Sigmoid", x))),
    "Clip": _clip,
    "Where": _where,
    "Identity": _one(lambda _b, g, *_: g),
    "Dropout": _one(lambda _b, g, *_: g),
    "Cast": _one(lambda _b, g, *_: g),  # between float types: all arithmetic of a bundle is float32
    "CastLike": _one(lambda _b, g, *_: g),
    # numbers in 8 bits stand for those they were made from
    "QuantizeLinear": _one(lambda _b, g, *_: g),
    "DequantizeLinear": _one(lambda _b, g, *_: g),
}
"""Operation -> its rule."""
