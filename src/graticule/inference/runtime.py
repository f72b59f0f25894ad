"""ONNX Runtime, silenced: the one place that imports it for prediction and export.

Its builds since 1.31 for Linux look up and write to a collector of its maker when a session starts. graticule
promises that nothing leaves the machine, so the switch is set before the library is loaded, where it is read.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, while the library loads

import onnxruntime

onnxruntime.disable_telemetry_events()  # for a process that had loaded it before us

__all__ = ["onnxruntime"]
