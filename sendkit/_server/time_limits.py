"""How long each phase may take unless a caller says it: see `Timeouts` (RFC 5321 section 4.5.3.2)."""

from __future__ import annotations

from typing import NamedTuple


class TimeLimits(NamedTuple):
    """Seconds for each phase, by the names of `Timeouts`."""

    connect: float = 30
    greeting: float = 60
    command: float = 60
    data: float = 120
    body: float = 180
    end_of_data: float = 600
    quit: float = 5
