"""Hostile addresses cost linear time at most: `python -m benchmarks.addresses` prints a table, and ends with 1 if not.

Each text is full of one character that address parsers stumble over: a run of it alone, before and behind an address, a
list of broken items, and a list of sound ones. Ten times the text may cost ten times as much; a quadratic parser needs
a hundred times.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sendkit import Message
from sendkit._message.mailbox import parse_address_list
from sendkit._smtp.address import parse_address

SIZES = (10_000, 100_000, 1_000_000)
CHARACTERS = '("<,'
_ROUNDS = 3
LIMIT = 20.0
"""How much dearer ten times the text may be: linear is 10, quadratic 100, and the machine is not quiet."""
_FLOOR = 200e-6
"""Seconds: below it only the clock is measured."""


def _message(text: str) -> object:
    return Message(sender="ana@example.com", to=text, text="")


READERS: dict[str, Callable[[str], object]] = {
    "parse_address": parse_address,
    "parse_address_list": parse_address_list,
    "Message(to=…)": _message,
}
SHAPES: dict[str, Callable[[str, int], str]] = {
    "c…": lambda char, size: char * size,
    "c…a@b.example": lambda char, size: char * size + "a@b.example",
    "a@b.example c…": lambda char, size: "a@b.example " + char * size,
    "a c, a c, …": lambda char, size: f"a {char}, " * (size // 5),
    '"\\c" <a@b.example>, …': lambda char, size: ", ".join(f'"\\{char}" <a{n}@b.example>' for n in range(size // 25)),
}


@dataclass(frozen=True, slots=True)
class Growth:
    """The milliseconds that a reader needs for each size, and how much dearer ten times the text was at worst."""

    reader: str
    shape: str
    costs: tuple[float, ...]

    @property
    def worst(self) -> float:
        pairs = zip(self.costs, self.costs[1:], strict=False)
        return max(max(larger, _FLOOR) / max(smaller, _FLOOR) for smaller, larger in pairs)

    @property
    def linear(self) -> bool:
        return self.worst <= LIMIT


def measure() -> list[Growth]:
    """Every reader with every shape of every character."""
    return [
        Growth(name, shape.replace("c", char), tuple(_cost(read, make(char, size)) for size in SIZES))
        for name, read in READERS.items()
        for char in CHARACTERS
        for shape, make in SHAPES.items()
    ]


def _cost(read: Callable[[str], object], text: str) -> float:
    """The least of some runs: what the machine does beside it can only make it dearer."""
    return min(_once(read, text) for _ in range(_ROUNDS))


def _once(read: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    with suppress(ValueError):  # AddressError and MessageError are; a text that is read is as good
        read(text)
    return time.process_time() - started


def table(grown: list[Growth]) -> str:
    """The dearest text of each reader in Markdown, and every one that grew too fast."""
    sizes = " | ".join(f"{size // 1000:,} kB, ms" for size in SIZES)
    lines = [
        "### addresses: CPU time for hostile texts",
        "",
        f"| reader | text | {sizes} | ten times the text costs | linear |",
        "|---" * (4 + len(SIZES)) + "|",
    ]
    for name in READERS:
        mine = [growth for growth in grown if growth.reader == name]
        dearest = max(mine, key=lambda growth: growth.costs[-1])
        shown = [dearest, *(growth for growth in mine if not growth.linear and growth is not dearest)]
        lines += map(_line, shown)
    return "\n".join(lines) + "\n"


def _line(growth: Growth) -> str:
    costs = " | ".join(f"{cost * 1e3:,.2f}" for cost in growth.costs)
    verdict = "yes" if growth.linear else "**no**"
    return f"| {growth.reader} | `{growth.shape}` | {costs} | {growth.worst:.1f} × at most | {verdict} |"


def main() -> int:
    """Measure, print, and judge."""
    grown = measure()
    print(table(grown))
    return 0 if all(growth.linear for growth in grown) else 1


if __name__ == "__main__":
    sys.exit(main())
