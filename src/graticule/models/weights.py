"""First weights of a backbone: from a safetensors file, a run folder, a bundle or a hub folder.

The tensors of a bundle are its ONNX initialisers, which carry the names of the torch state dict.
Nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors import SafetensorError, safe_open
from timm.layers import resample_abs_pos_embed  # type: ignore[attr-defined]
from torch import Tensor, nn

from graticule.bundle import read_bundle
from graticule.errors import BundleError, MissingFileError, TrainingError

PREFIXES: Final = ("backbone.cnn.", "backbone.", "encoder.")
"""What the names of its tensors begin with: before a transformer, in a network, in an autoencoder."""

CLASSIFIERS: Final = ("classifier.", "fc.", "head.fc.", "head.", "last_linear.")
"""Tensors of a network's old classifier, by the start of their names; a backbone has no use for them."""

RUN_WEIGHTS: Final = Path("checkpoints") / "best_loss.safetensors"
HUB_WEIGHTS: Final = Path("model.safetensors")


@dataclass(frozen=True)
class TensorFile:
    """Tensors by name, float32, and what their file says of them (``architecture``, ...)."""

    tensors: dict[str, Tensor]
    about: dict[str, str] = field(default_factory=dict)


def default_bundle() -> Path:
    """The bundle of the model that comes inside graticule."""
    return Path(str(resources.files("graticule"))) / "inference" / "default.graticule"


OF_RUNS: Final = "network.backbone.weights"
"""The key of a recipe that names first weights, as errors advise to set it."""

NAME_ANOTHER: Final = "Set network.backbone.name to the network that they are of, or name other weights."


def load_backbone_weights(
    backbone: nn.Module,
    source: str | Path,
    *,
    architecture: str,
    key: str = OF_RUNS,
    advice: str = NAME_ANOTHER,
) -> None:
    """Fill ``backbone`` with the weights at ``source``; all of its tensors, exactly.

    Convention:
        - ``key``: what names the weights in a recipe; ``advice``: how the message ends where they do not fit
        - ``source``: ``default``, or a path as in ``read_tensors``; a vision transformer of another image
          size or pooling fits, see ``fitted_tensors``
        - ``architecture``: the timm name of ``backbone``, for the message

    Raises:
        MissingFileError: there is nothing at ``source``.
        TrainingError: the file is damaged, or holds another network; the message names the tensors.
    """
    found = read_tensors(source, key=key)
    expected = backbone.state_dict()
    tensors = fitted_tensors(_of_backbone(found.tensors), backbone)
    counters = {name for name in expected if name.endswith("num_batches_tracked")}
    missing = sorted(expected.keys() - tensors.keys() - counters)
    unknown = sorted(name for name in tensors.keys() - expected.keys() if not name.startswith(CLASSIFIERS))
    other = [name for name in expected if name in tensors and tensors[name].shape != expected[name].shape]
    if missing or unknown or other:
        raise TrainingError(
            _mismatch(source, architecture, found.about, expected, tensors, missing, unknown, other)
            + f"\n{advice}"
        )
    backbone.load_state_dict({name: tensors.get(name, value) for name, value in expected.items()})


def fitted_tensors(tensors: Mapping[str, Tensor], backbone: nn.Module) -> dict[str, Tensor]:
    """The tensors of a vision transformer as ``backbone`` wants them; those of other networks as they are.

    Convention:
        - positions of patches are resampled to the grid of ``backbone``, as timm does
        - timm calls the last norm ``norm`` where the class token is read and ``fc_norm`` where the mean over
          the patches is; the one that the file has takes the other's name
    """
    fitted, expected = dict(tensors), backbone.state_dict()
    for ours, theirs in (("fc_norm.", "norm."), ("norm.", "fc_norm.")):
        if f"{ours}weight" in expected and f"{ours}weight" not in tensors:
            for name in [name for name in fitted if name.startswith(theirs) and name not in expected]:
                fitted[ours + name.removeprefix(theirs)] = fitted.pop(name)
    embedding, prefix = fitted.get("pos_embed"), getattr(backbone, "num_prefix_tokens", None)
    grid = getattr(getattr(backbone, "patch_embed", None), "grid_size", None)
    wanted = expected.get("pos_embed")
    if embedding is None or wanted is None or prefix is None or grid is None:
        return fitted
    if embedding.ndim == 3 and embedding.shape != wanted.shape and embedding.shape[-1] == wanted.shape[-1]:
        own_prefix = 0 if getattr(backbone, "no_embed_class", False) else prefix
        patches = embedding.shape[1] - own_prefix
        if patches > 0 and round(patches**0.5) ** 2 == patches:  # only square grids can be told apart
            fitted["pos_embed"] = resample_abs_pos_embed(embedding, list(grid), num_prefix_tokens=own_prefix)
    return fitted


def read_about(source: str | Path) -> dict[str, str]:
    """What a file of weights, or that of a run folder, says of itself; nothing where there is none.

    Raises:
        TrainingError: the file is damaged.
    """
    path = Path(source)
    path = path / RUN_WEIGHTS if path.is_dir() else path
    if path.suffix != ".safetensors" or not path.is_file():
        return {}
    return _read_safetensors(path, names_only=True).about


def read_tensors(source: str | Path, *, key: str = OF_RUNS) -> TensorFile:
    """The tensors at ``source``, as float32.

    Convention:
        - ``key``: of the recipe that names ``source``, for the message
        - ``source``: ``default``, a .safetensors file, a run folder, a bundle (folder or .graticule), or
          a folder with ``model.safetensors``

    Raises:
        MissingFileError: there is nothing there, or nothing that holds weights.
        TrainingError: the file is damaged.
    """
    if str(source) == "default":
        return _read_default()
    path = Path(source)
    if path.is_dir():
        if (path / "bundle.json").is_file():
            return _read_bundle(path)
        for name in (RUN_WEIGHTS, HUB_WEIGHTS):
            if (path / name).is_file():
                return _read_safetensors(path / name)
        raise MissingFileError(
            f"The folder '{path}' holds no weights: neither {RUN_WEIGHTS} (a run), bundle.json (a bundle) "
            f"nor {HUB_WEIGHTS}.\nName a .safetensors file:  --set {key}=FILE"
        )
    if not path.is_file():
        raise MissingFileError(
            f"There are no weights at '{path}'.\n"
            "Name a .safetensors file, a run folder or a bundle, or start from random weights:  "
            f"--set {key}=none"
        )
    return _read_bundle(path) if path.suffix == ".graticule" else _read_safetensors(path)


def tensors_of_onnx(model_onnx: bytes) -> TensorFile:
    """The floating-point initialisers of an ONNX model as float32, and its metadata.

    Raises:
        BundleError: the bytes are not an ONNX model.
    """
    try:
        model = onnx.load_from_string(model_onnx)
    except Exception as error:
        raise BundleError(
            "The model.onnx of the bundle cannot be read: it is damaged. Export it again."
        ) from error
    about = {entry.key.removeprefix("graticule."): entry.value for entry in model.metadata_props}
    tensors = {}
    for initialiser in model.graph.initializer:
        if initialiser.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
            values = numpy_helper.to_array(initialiser).astype(np.float32)  # a copy that torch may write to
            tensors[initialiser.name] = torch.from_numpy(values)
    return TensorFile(tensors, about)


def _read_default() -> TensorFile:
    path = default_bundle()
    if not path.is_file():
        raise MissingFileError(
            "This graticule carries no default model whose weights could be used.\n"
            "Start elsewhere:  --set network.backbone.weights=FILE   (or: pretrained, none)"
        )
    return _read_bundle(path)


def _read_bundle(path: Path) -> TensorFile:
    bundle = read_bundle(path)
    if bundle.card.weights == "int8":
        raise TrainingError(
            f"The bundle '{path}' holds int8 weights, which training cannot start from.\n"
            "Take one that was exported with --weights float32 or float16."
        )
    return tensors_of_onnx(bundle.model_onnx)


def _read_safetensors(path: Path, *, names_only: bool = False) -> TensorFile:
    try:
        with safe_open(path, framework="pt") as file:
            names = () if names_only else file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
            about = dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise TrainingError(
            f"'{path}' is not a readable .safetensors file ({str(error).splitlines()[0]}).\n"
            "Weights are read from .safetensors, run folders and bundles; pickled files (.pt, .pth) are not "
            "opened."
        ) from error
    return TensorFile({name: _as_float32(tensor) for name, tensor in tensors.items()}, about)


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _of_backbone(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        inner = {
            name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)
        }
        if inner:
            return inner
    return dict(tensors)


def _mismatch(
    source: str | Path,
    architecture: str,
    about: Mapping[str, str],
    expected: Mapping[str, Tensor],
    tensors: Mapping[str, Tensor],
    missing: list[str],
    unknown: list[str],
    other: list[str],
) -> str:
    lines = [f"The weights '{source}' are not of the backbone '{architecture}' ({len(expected)} tensors):"]
    if "architecture" in about:
        lines[0] = lines[0].replace(" are not of", f" are of '{about['architecture']}', not of")
    if missing:
        lines.append(f"  {len(missing)} tensors are missing in the file, first '{missing[0]}'")
    if unknown:
        lines.append(f"  {len(unknown)} tensors of the file are not in the backbone, first '{unknown[0]}'")
    if other:
        shapes = f"{tuple(tensors[other[0]].shape)}, expected {tuple(expected[other[0]].shape)}"
        lines.append(f"  {len(other)} tensors have another shape, first '{other[0]}': {shapes}")
    return "\n".join(lines)
