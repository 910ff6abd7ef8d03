"""Ctrl-C, and other signals, while this thread runs a loop of ours: nothing may be raised in the middle of the loop.

Python runs signal handlers on the main thread, between any two instructions. So the default handler of SIGINT is
replaced while the main thread runs the loop, and where a program has set a handler of its own for any signal, which may
raise, the main thread does not run the loop at all.

What lasts longer than a call, such as a loop over results, may `hold` the default handler of SIGINT: then what is in
progress ends before KeyboardInterrupt is raised, wherever the main thread is. A program's own handler is left alone.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import weakref
from collections.abc import Callable, Iterable
from types import FrameType, TracebackType
from typing import Any, Protocol, cast

from sendkit._lifetime.forks import starts_over


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


class Interruptible(Protocol):
    """What lasts, and has something in progress."""

    def stop(self) -> None:
        """Start nothing new."""
        ...

    def _interrupted(self, interrupt: KeyboardInterrupt) -> None:
        """Wait for what is in progress, and put what nobody was told yet on the interrupt. It raises nothing."""
        ...


class _Holders:
    """Those for whom the default handler of SIGINT is held, as long as they live. Their order is that of nesting."""

    def __init__(self) -> None:
        self._ones: dict[int, weakref.ref[Interruptible]] = {}
        starts_over(self)

    def start_over(self) -> None:
        """What is in progress is the parent's; its child ends at once."""
        self._ones = {}

    def add(self, one: Interruptible) -> None:
        self._ones[id(one)] = weakref.ref(one)

    def discard(self, one: Interruptible) -> bool:
        """Whether it was the last of them."""
        return self._ones.pop(id(one), None) is not None and not self._ones

    def take(self) -> list[Interruptible]:
        """All of them, the innermost first, which are none of them any more."""
        ones, self._ones = self._ones, {}
        return [one for reference in reversed(ones.values()) if (one := reference()) is not None]


_holders = _Holders()


def hold(one: Interruptible) -> None:
    """From now on a Ctrl-C lets this end first, where the main thread asks, and the program has no handler."""
    if on_the_main_thread() and _signals.getsignal(_SIGINT) in (signal.default_int_handler, _end_first):
        _holders.add(one)
        _signals.signal(_SIGINT, _end_first)


def let_go(one: Interruptible) -> None:
    """It has ended. Where a finalizer says so on another thread, the handler stays, and does what the default does."""
    if _holders.discard(one) and on_the_main_thread():
        _restore()


def end_held(interrupt: KeyboardInterrupt) -> None:
    """On the main thread: let all of them end. Another Ctrl-C meanwhile cuts short what is in progress."""
    if not on_the_main_thread() or not (ones := _holders.take()):
        return
    _restore()
    for one in ones:
        one.stop()
    for one in ones:
        one._interrupted(interrupt)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - no user of it should


def _restore() -> None:
    if _signals.getsignal(_SIGINT) is _end_first:
        _signals.signal(_SIGINT, signal.default_int_handler)


def _end_first(_number: int, _frame: FrameType | None) -> None:
    interrupt = KeyboardInterrupt()
    with contextlib.suppress(KeyboardInterrupt):  # one more, where none was expected: enough
        end_held(interrupt)
    raise interrupt


_SIGINT = int(signal.SIGINT)
_HARMLESS = frozenset({None, int(signal.SIG_DFL), int(signal.SIG_IGN), signal.default_int_handler, _end_first})
# Those that one would set a handler for: with the real-time signals it would take twice as long.
_ALL = tuple(int(number) for number in _signals.valid_signals() if number < getattr(signal, "SIGRTMIN", 65))


def on_the_main_thread() -> bool:
    """Whether signal handlers run on this thread."""
    return threading.current_thread() is threading.main_thread()


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
        if self._main and _signals.getsignal(_SIGINT) in (signal.default_int_handler, _end_first):
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
