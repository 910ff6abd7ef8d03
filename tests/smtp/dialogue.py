"""Runs the transaction against a plain list of replies: what a wire does, without a wire.

Knows how a batch is answered and where it may break off. Must not know any verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sendkit._smtp.address import Address, parse_address
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.transaction import (
    Batch,
    BatchReplies,
    Command,
    Framing,
    Mode,
    Payload,
    Plan,
    Report,
    Step,
    transaction,
)
from sendkit._smtp.verdict import Again, Break, Failure, Outcome, Verdict

ANA = parse_address("ana@example.com")
LUIS = parse_address("luis@example.com")
OPS = parse_address("ops@example.net")
EVA = parse_address("eva@example.org")

MAIL, RCPT, DATA, GO, TAKEN = (
    "250 2.1.0 sender ok",
    "250 2.1.5 recipient ok",
    "354 go on",
    "354 go on",
    "250 2.0.0 taken",
)
LOST = Failure(Break.LOST, "the server closed the connection")
STRAY = Failure(Break.UNEXPECTED, "the server answered before it was asked")
SILENT = Failure(Break.TIMEOUT, "no answer within 60 s")
GARBAGE = Failure(Break.MALFORMED, "not an SMTP reply line")
BREAKS = [LOST, SILENT, GARBAGE]

SMALL_SIZE, LARGE_SIZE = 1_000, 10_000_000


def plan(
    *recipients: Address,
    mode: Mode = Mode.STEPWISE,
    size: int = SMALL_SIZE,
    rset: bool = False,
    stepwise: bool = False,
    reverse_path: Address | None = ANA,
    parameters: tuple[str, ...] = (),
    utf8: bool = False,
) -> Plan:
    """A plan for these recipients, or for Luis."""
    return Plan(
        reverse_path=reverse_path,
        recipients=recipients or (LUIS,),
        size=size,
        mode=mode,
        rset=rset,
        stepwise=stepwise,
        parameters=parameters,
        utf8=utf8,
    )


@dataclass(slots=True)
class Dialogue:
    """What was written, batch by batch, and what came of it. `left` are replies that nobody asked for."""

    batches: list[list[str]] = field(default_factory=list[list[str]])
    left: list[str] = field(default_factory=list[str])
    report: Report = field(default_factory=lambda: Report({}, ()))

    def verdict(self, recipient: Address = LUIS) -> Verdict:
        """What became of one recipient."""
        return self.report.verdicts[recipient]

    def outcome(self, recipient: Address = LUIS) -> tuple[Outcome, Again]:
        """The outcome, and whether it is tried again."""
        verdict = self.verdict(recipient)
        return verdict.outcome, verdict.again


def converse(to_do: Plan, *replies: str, broken: Failure | None = None, unread: bool = False) -> Dialogue:
    """Answer each step with the next reply; with none left, break off so. `unread`: there is one reply too many."""
    dialogue, script = Dialogue(), list(replies)
    steps = transaction(to_do)
    batch = next(steps)
    try:
        while True:
            dialogue.batches.append([written(step) for step in batch])
            batch = steps.send(_answers(batch, script, broken, unread))
    except StopIteration as stop:
        dialogue.report = stop.value
    dialogue.left = script
    return dialogue


def _answers(batch: Batch, script: list[str], broken: Failure | None, unread: bool) -> BatchReplies:
    now, script[: len(batch)] = script[: len(batch)], []
    replies = [Reply.parse(text) for text in now]
    ended = any(isinstance(step, Payload) and step.phase is Phase.END_OF_DATA for step in batch)
    if len(replies) == len(batch):
        return BatchReplies(replies, ended=ended, unread=unread and not script)
    assert broken is not None, f"no reply is left for {written(batch[len(replies)])}"
    # A large body breaks off before its end is written; all else goes out in one write.
    before_the_end = batch[len(replies)].phase is Phase.BODY
    return BatchReplies(replies, broken, ended=ended and not before_the_end)


def written(step: Step) -> str:
    """One step in short: the command line, or how the content goes."""
    return step.line.decode().rstrip() if isinstance(step, Command) else step.framing.value


DOT, LONE_DOT = Framing.DOT.value, Framing.LONE_DOT.value
CHUNK, LAST, CHUNK_LAST = Framing.CHUNK.value, Framing.LAST.value, Framing.CHUNK_LAST.value
