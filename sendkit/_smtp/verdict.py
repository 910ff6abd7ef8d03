"""What a reply, or its absence, means for a recipient: a pure function of phase and reply (RFC 5321 section 4.2).

Nothing here looks at the text of an exception. *Rejected* comes from a 5yz inside the transaction, or from what the
server announced; trouble with the session is *deferred*; silence after the end of data is *in doubt* (RFC 1047).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply


class Outcome(StrEnum):
    """What became of the message for one recipient.

    ACCEPTED: the server took responsibility (RFC 5321 section 4.2.5). REJECTED: refused for good. DEFERRED: not
    taken, and not refused for good. IN_DOUBT: the end of data went out and no valid reply came back.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    IN_DOUBT = "in_doubt"


class Cause(StrEnum):
    """Why a recipient was not accepted; each has its exception in `errors.py`."""

    IN_DOUBT = "in_doubt"
    TLS = "tls"
    AUTHENTICATION = "authentication"
    CONNECTION = "connection"
    PROTOCOL = "protocol"
    DEFERRED = "deferred"
    REJECTED = "rejected"


class Again(IntEnum):
    """Whether, and where, the same message may be tried again without anybody's doing."""

    NO = 0
    NEXT_SERVER = 1
    LATER = 2


class Verdict(NamedTuple):
    """The outcome for one recipient after one try, and all that led to it."""

    outcome: Outcome
    phase: Phase
    cause: Cause | None = None
    again: Again = Again.NO
    reply: Reply | None = None
    reason: str | None = None

    @property
    def refused_login(self) -> bool:
        """Whether the server refused the secret for good (RFC 4954 section 6)."""
        return self.phase is Phase.AUTH and self.reply is not None and self.reply.permanent

    @property
    def words(self) -> str:
        """What the server said, with what we have to say of it in brackets; or that alone."""
        if self.reply is None:
            return self.reason or ""
        return f"{self.reply} ({self.reason})" if self.reason else str(self.reply)


class Break(StrEnum):
    """How a conversation ended before its time; WITHDRAWN: by us, since the content is no longer what it was."""

    LOST = "lost"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    UNEXPECTED = "unexpected"
    INTERRUPTED = "interrupted"
    WITHDRAWN = "withdrawn"


@dataclass(slots=True, frozen=True)
class Failure:
    """A conversation that broke off: how, and in words. `reply` is a farewell (421) that came unasked."""

    kind: Break
    reason: str
    reply: Reply | None = None


# RFC 4954 section 6: the server wants a login, a stronger one, or one over TLS; the message itself is not refused.
_LOGIN_WANTED = frozenset({530, 534, 538})
# RFC 5321 section 4.2.4: the command was ours by right, so the two sides do not agree where they stand.
_OUT_OF_STEP = frozenset({500, 502, 503})
_SESSION = (Phase.RESOLVE, Phase.CONNECT, Phase.TLS, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.AUTH)


def accepted(reply: Reply) -> Verdict:
    """The server took responsibility for the message."""
    return Verdict(Outcome.ACCEPTED, Phase.END_OF_DATA, reply=reply)


def rejected_unasked(phase: Phase, reason: str) -> Verdict:
    """Known before asking, from what the server announced."""
    return Verdict(Outcome.REJECTED, phase, Cause.REJECTED, reason=reason)


def judge_failure(phase: Phase, failure: Failure, *, ended: bool = False) -> Verdict:
    """A drop, a time-out, garbage or an interruption in this phase; `ended`: the end of data may have left."""
    if ended:
        return Verdict(Outcome.IN_DOUBT, Phase.END_OF_DATA, Cause.IN_DOUBT, Again.NO, failure.reply, failure.reason)
    again = Again.NO if failure.kind is Break.WITHDRAWN else Again.LATER
    return Verdict(Outcome.DEFERRED, phase, _cause_of(phase, failure), again, failure.reply, failure.reason)


def _cause_of(phase: Phase, failure: Failure) -> Cause:
    farewell = failure.reply is not None and failure.reply.code == 421
    if failure.kind in (Break.MALFORMED, Break.UNEXPECTED) and not farewell:
        return Cause.PROTOCOL
    if failure.kind in (Break.INTERRUPTED, Break.WITHDRAWN) or farewell:
        return Cause.DEFERRED
    return Cause.TLS if phase in (Phase.TLS, Phase.STARTTLS) else Cause.CONNECTION


def judge_refusal(phase: Phase, reply: Reply, *, stepwise: bool = False) -> Verdict:
    """A reply that does not let the conversation go on.

    `stepwise`: the commands were already sent one at a time, so that being out of step has no further remedy.
    """
    if reply.code in _LOGIN_WANTED:
        return _deferred(phase, Cause.AUTHENTICATION, Again.NEXT_SERVER, reply)
    if phase in _SESSION:
        return _judge_session(phase, reply)
    if out_of_step(reply) or not (reply.transient or (reply.permanent and phase is not Phase.RSET)):
        return _out_of_step(phase, reply, stepwise=stepwise)
    if reply.transient:
        return _deferred(phase, Cause.DEFERRED, Again.LATER, reply)
    return Verdict(Outcome.REJECTED, phase, Cause.REJECTED, Again.NO, reply)


def _deferred(phase: Phase, cause: Cause, again: Again, reply: Reply, reason: str | None = None) -> Verdict:
    return Verdict(Outcome.DEFERRED, phase, cause, again, reply, reason)


def _judge_session(phase: Phase, reply: Reply) -> Verdict:
    again = Again.NEXT_SERVER if reply.permanent else Again.LATER
    if phase in (Phase.TLS, Phase.STARTTLS):
        return _deferred(phase, Cause.TLS, again, reply)
    if not (reply.transient or reply.permanent):
        return _deferred(phase, Cause.PROTOCOL, again, reply, "a reply that does not fit the command")
    if phase is Phase.AUTH:
        return _deferred(phase, Cause.AUTHENTICATION, again, reply)
    return _deferred(phase, Cause.CONNECTION if reply.permanent else Cause.DEFERRED, again, reply)


def _out_of_step(phase: Phase, reply: Reply, *, stepwise: bool) -> Verdict:
    reason = "the server and we do not agree on where the conversation stands"
    if phase is Phase.END_OF_DATA:
        return Verdict(Outcome.IN_DOUBT, phase, Cause.IN_DOUBT, Again.NO, reply, reason)
    again = Again.NEXT_SERVER if stepwise and out_of_step(reply) else Again.LATER
    return _deferred(phase, Cause.PROTOCOL, again, reply, reason)


def out_of_step(reply: Reply) -> bool:
    """Whether this reply to a command that was ours by right calls for one command at a time."""
    return reply.code in _OUT_OF_STEP
