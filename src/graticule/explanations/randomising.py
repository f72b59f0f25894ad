"""The same network with its weights shuffled: an explanation that does not change explains no network.

In: a model. Out: a model of the same form that knows nothing. Each tensor of the ONNX file keeps its numbers,
in another order, so that only what was learned is gone; the file is changed in place, byte by byte, which
needs no package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from graticule.bundle import Bundle

if TYPE_CHECKING:
    from graticule.inference import Model

_GRAPH: Final = 7  # the fields of onnx.proto3 that are walked through
_INITIALIZER: Final = 5
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9

_BYTES: Final = {1: 4, 2: 1, 3: 1, 10: 2}
"""Bytes of a number by TensorProto's data type: float32, uint8, int8, float16."""


class Tensor(NamedTuple):
    """Where a weight's numbers lie in the file: name, shape, bytes per number, first and last byte."""

    name: str
    shape: tuple[int, ...]
    size: int
    begin: int
    end: int


def randomised(model: Model, *, seed: int = 0, prefix: str = "") -> Model:
    """The same model with shuffled weights.

    Convention:
        - ``prefix``: only of tensors whose names begin so, ``head.`` of the last layers; all when empty
        - tensors of one axis (shifts, norms) stay as they are
    """
    from graticule.inference import Model as Loaded

    shuffled = shuffled_weights(model.model_onnx, seed=seed, prefix=prefix)
    return Loaded(Bundle(model.card, model.partition, shuffled, model.model_card), threads=model.threads)


def shuffled_weights(model_onnx: bytes, *, seed: int = 0, prefix: str = "") -> bytes:
    """An ONNX file whose tensors of two or more axes hold their numbers in another order."""
    random, content = np.random.default_rng(seed), bytearray(model_onnx)
    for tensor in weight_tensors(model_onnx):
        if len(tensor.shape) > 1 and tensor.name.startswith(prefix):
            numbers = np.frombuffer(model_onnx[tensor.begin : tensor.end], dtype=f"u{tensor.size}")
            content[tensor.begin : tensor.end] = random.permutation(numbers).tobytes()
    return bytes(content)


def weight_tensors(model_onnx: bytes) -> list[Tensor]:
    """The tensors of an ONNX file whose numbers lie in it as bytes, in its order."""
    found = []
    for number, graph_begin, graph_end in _fields(model_onnx, 0, len(model_onnx)):
        if number == _GRAPH:
            for inner, begin, end in _fields(model_onnx, graph_begin, graph_end):
                tensor = _tensor(model_onnx, begin, end) if inner == _INITIALIZER else None
                if tensor is not None:
                    found.append(tensor)
    return found


def _tensor(content: bytes, begin: int, end: int) -> Tensor | None:
    shape: list[int] = []
    name, kind, raw = "", 0, (0, 0)
    for number, first, last in _fields(content, begin, end):
        if number == _DIMS:
            while first < last:  # packed, or one at a time
                value, first = _varint(content, first)
                shape.append(value)
        elif number == _DATA_TYPE:
            kind = _varint(content, first)[0]
        elif number == _NAME:
            name = content[first:last].decode()
        elif number == _RAW_DATA:
            raw = (first, last)
    if kind not in _BYTES or raw == (0, 0):
        return None
    return Tensor(name, tuple(shape), _BYTES[kind], *raw)


def _fields(content: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, first byte, last byte) of each field of a protobuf message."""
    while at < end:
        key, at = _varint(content, at)
        kind = key & 7
        if kind == 0:
            stop = _varint(content, at)[1]
        elif kind == 2:
            length, at = _varint(content, at)
            stop = at + length
        else:
            stop = at + (8 if kind == 1 else 4)
        yield key >> 3, at, stop
        at = stop


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits per byte, and where it ends."""
    value, shift = 0, 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
