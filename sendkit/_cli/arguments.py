"""What the parser takes, as values: for completions and the manual page, which so never differ from it.

Must not know a shell, or how a manual page is formatted.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast


@dataclass(slots=True, frozen=True)
class Argument:
    """An option with its `flags`, or a positional argument without.

    `value` names what follows a flag ("" where nothing does); `files`: it is a path.
    """

    flags: tuple[str, ...]
    value: str
    text: str
    choices: tuple[str, ...] = ()
    files: bool = False
    repeated: bool = False


@dataclass(slots=True, frozen=True)
class Command:
    """A command by its words, such as `outbox run`; `inner` are the commands below it."""

    words: tuple[str, ...]
    short: str
    description: str
    epilog: str
    usage: str
    arguments: tuple[Argument, ...]
    inner: tuple[Command, ...]

    @property
    def name(self) -> str:
        """The last word."""
        return self.words[-1] if self.words else ""


def described(parser: argparse.ArgumentParser, words: tuple[str, ...] = (), short: str = "") -> Command:
    """A parser and those of its commands."""
    arguments: list[Argument] = []
    inner: list[Command] = []
    for action in parser._actions:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - argparse tells it nowhere else
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
            inner = _commands(cast("Any", action), words)
        else:
            arguments.append(_argument(action))
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: ")
    return Command(words, short, parser.description or "", parser.epilog or "", usage, tuple(arguments), tuple(inner))


def _commands(action: Any, words: tuple[str, ...]) -> list[Command]:
    texts = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001 - as above
    return [described(parser, (*words, name), texts.get(name, "")) for name, parser in action.choices.items()]


def _argument(action: argparse.Action) -> Argument:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    text = "" if action.help is argparse.SUPPRESS else (action.help or "")
    return Argument(
        tuple(action.option_strings),
        value,
        text % {"prog": "sendkit"} if "%(" in text else text.replace("%%", "%"),
        tuple(str(choice) for choice in action.choices or ()),
        files=action.type is Path,
        repeated=action.nargs in ("*", "+") or type(action).__name__ == "_AppendAction",
    )
