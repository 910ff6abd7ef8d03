"""One mail transaction (RFC 5321 section 3.3) as a generator: it yields batches of steps and is sent their answers.

With PIPELINING a batch is `MAIL, RCPT…, DATA` (RFC 2920), with CHUNKING `MAIL, RCPT…, BDAT … LAST` (RFC 3030), and with
neither it is one step. Whoever runs it writes a batch in one go, collects one reply for each step in order, and says
what broke off and whether the end of data may have left. The same generator runs on the wire, in the in-memory
transport and against a plain list of replies in tests. It knows no clock and no socket, and never sees the content.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from sendkit._smtp.address import Address
from sendkit._smtp.command import command_line
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import (
    Again,
    Break,
    Cause,
    Failure,
    Outcome,
    Verdict,
    accepted,
    judge_failure,
    judge_refusal,
    out_of_step,
)

# A content of at most this many octets goes out in one write with its envelope, or with its end.
SMALL = 65_536


class Mode(Enum):
    """How much may be written before an answer is read."""

    STEPWISE = "stepwise"
    PIPELINING = "pipelining"
    CHUNKING = "chunking"


@dataclass(slots=True, frozen=True)
class Command:
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


@dataclass(slots=True, frozen=True)
class Payload:
    """Content, or a part of it, to be written here.

    DOT: all of it, dot-stuffed, then the lone dot. LONE_DOT: only the dot, since no recipient is left. CHUNK_LAST: all
    of it in `BDAT size LAST`. CHUNK and LAST: all of it in `BDAT size`, then, after it was drained, `BDAT 0 LAST`.
    """

    framing: Framing

    @property
    def phase(self) -> Phase:
        """The phase that the reply belongs to."""
        return Phase.BODY if self.framing is Framing.CHUNK else Phase.END_OF_DATA


Step = Command | Payload
Batch = Sequence[Step]


@dataclass(slots=True, frozen=True)
class Answers:
    """The replies to the first steps of a batch, in order, and what broke off, if anything did.

    `ended` says that the end of data was written, so that the server may have seen it.
    """

    replies: Sequence[Reply] = ()
    failure: Failure | None = None
    ended: bool = False


@dataclass(slots=True, frozen=True)
class Plan:
    """What one transaction is to do: who, to whom, how large, and how it may be written."""

    reverse_path: Address | None
    recipients: Sequence[Address]
    size: int
    mode: Mode = Mode.STEPWISE
    rset: bool = False
    stepwise: bool = False
    parameters: Sequence[str] = ()
    utf8: bool = False

    @property
    def ahead(self) -> bool:
        """Whether all of it goes out in one write, so that another transaction may be written behind it."""
        return self.mode is Mode.CHUNKING and self.size <= SMALL


@dataclass(slots=True, frozen=True)
class Report:
    """How a transaction ended: a verdict for each recipient, and what became of the session.

    `carried` recipients were too many for this transaction and go into the next one at once (RFC 5321 section
    4.5.3.1.10). `close`: nothing more may be written on this connection; `broken`: nothing more can be believed on it
    either. `clean`: it ended in 2yz, so no RSET is due. `choked`: the server did not follow, so speak step by step.
    """

    verdicts: dict[Address, Verdict]
    carried: tuple[Address, ...]
    close: bool = False
    broken: bool = False
    clean: bool = False
    choked: bool = False


@dataclass(slots=True)
class _Course:
    """Where a transaction stands.

    `general` is the verdict for every recipient without one of its own; `void`: MAIL, or a chunk, was refused, so that
    the server must not take what follows.
    """

    plan: Plan
    general: Verdict | None = None
    void: bool = False
    accepted: list[Address] = field(default_factory=list[Address])
    refused: dict[Address, Verdict] = field(default_factory=dict[Address, Verdict])
    too_many: list[Address] = field(default_factory=list[Address])
    go_ahead: bool = False
    over: bool = False
    close: bool = False
    broken: bool = False
    clean: bool = False
    choked: bool = False


def transaction(plan: Plan) -> Generator[Batch, Answers, Report]:
    """Carry one message to the recipients of the plan."""
    course = _Course(plan)
    for batch in _batches(course):
        _take(course, batch, (yield batch))
        if course.over:
            break
    return _report(course)


def _batches(course: _Course) -> Iterator[Batch]:
    plan = course.plan
    head = list(_head(plan))
    if plan.mode is Mode.STEPWISE:
        yield from _stepwise(course, head)
    elif plan.mode is Mode.PIPELINING:
        yield [*head, _DATA]
        if course.go_ahead:
            yield [Payload(Framing.DOT if course.accepted else Framing.LONE_DOT)]
    elif plan.size <= SMALL:
        yield [*head, Payload(Framing.CHUNK_LAST)]
    else:
        yield head
        if course.accepted and not course.void:
            yield [Payload(Framing.CHUNK), Payload(Framing.LAST)]


def _stepwise(course: _Course, head: list[Command]) -> Iterator[Batch]:
    for step in head:
        yield [step]
        if course.general is not None:
            return
    if course.accepted:
        yield [_DATA]
    if course.go_ahead:
        yield [Payload(Framing.DOT)]


_DATA = Command(Phase.DATA, command_line("DATA"))
_RSET = Command(Phase.RSET, command_line("RSET"))


def _head(plan: Plan) -> Iterator[Command]:
    if plan.rset:
        yield _RSET
    sender = plan.reverse_path.wire if plan.reverse_path else ""
    yield Command(Phase.MAIL, command_line(f"MAIL FROM:<{sender}>", *plan.parameters, utf8=plan.utf8))
    for recipient in plan.recipients:
        yield Command(Phase.RCPT, command_line(f"RCPT TO:<{recipient.wire}>", utf8=plan.utf8), recipient)


def _take(course: _Course, batch: Batch, answers: Answers) -> None:
    for step, reply in zip(batch, answers.replies, strict=False):
        _answered(course, step, reply)
    if answers.failure is not None:
        unanswered = batch[min(len(answers.replies), len(batch) - 1)]
        _broke_off(course, unanswered.phase, answers.failure, ended=answers.ended)


def _answered(course: _Course, step: Step, reply: Reply) -> None:
    if reply.code == 421:
        # The server says that it closes; in a group it may still have answered what came before.
        course.close = course.over = True
    match step.phase:
        case Phase.RCPT if isinstance(step, Command) and step.recipient:
            _answered_rcpt(course, step.recipient, reply)
        case Phase.MAIL if reply.positive:
            course.general = None
        case Phase.DATA if reply.code == 354:
            # Behind a refused MAIL the server would put the content into an older transaction.
            course.go_ahead = not (course.void or course.over)
            course.close |= course.void
        case Phase.END_OF_DATA:
            _answered_end(course, step, reply)
        case Phase.RSET | Phase.BODY if reply.positive:
            pass
        case phase:
            course.void |= phase in (Phase.MAIL, Phase.BODY)
            course.close |= phase is Phase.RSET
            _refuse_all(course, phase, reply)


def _answered_rcpt(course: _Course, recipient: Address, reply: Reply) -> None:
    if course.void:
        return
    if reply.positive:
        course.accepted.append(recipient)
        return
    if course.accepted and _too_many(reply):
        course.too_many.append(recipient)
        course.refused[recipient] = Verdict(Outcome.DEFERRED, Phase.RCPT, Cause.DEFERRED, Again.LATER, reply)
        return
    course.refused[recipient] = verdict = _judge(course, Phase.RCPT, reply)
    if reply.code == 421:
        course.general = verdict


def _too_many(reply: Reply) -> bool:
    """RFC 5321 section 4.5.3.1.10, RFC 3463 section 3.6; some servers say 552, or a bare code."""
    if reply.enhanced:
        return reply.enhanced[1:] == ".5.3"
    return reply.code in (452, 552)


def _answered_end(course: _Course, step: Step, reply: Reply) -> None:
    chunked = isinstance(step, Payload) and step.framing not in (Framing.DOT, Framing.LONE_DOT)
    if not reply.positive:
        # Some servers read what follows a refused chunk as commands.
        course.close |= chunked and not reply.transient
        if course.general is None and course.accepted:
            _refuse_all(course, Phase.END_OF_DATA, reply)
    elif course.void:
        reason = "the server accepted a message that it had refused before"
        course.close = course.broken = True
        course.general = judge_failure(Phase.END_OF_DATA, Failure(Break.UNEXPECTED, reason, reply), ended=True)
    else:
        course.clean = True
        course.general = accepted(reply)


def _refuse_all(course: _Course, phase: Phase, reply: Reply) -> None:
    if course.general is None:
        course.general = _judge(course, phase, reply)


def _judge(course: _Course, phase: Phase, reply: Reply) -> Verdict:
    if out_of_step(reply):
        course.choked = course.close = course.broken = True
    elif not (reply.transient or reply.permanent):
        course.close = course.broken = True
    return judge_refusal(phase, reply, stepwise=course.plan.stepwise)


def _broke_off(course: _Course, phase: Phase, failure: Failure, *, ended: bool) -> None:
    course.close = course.over = course.broken = True
    if course.general is None or (ended and not course.void):
        where = Phase.BODY if phase is Phase.END_OF_DATA else phase
        course.general = judge_failure(where, failure, ended=ended)


def _report(course: _Course) -> Report:
    done = course.general is not None and course.general.outcome is Outcome.ACCEPTED
    carried = tuple(course.too_many) if done and not course.close else ()
    verdicts = {
        recipient: verdict
        for recipient in course.plan.recipients
        if recipient not in carried and (verdict := course.refused.get(recipient) or course.general)
    }
    return Report(verdicts, carried, course.close, course.broken, course.clean, course.choked)
