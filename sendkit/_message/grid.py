"""A table of data as lines: its columns side by side where they fit, divided by bars.

Knows how wide a character is shown (Unicode standard annex 11). Must not know html.
"""

from __future__ import annotations

import unicodedata

from sendkit._message.lines import Lines

_WIDTH = 78
_BAR = " | "


class Grid:
    """Rows of cells, each with lines of its own."""

    def __init__(self) -> None:
        self._rows: list[list[Lines]] = []
        self._headed = False

    def new_row(self) -> None:
        """Begin a row."""
        if not self._rows or self._rows[-1]:
            self._rows.append([])

    def new_cell(self, *, head: bool) -> Lines:
        """Begin a cell in the last row; returns what to write into."""
        if not self._rows:
            self._rows.append([])
        self._headed |= head
        self._rows[-1].append(cell := Lines())
        return cell

    def rows(self) -> list[str]:
        """The rows as lines; cells below each other where they are not data: long ones, and those of one column."""
        cells = [[cell.all for cell in row] for row in self._rows]
        long = not self._headed and any(len(cell) > 1 for row in cells for cell in row)
        if long or all(len(row) < 2 for row in cells):
            return [line for row in cells for cell in row for line in cell]
        return _in_columns([[" ".join(cell) for cell in row] for row in cells])


def _in_columns(rows: list[list[str]]) -> list[str]:
    rows = [row for row in rows if any(row)]
    widths: list[int] = []
    for row in rows:
        widths += [0] * (len(row) - len(widths))
        if len(row) > 1:
            widths = [max(pair) for pair in zip(widths, [*map(_width, row), *widths[len(row) :]], strict=True)]
    size = sum(len(cell) for row in rows for cell in row)
    room = sum(widths) + len(_BAR) * (len(widths) - 1)
    # Columns that are nearly empty are not filled up with blanks beyond measure.
    if room > _WIDTH or room * len(rows) > 4 * size + 1000:
        return [_BAR.join(row).rstrip() for row in rows]
    return [
        _BAR.join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)
