"""Nothing leaves the machine: the runtime's own reporting is off before it can begin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PREDICT = """
import sys, time
from graticule.inference import load_model
model = load_model(sys.argv[1])
assert model.predict(sys.argv[2])[0].error is None
time.sleep(15)  # without the switch the first look-up comes after 6 to 14 s
"""


def test_the_switch_is_set_before_the_library_is_loaded() -> None:
    program = (
        "import os, sys; assert 'onnxruntime' not in sys.modules; import graticule.inference.network; "
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace, which sees every connection, is not installed"
)
def test_predicting_opens_no_connection(colour_bundle: Path, colour_photos: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    words = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=connect,sendto",
        "-o",
        str(trace),
        sys.executable,
        "-c",
        PREDICT,
    ]
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    run = subprocess.run(
        [*words, str(colour_bundle), str(colour_photos / "a-red.jpg")], env=environment, check=False
    )
    if run.returncode and not trace.exists():
        pytest.skip("strace may not trace here")
    assert run.returncode == 0
    assert "AF_INET" not in trace.read_text()
