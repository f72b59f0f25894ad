"""Where on Earth was this photo taken, how sure can one be, and why?

>>> import graticule
>>> model = graticule.load_model("default")            # doctest: +SKIP
>>> prediction = model.predict(["photo.jpg"])[0]       # doctest: +SKIP
>>> prediction.latitude, prediction.longitude          # doctest: +SKIP
(39.9, 116.3)

Names are loaded when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from graticule._version import __version__

if TYPE_CHECKING:
    from graticule.inference import Model, load_model
    from graticule.partitions import Partition
    from graticule.predictions import Prediction, Predictions

_HOMES = {
    "Model": "graticule.inference",
    "load_model": "graticule.inference",
    "Partition": "graticule.partitions",
    "Prediction": "graticule.predictions",
    "Predictions": "graticule.predictions",
}

__all__ = ["Model", "Partition", "Prediction", "Predictions", "__version__", "load_model"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'graticule' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
