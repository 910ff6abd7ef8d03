"""The arguments of `sendkit sendmail`: the flags that programs give to /usr/sbin/sendmail, as one table.

sendmail(8), and the manuals of Postfix, Exim and cron. Some flags change what the program reads, runs or writes, and
were how web forms were broken into; they are refused, and never passed over. A flag that is not known is refused too.
"""

from __future__ import annotations

import argparse
import getopt
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import NamedTuple

from sendkit._cli.exit_codes import Usage
from sendkit._cli.options import SendmailOptions

_PROGRAM = "sendkit sendmail"


class _Kind(Enum):
    KNOWN = auto()
    PASSED_OVER = auto()
    REFUSED = auto()


class _Flag(NamedTuple):
    """One letter; `value` names what follows it ("": nothing does), `field` is what it sets."""

    letter: str
    value: str
    text: str
    field: str = ""
    kind: _Kind = _Kind.KNOWN


_FLAGS = (
    _Flag("t", "", "also send to the recipients in To, Cc and Bcc", "from_header"),
    _Flag("i", "", "a line with a dot alone does not end the message", "ignore_dots"),
    _Flag(
        "f", "ADDR", "the sender of the envelope, which gets bounces (<>: none); also From, if it is missing", "sender"
    ),
    _Flag("r", "ADDR", "the same as -f", "sender"),
    _Flag("F", "NAME", "the name beside that address", "name"),
    _Flag("N", "WHEN", "ask for reports: never, or a comma list of success, failure, delay", "notify"),
    _Flag("R", "RET", "what a failure report includes: hdrs or full", "ret"),
    _Flag("V", "ENVID", "the name of the message in reports", "envid"),
    _Flag("v", "", "show the conversation with the server on standard error", "verbose"),
    _Flag("q", "", "run the queue: nothing to do, and nothing is read", "run_queue"),
    _Flag("b", "MODE", "m, the default; all others are refused"),
    _Flag("o", "OPTION", "i is -i; all others are ignored"),
)
# What follows them, "" where nothing does.
_PASSED_OVER = {"B": "TYPE", "e": "MODE", "h": "HOPS", "p": "NAME", "L": "TAG", "A": "MODE"} | dict.fromkeys("GmnU", "")
_REFUSED = dict.fromkeys("CXODd", "WHAT") | {"I": ""}
_OURS = {
    "account": ("NAME", "an account of sendkit/config.toml (default: [sendmail] there, or the environment)"),
    "outbox": ("", "put it into the outbox, in place of sending it now"),
}
_BY_LETTER = {
    **{flag.letter: flag for flag in _FLAGS},
    **{letter: _Flag(letter, value, "", kind=_Kind.PASSED_OVER) for letter, value in _PASSED_OVER.items()},
    **{letter: _Flag(letter, value, "", kind=_Kind.REFUSED) for letter, value in _REFUSED.items()},
}
_RETURNED = {"hdrs": "headers", "headers": "headers", "full": "full"}
_MODES = {
    "d": "sendkit is not a server; `sendkit catch` runs one for tests",
    "D": "sendkit is not a server; `sendkit catch` runs one for tests",
    "s": "sendkit reads a message on standard input, and not SMTP commands",
    "p": "there is no queue here; `sendkit outbox list` shows the outbox",
    "e": "no expression is evaluated",
    "i": "there is no file of aliases; they stand in config.toml below [sendmail.aliases]",
}


def describe(add: Callable[..., object]) -> None:
    """Add them to a parser, for the help, the completions and the manual page."""
    add("recipients", nargs="*", metavar="RCPT", help="the recipients: addresses, or local names that have an alias")
    for flag in _FLAGS:
        settings = {"metavar": flag.value} if flag.value else {"action": "store_true"}
        add(f"-{flag.letter}", dest=f"flag_{flag.letter}", help=flag.text, **settings)
    for name, (value, text) in _OURS.items():
        settings = {"metavar": value} if value else {"action": "store_true"}
        add(f"--{name}", help=text, **settings)


def read(arguments: Sequence[str], parser: argparse.ArgumentParser) -> SendmailOptions:
    """Read the arguments, flags also behind recipients. Raises Usage; ends the process for --help."""
    found, recipients = _divided(["--help"] if list(arguments) == ["-h"] else arguments)
    given: dict[str, object] = {}
    for name, value in found:
        if name == "--help":
            parser.print_help()
            parser.exit(0)
        given |= _meaning(name, value)
    try:
        return SendmailOptions(recipients=tuple(recipients), **given)  # type: ignore[arg-type]  # as `_meaning` gives them
    except ValueError as error:
        text = str(error)
        for letter, option in (("-N", "--notify"), ("-R", "--ret"), ("-V", "--envid")):
            text = text.replace(option, letter, 1)
        raise Usage(text, _PROGRAM) from None


def _divided(arguments: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    letters = "".join(flag.letter + (":" if flag.value else "") for flag in _BY_LETTER.values())
    words = [f"{name}=" if value else name for name, (value, _) in _OURS.items()]
    # -q30m and the like: what follows it belongs to it.
    left = ["-q" if one.startswith("-q") and "--" not in arguments[:n] else one for n, one in enumerate(arguments)]
    found: list[tuple[str, str]] = []
    recipients: list[str] = []
    while left:
        try:
            some, rest = getopt.getopt(left, letters, [*words, "help"])
        except getopt.GetoptError as error:
            raise Usage(error.msg, _PROGRAM) from None
        found += some
        if "--" in left[: len(left) - len(rest)]:
            return found, [*recipients, *rest]
        recipients += rest[:1]
        left = rest[1:]
    return found, recipients


def _meaning(name: str, value: str) -> dict[str, object]:
    if name.startswith("--"):
        if _OURS[name[2:]][0] and not value:
            from sendkit._cli.wrong import empty  # noqa: PLC0415 - it serves this one error

            raise Usage(f"argument {name}: {empty(name, [name])}", _PROGRAM)
        return {name[2:]: value or True}
    flag = _BY_LETTER[name[1:]]
    if flag.kind is _Kind.REFUSED:
        raise Usage(f"{name} is refused: a flag must not choose what is read, run or written", _PROGRAM)
    if flag.letter == "b":
        _check_mode(value)
    if flag.letter == "o" and value == "i":
        return {"ignore_dots": True}
    if flag.letter == "R":
        value = _RETURNED.get(value.lower(), value)
    return {flag.field: value if flag.value else True} if flag.field else {}


def _check_mode(mode: str) -> None:
    if mode != "m":
        why = _MODES.get(mode[:1], "messages are sent here, and nothing else is done")
        raise Usage(f"-b{mode} is refused: {why}", _PROGRAM)
