"""Random octets for each message, drawn from the operating system many at a time: one call costs as much as many.

No octets are used twice: not by two threads (a pop is atomic), nor by a parent and its fork, which begins with none.
"""

from __future__ import annotations

import os

_AT_A_TIME = 128
_drawn: list[str] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drawn.clear)


def drawn() -> str:
    """32 hexadecimal digits, 128 bits that nobody can foresee."""
    try:
        return _drawn.pop()
    except IndexError:
        octets = os.urandom(16 * _AT_A_TIME).hex()
        _drawn.extend(octets[start : start + 32] for start in range(32, len(octets), 32))
        return octets[:32]
