"""What to do next, in words, for a recipient that was not accepted, so that no error is without advice.

A function of the reason, of what is known of the server and the account, and of who reads it: a program or a shell.
What a provider or the registry of enhanced codes says of a reply (`explain`) goes before what its cause says.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from sendkit._providers.explanations.entry import LATER, NOTHING
from sendkit._server.endpoint import server_name
from sendkit._smtp.advice import BY_CAUSE, BY_REASON, HELD, Advice
from sendkit._smtp.explain import Explanation, known, reason_in, registered
from sendkit._smtp.reason import Again, Cause, Outcome, Reason
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Verdict


class Caller(StrEnum):
    """Who reads a hint: the author of a program, or whoever sits at a command line."""

    PYTHON = "python"
    SHELL = "shell"


class Facts(NamedTuple):
    """What is known, to be filled into a hint; what is not is named by a word in capitals."""

    host: str | None = None
    port: int | None = None
    username: str | None = None
    sender: str | None = None
    who: str | None = None
    message_id: str | None = None


NOTHING_KNOWN = Facts()


class Trouble(NamedTuple):
    """What kept a recipient from being accepted, as far as a hint depends on it."""

    cause: Cause
    why: Reason | None = None
    reply: Reply | None = None
    retryable: bool = True


# A reply says nothing of what ends these.
_UNEXPLAINED = (Cause.IN_DOUBT, Cause.PROTOCOL)
_NO_ADVICE = (NOTHING, LATER)


def hint_for(verdict: Verdict, facts: Facts = NOTHING_KNOWN, caller: Caller = Caller.PYTHON) -> str | None:
    """Advice on one verdict; None when it was accepted."""
    if verdict.cause is None or verdict.outcome is Outcome.ACCEPTED:
        return None
    retryable = verdict.again is not Again.NO
    return advise(Trouble(verdict.cause, verdict.why, verdict.reply, retryable), facts, caller)


def advise(trouble: Trouble, facts: Facts = NOTHING_KNOWN, caller: Caller = Caller.PYTHON) -> str:
    """What to do about it."""
    usual = _filled(_usual(trouble), facts, caller)
    if trouble.reply is None or trouble.cause in _UNEXPLAINED:
        return usual
    if (closer := reason_in(trouble.reply, facts.host)) is not None:
        return _filled(BY_REASON[closer], facts, caller)
    explained = known(trouble.reply, facts.host)
    if explained is None and trouble.why in BY_REASON:
        return usual
    explained = explained or registered(trouble.reply)
    if explained is None or _says_no_more(explained, usual):
        return usual
    return f"{usual}; {explained.remedy}" if trouble.cause is Cause.DEFERRED else explained.remedy


def why_of(verdict: Verdict, host: str | None = None) -> Reason | None:
    """The reason of a verdict, or the closer one that is known from what this server said."""
    if verdict.why not in _BY_REPLY or verdict.reply is None:
        return verdict.why
    return reason_in(verdict.reply, host) or verdict.why


# The replies behind these may say more than their code does.
_BY_REPLY = (Reason.REFUSED, Reason.REFUSED_FOR_NOW, Reason.LOGIN_REFUSED, Reason.BUSY, Reason.TURNED_AWAY)


def _usual(trouble: Trouble) -> Advice:
    if trouble.why in BY_REASON:
        return BY_REASON[trouble.why]
    held = trouble.cause is Cause.DEFERRED and not trouble.retryable
    return HELD if held else BY_CAUSE[trouble.cause]


def _says_no_more(explained: Explanation, usual: str) -> bool:
    return explained.remedy in _NO_ADVICE or explained.remedy in usual


def _filled(advice: Advice, facts: Facts, caller: Caller) -> str:
    text = advice.shell if caller is Caller.SHELL and advice.shell else advice.python
    return text.format(
        host=facts.host or "HOST",
        port=facts.port or "PORT",
        server=server_name(facts.host or "HOST", facts.port),
        user=facts.username or "USER",
        sender=facts.sender or "the sender",
        who=facts.who or "result.unsettled()",
        message_id=facts.message_id or "its Message-ID",
    )
