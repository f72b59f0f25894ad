"""Adding operations to an ONNX graph, and asking what is known of its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graticule.config import require

PREFIX: Final = "saliency."
"""What the names of all added values begin with."""

Shape = tuple[int | str | None, ...]
"""Sizes of a value's axes: a number, the name of a free size, or None when it is not known."""


class UnsupportedGraphError(ValueError):
    """A graph from which no saliency can be written; its text says what is missing, as part of a sentence."""


class GraphBuilder:
    """An ONNX model that grows by nodes.

    Convention:
        - values are spoken of by their names, as in ONNX
    """

    def __init__(self, model: Any) -> None:
        self.onnx = require("onnx")
        self.model = model
        self.graph = model.graph
        self.producers = {name: node for node in model.graph.node for name in node.output if name}
        self._initialisers = {item.name: item for item in model.graph.initializer}
        self._shapes = self._inferred()
        self._count = 0

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; its name."""
        name = self._name(kind)
        node = self.onnx.helper.make_node(kind, list(inputs), [name], name=name, **attributes)
        self.graph.node.append(node)
        return name

    def split(self, value: str, sizes: str, parts: int, axis: int) -> list[str]:
        """Cut ``value`` along ``axis``; ``sizes`` is the name of a vector of integers."""
        names = [self._name("Split") for _ in range(parts)]
        self.graph.node.append(
            self.onnx.helper.make_node("Split", [value, sizes], names, name=names[0], axis=axis)
        )
        return names

    def number(self, value: float) -> str:
        """A float32 scalar."""
        return self.array(np.array(value, dtype=np.float32))

    def integers(self, *values: int) -> str:
        """A vector of int64."""
        return self.array(np.array(values, dtype=np.int64))

    def array(self, values: NDArray[Any]) -> str:
        """A constant; a node, so that the initialisers stay those of the network's state."""
        name = self._name("Constant")
        tensor = self.onnx.numpy_helper.from_array(values, name)
        self.graph.node.append(self.onnx.helper.make_node("Constant", [], [name], name=name, value=tensor))
        return name

    def transposed(self, value: str, permutation: Sequence[int]) -> str:
        """``value`` with its axes in that order."""
        return self.op("Transpose", value, perm=list(permutation))

    def shape(self, value: str) -> Shape | None:
        """The inferred sizes of a value's axes, or None when not even their number is known."""
        return self._shapes.get(value)

    def rank(self, value: str) -> int:
        """How many axes a value has.

        Raises:
            UnsupportedGraphError: it is not known.
        """
        shape = self.shape(value)
        if shape is None:
            raise UnsupportedGraphError(f"the shape of '{value}' is not known")
        return len(shape)

    def constant(self, value: str) -> NDArray[Any] | None:
        """The contents of a value that does not depend on the photo and is stored as such, or None."""
        if value in self._initialisers:
            return np.asarray(self.onnx.numpy_helper.to_array(self._initialisers[value]))
        node = self.producers.get(value)
        if node is None or node.op_type != "Constant":
            return None
        found = self.attributes(node)
        for key in ("value", "value_ints", "value_int", "value_floats", "value_float"):
            if key in found:
                held = found[key]
                return np.asarray(self.onnx.numpy_helper.to_array(held) if key == "value" else held)
        return None

    def attributes(self, node: Any) -> dict[str, Any]:
        """The attributes of a node as plain values."""
        return {item.name: self.onnx.helper.get_attribute_value(item) for item in node.attribute}

    def axes(self, node: Any) -> list[int]:
        """The axes of a reduction or a squeeze, from its attribute or its second input; none below 0.

        Raises:
            UnsupportedGraphError: they are not constant.
        """
        rank = self.rank(node.input[0])
        named = self.attributes(node).get("axes")
        if named is None and len(node.input) > 1 and node.input[1]:
            found = self.constant(node.input[1])
            if found is None:
                raise UnsupportedGraphError(f"the axes of a {node.op_type} are not constant")
            named = found.reshape(-1).tolist()
        return list(range(rank)) if named is None else [int(axis) % rank for axis in named]

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{PREFIX}{kind.lower()}_{self._count}"

    def _inferred(self) -> dict[str, Shape]:
        known = self.onnx.shape_inference.infer_shapes(self.model, data_prop=True).graph
        shapes = {
            value.name: _shape(value.type.tensor_type.shape)
            for value in (*known.input, *known.value_info, *known.output)
            if value.type.tensor_type.HasField("shape")
        }
        return shapes | {name: tuple(item.dims) for name, item in self._initialisers.items()}


def _shape(shape: Any) -> Shape:
    return tuple(
        axis.dim_value if axis.HasField("dim_value") else (axis.dim_param or None) for axis in shape.dim
    )
