"""How the demo looks: titles, facts, and a conversation that a stranger can follow, with colour and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._cli.console import Style, painted, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sendkit.results import TranscriptLine

_REFUSALS = {"4": Style.YELLOW, "5": Style.RED}


def title(text: str, remark: str = "") -> None:
    """Begin a section."""
    say()
    say(painted(text, Style.BOLD) + (painted(f"  ({remark})", Style.FAINT) if remark else ""))


def fact(name: str, text: str) -> None:
    """Print one fact under a title."""
    say(f"   {name:<9} {text}")


def print_conversation(connections: Iterable[Iterable[TranscriptLine]], again: str) -> None:
    """Print what was said, the lines of a reply in one; `again` stands before each transaction but the first."""
    transactions = 0
    for connection in connections:
        for who, text in _joined(connection):
            if text.startswith("MAIL "):
                transactions += 1
                if transactions > 1:
                    say(painted(f"   *  {again}", Style.GREEN))
            say(f"   {who}  {painted(text, *_styles(who, text))}")


def _joined(lines: Iterable[TranscriptLine]) -> Iterator[tuple[str, str]]:
    parts: list[str] = []
    for line in lines:
        if line.who == "S" and line.text[3:4] == "-":
            parts.append(line.text[4:])
        elif line.who == "S" and parts:
            yield "S", f"{line.text[:4]}{', '.join([*parts, line.text[4:]])}"
            parts = []
        else:
            yield line.who, line.text


def _styles(who: str, text: str) -> Iterator[Style]:
    if who == "C":
        yield Style.CYAN
    elif who == "*":
        yield Style.GREEN
    elif text[0] in _REFUSALS:
        yield _REFUSALS[text[0]]
