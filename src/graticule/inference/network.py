"""The network of a bundle in ONNX Runtime: squares of pixels in, cell probabilities and embeddings out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from graticule.config import usable_cores
from graticule.errors import BundleError
from graticule.inference.runtime import onnxruntime

if TYPE_CHECKING:
    from numpy.typing import NDArray

INPUT: Final = "image"
PROBABILITIES: Final = "probabilities"
EMBEDDING: Final = "embedding"


@dataclass(frozen=True)
class Answer:
    """What the network says of B photos: ``probabilities`` (B, K), ``embedding`` (B, D), both float32."""

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]


class Network:
    """A session over the ONNX bytes of a bundle, on the CPU.

    Convention:
        - ``size_px``, ``crop_fraction``: how photos are cut (``graticule.photos.crop.centre_crop``)
        - normalisation is inside the graph

    Raises:
        BundleError: the bytes are no ONNX graph, or the graph has other inputs and outputs.
    """

    def __init__(self, model_onnx: bytes, *, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or usable_cores()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                model_onnx, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own classes have no common public base
            raise BundleError(
                f"'model.onnx' cannot be loaded: {str(error).splitlines()[0]}\n"
                "Export the bundle again:  graticule export RUN -o BUNDLE"
            ) from error
        inputs = {item.name: item.shape for item in self._session.get_inputs()}
        outputs = {item.name: item.shape for item in self._session.get_outputs()}
        if INPUT not in inputs or PROBABILITIES not in outputs or EMBEDDING not in outputs:
            raise BundleError(
                f"'model.onnx' takes {sorted(inputs)} and gives {sorted(outputs)}; expected '{INPUT}' in, "
                f"'{PROBABILITIES}' and '{EMBEDDING}' out.\nExport it:  graticule export RUN -o BUNDLE"
            )
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.size_px = _positive(metadata, "graticule.size_px")
        self.crop_fraction = float(metadata.get("graticule.crop", "1.0"))
        self.cells_fingerprint = metadata.get("graticule.cells_fingerprint", "")
        cells = outputs[PROBABILITIES][-1]
        self.cells = cells if isinstance(cells, int) else None
        features = outputs[EMBEDDING][-1]
        self.features = features if isinstance(features, int) else None

    def __call__(self, squares: NDArray[np.uint8]) -> Answer:
        """The answer for a batch.

        Convention:
            - ``squares``: uint8 RGB, (B, size_px, size_px, 3), B >= 1
        """
        planes = np.ascontiguousarray(squares.transpose(0, 3, 1, 2)).astype(np.float32)
        planes *= 1 / 255
        probabilities, embedding = self._session.run([PROBABILITIES, EMBEDDING], {INPUT: planes})
        return Answer(probabilities=probabilities, embedding=embedding)


def _positive(metadata: dict[str, str], key: str) -> int:
    try:
        value = int(metadata[key])
    except (KeyError, ValueError) as error:
        raise BundleError(
            f"'model.onnx' has no usable metadata '{key}'.\nExport it:  graticule export RUN -o BUNDLE"
        ) from error
    if value <= 0:
        raise BundleError(f"'model.onnx' has '{key}' = {value}; expected a positive number of pixels.")
    return value
