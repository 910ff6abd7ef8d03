"""One mail transaction (RFC 5321 section 3.3) as a generator: it yields batches of steps and is sent their answers.

With PIPELINING a batch is `MAIL, RCPT…, DATA` (RFC 2920), with CHUNKING `MAIL, RCPT…, BDAT … LAST` (RFC 3030), and with
neither it is one step. Whoever runs it writes a batch in one go, collects one reply for each step in order, and says
what broke off and whether the end of data may have been sent. The same generator runs on the wire, in the in-memory
transport and against a plain list of replies in tests. It knows no clock and no socket, and never sees the content.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from sendkit._smtp.address import Address
from sendkit._smtp.command import command_line
from sendkit._smtp.head import head
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.steps import Batch, BatchReplies, Command, Framing, Mode, Payload, Plan, Report, Step
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
class _State:
    """Where a transaction stands.

    `general` is the verdict for every recipient without one of its own; `void`: MAIL, or a chunk, was refused, so that
    the server must not take what follows; `closing`: it said 421 or 221 and does nothing more; `mistrust`: replies
    can no longer be paired with commands, and why. `finals` are the replies to the end of data of LMTP.
    """

    plan: Plan
    general: Verdict | None = None
    accepted: list[Address] = field(init=False)
    refused: dict[Address, Verdict] = field(init=False)
    too_many: list[Address] = field(init=False)
    finals: dict[Address, Verdict] = field(init=False)
    void: bool = False
    closing: bool = False
    go_ahead: bool = False
    over: bool = False
    close: bool = False
    clean: bool = False
    choked: bool = False
    turned_away: bool = False
    mistrust: Verdict | None = None

    def __post_init__(self) -> None:
        self.accepted, self.refused, self.too_many, self.finals = [], {}, [], {}


def transaction(plan: Plan) -> Generator[Batch, BatchReplies, Report]:
    """Carry one message to the recipients of the plan."""
    return _at_once(plan) if plan.ahead else _in_turns(plan)


def _at_once(plan: Plan) -> Generator[Batch, BatchReplies, Report]:
    batch = whole(plan)
    answers = yield batch
    whole_and_alone = answers.failure is None and not answers.unread and len(answers.replies) == len(batch)
    if whole_and_alone and (verdict := taken(answers.replies)) is not None:
        return Report(dict.fromkeys(plan.recipients, verdict), clean=True)
    return stepped_through(plan, answers)


def whole(plan: Plan) -> Batch:
    """The one batch of a transaction that goes out in one write (`plan.ahead`)."""
    return [*head(plan), _WHOLE]


def place(plan: Plan, nth: int) -> tuple[Phase, Address | None]:
    """The phase and the recipient of the step with this index in that batch."""
    recipients, behind_mail = plan.recipients, nth - plan.rset
    if behind_mail > len(recipients):
        return Phase.END_OF_DATA, None
    if behind_mail > 0:
        return Phase.RCPT, recipients[behind_mail - 1]
    return Phase.RSET if behind_mail else Phase.MAIL, None


def taken(replies: Sequence[Reply]) -> Verdict | None:
    """The verdict for all recipients of such a transaction, where its steps were answered as they almost always are.

    `stepped_through` finds the same, in a clean report. None where the steps are to be told apart.
    """
    for reply in replies:
        if reply.code != 250:
            return None
    last = replies[-1]
    return None if _about_an_address(last) else accepted(last)


def stepped_through(plan: Plan, answers: BatchReplies) -> Report:
    """What such a transaction came to, whatever it was answered."""
    state = _State(plan)
    _take(state, whole(plan), answers)
    return _report(state)


def _in_turns(plan: Plan) -> Generator[Batch, BatchReplies, Report]:
    state = _State(plan)
    for batch in _batches(state):
        _take(state, batch, (yield batch))
        if state.over:
            break
    return _report(state)


def _batches(state: _State) -> Iterator[Batch]:
    plan = state.plan
    commands = head(plan)
    if plan.mode is Mode.STEPWISE:
        yield from _stepwise(state, commands)
    elif not plan.chunked:
        yield [*commands, _DATA]
        if state.go_ahead and plan.lmtp and not state.accepted:
            state.close = True  # a lone dot would have no reply, and DATA should have had none of this kind
        elif state.go_ahead:
            yield _end(state, Framing.DOT if state.accepted else Framing.LONE_DOT)
    else:
        yield commands
        if state.accepted and not state.void:
            yield [Payload(Framing.CHUNK)]
            if state.general is None:
                yield _end(state, Framing.LAST)


def _end(state: _State, framing: Framing) -> Batch:
    """The step that ends the data, and in LMTP those for the replies of all others that were accepted."""
    if not state.plan.lmtp:
        return [Payload(framing)]
    first, *others = state.accepted
    return [Payload(framing, first), *(Payload(Framing.ANOTHER, recipient) for recipient in others)]


def _stepwise(state: _State, commands: list[Command]) -> Iterator[Batch]:
    for step in commands:
        yield [step]
        if state.general is not None:
            return
    if state.accepted:
        yield [_DATA]
    if state.go_ahead:
        yield _end(state, Framing.DOT)


# For every message: to take a member from its class takes 0.1 µs on Python 3.11.
_IN_DATA, _LAST_CHUNK = Phase.DATA, Framing.CHUNK_LAST
_DATA = Command(Phase.DATA, command_line("DATA"))
_CLOSING = 221
_WHOLE = Payload(Framing.CHUNK_LAST)


def _take(state: _State, batch: Batch, answers: BatchReplies) -> None:
    for step, reply in zip(batch, answers.replies, strict=False):
        if _fits(step, reply):
            _answered(state, step, reply)
        else:
            _misfit(state, step, reply, ended=answers.ended)
            if isinstance(step, Payload) and step.recipient is not None:
                break  # whose reply the next one is cannot be told any more
    if answers.failure is not None:
        unanswered = batch[min(len(answers.replies), len(batch) - 1)]
        # A server that announces PIPELINING and drops what was written behind its first command is silent like this.
        silent = answers.failure.kind is Break.TIMEOUT and not state.closing
        state.choked |= silent and bool(answers.replies) and isinstance(unanswered, Command)
        _broke_off(state, unanswered.phase, answers.failure, ended=answers.ended)
    elif answers.unread and (len(batch) > 1 or state.plan.lmtp) and (answers.ended or state.over):
        # With one step at a time, and behind a 354, the pairing is certain; in a group this reply may be another's.
        failure = Failure(Break.UNEXPECTED, "the server answered more than it was asked")
        _lose_count(state, batch[-1].phase, failure, ended=answers.ended)


def _answered(state: _State, step: Step, reply: Reply) -> None:
    # A server that says so and then answers again is still there, and may have taken what was written after it.
    # A 221 that is not an answer to QUIT says the same (RFC 5321 section 4.2.3).
    closed = reply.code == _CLOSING and step.phase is not Phase.END_OF_DATA
    state.closing = reply.code == 421 or closed
    if state.closing:
        state.close = state.over = True
    if closed:
        state.void |= step.phase in (Phase.MAIL, Phase.BODY)
        _refuse_all(state, step.phase, reply)
        return
    match step.phase:
        case Phase.RCPT if isinstance(step, Command) and step.recipient:
            _answered_rcpt(state, step.recipient, reply)
        case Phase.MAIL if reply.positive:
            state.general = state.general if state.over else None
        case Phase.DATA if reply.code == 354:
            # Behind a refused MAIL the server would put the content into an older transaction.
            state.go_ahead = not (state.void or state.over)
            state.close |= state.void
        case Phase.DATA if not (state.accepted or state.void):
            pass  # no recipient is left, so a refusal is in order (RFC 5321 section 3.3)
        case Phase.END_OF_DATA:
            _answered_end(state, step, reply)
        case Phase.RSET | Phase.BODY if reply.positive:
            pass
        case phase:
            state.void |= phase in (Phase.MAIL, Phase.BODY)
            state.turned_away |= phase is Phase.MAIL and reply.transient
            # Some servers read what follows a refused chunk as commands.
            state.close |= phase is Phase.RSET or (phase is Phase.BODY and reply.permanent)
            _refuse_all(state, phase, reply)


def _fits(step: Step, reply: Reply) -> bool:
    """Whether a reply of this kind can be the answer to this step (RFC 5321 section 4.3.2)."""
    if not reply.positive:
        return reply.transient or reply.permanent or (reply.code == 354 and step.phase is Phase.DATA)
    if step.phase is _IN_DATA:
        return False
    if not isinstance(step, Payload) or step.recipient is not None:
        return True
    return not (step.framing is _LAST_CHUNK and _about_an_address(reply))


def _about_an_address(reply: Reply) -> bool:
    """RFC 3463 section 3.2: the reply to a RCPT or a MAIL begins so, and that to the end of data never."""
    return reply.enhanced is not None and reply.enhanced.startswith(".1", 1)


def _misfit(state: _State, step: Step, reply: Reply, *, ended: bool) -> None:
    """A reply that cannot be the answer to this step. What was settled before stays so, if the count is right."""
    state.close = state.over = True
    failure = Failure(Break.UNEXPECTED, "the server's reply does not fit the command", reply)
    verdict = judge_failure(step.phase, failure, ended=ended or step.phase is Phase.END_OF_DATA)
    if isinstance(step, Command) and step.recipient:
        state.refused[step.recipient] = verdict
    elif reply.positive and state.plan.mode is not Mode.STEPWISE:
        # So looks a group whose replies are one too many: this one belongs to the command before.
        _lose_count(state, step.phase, failure, ended=step.phase is Phase.END_OF_DATA)
    state.void |= step.phase in (Phase.MAIL, Phase.BODY)
    if state.general is None or step.phase is Phase.END_OF_DATA:
        state.general = verdict


def _answered_rcpt(state: _State, recipient: Address, reply: Reply) -> None:
    if state.void:
        return
    if reply.positive:
        state.accepted.append(recipient)
    elif state.accepted and _too_many(reply):
        state.too_many.append(recipient)
        state.refused[recipient] = too_many_recipients(reply)
    else:
        state.refused[recipient] = verdict = _judge(state, Phase.RCPT, reply)
        if state.over:
            state.general = verdict


def _too_many(reply: Reply) -> bool:
    """RFC 5321 section 4.5.3.1.10, RFC 3463 section 3.6; some servers say 552, or a bare code."""
    if reply.enhanced:
        return reply.enhanced[1:] == ".5.3"
    return reply.code in (452, 552)


def _answered_final(state: _State, recipient: Address, reply: Reply) -> None:
    """RFC 2033 sections 4.2 and 4.3: the reply for one recipient, in the order of their RCPTs."""
    state.finals[recipient] = accepted(reply) if reply.positive else _judge(state, Phase.END_OF_DATA, reply)
    if len(state.finals) == len(state.accepted):
        outcomes = {verdict.outcome for verdict in state.finals.values()}
        state.clean = outcomes == {Outcome.ACCEPTED}
        state.close |= state.plan.chunked and Outcome.ACCEPTED not in outcomes  # as at a refused chunk


def _answered_end(state: _State, step: Step, reply: Reply) -> None:
    if isinstance(step, Payload) and step.recipient is not None:
        _answered_final(state, step.recipient, reply)
        return
    chunked = isinstance(step, Payload) and step.framing not in (Framing.DOT, Framing.LONE_DOT)
    if not reply.positive:
        state.close |= chunked and not reply.transient  # as above
        if state.accepted:
            _refuse_all(state, Phase.END_OF_DATA, reply)
    elif state.void:
        reason = "the server accepted a message that it had refused before"
        _lose_count(state, Phase.END_OF_DATA, Failure(Break.UNEXPECTED, reason, reply), ended=True)
    else:
        state.clean = True
        state.general = accepted(reply)


def _refuse_all(state: _State, phase: Phase, reply: Reply) -> None:
    if state.general is None:
        state.general = _judge(state, phase, reply)


def _judge(state: _State, phase: Phase, reply: Reply) -> Verdict:
    if out_of_step(reply):
        state.choked = state.close = state.over = True
    return judge_refusal(phase, reply, stepwise=state.plan.stepwise)


def _broke_off(state: _State, phase: Phase, failure: Failure, *, ended: bool) -> None:
    state.close = state.over = True
    where = Phase.BODY if phase is Phase.END_OF_DATA else phase
    # Behind a 354 the replies before are paired beyond doubt: nothing else is answered so.
    uncounted = failure.kind is Break.UNEXPECTED and failure.reply is None and not ended and not state.go_ahead
    if uncounted:
        _lose_count(state, where, failure, ended=False)
    elif state.general is None or (ended and not (state.void or state.closing)):
        state.general = judge_failure(where, failure, ended=ended)


def _lose_count(state: _State, phase: Phase, failure: Failure, *, ended: bool) -> None:
    """Replies and commands no longer pair up, so that none of them settles anything."""
    state.close = state.over = True
    state.mistrust = state.mistrust or judge_failure(phase, failure, ended=ended)


def _report(state: _State) -> Report:
    done = state.general is not None and state.general.outcome is Outcome.ACCEPTED
    done |= bool(state.finals) and len(state.finals) == len(state.accepted)
    carried = tuple(state.too_many) if done and not state.close else ()
    verdicts = {
        recipient: verdict
        for recipient in state.plan.recipients
        if recipient not in carried and (verdict := _verdict(state, recipient))
    }
    broken = state.mistrust is not None or state.choked or (state.over and not state.closing)
    return Report(
        verdicts,
        carried=carried,
        close=state.close,
        broken=broken,
        clean=state.clean,
        choked=state.choked,
        turned_away=state.turned_away,
    )


def _verdict(state: _State, recipient: Address) -> Verdict | None:
    return state.mistrust or state.refused.get(recipient) or state.finals.get(recipient) or state.general
