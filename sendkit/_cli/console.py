"""Standard streams, as a person or a pipe has them: colour where it is wanted, and output that never fails a command.

Once a message is out, nothing that happens to the report of it may change the exit code: a wrapper that takes a closed
pipe for a failed delivery would send the message a second time.
"""

from __future__ import annotations

import io
import os
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from sendkit._smtp.reply import CONTROLS
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Callable


class Style(StrEnum):
    """How a piece of text looks, as the parameter of an ANSI escape sequence (ECMA-48 section 8.3.117)."""

    BOLD = "1"
    FAINT = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    CYAN = "36"


_OURS = re.compile(rf"\n|\t|\x1b\[(?:0|(?:{'|'.join(Style)})(?:;(?:{'|'.join(Style)}))*)m")
_OBEYED = re.compile(rf"{_OURS.pattern}|[{CONTROLS}]")


def painted(text: str, *styles: Style) -> str:
    """The text in these styles, or as it is where standard output shows no colour (no-color.org)."""
    colourful = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[{';'.join(styles)}m{text}\x1b[0m" if text and styles and colourful else text


def printable(text: str) -> str:
    """The text as a terminal may show it: our styles and lines stay, and nothing else that it would obey.

    Whatever a server, a provider or a sender wrote may stand in it: control characters, and those that change the
    direction of the text around them (Unicode 3.9, UAX 9), are shown as U+FFFD.
    """
    return text if text.isascii() and text.isprintable() else _OBEYED.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    return found.group() if _OURS.fullmatch(found.group()) else "\ufffd"


def prepare() -> None:
    """From now on every text can be printed: what a terminal cannot show is escaped, and a closed stream takes all."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started us; whatever is opened next must not stand in its place
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - to the end of the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def standard_input(field: str, what: str) -> bytes:
    """All of standard input; a person at a terminal is told. Raises MessageError where it is closed."""
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - it is, where it was closed at the start
        hint = "name a file, or pipe it in"
        raise MessageError(f"{field}: there is no standard input to read it from", field=field, hint=hint)
    if sys.stdin.isatty():
        complain(f"sendkit: reading {what} from the terminal; Ctrl-D on a line of its own ends it")
    return sys.stdin.buffer.read()


def say(text: str = "") -> None:
    """Print a line on standard output."""
    _write(sys.stdout, lambda: sys.stdout.write(f"{printable(text)}\n"))


def say_octets(octets: bytes) -> None:
    """Write octets to standard output as they are."""
    _write(sys.stdout, lambda: sys.stdout.buffer.write(octets))


def complain(text: str) -> None:
    """Print a line on standard error."""
    _write(sys.stderr, lambda: sys.stderr.write(f"{printable(text)}\n"))


def draw(text: str) -> None:
    """Write on standard error as it is, to be drawn over by what comes next."""
    _write(sys.stderr, lambda: sys.stderr.write(text))


def _write(stream: TextIO | None, write: Callable[[], object]) -> None:
    if stream is None:
        return  # it was closed before we began
    try:
        write()
        stream.flush()
    except OSError as error:
        _close(stream)
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            complain(f"sendkit: cannot print the rest: {error.strerror}")


def _close(stream: TextIO) -> None:
    # What is left in the stream goes nowhere; Python would try it once more when it ends, and fail then.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
