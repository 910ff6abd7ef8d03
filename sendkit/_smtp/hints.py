"""What to do next, in words, for a recipient that was not accepted, so that no error is without advice.

What a provider or the registry of enhanced codes says of a reply (`explain`) goes before what its cause says.
"""

from __future__ import annotations

from sendkit._providers.explanations.entry import LATER, NOTHING
from sendkit._smtp.explain import known, registered
from sendkit._smtp.phase import Phase
from sendkit._smtp.verdict import Again, Cause, Outcome, Verdict

BY_CAUSE = {
    Cause.IN_DOUBT: (
        "the server may have taken the message: look for its Message-ID at the other side before you send it again; "
        "only a policy that allows duplicates (retry_in_doubt) repeats it by itself"
    ),
    Cause.TLS: "nothing was sent; check the host name, the port, the security, and that the certificate is valid",
    Cause.AUTHENTICATION: (
        "check the username and the password (many providers want an app password); `sendkit login HOST USER` stores a "
        "new one, and this program does not send the refused one again before it has changed"
    ),
    Cause.CONNECTION: "check host and port, and that no firewall is in between; what is unsettled can be sent again",
    Cause.PROTOCOL: "check that an SMTP submission server answers on this port; the result's attempts hold its answers",
    Cause.DEFERRED: "send what is unsettled again later; a retry policy with more attempts does it by itself",
    Cause.REJECTED: "the reply says why; sending the same message to the same address again will not help",
}
_NO_STARTTLS = "this server offers no STARTTLS here: use port 465 with implicit TLS, or another server"
_IMPLICIT_PORT = (
    "no greeting came: a port for implicit TLS (mostly 465) waits for the client to begin; set security=implicit_tls"
)
# Reasons of ours, which `_wire.failure` gives when TLS was spoken to a port that waits for none, or the reverse.
SPEAKS_CLEAR = "the server does not speak TLS on this port; for STARTTLS use port 587 with Security.STARTTLS"
SPEAKS_TLS = "the server waits for TLS from the first octet on this port; no greeting comes in the clear"
NOT_PINNED = "the server's key is none of those in pins="
# What is missing follows behind a colon.
LESS_THAN_BEFORE = "the server offers less than it did before"
_BY_REASON = {
    LESS_THAN_BEFORE: (
        "somebody may be in between, so no password was sent; if the server's operator says that it has changed, "
        "delete its lines from the file of known_hosts"
    ),
    NOT_PINNED: "nothing was sent; if the server's key has changed and its operator says so, add the new pin",
    SPEAKS_CLEAR: "set security=starttls for this port, or use the one for implicit TLS, mostly 465; nothing was sent",
    SPEAKS_TLS: "set security=implicit_tls for this port, or use the one for STARTTLS, mostly 587; nothing was sent",
}
_NO_MECHANISM = (
    "take a mechanism= or credentials= that the server offers (many want OAuth 2 by now); give no username if it needs "
    "no login"
)
_ASK_LATER = "no token could be had for now; what is unsettled can be sent again when the authorization server answers"
_NO_PROOF = (
    "the server does not speak its own mechanism rightly, or it is not the one that you mean: check the host; "
    "mechanism= takes another one"
)
_LOGIN_WANTED = "the server wants a login first: give a username and a password"
_CHANGED = (
    "a file that goes with the message changed meanwhile: make the message again, and send it to result.unsettled()"
)

# A reply says nothing of what mends these.
_UNEXPLAINED = (Cause.IN_DOUBT, Cause.PROTOCOL)
_NO_ADVICE = (NOTHING, LATER)


def hint_for(verdict: Verdict, host: str | None = None) -> str | None:
    """Advice on one verdict, given by the server on `host`; None when it was accepted."""
    if verdict.cause is None or verdict.outcome is Outcome.ACCEPTED:
        return None
    usual = BY_CAUSE[verdict.cause]
    if verdict.reply is None or verdict.cause in _UNEXPLAINED:
        return _special(verdict) or usual
    explained = known(verdict.reply, host)
    if explained is None and (special := _special(verdict)):
        return special
    explained = explained or registered(verdict.reply)
    if explained is None or explained.remedy in _NO_ADVICE or explained.remedy in usual:
        return usual
    return f"{usual}; {explained.remedy}" if verdict.cause is Cause.DEFERRED else explained.remedy


def _special(verdict: Verdict) -> str | None:
    if verdict.cause is Cause.AUTHENTICATION and verdict.phase is not Phase.AUTH:
        return _LOGIN_WANTED
    if verdict.reply is not None:
        return None
    if verdict.cause is Cause.DEFERRED and verdict.again is Again.NO:
        return _CHANGED
    return _BY_REASON.get((verdict.reason or "").partition(":")[0]) or _unanswered(verdict)


def _unanswered(verdict: Verdict) -> str | None:
    match verdict.cause, verdict.phase, verdict.again:
        case Cause.TLS, Phase.STARTTLS, again if again is not Again.LATER:
            return _NO_STARTTLS
        case Cause.CONNECTION, Phase.GREETING, _:
            return _IMPLICIT_PORT
        case Cause.AUTHENTICATION, Phase.AUTH, again:
            return _ASK_LATER if again is Again.LATER else _NO_MECHANISM
        case Cause.PROTOCOL, Phase.AUTH, Again.NEXT_SERVER:
            return _NO_PROOF
        case _:
            return None
