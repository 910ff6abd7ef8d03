"""How many connections a transport may have, how long it keeps them, and when a refused secret may be sent again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Limits:
    """How many connections; how many letters on one in its lifetime, and how long it may sit idle (None: no limit).

    Times are in seconds; `quit` is the limit for QUIT.
    """

    connections: int
    letters: int | None = None
    idle: float | None = None
    quit: float = 5
    login_rest: float = 3600
