"""Ctrl-C and a scheduler's SIGTERM: the first asks to stop after the step, the second stops at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class StopRequest:
    """Whether somebody asked to stop, since ``listen``."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.is_asked = False
        self._say = say
        self._before: dict[signal.Signals, Any] = {}
        self._process = os.getpid()

    def listen(self) -> None:
        """Take both signals over, after Lightning has: it ends a fit on SIGTERM as if all were done."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._on_signal)

    def end(self) -> None:
        """Give the signals back their usual meaning."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if os.getpid() != self._process:  # a process that loads photos has inherited this
            if number == signal.SIGTERM:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            return  # a terminal's Ctrl-C reaches all; those that load end when the step is over
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
        self._say(f"Stopping after this step ... ({_SIGNALS[signal.Signals(number)]} again: at once)")
