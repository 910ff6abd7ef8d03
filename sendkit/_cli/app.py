"""`main`: reads the arguments, runs the command, and turns whatever stops it into a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from sendkit import errors
from sendkit._cli import parser
from sendkit._cli.console import complain, prepare
from sendkit._cli.exit_codes import ExitCode, Usage, exit_code, exit_code_so_far
from sendkit._cli.hardening import protect_memory
from sendkit._cli.in_flags import told
from sendkit._cli.options import Options, ReportOptions, SendmailOptions, SendOptions
from sendkit._cli.signals import INTERRUPTS, Signals

_SENDING = (SendOptions, ReportOptions, SendmailOptions)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; `arguments` are those of the process unless given."""
    prepare()
    own = arguments is None
    if arguments is None:  # else another program called us, whose memory is its own business
        protect_memory()
        # A machine without an MTA may have a link /usr/sbin/sendmail to this command.
        arguments = [*(["sendmail"] if Path(sys.argv[0]).name == "sendmail" else []), *sys.argv[1:]]
    try:
        options = parser.read(list(map(_decoded, arguments)))
        if options is None:
            complain(parser.help_text().rstrip())
            return ExitCode.USAGE
        return _send(options, last=own) if isinstance(options, _SENDING) else _run(options)
    except Usage as error:
        complain(f"{error.command}: {error}\n  hint: `{error.command} --help` shows how")
        return exit_code(error)
    except errors.SendkitError as error:
        complain(f"sendkit: {told(error)}")
        return exit_code(error)
    except KeyboardInterrupt as interrupt:
        complain("sendkit: interrupted")
        return exit_code(interrupt)


def _decoded(argument: str) -> str:
    """An argument in UTF-8, also where the locale (LANG=C) knows nothing beyond ASCII."""
    return argument if argument.isascii() else os.fsencode(argument).decode("utf-8", "surrogateescape")


def _send(options: Options, *, last: bool) -> int:
    with Signals(last=last) as signals:
        try:
            return _run(options)
        except INTERRUPTS as interrupt:
            if signals.came is None:
                raise
            complain(f"sendkit: ended by {signals.came.name}")
            return exit_code_so_far(interrupt)


def _run(options: Options) -> int:
    # Each command brings its own imports along, and only when it is called.
    name = parser.command_of(options)
    command: Callable[[Options], int] = getattr(import_module(f"sendkit._cli.{name}"), name)
    return command(options)
