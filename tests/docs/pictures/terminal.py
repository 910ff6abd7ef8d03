"""A terminal as a picture: a command is run on a terminal of its own, and what it shows becomes SVG."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from xml.sax.saxutils import escape

from tests.docs.pictures.svg import MONO, page

_COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#79c0ff"}
_STYLE = re.compile(r"\x1b\[([\d;]*)m")
_LINE, _LETTER, _PAPER, _INK = 18, 7.83, "#161b22", "#e6edf3"


def recorded(command: list[str], **environment: str) -> str:
    """What a command writes to a terminal."""
    ours, its = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "116", **environment}
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environ, close_fds=True):
        os.close(its)
        written = b""
        while block := _read(ours):
            written += block
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # EIO: nobody writes there any more
        return b""


def picture(title: str, shown: str, *, columns: int = 116) -> str:
    """What a terminal shows, as a picture; longer lines are cut."""
    lines = shown.rstrip().split("\n")
    parts, style = [], ""
    for number, line in enumerate(lines):
        spans, style = _spans(line, style, columns)
        parts.append(f"<text x='18' y='{34 + number * _LINE}' xml:space='preserve' font-size='13'>{spans}</text>")
    height = 34 + len(lines) * _LINE
    return page(36 + columns * _LETTER, height, title, parts, font=MONO, paper=_PAPER)


def _spans(line: str, style: str, columns: int) -> tuple[str, str]:
    """A line as SVG, and the style that goes on in the next one."""
    made, left = [], columns
    for number, piece in enumerate(_STYLE.split(line)):
        if number % 2:
            style = "" if piece in ("", "0") else piece
        elif piece and left > 0:
            cut = piece if len(piece) <= left else piece[: left - 1] + "…"
            left -= len(piece)
            made.append(f"<tspan {_look(style)}>{escape(cut)}</tspan>")
    return "".join(made), style


def _look(style: str) -> str:
    codes = style.split(";")
    colour = next((_COLOURS[code] for code in codes if code in _COLOURS), _INK)
    weight = " font-weight='bold'" if "1" in codes else ""
    faint = " opacity='.65'" if "2" in codes else ""
    return f"fill='{colour}'{weight}{faint}"
