"""Weights and activations in 8 bits, with ranges measured on real photos."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

import graticule.inference.runtime  # noqa: F401 -- its switch has to be set before the library is loaded
from graticule.training.exporting.onnx_graph import INPUT

CALIBRATION_PHOTOS: Final = 128
"""So many photos are shown to measure the ranges of activations."""

_BATCH: Final = 16


def quantised(model: onnx.ModelProto, squares: NDArray[np.uint8]) -> onnx.ModelProto:
    """The same model in 8 bits: convolutions and dense layers, one scale per channel of their weights.

    Convention:
        - ``squares``: (N, S, S, 3) uint8 RGB to measure with; the first 128 are used

    Source:
        ONNX Runtime's static quantisation in the QDQ form: activations uint8, weights int8.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches = _batches(squares[:CALIBRATION_PHOTOS])

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(self.batches, None)

    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it advises on steps that are done here
    try:
        with tempfile.TemporaryDirectory() as folder:
            plain, ready, done = (Path(folder) / name for name in ("plain.onnx", "ready.onnx", "done.onnx"))
            onnx.save(model, plain)
            quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
            quantize_static(
                str(ready),
                str(done),
                Reader(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=["Conv", "Gemm", "MatMul", "Add"],
            )
            return onnx.load(str(done))
    finally:
        logger.setLevel(level)


def _batches(squares: NDArray[np.uint8]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(squares), _BATCH):
        planes = squares[start : start + _BATCH].transpose(0, 3, 1, 2).astype(np.float32) / 255
        yield {INPUT: np.ascontiguousarray(planes)}
