"""The numbers in front of the items of a list (HTML section 4.4.5). Must not know lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from sendkit._reading.html import Element

_WHOLE = re.compile(r"[ \t\n]*[+-]?[0-9]{1,9}[ \t\n]*", re.ASCII)
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


class Numbers:
    """Where the numbers of one list stand."""

    def __init__(self, first: int, step: int, kind: str) -> None:
        self._next, self._step, self._kind = first, step, kind

    @classmethod
    def of(cls, element: Element) -> Self:
        """Those of an `ol`: with `start`, `reversed` and `type`."""
        attributes = element.attributes()
        backwards = "reversed" in attributes
        first = whole(attributes.get("start"), element.items if backwards else 1)
        return cls(first, -1 if backwards else 1, attributes.get("type", "1"))

    def mark(self, value: str | None) -> str:
        """What stands in front of the next item, whose `value` counts where it has one."""
        number = whole(value, self._next)
        self._next = number + self._step
        return f"{_written(number, self._kind)}. "


def whole(text: str | None, otherwise: int) -> int:
    """The whole number in an attribute of at most nine digits."""
    return int(text) if text and _WHOLE.fullmatch(text) else otherwise


def _written(number: int, kind: str) -> str:
    if kind.lower() == "a" and 0 < number < 10_000:
        letters = ""
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(ord(kind) + rest) + letters
        return letters
    if kind.lower() == "i" and 0 < number < 4000:
        found = ""
        for size, letters in _ROMAN:
            found += letters * (number // size)
            number %= size
        return found.upper() if kind == "I" else found
    return str(number)
