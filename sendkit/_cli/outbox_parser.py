"""The arguments of `sendkit outbox`: one subcommand for each question and order."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

_Add: TypeAlias = Callable[..., Any]


_ORDERS = {
    "cancel": "send letters to no further recipient",
    "hold": "let letters rest until `release`",
    "release": "try held letters now",
    "retry": "send again what is in doubt, which may make a copy, and try now what waits",
    "forget": "stop listing what is in doubt",
}


def add_outbox(
    command: argparse.ArgumentParser, parser: type[argparse.ArgumentParser], tune: Callable[[Any], Any]
) -> None:
    """The subcommands."""
    choice = command.add_subparsers(
        dest="action", metavar="ACTION", title="actions", parser_class=parser, required=True
    )

    def made(name: str, text: str) -> argparse.ArgumentParser:
        one = choice.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        tune(one)
        one.add_argument(
            "--database", metavar="PLACE", help="a file or URL (default: SENDKIT_OUTBOX, or your own file)"
        )
        return one

    _add_run(made("run", "send what is in the outbox, until SIGTERM or Ctrl-C").add_argument)
    _add_list(made("list", "list letters, the oldest first").add_argument)
    _add_questions(made)
    for name, text in _ORDERS.items():
        one = made(name, text)
        one.add_argument("letters", nargs="+", metavar="ID", help="the id of a letter, or its first characters")
        _add_json(one.add_argument)
    _add_lanes(made)
    purge = made("purge", "delete old content and old letters")
    purge.add_argument("--content-after", type=_days, default=timedelta(days=1), metavar="DAYS", help="default: 1")
    purge.add_argument("--rows-after", type=_days, default=timedelta(days=30), metavar="DAYS", help="default: 30")
    _add_json(purge.add_argument)
    migrate = made("migrate", "bring the tables to this version")
    migrate.add_argument("--sql", action="store_true", help="print the statements, and change nothing")


def _add_questions(made: Callable[[str, str], argparse.ArgumentParser]) -> None:
    status = made("status", "show a letter with its whole history")
    status.add_argument("letters", nargs="+", metavar="ID", help="the id of a letter, or its first characters")
    wait = made("wait", "wait until a letter is settled")
    wait.add_argument("letters", nargs="+", metavar="ID", help="the id of a letter, or its first characters")
    wait.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="give up after so long")
    for one in (status, wait, made("counts", "count the letters"), made("doctor", "check the outbox")):
        _add_json(one.add_argument)


def _add_lanes(made: Callable[[str, str], argparse.ArgumentParser]) -> None:
    flush = made("flush", "try now what waits for its next try")
    flush.add_argument(
        "--account", dest="accounts", action="append", default=[], metavar="NAME", help="of this account alone"
    )
    for name, text in (("pause", "send nothing more of a lane, or at all"), ("resume", "send again what was paused")):
        one = made(name, text)
        one.add_argument("lane", nargs="?", metavar="LANE", help="the lane (default: everything)")
    rate = made("rate", "limit how fast a lane is sent")
    rate.add_argument("lane", metavar="LANE", help="the lane")
    rate.add_argument("rate", metavar="RATE", help="such as 30/minute; none removes the limit")


def _add_run(add: _Add) -> None:
    add(
        "--account",
        dest="accounts",
        action="append",
        default=[],
        metavar="NAME",
        help="an account of the config; can be repeated",
    )
    add("--concurrency", type=_count, default=32, metavar="N", help="letters at a time (default: 32)")
    add("--once", action="store_true", help="try what is due, and exit: for cron")
    add("--report", type=_whom, metavar="WHO", help="report returned mail to `sender`, or to this address")
    add("--warn-after", type=_hours, metavar="HOURS", help="report a delay too")
    add(
        "--in-doubt",
        dest="policy",
        choices=("hold", "retry"),
        default="hold",
        help="how to handle messages in doubt",
    )
    add("--stop-within", type=_seconds, default=30.0, metavar="SECONDS", help="time to end (default: 30)")


def _add_list(add: _Add) -> None:
    add("--state", choices=("later", "ready", "working", "held", "settled"), help="letters in this state")
    add("--in-doubt", action="store_true", help="letters that need a decision")
    add("--recipient", metavar="ADDR", help="letters to this address")
    add("--lane", metavar="LANE", help="letters of this lane")
    add("--key", metavar="KEY", help="the letter with this key")
    add("--account", dest="accounts", action="append", default=[], metavar="NAME", help="letters of this account")
    add("--limit", type=_count, default=100, metavar="N", help="the maximum number (default: 100)")
    _add_json(add)


def _add_json(add: _Add) -> None:
    add("--json", action="store_true", help="print JSON, a line for each")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _seconds(text: str, unit: str = "seconds") -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of {unit}")
    return seconds


def _hours(text: str) -> timedelta:
    return timedelta(hours=_seconds(text, "hours"))


def _days(text: str) -> timedelta:
    return timedelta(days=_seconds(text, "days"))


def _whom(text: str) -> str:
    from sendkit._smtp.address import AddressError, parse_address  # noqa: PLC0415 - few are told whom

    if text != "sender":
        try:
            parse_address(text)
        except AddressError as error:
            raise argparse.ArgumentTypeError(f"{error.problem}; write `sender`, or one mail address") from None
    return text
