"""A network for tests that needs no training: it knows places by the colour of their photos."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.partitions import Partition


def colour_network(partition: Partition, *, size_px: int = 8, sharpness: float = 20.0) -> bytes:
    """An ONNX network in the form of a bundle's: red photos lie in cell 0, green in 1, blue in 2.

    Its embedding is the mean colour (B, 3), its logits that times ``sharpness``.
    """
    helper = pytest.importorskip("onnx").helper
    onnx = pytest.importorskip("onnx")
    identity = onnx.numpy_helper.from_array(
        np.eye(3, partition.count, dtype=np.float32) * sharpness, "weight"
    )
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["embedding"]),
            helper.make_node("MatMul", ["embedding", "weight"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        ],
        "colours",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["B", 3, size_px, size_px])],
        [
            helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["B", partition.count]),
            helper.make_tensor_value_info("embedding", onnx.TensorProto.FLOAT, ["B", 3]),
        ],
        [identity],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    for key, value in {
        "graticule.size_px": str(size_px),
        "graticule.crop": "1.0",
        "graticule.cells_fingerprint": partition.fingerprint,
    }.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content: bytes = model.SerializeToString()
    return content
