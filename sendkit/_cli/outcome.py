"""A result in words, for the person in front of the terminal, or behind the mail of cron."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit import errors
from sendkit._cli.console import Style, complain, painted, say
from sendkit._smtp.hints import BY_CAUSE
from sendkit._smtp.verdict import Cause, Outcome

if TYPE_CHECKING:
    from sendkit.results import DeliveryResult, RecipientResult

_STYLES = {
    Outcome.ACCEPTED: Style.GREEN,
    Outcome.REJECTED: Style.RED,
    Outcome.DEFERRED: Style.YELLOW,
    Outcome.IN_DOUBT: Style.YELLOW,
}

# The library's own hints name calls of Python, where a shell has other means.
_HINTS = {
    Cause.IN_DOUBT: "the server may have taken it: look for {id} at the other side before you send it again",
    Cause.DEFERRED: "send it again later, to these recipients alone ({who}), or try more often with --retries",
}


def print_recipients(result: DeliveryResult, indent: str = "") -> None:
    """Print what became of each recipient, and the reply that says so."""
    width = max(map(len, result.recipients), default=0)
    for one in result.recipients.values():
        outcome = painted(f"{one.outcome.value.replace('_', ' '):<8}", _STYLES[one.outcome])
        say(f"{indent}{one.address:<{width}}  {outcome}  {_words(one)}".rstrip())


def _words(one: RecipientResult) -> str:
    words = (one.reason or "") if one.reply is None else str(one.reply).replace("\n", " / ")
    return words + (f" ({one.attempts} tries)" if one.attempts > 1 else "")


def print_failure(result: DeliveryResult) -> None:
    """Print on standard error what went wrong and what to do next, if anything did."""
    try:
        result.raise_for_failure()
    except errors.SendkitError as error:
        complain(f"sendkit: {error.message}")
        for hint in _hints(result) or filter(None, [error.hint]):
            complain(f"  hint: {hint}")


def _hints(result: DeliveryResult) -> list[str]:
    whom: dict[tuple[Cause, str], list[str]] = {}
    for one in result.recipients.values():
        if one.cause and one.hint:
            whom.setdefault((one.cause, one.hint), []).append(one.address)
    return [_in_a_shell(cause, hint, result.message_id, ", ".join(who)) for (cause, hint), who in whom.items()]


def _in_a_shell(cause: Cause, hint: str, message_id: str | None, who: str) -> str:
    if cause not in _HINTS:
        return hint
    return hint.replace(BY_CAUSE[cause], _HINTS[cause].format(id=message_id, who=who))
