"""SIGTERM and SIGHUP while a command sends: they end it as Ctrl-C does, and its exit code says what is known by then.

A signal that has a handler already, or is ignored (nohup), is left alone. Once it is known what became of the message,
none changes anything any more: the result must not be lost, and no caller send the message again.
"""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Final, Self

from sendkit._lifetime.interrupts import on_the_main_thread

_NUMBERS = tuple(number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None)


class Ended(BaseException):
    """A signal came. Where a KeyboardInterrupt passes through `eval`, Python ends by SIGINT, even if it was caught."""


INTERRUPTS: Final = (KeyboardInterrupt, Ended)


class Signals:
    """Within `with`, both are obeyed on the main thread; `came` is the first of them.

    `last`: the process ends behind it, and ignores them until then.
    """

    def __init__(self, *, last: bool) -> None:
        self.came: signal.Signals | None = None
        self._last = last
        self._ours: list[signal.Signals] = []

    def __enter__(self) -> Self:
        if on_the_main_thread():
            self._ours = [number for number in _NUMBERS if signal.getsignal(number) is signal.SIG_DFL]
            for number in self._ours:
                signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number in self._ours:
            signal.signal(number, signal.SIG_IGN if self._last else signal.SIG_DFL)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first, self.came = self.came is None, self.came or signal.Signals(number)
        # While a mailer is at work, Ctrl-C has a handler that ends what is in progress, with a result, and raises then.
        ctrl_c = signal.getsignal(signal.SIGINT)
        if callable(ctrl_c) and ctrl_c is not signal.default_int_handler:
            ctrl_c(number, frame)
        elif first:
            raise Ended


def settled() -> None:
    """It is known what became of the message: what is left to do may end by itself."""
    if on_the_main_thread():
        for number in _NUMBERS:
            if isinstance(getattr(signal.getsignal(number), "__self__", None), Signals):
                signal.signal(number, signal.SIG_IGN)
