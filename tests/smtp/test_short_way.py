"""What is almost always so is found in fewer steps, and finds what the steps find: they stay the judge.

Each law holds a short way against the long one, over all that may come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from itertools import product
from types import SimpleNamespace
from typing import cast

from sendkit._seam.clock import SystemClock
from sendkit._seam.log import AttemptLog, answered_at_once
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.command import UnsafeCommand, command_line, command_lines
from sendkit._smtp.head import head, head_octets
from sendkit._smtp.reply import Reply
from sendkit._smtp.steps import BatchReplies, Mode, Plan, Report, head_of
from sendkit._smtp.transaction import place, stepped_through, taken, whole
from sendkit._smtp.verdict import accepted
from sendkit._wire.channel import Channel
from sendkit._wire.session import Session
from tests.each import each

from .dialogue import ANA, EVA, LUIS, OPS, plan

_TAKEN = "250", "250 ok", "250 2.1.0 ok", "250 2.1.5 ok", "250 2.0.0 taken", "250 5.1.1 no"
_OTHER = (
    "251 2.1.5 elsewhere",
    "221 2.0.0 bye",
    "354 go on",
    "421 4.3.2 bye",
    "450 4.2.0 later",
    "503 5.5.1 what",
    "550",
)
REPLIES = [Reply.parse(text) for text in (*_TAKEN, *_OTHER)]
ABOUT_AN_ADDRESS = 2  # of those that take a step


def ahead(*recipients: str, rset: bool = False) -> Plan:
    """A transaction that goes out in one write."""
    by_name = {"luis": LUIS, "ops": OPS, "eva": EVA}
    return plan(*(by_name[name] for name in recipients), mode=Mode.CHUNKING, rset=rset)


@each([(("luis",), False), (("luis",), True), (("luis", "ops"), False)])
def test_what_was_taken_at_once_is_what_its_steps_come_to(recipients: tuple[str, ...], rset: bool) -> None:
    to_do = ahead(*recipients, rset=rset)
    found = 0
    for replies in product(REPLIES, repeat=len(whole(to_do))):
        if (verdict := taken(replies)) is not None:
            found += 1
            short = Report(dict.fromkeys(to_do.recipients, verdict), clean=True)
            assert short == stepped_through(to_do, BatchReplies(replies, ended=True)), list(map(str, replies))
    assert found == len(_TAKEN) ** (len(whole(to_do)) - 1) * (len(_TAKEN) - ABOUT_AN_ADDRESS)


@each(
    [
        plan(),
        plan(LUIS, OPS, EVA, rset=True),
        plan(reverse_path=None, parameters=("SIZE=42", "BODY=8BITMIME")),
        plan(LUIS, OPS, rset=True)._replace(for_each={OPS: ("NOTIFY=NEVER", "ORCPT=rfc822;ops@example.net")}),
        plan(parameters=("SIZE=42", "SMTPUTF8", "X=ñ"), utf8=True),
    ]
)
def test_octets_and_places_are_those_of_the_steps(to_do: Plan) -> None:
    assert head_octets(to_do) == (head_of(head(to_do)), len(head(to_do)))
    assert [place(to_do, nth) for nth in range(len(whole(to_do)))] == [
        (step.phase, step.recipient) for step in whole(to_do)
    ]


_LINES = ["RSET", "MAIL FROM:<ana@example.com> SIZE=1", "a\r\nQUIT", "\x7f", "\u2028", "ñ", "\udcf1", ""]


@each(product((False, True), [pair for most in (1, 2, 3) for pair in product(_LINES, repeat=most)]), called=ascii)
def test_lines_together_are_what_each_of_them_is(utf8: bool, lines: tuple[str, ...]) -> None:
    def octets(write: Callable[[], bytes]) -> bytes | None:
        try:
            return write()
        except UnsafeCommand:
            return None

    alone = octets(lambda: b"".join(command_line(line, utf8=utf8) for line in lines))
    assert octets(lambda: command_lines(lines, utf8=utf8)) == alone


@each(product((False, True), ((LUIS,), (LUIS, OPS), (LUIS, OPS, EVA))))
def test_what_is_noted_at_once_is_what_is_noted_of_each_step(rset: bool, recipients: tuple[object, ...]) -> None:
    to_do = ahead(*("luis", "ops", "eva")[: len(recipients)], rset=rset)
    for start in range(len(REPLIES)):
        replies = [REPLIES[(start + nth) % len(REPLIES)] for nth in range(len(whole(to_do)))]
        short, long = (AttemptLog((ANA,), SystemClock()) for _ in range(2))
        answered_at_once(short, to_do.recipients, replies)
        for step, reply in zip(whole(to_do), replies, strict=True):
            long.answered(step.phase, reply, step.recipient)
        assert (short.answers, short.phase) == (long.answers, long.phase)


@each(product((False, True), (0, 1, 7)))
def test_a_clean_report_changes_nothing_at_a_session(rset_due: bool, transactions: int) -> None:
    """So that nobody has to make one."""
    session = Session(cast("Channel", SimpleNamespace()), Capabilities(), None, None, rset_due, transactions)
    before = [getattr(session, field.name) for field in fields(session)]
    session.end(Report({LUIS: accepted(REPLIES[0])}, clean=True))
    assert [getattr(session, field.name) for field in fields(session)] == before
