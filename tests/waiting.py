"""Tests wait for a condition, never for a time: for longer than the busiest machine needs."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable

LIMIT = 300.0
# Limits to be tried in turn by who must run into one in a certain phase: a busy machine comes so far within the next.
GROWING = (0.3, 3.0, 30.0)


def press_ctrl_c(program: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C, and once more where nothing came of it.

    A signal that falls between Python's last look and the system call that waits is noticed only when that returns; the
    second one then wakes it, and is the same one to Python, which counts none that is still to be noticed.
    """
    program.send_signal(signal.SIGINT)
    try:
        program.wait(timeout=30)
    except subprocess.TimeoutExpired:
        program.send_signal(signal.SIGINT)


def wait_until(ready: Callable[[], object]) -> None:
    """Look every few milliseconds until it is so."""
    end = time.monotonic() + LIMIT
    while not ready():
        assert time.monotonic() < end, f"not so within {LIMIT:g} s"
        time.sleep(0.005)
