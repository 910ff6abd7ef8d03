"""Ctrl-C, and other signals, while this thread runs a loop of ours: nothing may be raised in the middle of the loop.

Python runs signal handlers on the main thread, between any two instructions. So the default handler of SIGINT is
replaced while the main thread runs the loop, and where a program has set a handler of its own for any signal, which may
raise, the main thread does not run the loop at all.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from types import FrameType, TracebackType
from typing import Any, Protocol, cast


class _Signals(Protocol):
    """The functions below those of `signal`, which take 15 times as long to make enums of what they are given."""

    def signal(self, number: int, handler: Any, /) -> Any: ...
    def getsignal(self, number: int, /) -> Any: ...
    def valid_signals(self) -> Iterable[int]: ...


try:
    import _signal  # type: ignore[import-not-found]  # pyright: ignore - it has no stubs

    _signals = cast("_Signals", _signal)
except ImportError:  # another Python than CPython and PyPy
    _signals = cast("_Signals", signal)

_SIGINT = int(signal.SIGINT)
_HARMLESS = frozenset({None, int(signal.SIG_DFL), int(signal.SIG_IGN), signal.default_int_handler})
_ALL = tuple(int(number) for number in _signals.valid_signals())


def on_the_main_thread() -> bool:
    """Whether signal handlers run on this thread."""
    return threading.get_ident() == threading.main_thread().ident


def may_raise() -> bool:
    """Whether a handler that a program has set might raise on the main thread, in the middle of anything."""
    try:
        return not _HARMLESS.issuperset(map(_signals.getsignal, _ALL))
    except TypeError:  # a callable that has no hash
        return True


class Interrupts:
    """Within `with`, the first Ctrl-C on the main thread calls a function instead of raising; `came`: whether it did.

    `main`: whether this is the main thread. The second one raises where it comes: a way out of what does not end.
    """

    __slots__ = ("_before", "_main", "_tell", "came")

    def __init__(self, tell: Callable[[], object], *, main: bool) -> None:
        self._tell = tell
        self._main = main
        self._before: Any = None
        self.came = False

    def __enter__(self) -> None:
        if self._main and _signals.getsignal(_SIGINT) is signal.default_int_handler:
            self._before = _signals.signal(_SIGINT, self._handle)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._before is not None:
            _signals.signal(_SIGINT, self._before)
            self._before = None

    def check(self) -> None:
        """Raise KeyboardInterrupt, if it came."""
        if self.came:
            raise KeyboardInterrupt

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True
        self._tell()
