"""How much of a large message has left: a bar on standard error, for a person who waits there.

Nothing of it is drawn into a pipe or a file, and nothing that happens to it touches the message.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sendkit._cli.console import draw

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGE = 1_000_000  # octets; less than that is gone before anybody has read the bar
_WIDTH = 30


def bar() -> Callable[[int, int], None] | None:
    """What `on_progress` may be told, or None where nobody watches."""
    return _Bar() if sys.stderr.isatty() else None


class _Bar:
    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, sent: int, total: int) -> None:
        percent = sent * 100 // total
        if total < _LARGE or percent == self._shown:
            return
        self._shown = percent
        done = sent * _WIDTH // total
        line = f"[{'#' * done}{'.' * (_WIDTH - done)}] {percent} % of {total / 1e6:.1f} MB"
        draw(f"\r{line}" if sent < total else f"\r{' ' * len(line)}\r")
