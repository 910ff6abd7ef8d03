"""The states of a letter and of each recipient, in one drawing.

Letter:     later -> ready -> working -> later | ready | settled;  held: by a person, or as its account cannot log in.
Recipient:  waiting -> sending -> accepted | diverted | rejected | waiting | in_doubt;  waiting -> expired | cancelled;
            in_doubt -> the late verdict of the same token | waiting (a person or a policy says retry) | forgotten.
"""

from __future__ import annotations

from enum import StrEnum


class LetterState(StrEnum):
    """Where a letter of the outbox is.

    LATER: it waits for its time. READY: any worker may take it. WORKING: a worker has it. HELD: by a person, or because
    its account cannot log in. SETTLED: nothing more is done with it by itself.
    """

    LATER = "later"
    READY = "ready"
    WORKING = "working"
    HELD = "held"
    SETTLED = "settled"


class RecipientState(StrEnum):
    """The state of a letter for one recipient.

    WAITING: no server has it. SENDING: the end of data may be leaving now. ACCEPTED: a server took responsibility
    (RFC 5321 section 4.2.5). DIVERTED: a transport or a setting for tests took it, and no server. REJECTED: refused for
    good. IN_DOUBT: a server may have it (RFC 1047). EXPIRED: not taken in time. CANCELLED, FORGOTTEN: a person said so.
    """

    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DIVERTED = "diverted"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FORGOTTEN = "forgotten"


OPEN = frozenset({RecipientState.WAITING, RecipientState.SENDING})
# What the sender is told of.
RETURNED = frozenset({RecipientState.REJECTED, RecipientState.EXPIRED})


class EventKind(StrEnum):
    """The kinds of events: recipients that were given up, in doubt or delayed, an account that cannot log in."""

    REJECTED = "rejected"
    EXPIRED = "expired"
    IN_DOUBT = "in_doubt"
    DELAYED = "delayed"
    HELD = "held"
