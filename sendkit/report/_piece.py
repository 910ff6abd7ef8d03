"""A block as it was rendered: html in rows of which some may be left out, its text, its pictures and its files.

Gmail shows the first 102 kB of a mail and hides the rest behind a link, so a report has a budget. `fit` says how many
rows each block may show: the largest blocks lose first, and each says what it lost.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import accumulate
from typing import TYPE_CHECKING

from sendkit.report._theme import MUTED, Theme

if TYPE_CHECKING:
    from sendkit import Attachment
    from sendkit.report._locale import Locale


def _nothing(_rows: int) -> str:
    return ""


def _no_files(_rows: int) -> tuple[Attachment, ...]:
    return ()


@dataclass(slots=True, frozen=True, kw_only=True)
class Piece:
    """One rendered block. `note`, `text` and `files` are asked with the number of rows that are shown.

    `last` says that the last rows stay, as in a log. `gap` is the space below in pixels.
    """

    before: str = ""
    rows: Sequence[str] = ()
    after: str = ""
    text: Callable[[int], str] = _nothing
    note: Callable[[int], str] = _nothing
    files: Callable[[int], tuple[Attachment, ...]] = _no_files
    inline: tuple[Attachment, ...] = ()
    last: bool = False
    gap: int = 28

    def html(self, shown: int) -> str:
        """The html with so many of its rows."""
        kept = self.rows[len(self.rows) - shown :] if self.last else self.rows[:shown]
        return "".join([self.before, *kept, self.after, note_html(self.note(shown))])


def note_html(note: str) -> str:
    """A sentence below a block, in small letters."""
    style = f"margin:8px 0 0;font-size:13px;line-height:18px;color:{MUTED}"
    return f'<p class="m" style="{style}">{escape(note)}</p>' if note else ""


@dataclass(slots=True)
class Page:
    """What the blocks of a report share while it is rendered: the look, the last heading, heat maps, names of files."""

    theme: Theme
    locale: Locale
    headings: list[int] = field(default_factory=list[int])
    heat: bool = False
    names: set[str] = field(default_factory=set[str])

    def heading(self, level: int) -> int:
        """The level for a heading that is `level` in its block: below the title, none left out (WCAG 1.3.1)."""
        while self.headings and self.headings[-1] >= level:
            self.headings.pop()
        self.headings.append(level)
        return self.level

    @property
    def level(self) -> int:
        """The level of the last heading."""
        return min(1 + len(self.headings), 6)

    def name(self, wanted: str, ending: str) -> str:
        """A file name that no other block has."""
        name, number = f"{wanted}.{ending}", 1
        while name.lower() in self.names:
            number += 1
            name = f"{wanted}-{number}.{ending}"
        self.names.add(name.lower())
        return name


def fit(pieces: Sequence[Piece], budget: int) -> list[int] | None:
    """How many rows each piece may show, so that all stay within so many octets; None where nothing helps."""
    ends = [list(accumulate(_sizes(piece), initial=0)) for piece in pieces]
    fixed = sum(len(f"{piece.before}{piece.after}".encode()) for piece in pieces)

    def shown(cap: int) -> list[int]:
        return [bisect_right(sizes, cap) - 1 for sizes in ends]

    def fits(counts: list[int]) -> bool:
        octets = sum(sizes[count] for sizes, count in zip(ends, counts, strict=True))
        notes = (piece.note(count) for piece, count in zip(pieces, counts, strict=True))
        return fixed + octets + sum(len(note_html(note).encode()) for note in notes) <= budget

    high = max((sizes[-1] for sizes in ends), default=0)
    if fits(shown(high)):
        return shown(high)
    if not fits(shown(0)):
        return None
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(shown(middle)) else (low, middle)
    return shown(low)


def _sizes(piece: Piece) -> list[int]:
    sizes = [len(row.encode()) for row in piece.rows]
    return sizes[::-1] if piece.last else sizes
