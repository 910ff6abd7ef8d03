"""For authors of transports: the base class, what it gets, and the types that describe the outcome of a letter.

A transport carries a `Letter` once and writes into an `AttemptLog`; whether to try again is decided elsewhere.
`sendkit.testing.TransportContract` tests one. Only names here, no code.
"""

from __future__ import annotations

from sendkit._message.letter import Letter
from sendkit._seam.clock import Clock, SystemClock
from sendkit._seam.log import AttemptLog
from sendkit._seam.terms import Terms
from sendkit._seam.transport import Transport
from sendkit._smtp.address import Address
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.content import Content
from sendkit._smtp.hints import Facts, UsedSecret
from sendkit._smtp.verdict import (
    Again,
    Break,
    Cause,
    Failure,
    Reason,
    Verdict,
    accepted,
    judge_failure,
    judge_refusal,
    not_accepted,
    rejected_unasked,
)
from sendkit._transport.failover import FailoverTransport

__all__ = [
    "Address",
    "Again",
    "AttemptLog",
    "Break",
    "Capabilities",
    "Cause",
    "Clock",
    "Content",
    "Facts",
    "FailoverTransport",
    "Failure",
    "Letter",
    "Reason",
    "SystemClock",
    "Terms",
    "Transport",
    "UsedSecret",
    "Verdict",
    "accepted",
    "judge_failure",
    "judge_refusal",
    "not_accepted",
    "rejected_unasked",
]
