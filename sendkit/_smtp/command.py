"""The one place where a command line is written (RFC 5321 sections 2.3.8 and 4.1.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class UnsafeCommand(ValueError):
    """A part of a command line that would become a command, or a character, of its own."""


def command_line(*parts: str, utf8: bool = False) -> bytes:
    """Join the parts to one line that ends with CRLF. Raises UnsafeCommand.

    Control characters are refused, whoever let them come this far; non-ASCII too, unless `utf8` says that the
    transaction uses SMTPUTF8 (RFC 6531 section 3.4).
    """
    line = " ".join(parts)
    if line.isascii() and line.isprintable():
        return line.encode("ascii") + b"\r\n"
    if _CONTROL.search(line):
        raise UnsafeCommand("a control character in an SMTP command")
    if not (utf8 or line.isascii()):
        raise UnsafeCommand("a non-ASCII character in an SMTP command without SMTPUTF8")
    try:
        return line.encode() + b"\r\n"
    except UnicodeEncodeError:
        raise UnsafeCommand("a lone surrogate in an SMTP command") from None


def command_lines(lines: Sequence[str], *, utf8: bool = False) -> bytes:
    """Several lines, each written as `command_line` does it; one look at all of them is enough for most."""
    together = "".join(lines)
    if together.isascii() and together.isprintable():
        return ("\r\n".join(lines) + "\r\n").encode("ascii")
    return b"".join([command_line(line, utf8=utf8) for line in lines])
