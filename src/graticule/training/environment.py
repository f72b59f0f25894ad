"""What a run ran on: versions, machine, words typed, and the revision of the code where git knows it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from graticule._version import __version__
from graticule.config import usable_cores

_PACKAGES: Final = (
    "numpy",
    "polars",
    "pillow",
    "torch",
    "torchvision",
    "timm",
    "lightning",
    "onnx",
    "onnxruntime",
)


def environment() -> dict[str, Any]:
    """The environment as plain values; what cannot be found out is null."""
    versions: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "graticule": __version__,
        "revision": _revision(Path(__file__).parent),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_bytes": _memory_bytes(),
        "gpus": _gpus(),
        "packages": versions,
        "command": sys.argv,
    }


def _revision(folder: Path) -> str | None:
    """The commit of the checkout that ``folder`` lies in, with "+" when tracked files differ from it."""
    words = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine() or None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _gpus() -> list[str]:
    torch = sys.modules.get("torch")  # a run has it loaded; nothing here needs it
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
