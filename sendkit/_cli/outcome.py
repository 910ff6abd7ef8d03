"""A result in words, for the person in front of the terminal, or behind the mail of cron."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit import errors
from sendkit._cli.console import Style, complain, painted, say
from sendkit._cli.in_flags import in_flags
from sendkit._server.endpoint import server_name
from sendkit._smtp.hints import Caller, Facts, Trouble, advise
from sendkit._smtp.reason import Cause, Outcome, Reason

if TYPE_CHECKING:
    from sendkit.results import DeliveryResult, RecipientResult

_STYLES = {
    Outcome.ACCEPTED: Style.GREEN,
    Outcome.REJECTED: Style.RED,
    Outcome.DEFERRED: Style.YELLOW,
    Outcome.IN_DOUBT: Style.YELLOW,
}


# What is the matter with the account or the way to its server, and with no recipient in particular.
_OF_THE_ACCOUNT = (Cause.TLS, Cause.AUTHENTICATION, Cause.CONNECTION, Cause.PROTOCOL)


def print_recipients(result: DeliveryResult, indent: str = "") -> None:
    """Print what became of each recipient, and the reply that says so, unless `print_failure` says it for all."""
    shared = _of_the_account(result)
    width = max(map(len, result.recipients), default=0)
    for one in result.recipients.values():
        outcome = painted(f"{one.outcome.value.replace('_', ' '):<8}", _STYLES[one.outcome])
        say(f"{indent}{one.address:<{width}}  {outcome}  {_words(one, shared)}".rstrip())


def _words(one: RecipientResult, shared: RecipientResult | None) -> str:
    words = "" if shared is not None else _said(one)
    return f"{words} ({one.attempts} tries)".lstrip() if one.attempts > 1 else words


def _said(one: RecipientResult) -> str:
    return (one.reason or "") if one.reply is None else str(one.reply).replace("\n", " / ")


def _of_the_account(result: DeliveryResult) -> RecipientResult | None:
    """One of the recipients where the same fault of the account keeps all of them; None where they differ."""
    found = list(result.recipients.values())
    alike = {(one.cause, one.reply, one.reason, one.server, one.phase) for one in found}
    return found[0] if len(alike) == 1 and found[0].cause in _OF_THE_ACCOUNT else None


def print_failure(result: DeliveryResult, *, recipients_printed: bool = True) -> None:
    """Print on standard error what went wrong and what to do next, if anything did.

    What `print_recipients` has said of each recipient is not said again.
    """
    try:
        result.raise_for_failure()
    except errors.SendkitError as error:
        complain(f"sendkit: {_told(result, error) if recipients_printed else error.message}")
        for hint in _hints(result) or filter(None, [error.hint]):
            complain(f"  hint: {in_flags(hint)}")


def _told(result: DeliveryResult, error: errors.SendkitError) -> str:
    """What went wrong, without the words that stand beside each recipient already."""
    failed = [one for one in result.recipients.values() if one.outcome is not Outcome.ACCEPTED]
    if not failed or not isinstance(error, errors.DeliveryError):
        return error.message
    where = f"{server_name(error.host, error.port)}, {error.phase}: " if error.host else ""
    if (shared := _of_the_account(result)) is not None:
        return where + "; ".join(filter(None, (str(shared.reply or ""), shared.reason)))
    return f"{where}{len(failed)} of {len(result.recipients)} recipients not accepted"


def _hints(result: DeliveryResult) -> list[str]:
    """One for each kind of trouble, in the words of a shell, with those whom it is about."""
    alike: dict[tuple[Trouble, str | None], list[str]] = {}
    said: list[str] = []
    for one in result.recipients.values():
        if one.why is Reason.LOGIN_REFUSED and one.hint:
            said.append(one.hint)  # it knows where the secret came from, and is the same for a shell
        elif one.cause:
            trouble = Trouble(one.cause, one.why, one.reply, one.retryable)
            alike.setdefault((trouble, one.server), []).append(one.address)
    hints = (_hint(result, trouble, server, who) for (trouble, server), who in alike.items())
    return list(dict.fromkeys([*said, *hints]))


def _hint(result: DeliveryResult, trouble: Trouble, server: str | None, who: list[str]) -> str:
    asked = next((attempt for attempt in reversed(result.attempts) if attempt.server == server), None)
    facts = Facts(sender=result.reverse_path, who=", ".join(who), message_id=result.message_id)
    if asked is not None:
        facts = facts._replace(host=asked.host, port=asked.port, username=asked.username)
    return advise(trouble, facts, Caller.SHELL)
