"""A bundle whose network looks for the brightest pixel of each colour, each of which means a place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule.bundle import BundleCard, write_bundle
from graticule.partitions import Partition

PARIS, BEIJING, SYDNEY = (48.86, 2.35), (39.9, 116.4), (-33.9, 151.2)
"""The places of the fixture ``three_cells``: red, green, blue."""


def spot_bundle(folder: Path, partition: Partition, *, size_px: int, sharpness: float) -> Path:
    """Write it; its embedding is the brightest of each colour (B, 3), its logits ``sharpness`` times that."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    cells = partition.encode(np.array([PARIS, BEIJING, SYDNEY]))
    weights = np.zeros((3, partition.count), dtype=np.float32)
    weights[np.arange(3), cells] = sharpness
    numbers = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("GlobalMaxPool", ["image"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["embedding"]),
            helper.make_node("MatMul", ["embedding", "weight"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        ],
        "spots",
        [helper.make_tensor_value_info("image", numbers, ["B", 3, size_px, size_px])],
        [
            helper.make_tensor_value_info("probabilities", numbers, ["B", partition.count]),
            helper.make_tensor_value_info("embedding", numbers, ["B", 3]),
        ],
        [onnx.numpy_helper.from_array(weights, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    for key, value in (
        ("size_px", str(size_px)),
        ("crop", "1.0"),
        ("cells_fingerprint", partition.fingerprint),
    ):
        entry = model.metadata_props.add()
        entry.key, entry.value = f"graticule.{key}", value
    card = BundleCard(
        name="spots", architecture="maximum", head="MC", licence="CC0-1.0", conformal={"0.9": 0.9}
    )
    write_bundle(
        folder,
        model_onnx=model.SerializeToString(),
        partition=partition,
        card=card,
        model_card="# Spots\n",
    )
    return folder
