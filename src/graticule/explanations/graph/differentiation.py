"""The gradient of a value of an ONNX graph with respect to an earlier one, as further nodes of that graph.

Each operation between the two has a rule in closed form; nothing runs backwards when the network answers:
the gradient is computed by plain operations after the answer.
"""

from __future__ import annotations

from typing import Any

from graticule.explanations.graph.builder import GraphBuilder, UnsupportedGraphError
from graticule.explanations.graph.layer_rules import LAYER_RULES
from graticule.explanations.graph.pointwise_rules import POINTWISE_RULES
from graticule.explanations.graph.shape_rules import SHAPE_RULES

RULES = {**POINTWISE_RULES, **LAYER_RULES, **SHAPE_RULES}
"""Operation -> (builder, node, gradient of each of its outputs) -> gradient of each of its inputs.

A gradient that is None is zero; those of inputs that do not depend on the earlier value are not asked for.
"""

_STEPS = ("Shape", "Size", "ArgMax", "Equal", "Greater", "Less", "IsNaN", "Floor")
"""Operations whose result is flat wherever it does not jump."""


def gradient(builder: GraphBuilder, value: str, upstream: str, *, wrt: str) -> str:
    """Add the nodes that bring a gradient at ``value`` back to ``wrt``; the name of the result.

    Convention:
        - ``upstream``: of the shape of ``value``, the gradient of some number with respect to it
        - the result: of the shape of ``wrt``, the gradient of that number

    Raises:
        UnsupportedGraphError: ``value`` does not depend on ``wrt``, or an operation between them has no rule.
    """
    between = _between(builder, value, wrt)
    if not between:
        raise UnsupportedGraphError("the cells do not depend on the feature map")
    reached = {wrt} | {name for node in between for name in node.output}
    gradients: dict[str, list[str]] = {value: [upstream]}
    for node in reversed(between):
        outputs = [_total(builder, gradients.get(name, [])) for name in node.output]
        if not any(outputs):
            continue
        rule = RULES.get(node.op_type)
        if rule is None:
            raise UnsupportedGraphError(f"the operation {node.op_type} behind it has no gradient here")
        wanted = [name in reached for name in node.input]
        for name, found in zip(node.input, rule(builder, node, outputs, wanted), strict=True):
            if found is not None and name in reached:
                gradients.setdefault(name, []).append(found)
    result = _total(builder, gradients.get(wrt, []))
    if result is None:
        raise UnsupportedGraphError("the cells do not depend on the feature map")
    return result


def _between(builder: GraphBuilder, value: str, wrt: str) -> list[Any]:
    """The nodes on the ways from ``wrt`` to ``value``, in the order of the graph."""
    needed, stack = set(), [value]
    while stack:
        name = stack.pop()
        if name in needed or name == wrt:
            continue
        needed.add(name)
        node = builder.producers.get(name)
        stack += [] if node is None else [item for item in node.input if item]
    reached, found = {wrt}, []
    for node in builder.graph.node:
        if reached.intersection(_smooth_inputs(node)) and needed.intersection(node.output):
            reached.update(node.output)
            found.append(node)
    return found


def _smooth_inputs(node: Any) -> list[str]:
    """The inputs that a small change of changes the output a little; not conditions, shapes and indices."""
    if node.op_type in _STEPS:
        return []
    if node.op_type == "Where":
        return list(node.input[1:])
    if node.op_type in SHAPE_RULES and node.op_type != "Concat":
        return list(node.input[:1])
    return list(node.input[:1] if node.op_type == "CastLike" else node.input)


def _total(builder: GraphBuilder, parts: list[str]) -> str | None:
    if not parts:
        return None
    total = parts[0]
    for part in parts[1:]:
        total = builder.op("Add", total, part)
    return total
