"""The manual page `sendkit(1)` in the macros of man(7), written from the parser."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sendkit._cli.arguments import Argument, Command
from sendkit._version import __version__

_IN_BRACKETS = re.compile(r"\[[^\]]*\]")


def manual(main: Command) -> str:
    """The whole page."""
    # Neither hyphens nor gaps: an option that is cut in two cannot be copied.
    lines = [f'.TH SENDKIT 1 "" "sendkit {__version__}" "User Commands"', ".nh", ".ad l"]
    lines += [".SH NAME", r"sendkit \- send mail, and see the outcome for each recipient"]
    lines += [".SH SYNOPSIS", ".B sendkit", r"\fICOMMAND\fR [\fIARGUMENT\fR ...]"]
    lines += [".SH DESCRIPTION", *_text(main.description), ".SH COMMANDS"]
    for command in main.inner:
        lines += list(_command(command))
    lines += [".SH OPTIONS", *_arguments(main.arguments), *_literal(main.epilog)]
    return "\n".join([*lines, ""])


def _command(command: Command) -> Iterator[str]:
    yield f".SS {_escaped('sendkit ' + ' '.join(command.words))}"
    yield from _text(command.description)
    yield ".PP"
    yield from (_IN_BRACKETS.sub(lambda option: option[0].replace(" ", r"\ "), line) for line in _text(command.usage))
    yield from _arguments(command.arguments)
    yield from _literal(command.epilog)
    for inner in command.inner:
        yield from _command(inner)


def _arguments(arguments: tuple[Argument, ...]) -> Iterator[str]:
    for each in arguments:
        value = f" \\fI{_escaped(each.value)}\\fR" if each.value else ""
        names = ", ".join(f"\\fB{_escaped(flag)}\\fR" for flag in each.flags)
        yield ".TP"
        yield f"{names}{value}".strip()
        yield from _text(each.text or "-")
        if each.choices:
            yield from _text(f"One of {', '.join(each.choices)}.")


def _text(text: str) -> Iterator[str]:
    yield from (_line(line.strip()) for line in text.splitlines() if line.strip())


def _literal(text: str) -> Iterator[str]:
    """Examples and tables, as they stand."""
    if text:
        yield ".PP"
        yield ".nf"
        yield from (_line(line) if line.strip() else ".sp" for line in text.splitlines())
        yield ".fi"


def _line(line: str) -> str:
    escaped = _escaped(line)
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _escaped(text: str) -> str:
    """Octets beyond ASCII as names of characters, which every troff knows."""
    plain = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"[^\x00-\x7f]", lambda found: rf"\[u{ord(found[0]):04X}]", plain)
