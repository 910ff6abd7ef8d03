"""A table as plain text: columns where they fit into 78 (RFC 5322 section 2.1.1), else a record for each row."""

from __future__ import annotations

from collections.abc import Sequence

from sendkit.report._cells import Cells
from sendkit.report._characters import padded, width

LIMIT = 78
RECORDS = 20  # a record for each row is long; nobody reads more of them
_GAP = "  "


def text_of(columns: Sequence[Cells], shown: int, caption: str, *, header: bool = True) -> tuple[str, int]:
    """The table, and how many of its rows are in it."""
    flat = [[" ".join(text.split()) for text in column.texts[:shown]] for column in columns]
    widths = [
        max([width(column.name) * header, width(_total(columns, i)), *map(width, texts)])
        for i, (column, texts) in enumerate(zip(columns, flat, strict=True))
    ]
    head = f"{caption}\n\n" if caption else ""
    if sum(widths) + len(_GAP) * (len(widths) - 1) <= LIMIT:
        return head + _as_columns(columns, flat, widths, header=header), shown
    kept = min(shown, RECORDS)
    return head + _as_records(columns, flat, kept), kept


def _total(columns: Sequence[Cells], i: int) -> str:
    if i == 0 and not columns[0].total and any(column.total for column in columns):
        return "Total"
    return columns[i].total


def _as_columns(columns: Sequence[Cells], flat: list[list[str]], widths: list[int], *, header: bool) -> str:
    def line(texts: Sequence[str]) -> str:
        cells = zip(texts, widths, columns, strict=True)
        return _GAP.join(padded(text, size, right=column.right) for text, size, column in cells).rstrip()

    rule = _GAP.join("-" * size for size in widths)
    lines = [line([column.name for column in columns]), rule] if header else []
    lines += map(line, zip(*flat, strict=True))
    if any(column.total for column in columns):
        lines += [rule, line([_total(columns, i) for i in range(len(columns))])]
    return "\n".join(lines)


def _as_records(columns: Sequence[Cells], flat: list[list[str]], shown: int) -> str:
    label = max((width(column.name) for column in columns), default=0)
    records = [
        "\n".join(_field(padded(c.name, label), texts[i]) for c, texts in zip(columns, flat, strict=True)).rstrip()
        for i in range(shown)
    ]
    totals = [_field(padded(column.name, label), column.total) for column in columns if column.total]
    return "\n\n".join([*records, "\n".join(["Total", *totals])] if totals else records)


def _field(label: str, text: str) -> str:
    return f"{label}{_GAP}{text}".rstrip()
