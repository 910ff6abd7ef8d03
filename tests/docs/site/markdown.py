"""Markdown, piece by piece: titles, tables, code, and the file name of a title."""

from __future__ import annotations

import re
from collections.abc import Iterable


def slug(title: str) -> str:
    """A title as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower().replace("'", "")).strip("-")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; what Markdown would read in a cell is escaped."""
    heads = list(head)
    lines = [heads, ["---"] * len(heads), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def code(text: str, language: str = "text") -> str:
    """A block of code, whatever stands in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def linked(text: str) -> str:
    """A text in which addresses are links."""
    return re.sub(r"(?<![(<\"])(https?://[^\s;,)]+)", r"<\1>", text)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
