"""One mail transaction (RFC 5321 section 3.3) as a generator: it yields batches of steps and is sent their answers.

With PIPELINING a batch is `MAIL, RCPT…, DATA` (RFC 2920), with CHUNKING `MAIL, RCPT…, BDAT … LAST` (RFC 3030), and with
neither it is one step. Whoever runs it writes a batch in one go, collects one reply for each step in order, and says
what broke off and whether the end of data may have left. The same generator runs on the wire, in the in-memory
transport and against a plain list of replies in tests. It knows no clock and no socket, and never sees the content.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from sendkit._smtp.address import Address
from sendkit._smtp.command import command_line
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.steps import Answers, Batch, Command, Framing, Mode, Payload, Plan, Report, Step
from sendkit._smtp.verdict import (
    Break,
    Failure,
    Outcome,
    Verdict,
    accepted,
    judge_failure,
    judge_refusal,
    out_of_step,
    too_many_recipients,
)


@dataclass(slots=True)
class _Course:
    """Where a transaction stands.

    `general` is the verdict for every recipient without one of its own; `void`: MAIL, or a chunk, was refused, so that
    the server must not take what follows; `farewell`: it said 421, and carries out nothing more; `mistrust`: replies
    can no longer be paired with commands, and why.
    """

    plan: Plan
    general: Verdict | None = None
    accepted: list[Address] = field(default_factory=list[Address])
    refused: dict[Address, Verdict] = field(default_factory=dict[Address, Verdict])
    too_many: list[Address] = field(default_factory=list[Address])
    void: bool = False
    farewell: bool = False
    go_ahead: bool = False
    over: bool = False
    close: bool = False
    clean: bool = False
    choked: bool = False
    turned_away: bool = False
    mistrust: Verdict | None = None


def transaction(plan: Plan) -> Generator[Batch, Answers, Report]:
    """Carry one message to the recipients of the plan."""
    return _at_once(plan) if plan.ahead else _in_turns(plan)


def _at_once(plan: Plan) -> Generator[Batch, Answers, Report]:
    batch: list[Step] = [*_head(plan), _WHOLE]
    answers = yield batch
    if _all_well(batch, answers):
        return Report(dict.fromkeys(plan.recipients, accepted(answers.replies[-1])), clean=True)
    course = _Course(plan)
    _take(course, batch, answers)
    return _report(course)


def _in_turns(plan: Plan) -> Generator[Batch, Answers, Report]:
    course = _Course(plan)
    for batch in _batches(course):
        _take(course, batch, (yield batch))
        if course.over:
            break
    return _report(course)


def _batches(course: _Course) -> Iterator[Batch]:
    plan = course.plan
    head = _head(plan)
    if plan.mode is Mode.STEPWISE:
        yield from _stepwise(course, head)
    elif plan.mode is Mode.PIPELINING:
        yield [*head, _DATA]
        if course.go_ahead:
            yield [Payload(Framing.DOT if course.accepted else Framing.LONE_DOT)]
    else:
        yield head
        if course.accepted and not course.void:
            yield [Payload(Framing.CHUNK)]
            if course.general is None:
                yield [Payload(Framing.LAST)]


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
_CLOSING = 221
_RSET = Command(Phase.RSET, command_line("RSET"))
_WHOLE = Payload(Framing.CHUNK_LAST)


def _head(plan: Plan) -> list[Command]:
    sender = plan.reverse_path.wire if plan.reverse_path else ""
    mail = Command(Phase.MAIL, command_line(f"MAIL FROM:<{sender}>", *plan.parameters, utf8=plan.utf8))
    rcpt = [
        Command(Phase.RCPT, command_line(f"RCPT TO:<{recipient.wire}>", utf8=plan.utf8), recipient)
        for recipient in plan.recipients
    ]
    return [_RSET, mail, *rcpt] if plan.rset else [mail, *rcpt]


def _take(course: _Course, batch: Batch, answers: Answers) -> None:
    for step, reply in zip(batch, answers.replies, strict=False):
        if _fits(step, reply):
            _answered(course, step, reply)
        else:
            _misfit(course, step, reply, ended=answers.ended)
    if answers.failure is not None:
        unanswered = batch[min(len(answers.replies), len(batch) - 1)]
        _broke_off(course, unanswered.phase, answers.failure, ended=answers.ended)
    elif answers.unread and len(batch) > 1 and (answers.ended or course.over):
        # With one step at a time, and behind a 354, the pairing is certain; in a group this reply may be another's.
        failure = Failure(Break.UNEXPECTED, "the server answered more than it was asked")
        _lose_count(course, batch[-1].phase, failure, ended=answers.ended)


def _all_well(batch: Batch, answers: Answers) -> bool:
    """Whether a group was answered as almost all are; a course would find the same, in more steps."""
    replies = answers.replies
    if answers.failure is not None or answers.unread or len(replies) != len(batch):
        return False
    for reply in replies:
        if reply.code != 250:
            return False
    return _fits(batch[-1], replies[-1])


def _answered(course: _Course, step: Step, reply: Reply) -> None:
    # Who says good-bye and then answers again has not gone, and may have taken what was written behind.
    # A 221 that is no answer to QUIT says the same (RFC 5321 section 4.2.3).
    closed = reply.code == _CLOSING and step.phase is not Phase.END_OF_DATA
    course.farewell = reply.code == 421 or closed
    if course.farewell:
        course.close = course.over = True
    if closed:
        course.void |= step.phase in (Phase.MAIL, Phase.BODY)
        _refuse_all(course, step.phase, reply)
        return
    match step.phase:
        case Phase.RCPT if isinstance(step, Command) and step.recipient:
            _answered_rcpt(course, step.recipient, reply)
        case Phase.MAIL if reply.positive:
            course.general = course.general if course.over else None
        case Phase.DATA if reply.code == 354:
            # Behind a refused MAIL the server would put the content into an older transaction.
            course.go_ahead = not (course.void or course.over)
            course.close |= course.void
        case Phase.DATA if not (course.accepted or course.void):
            pass  # no recipient is left, so a refusal is in order (RFC 5321 section 3.3)
        case Phase.END_OF_DATA:
            _answered_end(course, step, reply)
        case Phase.RSET | Phase.BODY if reply.positive:
            pass
        case phase:
            course.void |= phase in (Phase.MAIL, Phase.BODY)
            course.turned_away |= phase is Phase.MAIL and reply.transient
            # Some servers read what follows a refused chunk as commands.
            course.close |= phase is Phase.RSET or (phase is Phase.BODY and reply.permanent)
            _refuse_all(course, phase, reply)


def _fits(step: Step, reply: Reply) -> bool:
    """Whether a reply of this kind can be the answer to this step (RFC 5321 section 4.3.2)."""
    if not reply.positive:
        return reply.transient or reply.permanent or (reply.code == 354 and step.phase is Phase.DATA)
    if step.phase is Phase.DATA:
        return False
    about_an_address = reply.enhanced is not None and reply.enhanced.startswith(".1", 1)
    return not (about_an_address and isinstance(step, Payload) and step.framing is Framing.CHUNK_LAST)


def _misfit(course: _Course, step: Step, reply: Reply, *, ended: bool) -> None:
    """A reply that cannot be the answer to this step. What was settled before stays so, if the count is right."""
    course.close = course.over = True
    failure = Failure(Break.UNEXPECTED, "the server's reply does not fit the command", reply)
    verdict = judge_failure(step.phase, failure, ended=ended or step.phase is Phase.END_OF_DATA)
    if isinstance(step, Command) and step.recipient:
        course.refused[step.recipient] = verdict
    elif reply.positive and course.plan.mode is not Mode.STEPWISE:
        # So looks a group whose replies are one too many: this one belongs to the command before.
        _lose_count(course, step.phase, failure, ended=step.phase is Phase.END_OF_DATA)
    course.void |= step.phase in (Phase.MAIL, Phase.BODY)
    if course.general is None or step.phase is Phase.END_OF_DATA:
        course.general = verdict


def _answered_rcpt(course: _Course, recipient: Address, reply: Reply) -> None:
    if course.void:
        return
    if reply.positive:
        course.accepted.append(recipient)
    elif course.accepted and _too_many(reply):
        course.too_many.append(recipient)
        course.refused[recipient] = too_many_recipients(reply)
    else:
        course.refused[recipient] = verdict = _judge(course, Phase.RCPT, reply)
        if course.over:
            course.general = verdict


def _too_many(reply: Reply) -> bool:
    """RFC 5321 section 4.5.3.1.10, RFC 3463 section 3.6; some servers say 552, or a bare code."""
    if reply.enhanced:
        return reply.enhanced[1:] == ".5.3"
    return reply.code in (452, 552)


def _answered_end(course: _Course, step: Step, reply: Reply) -> None:
    chunked = isinstance(step, Payload) and step.framing not in (Framing.DOT, Framing.LONE_DOT)
    if not reply.positive:
        course.close |= chunked and not reply.transient  # as above
        if course.accepted:
            _refuse_all(course, Phase.END_OF_DATA, reply)
    elif course.void:
        reason = "the server accepted a message that it had refused before"
        _lose_count(course, Phase.END_OF_DATA, Failure(Break.UNEXPECTED, reason, reply), ended=True)
    else:
        course.clean = True
        course.general = accepted(reply)


def _refuse_all(course: _Course, phase: Phase, reply: Reply) -> None:
    if course.general is None:
        course.general = _judge(course, phase, reply)


def _judge(course: _Course, phase: Phase, reply: Reply) -> Verdict:
    if out_of_step(reply):
        course.choked = course.close = course.over = True
    return judge_refusal(phase, reply, stepwise=course.plan.stepwise)


def _broke_off(course: _Course, phase: Phase, failure: Failure, *, ended: bool) -> None:
    course.close = course.over = True
    where = Phase.BODY if phase is Phase.END_OF_DATA else phase
    # Behind a 354 the replies before are paired beyond doubt: nothing else is answered so.
    uncounted = failure.kind is Break.UNEXPECTED and failure.reply is None and not ended and not course.go_ahead
    if uncounted:
        _lose_count(course, where, failure, ended=False)
    elif course.general is None or (ended and not (course.void or course.farewell)):
        course.general = judge_failure(where, failure, ended=ended)


def _lose_count(course: _Course, phase: Phase, failure: Failure, *, ended: bool) -> None:
    """Replies and commands no longer pair up, so that none of them settles anything."""
    course.close = course.over = True
    course.mistrust = course.mistrust or judge_failure(phase, failure, ended=ended)


def _report(course: _Course) -> Report:
    done = course.general is not None and course.general.outcome is Outcome.ACCEPTED
    carried = tuple(course.too_many) if done and not course.close else ()
    verdicts = {
        recipient: verdict
        for recipient in course.plan.recipients
        if recipient not in carried and (verdict := _verdict(course, recipient))
    }
    broken = course.mistrust is not None or course.choked or (course.over and not course.farewell)
    return Report(
        verdicts,
        carried=carried,
        close=course.close,
        broken=broken,
        clean=course.clean,
        choked=course.choked,
        turned_away=course.turned_away,
    )


def _verdict(course: _Course, recipient: Address) -> Verdict | None:
    return course.mistrust or course.refused.get(recipient) or course.general
