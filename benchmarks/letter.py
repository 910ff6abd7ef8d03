"""The message that every client sends: a weekly report of about 2 kB as text and html, to one recipient by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SENDER_NAME = "Ana Núñez"
SENDER = "ana@example.com"
TEXT = "\n".join(f"Line {n} of the weekly report, with figures: {n * 17} and {n * 31}." for n in range(14)) + "\n"
_PARAGRAPHS = "\n".join(f"<p>Line {n} of the weekly report: {n * 17}</p>" for n in range(22))
HTML = f"<html><body>\n{_PARAGRAPHS}\n</body></html>\n"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: its number, which makes it different from the others, its recipients, and at most one file."""

    number: int
    recipients: tuple[str, ...]
    attachment: Path | None = None

    @property
    def subject(self) -> str:
        return f"Informe semanal n.º {self.number}"


def letters(count: int, *, first: int = 0) -> Iterator[Letter]:
    """So many letters, each to one recipient of its own."""
    for number in range(first, first + count):
        yield Letter(number, (f"luis{number}@example.com",))


def crowded(recipients: int) -> Letter:
    """One letter to many."""
    return Letter(0, tuple(f"reader{number}@example.com" for number in range(recipients)))
