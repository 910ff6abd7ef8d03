"""Tests wait for a condition, never for a time: for longer than the busiest machine needs."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT = 300.0
# Limits to be tried in turn by who must run into one in a certain phase: a busy machine comes so far within the next.
GROWING = (0.3, 3.0, 30.0)


def wait_until(ready: Callable[[], object]) -> None:
    """Look every few milliseconds until it is so."""
    end = time.monotonic() + LIMIT
    while not ready():
        assert time.monotonic() < end, f"not so within {LIMIT:g} s"
        time.sleep(0.005)
