"""The tests of an application are written against the double, and pass unchanged against two real servers.

`pytest -m double`, `-m smtp_server` and `-m postfix` choose the place; without, it is all three, with one outcome.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sendkit import Attachment, DeliveryResult, Mailer, Message, RetryPolicy, errors
from sendkit.testing import Box

from .places import APP, ELSEWHERE, GREY, LUIS, NOBODY, OPS, Delivered, Double, Served

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture(
    params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("double", "smtp_server", "postfix")]
)
def mailbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """The mailbox that the application's tests look into, wherever it is; its account is in the environment."""
    with ExitStack() as stack:
        place: Double | Served | Delivered
        if request.param == "double":
            place = stack.enter_context(Double())
        elif request.param == "smtp_server":
            place = stack.enter_context(Served())
        else:
            place = Delivered(request.getfixturevalue("postfix"))
        for name, value in place.environment.items():
            monkeypatch.setenv(name, value)
        yield place


# ----- the application


def invite(*members: str, **more: object) -> DeliveryResult:
    """Invite members to the club, and say for each how that went."""
    invitation = Message(
        sender=f"The Club <{APP}>",
        to=members,
        subject="Invitación al club — año 2026",
        text="Dear member,\n.\n\nall is here: https://club.example/2026?a=1&b=2\n",
        html='<p><a href="https://club.example/2026">¡Ven!</a> <img src="cid:map"></p>',
        inline={"map": PNG},
        attachments=[Attachment.from_bytes(b"uno;dos\n", filename="programa–2026.csv")],
        **more,  # type: ignore[arg-type]
    )
    with Mailer.from_env(retry=RetryPolicy(max_attempts=2, wait=lambda _: 0)) as mailer:
        return mailer.send(invitation)


# ----- its tests


def test_a_member_is_invited_with_all_that_belongs_to_it(mailbox: Box) -> None:
    assert invite(LUIS).ok
    sent = mailbox.assert_sent(
        to=LUIS,
        sender=APP,
        subject="Invitación al club — año 2026",
        text_contains="Dear member,\n.\n",
        html_contains="¡Ven!",
        link="https://club.example/2026?a=1&b=2",
        attachment="programa–2026.csv",
        times=1,
    )
    assert sent.inline["map"].data == PNG
    assert sent.attachments[0].data == b"uno;dos\n"


def test_of_several_members_each_gets_the_same_message_once(mailbox: Box) -> None:
    assert invite(LUIS, OPS).ok
    mailbox.assert_sent(to=[LUIS, OPS], times=1)
    assert len(mailbox.messages) == 1


def test_a_hidden_copy_is_not_seen(mailbox: Box) -> None:
    assert invite(LUIS, bcc=OPS).ok
    sent = mailbox.assert_sent(to=LUIS, bcc=OPS)
    assert OPS.encode() not in sent.raw


def test_an_unknown_member_is_told_apart_from_the_others(mailbox: Box) -> None:
    with pytest.raises(errors.PartialDelivery) as failed:
        invite(LUIS, NOBODY)
    assert failed.value.result is not None
    recipient = failed.value.result.recipients[NOBODY]
    assert (recipient.outcome.value, recipient.reply and recipient.reply.enhanced) == ("rejected", "5.1.1")
    mailbox.assert_sent(to=LUIS)
    mailbox.assert_not_sent(to=NOBODY)


def test_where_nobody_is_known_nothing_is_sent(mailbox: Box) -> None:
    with pytest.raises(errors.RejectedError):
        invite(NOBODY, ELSEWHERE)
    mailbox.assert_nothing_sent()


def test_a_greylisted_member_is_invited_at_the_second_try_and_the_others_not_twice(mailbox: Box) -> None:
    result = invite(LUIS, GREY)
    assert {one.address: one.attempts for one in result.accepted} == {LUIS: 1, GREY: 2}
    assert len(mailbox.to(LUIS)) == len(mailbox.to(GREY)) == 1


def test_a_failing_assertion_reads_the_same(mailbox: Box) -> None:
    invite(LUIS)
    with pytest.raises(AssertionError) as failed:
        mailbox.assert_sent(to=LUIS, attachment="programa-2025.csv")
    assert str(failed.value) == (
        "no message like this was sent; the nearest of 1 is message 1, "
        "'Invitación al club — año 2026' to luis@example.test\n"
        "  to          as expected: 'luis@example.test'\n"
        "  attachment  expected 'programa-2025.csv'\n"
        "              found    'programa–2026.csv'"
    )
