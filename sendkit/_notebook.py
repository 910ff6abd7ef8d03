"""Html for notebooks: a table, and a message in a frame that can do no harm. Knows html, and nothing of mail.

Notebooks ask an object for `_repr_html_` (IPython, "Rich display"). They are shown light and dark, so colours are the
page's own except for words that must be seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["frame", "table"]

_CELL = "style='text-align:left;vertical-align:top'"
_TONES = {"good": "#1a7f37", "bad": "#cf222e", "open": "#9a6700"}


def table(caption: str, columns: Iterable[str], rows: Iterable[Iterable[tuple[str, str]]]) -> str:
    """A table; each cell is a text and its tone (`good`, `bad`, `open`, or "" for none)."""
    head = "".join(f"<th scope='col' {_CELL}>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(_cell(*cell) for cell in row)}</tr>" for row in rows)
    title = f"<caption style='text-align:left'>{escape(caption)}</caption>"
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(text: str, tone: str) -> str:
    shown = escape(text)
    if tone:
        shown = f"<b style='color:{_TONES[tone]}'>{shown}</b>"
    return f"<td {_CELL}>{shown}</td>"


def frame(document: str, sandbox: str, title: str) -> str:
    """A document in a frame without an origin; `sandbox` says what it may do (HTML section 4.8.5)."""
    return (
        f"<iframe sandbox='{escape(sandbox)}' title='{escape(title)}' referrerpolicy='no-referrer' "
        "style='width:100%;height:28rem;border:1px solid #8884;background:#fff;color-scheme:light' "
        f"srcdoc='{escape(document)}'></iframe>"
    )
