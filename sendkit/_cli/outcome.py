"""A result in words, for the person in front of the terminal, or behind the mail of cron."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit import errors
from sendkit._cli.console import Style, complain, painted, say
from sendkit._smtp.hints import Caller, Facts, Trouble, advise
from sendkit._smtp.reason import Outcome

if TYPE_CHECKING:
    from sendkit.results import DeliveryResult, RecipientResult

_STYLES = {
    Outcome.ACCEPTED: Style.GREEN,
    Outcome.REJECTED: Style.RED,
    Outcome.DEFERRED: Style.YELLOW,
    Outcome.IN_DOUBT: Style.YELLOW,
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
    """One for each kind of trouble, in the words of a shell, with those whom it is about."""
    alike: dict[tuple[Trouble, str | None], list[str]] = {}
    for one in result.recipients.values():
        if one.cause:
            trouble = Trouble(one.cause, one.why, one.reply, one.retryable)
            alike.setdefault((trouble, one.server), []).append(one.address)
    hints = (_hint(result, trouble, server, who) for (trouble, server), who in alike.items())
    return list(dict.fromkeys(hints))


def _hint(result: DeliveryResult, trouble: Trouble, server: str | None, who: list[str]) -> str:
    asked = next((attempt for attempt in reversed(result.attempts) if attempt.server == server), None)
    facts = Facts(sender=result.reverse_path, who=", ".join(who), message_id=result.message_id)
    if asked is not None:
        facts = facts._replace(host=asked.host, port=asked.port, username=asked.username)
    return advise(trouble, facts, Caller.SHELL)
