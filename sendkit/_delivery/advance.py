"""What a thread that reads its source itself waits for: a result, or room for more. No task waits in its place."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Generic

from sendkit._delivery.stream import Item, Result, Window
from sendkit._lifetime.by_itself import ByItself, settle
from sendkit._lifetime.loops import running_loop


class Advance(ByItself[bool], Generic[Item, Result]):
    """Start these, taking them away, until there is a result, or, where there are `more`, room; then it is True.

    To cancel it ends the waiting, and nothing of what was started.
    """

    __slots__ = ("_ended", "_items", "_more", "_window")

    def __init__(self, window: Window[Item, Result], items: deque[Item], *, more: bool) -> None:
        self._window = window
        self._items = items
        self._more = more
        self._ended: Callable[[], object] | None = None

    @property
    def result(self) -> bool:
        """That it is over."""
        return True

    def start(self, ended: Callable[[], object]) -> bool:
        """Begin all of them."""
        window, items = self._window, self._items
        while items and not window.closed:
            window.begin(items.popleft())
        self._ended = ended
        self._look()
        return True

    def cancel(self) -> None:
        """Wait no longer."""
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()

    def close(self) -> None:
        """Nobody is to be told any more."""
        self._ended = None

    def __await__(self) -> Generator[Any, Any, bool]:
        over = running_loop().create_future()
        self.start(partial(settle, over))
        try:
            yield from over
        finally:
            self.close()
        return True

    def _look(self) -> None:
        window = self._window
        if window.finished or window.over or (self._more and window.room):
            self.cancel()
        elif self._ended is not None:
            window.watch(self._look)
