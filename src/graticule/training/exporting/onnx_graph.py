"""A network as an ONNX graph whose initialisers carry the names of the torch state dict.

BatchNorm is left unfolded for that reason; ONNX Runtime folds it when it loads the file. Weights stored
as float16 are cast back by the graph, which is folded then too, so that all arithmetic is float32.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from graticule.models import PlaceNetwork

INPUT: Final = "image"

LEAST_VALUES: Final = 256
"""Smaller tensors stay float32: they weigh nothing, and variances close to zero would be lost."""


def to_onnx(network: PlaceNetwork, *, fold: bool = False) -> onnx.ModelProto:
    """The ONNX graph of ``network``: ``image`` (B, 3, H, W) in [0, 1] -> its ``output_names``.

    Convention:
        - B is free; H = W = the network's size
        - ``fold``: fold BatchNorm and other constants into their neighbours, which loses names (what
          quantisation wants)
    """
    import onnxscript.optimizer

    network = network.eval().cpu().to(memory_format=torch.contiguous_format)
    size_px = network.preprocessing.size_px
    with _quiet():
        program = torch.onnx.export(
            network,
            (torch.rand(2, 3, size_px, size_px),),
            dynamo=True,
            input_names=[INPUT],
            output_names=list(network.output_names),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            optimize=fold,
            verbose=False,
        )
        if program is None:
            raise AssertionError("torch.onnx.export gave no program")
        if not fold:
            onnxscript.optimizer.fold_constants(program.model)
            onnxscript.optimizer.remove_unused_nodes(program.model)
    return _bare(program.model_proto)


def with_metadata(model: onnx.ModelProto, entries: Mapping[str, str]) -> onnx.ModelProto:
    """The same model with ``graticule.*`` entries in its metadata."""
    del model.metadata_props[:]
    for key, value in entries.items():
        model.metadata_props.add(key=f"graticule.{key}", value=value)
    return model


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with its large tensors stored as float16, each cast to float32 where it is used."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    casts, renamed = [], {}
    for initialiser in result.graph.initializer:
        values = numpy_helper.to_array(initialiser)
        if initialiser.data_type != TensorProto.FLOAT or values.size < LEAST_VALUES or values.ndim < 2:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        initialiser.CopyFrom(numpy_helper.from_array(values.astype(np.float16), initialiser.name))
        renamed[initialiser.name] = f"{initialiser.name}.float32"
        casts.append(
            helper.make_node("Cast", [initialiser.name], [renamed[initialiser.name]], to=TensorProto.FLOAT)
        )
    nodes = list(result.graph.node)
    for node in nodes:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    del result.graph.node[:]
    result.graph.node.extend([*casts, *nodes])
    return result


def _bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without what the exporter notes of this machine: stack traces, file names, shapes of inner values."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
        value.doc_string = ""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    model.producer_name, model.doc_string, model.graph.doc_string = "graticule", "", ""
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' notes on their own steps."""
    names = ("torch.onnx", "onnxscript", "onnx_ir")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's and onnxscript's own
        warnings.simplefilter("ignore", FutureWarning)
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
