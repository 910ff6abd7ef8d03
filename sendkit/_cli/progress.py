"""Progress on standard error, for a person who waits: a bar for a large message, and who is tried again.

Nothing of it is drawn into a pipe or a file, and nothing that happens to it touches the message.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sendkit._cli.console import complain, draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendkit import Mailer
    from sendkit.results import Waiting

_LARGE = 1_000_000  # octets; less than that is gone before anybody has read the bar
_WIDTH = 30
_NAMED = 3  # recipients; there may be a thousand


def bar() -> Callable[[int, int], None] | None:
    """What `on_progress` may be told, or None where nobody watches."""
    return _Bar() if sys.stderr.isatty() else None


def connecting(mailer: Mailer) -> None:
    """Say where the message goes, to who waits for it."""
    if sys.stderr.isatty():
        complain(f"connecting to {repr(mailer).removeprefix('<Mailer ').removesuffix('>')}")


def waits() -> Callable[[Waiting], None] | None:
    """What `on_wait` may be told, or None where nobody watches."""
    return _tell_of_wait if sys.stderr.isatty() else None


def _tell_of_wait(waiting: Waiting) -> None:
    """Say who is tried again, why, and when."""
    for one in waiting.recipients[:_NAMED]:
        complain(f"{one}; next try in {_duration(waiting.seconds)} (Ctrl-C leaves it deferred)")
    if (more := len(waiting.recipients) - _NAMED) > 0:
        complain(f"and {more} more recipients")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


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
