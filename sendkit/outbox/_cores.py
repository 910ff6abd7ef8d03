"""Which core an outbox has: its own, or while a test has a mailbox, one in that test's memory.

Asked at each call, since the outbox of a program may be older than the test. One that was told its place keeps it.
"""

from __future__ import annotations

import os

from sendkit._delivery import diversion
from sendkit.outbox._core import Core, CoreOptions, Face
from sendkit.outbox._place import Place, place_of


class Cores:
    """The cores of one outbox."""

    def __init__(self, told: str | os.PathLike[str] | Place | None, face: Face, options: CoreOptions) -> None:
        self._face = face
        self._options = options
        self._may_be_diverted = told is None
        self._own = Core(place_of(told), face, options)
        self._in_test: Core | None = None

    def current(self) -> Core:
        """The core to use now."""
        diverted = diversion.current() if self._may_be_diverted else None
        place = diverted.outbox() if diverted is not None and diverted.outbox is not None else None
        if not isinstance(place, Place):
            return self._own
        if self._in_test is None or self._in_test.place is not place:
            self._in_test = Core(place, self._face, self._options)
        return self._in_test

    def close(self) -> None:
        """Close what is its own."""
        self._own.close()
