"""What to do next, in words, for a recipient that was not accepted, so that no error is without advice.

A function of the reason, of what is known of the server and the account, and of who reads it: a program or a shell.
What a provider or the registry of enhanced codes says of a reply (`explain`) goes before what its cause says.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sendkit._providers.explanations.entry import LATER, LOGIN, NOTHING
from sendkit._server.endpoint import server_name
from sendkit._smtp.advice import BY_CAUSE, BY_REASON, HELD, Advice, SecretKind, refused
from sendkit._smtp.explain import entry_for, registered
from sendkit._smtp.reason import Again, Cause, Outcome, Reason
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Verdict

if TYPE_CHECKING:
    from sendkit._providers.explanations.entry import Entry


class Caller(StrEnum):
    """Who reads a hint: the author of a program, or a user of the command line."""

    PYTHON = "python"
    SHELL = "shell"


class UsedSecret(NamedTuple):
    """What somebody logged in with: where it came from, in words, its kind, and whether `sendkit login` stored it."""

    source: str
    kind: SecretKind = "password"
    stored: bool = False


class Facts(NamedTuple):
    """What is known, to be filled into a hint; what is not is named by a word in capitals."""

    host: str | None = None
    port: int | None = None
    username: str | None = None
    sender: str | None = None
    who: str | None = None
    message_id: str | None = None
    used: UsedSecret | None = None


NOTHING_KNOWN = Facts()


class Trouble(NamedTuple):
    """What kept a recipient from being accepted, as far as a hint depends on it."""

    cause: Cause
    why: Reason | None = None
    reply: Reply | None = None
    retryable: bool = True


# A reply says nothing of what ends these.
_UNEXPLAINED = (Cause.IN_DOUBT, Cause.PROTOCOL)
_HOST, _USER = re.compile(r"(?<=login )HOST\b"), re.compile(r"(?<=login )(\S+ )USER\b")
_NO_ADVICE = (NOTHING, LATER)


def tell(
    verdict: Verdict, facts: Facts = NOTHING_KNOWN, caller: Caller = Caller.PYTHON
) -> tuple[Reason | None, str | None]:
    """Why, as closely as it is known by what this server said, and what to do; nothing of an acceptance."""
    if verdict.cause is None or verdict.outcome is Outcome.ACCEPTED:
        return None, None
    trouble = Trouble(verdict.cause, verdict.why, verdict.reply, verdict.again is not Again.NO)
    entry = _entry(trouble, facts)
    closer = _closer(trouble, entry)
    return closer.why, _hint(closer, entry, facts, caller)


def hint_for(verdict: Verdict, facts: Facts = NOTHING_KNOWN, caller: Caller = Caller.PYTHON) -> str | None:
    """Advice on one verdict; None when it was accepted."""
    return tell(verdict, facts, caller)[1]


def advise(trouble: Trouble, facts: Facts = NOTHING_KNOWN, caller: Caller = Caller.PYTHON) -> str:
    """What to do about it."""
    entry = _entry(trouble, facts)
    return _hint(_closer(trouble, entry), entry, facts, caller)


def _entry(trouble: Trouble, facts: Facts) -> Entry | None:
    if trouble.reply is None or trouble.cause in _UNEXPLAINED:
        return None
    return entry_for(trouble.reply, facts.host)


def _closer(trouble: Trouble, entry: Entry | None) -> Trouble:
    why = Reason(entry.why) if entry is not None and entry.why else None
    return trouble._replace(why=why) if why is not None and why.cause is trouble.cause else trouble


def _hint(trouble: Trouble, entry: Entry | None, facts: Facts, caller: Caller) -> str:
    if trouble.why is Reason.LOGIN_REFUSED and facts.used is not None:
        return _login_hint(entry, facts, facts.used, caller)
    usual = _filled(_usual(trouble), facts, caller)
    known = trouble.why in BY_REASON and (entry is None or trouble.why == entry.why)
    if trouble.reply is None or trouble.cause in _UNEXPLAINED or known:
        return usual
    found = entry or registered(trouble.reply)
    if found is None or found.remedy in _NO_ADVICE or found.remedy in usual:
        return usual
    remedy = _named(found.remedy, facts)
    return f"{usual}; {remedy}" if trouble.cause is Cause.DEFERRED else remedy


def _login_hint(entry: Entry | None, facts: Facts, used: UsedSecret, caller: Caller) -> str:
    """What to do about a secret that was refused: at the place where it came from, and by what it is."""
    usual = _filled(refused(used.kind, stored=used.stored), facts, caller)
    told = entry.remedy if entry is not None and entry.remedy not in (*_NO_ADVICE, LOGIN) else None
    if entry is None or told is None or (used.kind != "password" and not _not_of_passwords(entry)):
        return usual
    if used.kind != "password":
        return f"{usual}; {_named(told, facts)}"
    if used.stored or (_not_of_passwords(entry) and "check" not in entry.remedy):
        return _named(told, facts)
    there = f"the refused one came from {used.source}: correct it there, or leave it out where you store one"
    return f"{_named(told, facts)}; {there}"


def _not_of_passwords(entry: Entry) -> bool:
    """Whether this holds for a token or a certificate too: most of what is known of a 535 is about app passwords."""
    return entry.provider in (None, "microsoft365") and "app password" not in entry.remedy


def _named(remedy: str, facts: Facts) -> str:
    named = _USER.sub(lambda login: f"{login[1]}{facts.username or 'USER'}", remedy)
    return _HOST.sub(lambda _: facts.host or "HOST", named)


def _usual(trouble: Trouble) -> Advice:
    if trouble.why is not None and (own := BY_REASON.get(trouble.why)):
        return own
    held = trouble.cause is Cause.DEFERRED and not trouble.retryable
    return HELD if held else BY_CAUSE[trouble.cause]


def _filled(advice: Advice, facts: Facts, caller: Caller) -> str:
    text = advice.shell if caller is Caller.SHELL and advice.shell else advice.python
    if "{" not in text:
        return text
    host = facts.host or "HOST"
    return text.format(
        meant=_Meant(host, 'Mailer.for_provider("{}", username=…)'),
        provider=_Meant(host, "--provider {}"),
        host=host,
        port=facts.port or "PORT",
        server=server_name(host, facts.port),
        user=facts.username or "USER",
        sender=facts.sender or "the sender",
        who=facts.who or "result.unsettled()",
        message_id=facts.message_id or "its Message-ID",
        source=facts.used.source if facts.used else "its source",
    )


class _Meant(NamedTuple):
    """What to check where there is no such host; looked up only where the text says it."""

    host: str
    provider: str

    def __format__(self, spec: str) -> str:
        from sendkit._providers import table  # noqa: PLC0415 - long, and seldom needed

        if self.host in table.BY_HOST:
            return f"check the network and the resolver (DNS) of this machine, since {self.host} is a known server"
        told, name = f"check the spelling of {self.host}", table.ALIASES.get(self.host, self.host)
        if name in table.BY_NAME:
            return f"{told}, or name the provider: {self.provider.format(name)}"
        import difflib  # noqa: PLC0415 - it serves this one hint

        near = difflib.get_close_matches(self.host, table.BY_HOST, n=1, cutoff=0.85)
        return f"{told} ({near[0]}?)" if near else told
