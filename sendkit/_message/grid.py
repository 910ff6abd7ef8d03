"""A table of data as lines: its columns side by side where they fit, divided by bars.

Knows how wide a character is shown (Unicode standard annex 11). Must not know html.
"""

from __future__ import annotations

import sys
import unicodedata

from sendkit._message.lines import Lines

_WIDTH = 78
_BAR = " | "


_COLUMNS = 30  # as many as are kept in order
_EMPTY = Lines()  # where a cell above reaches down to
Cells = list[tuple[str, int]]  # each with the number of columns that it spans


class Grid:
    """Rows of cells, each with lines of its own."""

    def __init__(self) -> None:
        self._rows: list[list[tuple[Lines, int]]] = []
        self._headed = False
        self._column = 0
        self._taken: dict[int, int] = {}  # by column: the last row that a cell above reaches down to

    def new_row(self) -> None:
        """Begin a row."""
        if not self._rows or self._rows[-1]:
            self._rows.append([])
            self._column = 0

    def new_cell(self, *, head: bool, across: int = 1, down: int = 1) -> Lines:
        """Begin a cell in the last row; returns what to write into."""
        if not self._rows:
            self._rows.append([])
        self._headed |= head
        while self._taken.get(self._column, -1) >= len(self._rows) - 1:
            self._add(_EMPTY, 1)
        if down != 1:
            last = len(self._rows) - 1 + down - 1 if down > 0 else sys.maxsize
            self._taken.update(dict.fromkeys(range(self._column, min(self._column + max(1, across), _COLUMNS)), last))
        return self._add(Lines(), min(max(1, across), _COLUMNS))

    def _add(self, cell: Lines, across: int) -> Lines:
        self._rows[-1].append((cell, across))
        self._column += across
        return cell

    def rows(self) -> list[str]:
        """The rows as lines; cells below each other where they are not data: long ones, and those of one column."""
        cells = [[(cell.all, across) for cell, across in row] for row in self._rows]
        long = not self._headed and any(len(cell) > 1 for row in cells for cell, _ in row)
        if long or all(len(row) < 2 for row in cells):
            return [line for row in cells for cell, _ in row for line in cell]
        return _in_columns([[(" ".join(cell), across) for cell, across in row] for row in cells])


def _in_columns(rows: list[Cells]) -> list[str]:
    rows = [row for row in rows if any(text for text, _ in row)]
    widths: list[int] = []
    for row in rows:
        column = 0
        for text, across in row:
            widths += [0] * (column + across - len(widths))
            if across == 1 and len(row) > 1:
                widths[column] = max(widths[column], _width(text))
            column += across
    size = sum(len(text) for row in rows for text, _ in row)
    room = sum(widths) + len(_BAR) * (len(widths) - 1)
    # Columns that are nearly empty are not filled up with blanks beyond measure.
    if room > _WIDTH or room * len(rows) > 4 * size + 1000:
        return [_BAR.join(text for text, _ in row).rstrip() for row in rows]
    return [_padded(row, widths) for row in rows]


def _padded(row: Cells, widths: list[int]) -> str:
    column, found = 0, list[str]()
    for text, across in row:
        room = sum(widths[column : column + across]) + len(_BAR) * (across - 1)
        found.append(text + " " * (room - _width(text)))
        column += across
    return _BAR.join(found).rstrip()


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)
