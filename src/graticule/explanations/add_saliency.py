"""Gives a bundle that has no Grad-CAM its output: ``python -m graticule.explanations.add_saliency BUNDLE``.

For bundles that were exported before there was Grad-CAM, the default model among them; new ones have it. The
weights stay as they are. What the bundle says is compared before anything is written, the earlier revision is
named in its model card, and it gets a revision of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from graticule.bundle import BundleCard, read_bundle, write_bundle
from graticule.config import require
from graticule.errors import BundleError, ExplanationError, GraticuleError
from graticule.explanations.graph.builder import UnsupportedGraphError
from graticule.explanations.graph.saliency import with_saliency
from graticule.inference.network import Answer, Network

HEADING: Final = "## Grad-CAM added"

ROUNDING: Final = 1e-6
"""By more than this no number that the bundle gives may change."""

_PICTURES: Final = 64


def add_saliency(path: str | Path, output: str | Path) -> BundleCard:
    """Write the bundle at ``path`` again to ``output``, its graph with the output ``saliency``.

    Convention:
        - needs the package ``onnx`` (extra ``train``)

    Raises:
        BundleError: the bundle is damaged, has Grad-CAM already, or would answer otherwise than before.
        ExplanationError: its network has no feature map, or an operation without a gradient.
        MissingPackageError: ``onnx`` is not installed.
    """
    bundle = read_bundle(path)
    if Network(bundle.model_onnx).gives_saliency:
        raise BundleError(f"'{path}' gives Grad-CAM already ({bundle.card.identity}); nothing was written.")
    onnx = require("onnx")
    try:
        grown = with_saliency(onnx.load_from_string(bundle.model_onnx)).SerializeToString()
    except UnsupportedGraphError as error:
        raise ExplanationError(
            f"'{path}' cannot give Grad-CAM: of its network {error}.\n"
            "This works with every model:  graticule explain PHOTO --method occlusion"
        ) from error
    difference = _difference(bundle.model_onnx, grown)
    if difference > ROUNDING:
        raise BundleError(
            f"With Grad-CAM in its graph '{path}' would answer otherwise (by {difference:.2g}); nothing was "
            "written.\nPlease report this."
        )
    note = (
        f"\n{HEADING}\n\nThis is the network of revision `{bundle.card.revision}` with one output more, "
        f"`saliency`. No weight was changed: on {_PICTURES} random pictures no number that it gave before "
        f"differs by more than {difference:.2g}. The measurements above are those of that revision.\n"
    )
    return write_bundle(
        output,
        model_onnx=grown,
        partition=bundle.partition,
        card=bundle.card,
        model_card=bundle.model_card.rstrip("\n") + "\n" + note,
    )


def _difference(before: bytes, after: bytes) -> float:
    """The largest difference of any number in the answers to random pictures."""
    one, other = Network(before, threads=1), Network(after, threads=1)
    shape = (_PICTURES, one.size_px, one.size_px, 3)
    squares = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return max(
        _apart(one(squares[start : start + 8]), other(squares[start : start + 8]))
        for start in range(0, _PICTURES, 8)
    )


def _apart(one: Answer, other: Answer) -> float:
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return max(float(np.abs(mine - its).max()) for mine, its in pairs if mine is not None)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m graticule.explanations.add_saliency", description=__doc__
    )
    parser.add_argument("bundle", type=Path, help="a folder or .graticule file")
    parser.add_argument("-o", "--output", type=Path, help="where to write; over the bundle when left out")
    words = parser.parse_args(argv)
    try:
        card = add_saliency(words.bundle, words.output or words.bundle)
    except GraticuleError as error:
        sys.stderr.write(f"Error: {error}\n")
        return error.exit_status
    sys.stderr.write(f"Wrote {words.output or words.bundle}: {card.identity}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
