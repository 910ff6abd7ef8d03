"""Characters as a reader sees them: what may not stand in a mail, and how many columns a text takes in a terminal.

Cells hold what strangers wrote. A NUL ends a line for some readers, a right-to-left override shows `exe.txt` as
`txt.exe` (CVE-2021-42574), and no encoding carries a lone surrogate.
"""

from __future__ import annotations

import re
import unicodedata

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_OVERRIDE = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LINE_END = re.compile("\r\n?|[\u2028\u2029\x85]")
_NOT_ASCII = re.compile(r"[^\x20-\x7e]")


def clean(text: str) -> str:
    """The text with LF as its only line end, without direction overrides, and with U+FFFD for what no mail carries."""
    if text.isprintable():
        return text
    return _CONTROL.sub("\ufffd", _OVERRIDE.sub("", _LINE_END.sub("\n", text)))


def one_line(text: str) -> str:
    """The cleaned text on one line."""
    return " ".join(clean(text).split())


def shortened(text: str, limit: int) -> str:
    """The text, or its first characters and an ellipsis where it is longer than `limit`."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def width(text: str) -> int:
    """How many columns a text takes in a terminal: East Asian wide characters two (UAX 11), marks none."""
    return len(text) if _NOT_ASCII.search(text) is None else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """The text filled up with blanks to this many columns, at its left where `right`."""
    blanks = " " * (columns - width(text))
    return blanks + text if right else text + blanks
