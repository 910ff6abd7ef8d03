"""A table in html that Word, Gmail and a phone show alike: 60 to 80 octets for a cell.

What matters stands in each cell: borders, since Word knows none on a row; colours as `bgcolor` too; zebra by row, since
Gmail knows no `nth-child`. Only numbers and dates are kept on one line, so that a table can shrink to a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sendkit.report._cells import Cells
from sendkit.report._characters import width
from sendkit.report._theme import BAD, BAR, GOOD, HEAT, INK, LINE, MUTED, RULE, WARN, ZEBRA

_COLOURS = {"pos": GOOD, "neg": BAD, "warn": WARN}
_HEAT = {f"h{i}": colour for i, colour in enumerate(HEAT, 1)}
_BORDER = f"border-bottom:1px solid {LINE}"
_BELOW_ZERO = "#e8a9a4"
_LETTER = {14: 7.3, 13: 6.8, 12: 6.3}  # the mean width of a letter in pixels, by the size of the font


def opening(columns: Sequence[Cells], caption: str, label: str, inner: int, header: bool) -> str:
    """Everything above the first row."""
    size = _size(columns, inner)
    look = f"border-collapse:collapse;font-size:{size}px;line-height:20px;color:{INK};font-variant-numeric:tabular-nums"
    title = (
        f'<p style="margin:0 0 6px;font-size:15px;line-height:22px;font-weight:bold;color:{INK}">{escape(caption)}</p>'
    )
    head = f"<tr>{''.join(map(_head, columns))}</tr>\n"
    return (
        f"{title if caption else ''}"
        f'<div style="overflow-x:auto"><table class="{"d n" if size < 14 or _narrow(columns) else "d"}" '
        f'aria-label="{escape(label)}" cellpadding="{7 if size == 14 else 5}" cellspacing="0" border="0" width="100%" '
        f'style="{look}">\n{head if header else ""}'
    )


def _head(column: Cells) -> str:
    style = f"border-bottom:2px solid {RULE};font-size:13px;line-height:18px;color:{MUTED}"
    wrap = " nowrap" if width(column.name) <= 12 else ""
    return (
        f'<th scope="col"{_align(column, always=True)} valign="bottom"{wrap} style="{style}">{escape(column.name)}</th>'
    )


def _align(column: Cells, *, always: bool = False) -> str:
    return ' align="right"' if column.right else ' align="left"' if always else ""


def rows(columns: Sequence[Cells], *, zebra: bool) -> list[str]:
    """The rows, each as a string of its own."""
    striped = f'<tr class="z" bgcolor="{ZEBRA}">'
    return [
        f"{striped if zebra and number % 2 else '<tr>'}{''.join(cells)}</tr>\n"
        for number, cells in enumerate(zip(*map(_cells, columns), strict=True))
    ]


def _cells(column: Cells) -> list[str]:
    if column.labels_rows:
        style = f'style="{_BORDER};color:{INK}"'
        return [f'<th class="r" scope="row" align="left" {style}>{_inner(text)}</th>' for text in column.texts]
    align, style = _align(column), f' style="{_BORDER}">'
    if column.links is None and column.tones is None and column.bars is None:
        return [f"<td{align}{_nowrap(column, text)}{style}{_inner(text)}</td>" for text in column.texts]
    return [_special(column, i, f"{align}{_nowrap(column, text)}") for i, text in enumerate(column.texts)]


def _nowrap(column: Cells, text: str) -> str:
    return (
        " nowrap" if column.nowrap and (" " in text or "-" in text or "\u00a0" in text) else ""
    )  # octets, in each cell


def _special(column: Cells, i: int, attributes: str) -> str:
    text, style = _inner(column.texts[i]), _BORDER
    if column.links is not None and (target := column.links[i]):
        text = f'<a href="{escape(target)}">{text}</a>'
    if column.bars is not None and (length := column.bars[i]):
        text += _bar(length)
    if column.tones is not None and (tone := column.tones[i]):
        attributes += f' class="{tone}"'
        if tone in _HEAT:
            attributes += f' bgcolor="{_HEAT[tone]}"'
        else:
            style += f";color:{_COLOURS[tone]}"
    return f'<td{attributes} style="{style}">{text}</td>'


def _bar(length: int) -> str:
    colour = BAR if length > 0 else _BELOW_ZERO
    return (
        '<table class="b" role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>'
        f'<td class="bar" bgcolor="{colour}" width="{abs(length)}" style="font-size:1px;line-height:4px">&nbsp;</td>'
        "</tr></table>"
    )


def _inner(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")


def closing(columns: Sequence[Cells]) -> str:
    """Everything below the last row: totals, if there are any."""
    if not any(column.total for column in columns):
        return "</table></div>"
    first = "" if columns[0].total else "Total"
    cells = "".join(_sum(column, first if i == 0 else "") for i, column in enumerate(columns))
    return f"<tr>{cells}</tr>\n</table></div>"


def _sum(column: Cells, label: str) -> str:
    align = ' align="left"' if label else _align(column, always=True)
    style = f'style="border-top:2px solid {RULE};font-weight:bold"'
    text = escape(label or column.total)
    return f'<th class="r t" scope="row"{align} {style}>{text}</th>' if label else (
        f'<td class="t"{align} nowrap {style}>{text}</td>'
    )  # fmt: skip


def _size(columns: Sequence[Cells], inner: int) -> int:
    """The largest font with which the table is no wider than the card."""
    return next((size for size in (14, 13) if _wide(columns, size) <= inner), 12)


def _narrow(columns: Sequence[Cells]) -> bool:
    return _wide(columns, 13) > 300


def _wide(columns: Sequence[Cells], size: int) -> float:
    """The least width in pixels: the longest word of a text, all of a number."""
    return sum(_least(column) * _LETTER[size] + 14 for column in columns)


def _least(column: Cells) -> int:
    texts = [*column.texts[:50], column.total]
    head = width(column.name) if width(column.name) <= 12 else max(map(len, column.name.split()), default=0)
    if column.nowrap:
        return max(head, *map(width, texts))
    return max(head, *(max(map(width, text.split()), default=0) for text in texts))
