"""The options of the command line that become `SubmissionOptions`: requests to the server beside the message."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sendkit._cli.console import complain
from sendkit._smtp.parameters import ROWS
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from sendkit._cli.options import DeliveryOptions, SendmailOptions
    from sendkit._submission import SubmissionOptions
    from sendkit.results import DeliveryResult

WISHES = ("notify", "ret", "envid", "require_tls", "hold_for", "hold_until")
"""The fields of `SubmissionOptions`."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TIME = re.compile(r"([0-9]{1,9})([smhd]?)")


def add_submission(add: Callable[..., Any]) -> None:
    """Add them to a command."""
    add("--notify", metavar="WHEN", help="ask for reports: never, or a comma list of success, failure, delay (DSN)")
    add("--ret", choices=("headers", "full"), help="what a failure report includes (DSN)")
    add("--envid", metavar="ID", help="the name of the message in reports (DSN; default: its Message-ID)")
    add("--require-tls", action="store_true", help="require verified TLS at every server on the way (REQUIRETLS)")
    help_text = "have the server send it on later: 90 (seconds), 30m, 2h, 1d (FUTURERELEASE)"
    add("--hold-for", type=time_of, metavar="TIME", help=help_text)


def time_of(text: str) -> timedelta:
    """A time as people write it in a shell."""
    match = _TIME.fullmatch(text.strip().lower())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write 90 (seconds), 30m, 2h or 1d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2] or "s"])


def wishes(options: DeliveryOptions | SendmailOptions) -> SubmissionOptions | None:
    """What the server is to be asked for beside the message. Raises ValueError in the words of the command line."""
    given = {name: value for name in WISHES if (value := getattr(options, name, None)) not in (None, False)}
    if not given:
        return None
    from sendkit._submission import SubmissionOptions  # noqa: PLC0415 - seldom given, and its model takes time to build

    try:
        return SubmissionOptions(**given)
    except MessageError as error:
        raise ValueError(f"--{error.message.replace('_', '-', 1)}") from None


def tell_ignored(result: DeliveryResult) -> None:
    """Say on standard error what the server does not offer, and so was not asked for."""
    extensions = {row.option: row.extension for row in ROWS}
    for name in result.ignored_options:
        complain(f"sendkit: --{name.replace('_', '-')} was ignored: the server does not offer {extensions[name]}")
