"""The vocabulary between a transaction and whoever runs it: steps, batches, answers, the plan and the report.

RFC 2920 (what may be written in one go), RFC 3030 (BDAT), RFC 5321 section 4.5.3.1.10 (too many recipients). What is
made for every message is a NamedTuple: frozen as a frozen dataclass is, and made in half the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from sendkit._smtp.address import Address
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Break, Failure, Verdict

# A content of at most this many octets goes out in one write with its envelope, or with its end.
SMALL = 65_536


class Mode(Enum):
    """How much may be written before an answer is read."""

    STEPWISE = "stepwise"
    PIPELINING = "pipelining"
    CHUNKING = "chunking"


_CHUNKING = Mode.CHUNKING  # for every message: to take a member from its class takes 0.1 µs on Python 3.11


class Command(NamedTuple):
    """One command line and the phase that its reply belongs to; `recipient` for RCPT."""

    phase: Phase
    line: bytes
    recipient: Address | None = None


class Framing(Enum):
    """How content is set off from commands."""

    DOT = "dot"
    LONE_DOT = "lone_dot"
    CHUNK = "chunk"
    CHUNK_LAST = "chunk_last"
    LAST = "last"
    ANOTHER = "another"


@dataclass(slots=True, frozen=True)
class Payload:
    """Content, or a part of it, to be written here.

    DOT: all of it, dot-stuffed, then the lone dot. LONE_DOT: only the dot, since no recipient is left. CHUNK_LAST: all
    of it in `BDAT size LAST`. CHUNK: all of it in `BDAT size`; LAST, once that is answered: `BDAT 0 LAST`. Its reply
    belongs to `phase`, and in LMTP to one `recipient` (RFC 2033 section 4.2): ANOTHER writes nothing for it.
    """

    framing: Framing
    recipient: Address | None = None
    phase: Phase = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "phase", Phase.BODY if self.framing is Framing.CHUNK else Phase.END_OF_DATA)


Step = Command | Payload
Batch = Sequence[Step]


def head_of(batch: Batch) -> bytes:
    """The command lines of a batch, as they go out together."""
    return b"".join([step.line for step in batch if isinstance(step, Command)])


class BatchReplies(NamedTuple):
    """The replies to the first steps of a batch, in order, and what broke off, if anything did.

    `ended` says that the end of data was written, so that the server may have seen it; `unread`, that something more
    came than was asked for.
    """

    replies: Sequence[Reply] = ()
    failure: Failure | None = None
    ended: bool = False
    unread: bool = False

    @property
    def gone(self) -> bool:
        """Whether the server was gone, or going, before it took the first of the steps."""
        if self.replies:
            # A server that says 421 and then goes on may have taken what was written after it.
            return self.replies[0].code in (221, 421) and (len(self.replies) == 1 or not self.ended)
        if self.failure is None or self.ended:
            return False
        return self.failure.kind is Break.LOST or self.failure.reply is not None


class Plan(NamedTuple):
    """What one transaction is to do: who, to whom, how large, and how it may be written.

    `parameters` go with MAIL, `for_each` with the RCPT of each recipient. `lmtp`: each of those that are accepted has a
    reply of its own to the end of data (RFC 2033 section 4.2).
    """

    reverse_path: Address | None
    recipients: Sequence[Address]
    size: int
    mode: Mode = Mode.STEPWISE
    rset: bool = False
    stepwise: bool = False
    parameters: Sequence[str] = ()
    utf8: bool = False
    for_each: Mapping[Address, Sequence[str]] | None = None
    lmtp: bool = False

    @property
    def ahead(self) -> bool:
        """Whether all of it goes out in one write, so that another transaction may be written behind it."""
        return self.mode is _CHUNKING and self.size <= SMALL and not self.lmtp

    @property
    def chunked(self) -> bool:
        """Whether the content goes in chunks.

        A small one does not in LMTP: with no recipient left nothing answers the last chunk (RFC 2033 section 4.3), and
        the 354 to DATA says which replies were those to the RCPTs.
        """
        return self.mode is Mode.CHUNKING and not (self.lmtp and self.size <= SMALL)


class Report(NamedTuple):
    """How a transaction ended: a verdict for each recipient, and what became of the session.

    `carried` recipients were too many for this transaction and go into the next one at once (RFC 5321 section
    4.5.3.1.10). `close`: nothing more may be written on this connection; `broken`: nothing more can be believed on it
    either. `clean`: it ended in 2yz, so no RSET is due. `choked`: the server did not follow, so speak step by step.
    `turned_away`: MAIL was refused for now.
    """

    verdicts: dict[Address, Verdict]
    carried: tuple[Address, ...] = ()
    close: bool = False
    broken: bool = False
    clean: bool = False
    choked: bool = False
    turned_away: bool = False
