"""The network of a bundle in ONNX Runtime: squares of pixels in, probabilities, places, embeddings out."""

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
POSITION: Final = "position"
SALIENCY: Final = "saliency"
WEIGHTS: Final = "weights"


@dataclass(frozen=True)
class Answer:
    """What the network says of B photos, in float32.

    Convention:
        - ``embedding`` (B, D); ``probabilities`` (B, K) of the cells
        - ``position`` (B, 2): (latitude, longitude) in **degrees**
        - a network gives probabilities, positions or both; what it does not give is None
    """

    probabilities: NDArray[np.float32] | None
    embedding: NDArray[np.float32]
    position: NDArray[np.float32] | None = None


class Network:
    """A session over the ONNX bytes of a bundle, on the CPU.

    Convention:
        - ``size_px``, ``crop_fraction``: how photos are cut (``graticule.photos.crop.centre_crop``)
        - normalisation is inside the graph
        - ``gives_cells``, ``gives_position``: which of the two the answers hold
        - ``gives_saliency``: whether ``explained`` works

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
        if INPUT not in inputs or EMBEDDING not in outputs or not {PROBABILITIES, POSITION} & {*outputs}:
            raise BundleError(
                f"'model.onnx' takes {sorted(inputs)} and gives {sorted(outputs)}; expected '{INPUT}' in, "
                f"'{EMBEDDING}' and '{PROBABILITIES}' or '{POSITION}' out.\n"
                "Export it:  graticule export RUN -o BUNDLE"
            )
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.size_px = _positive(metadata, "graticule.size_px")
        self.crop_fraction = float(metadata.get("graticule.crop", "1.0"))
        self.cells_fingerprint = metadata.get("graticule.cells_fingerprint", "")
        self._outputs = [name for name in (PROBABILITIES, EMBEDDING, POSITION) if name in outputs]
        self.gives_cells, self.gives_position = PROBABILITIES in outputs, POSITION in outputs
        given = {item.name for item in self._session.get_overridable_initializers()}
        self.gives_saliency = SALIENCY in outputs and WEIGHTS in given
        cells = outputs[PROBABILITIES][-1] if self.gives_cells else None
        self.cells = cells if isinstance(cells, int) else None
        features = outputs[EMBEDDING][-1]
        self.features = features if isinstance(features, int) else None

    def __call__(self, squares: NDArray[np.uint8]) -> Answer:
        """The answer for a batch.

        Convention:
            - ``squares``: uint8 RGB, (B, size_px, size_px, 3), B >= 1
        """
        return _answer(dict(zip(self._outputs, self._run(self._outputs, squares), strict=True)))

    def explained(
        self, squares: NDArray[np.uint8], weights: NDArray[np.floating] | None = None
    ) -> tuple[Answer, NDArray[np.float32]]:
        """The answer for a batch, and in the same pass the saliency of its last feature map.

        Convention:
            - ``squares``: as for the answer alone
            - ``weights``: (K,), (1, K) or (B, K) of the cells to explain, below 0 of those against them; each
              photo's best cell when left out (``graticule.explanations.graph.saliency``)
            - saliency: (B, h, w), signed

        Raises:
            BundleError: the network gives no saliency.
        """
        if not self.gives_saliency:
            raise BundleError(
                f"'model.onnx' gives no '{SALIENCY}'.\nExport it again:  graticule export RUN -o BUNDLE"
            )
        names = [*self._outputs, SALIENCY]
        given = {} if weights is None else {WEIGHTS: np.atleast_2d(weights).astype(np.float32)}
        *found, saliency = self._run(names, squares, given)
        return _answer(dict(zip(self._outputs, found, strict=True))), saliency

    def _run(
        self,
        names: list[str],
        squares: NDArray[np.uint8],
        given: dict[str, NDArray[np.float32]] | None = None,
    ) -> list[NDArray[np.float32]]:
        planes = np.ascontiguousarray(squares.transpose(0, 3, 1, 2)).astype(np.float32)
        planes *= 1 / 255
        found: list[NDArray[np.float32]] = self._session.run(names, {INPUT: planes, **(given or {})})
        return found


def _answer(found: dict[str, NDArray[np.float32]]) -> Answer:
    return Answer(found.get(PROBABILITIES), found[EMBEDDING], found.get(POSITION))


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
