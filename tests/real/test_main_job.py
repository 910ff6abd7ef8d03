"""The main job through a real Postfix, with the password from a real Secret Service: the truth for every recipient."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sendkit import AsyncMailer, DeliveryResult, Mailer, Message, Outcome, Server

from .post import (
    ANA,
    LUIS,
    NOBODY,
    OPS,
    WAYS,
    Sent,
    Way,
    accepted,
    at_once,
    auth_commands,
    contents,
    copies,
    implicit_tls,
    letter,
    outcomes,
    run,
    starttls,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.servers.postfix import Postfix
    from tests.servers.secretservice import SecretService

GREY = "grey-1-luis@example.test"
SERVERS = [starttls, implicit_tls]


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    way: Way = request.param
    return way


@pytest.fixture(params=SERVERS, ids=["starttls", "implicit_tls"])
def server(request: pytest.FixtureRequest, postfix: Postfix, in_keyring: SecretService) -> Server:
    make: Callable[[Postfix], Server] = request.param
    return make(postfix)


@pytest.fixture
def sent(way: Way, server: Server) -> Sent:
    """A message to one who is accepted, one who is greylisted and one who is unknown."""
    return way(server, (LUIS, GREY, NOBODY))


def test_three_recipients_get_three_answers_and_each_mailbox_one_copy(postfix: Postfix, sent: Sent) -> None:
    result = sent.result
    assert outcomes(result) == {LUIS: Outcome.ACCEPTED, GREY: Outcome.ACCEPTED, NOBODY: Outcome.REJECTED}
    assert [one.attempts for one in result.recipients.values()] == [1, 2, 1]
    assert copies(postfix, [LUIS, GREY, ANA]) == {(result.message_id, LUIS): 1, (result.message_id, GREY): 1}
    assert [envelope.recipients for envelope in postfix.envelopes()] == [(LUIS, GREY, NOBODY), (GREY,)]
    assert auth_commands(postfix) == 1
    first, second = contents(postfix, LUIS) + contents(postfix, GREY)
    assert first == second
    if sent.code is not None:
        assert sent.code == 69
        assert "550 5.1.1" in sent.report


def test_every_recipient_has_the_reply_that_says_so(postfix: Postfix, in_keyring: SecretService) -> None:
    with Mailer(starttls(postfix), username=ANA, retry=at_once(1)) as mailer:
        result = mailer.send(letter(LUIS, GREY, NOBODY), check=False)
    replies = {address: one.reply for address, one in result.recipients.items()}
    assert {to: (reply.code, reply.enhanced) for to, reply in replies.items() if reply} == {
        LUIS: (250, "2.0.0"),
        GREY: (450, "4.2.0"),
        NOBODY: (550, "5.1.1"),
    }
    assert result.recipients[GREY].retryable
    (attempt,) = result.attempts
    assert attempt.tls is not None
    assert attempt.tls.version in ("TLSv1.2", "TLSv1.3")


def test_what_is_unsettled_may_be_sent_again_and_makes_one_copy(postfix: Postfix, in_keyring: SecretService) -> None:
    message = letter(LUIS, GREY)
    with Mailer(starttls(postfix), username=ANA, retry=at_once(1)) as mailer:
        left = mailer.send(message, check=False).unsettled()
        assert left is not None
        assert list(left.recipients) == [GREY]
        assert mailer.send(message, recipients=left).ok
    assert set(copies(postfix, [LUIS, GREY]).values()) == {1}
    assert contents(postfix, LUIS) == contents(postfix, GREY)


def test_a_message_that_everybody_accepts_ends_the_command_with_0(postfix: Postfix, in_keyring: SecretService) -> None:
    sent = WAYS["cli"](starttls(postfix), (LUIS, OPS))
    assert (sent.code, sent.report) == (0, "")
    assert copies(postfix, [LUIS, OPS]) == accepted([sent.result])


def test_a_sender_that_is_not_the_users_is_rejected_and_the_command_ends_with_69(
    postfix: Postfix, in_keyring: SecretService
) -> None:
    account = ("--host", starttls(postfix).address, "--user", ANA, "--ca-file", str(postfix.ca_file))
    done = run("send", *account, "--from", OPS, "--to", LUIS, "--subject", "Informe", "--text", "Todo bien.")
    assert done.returncode == 69
    assert "553 5.7.1" in done.stdout
    assert "hint:" in done.stderr
    assert postfix.mailbox(LUIS) == []


# One in five is also for somebody who is greylisted, one in seven for somebody unknown.
def _to(number: int) -> list[str]:
    box = [f"box-{number % 4}@example.test"]
    return box + [f"grey-1-{number}@example.test"] * (number % 5 == 0) + [NOBODY] * (number % 7 == 0)


MANY = 100
MAILBOXES = {to for number in range(MANY) for to in _to(number)} - {NOBODY}


@pytest.fixture
def many() -> list[Message]:
    return [letter(*_to(number), subject=f"Informe {number}") for number in range(MANY)]


def _check_many(postfix: Postfix, many: list[Message], results: list[DeliveryResult]) -> None:
    by_index = {result.index: result for result in results}
    assert sorted(by_index) == list(range(MANY)) == sorted(result.index or 0 for result in results)
    for number, message in enumerate(many):
        result = by_index[number]
        assert result.message_id == message.message_id
        expected = {to: Outcome.REJECTED if to == NOBODY else Outcome.ACCEPTED for to in _to(number)}
        assert outcomes(result) == expected
        assert [one.attempts for one in result.recipients.values()] == [1 + to.startswith("grey") for to in expected]
    wanted = Counter((one.message_id, to) for number, one in enumerate(many) for to in _to(number) if to != NOBODY)
    assert copies(postfix, MAILBOXES) == accepted(results) == wanted


@pytest.mark.parametrize(("connections", "in_flight"), [(4, 1), (1, 16), (4, 16)])
def test_many_messages_reach_every_mailbox_once(
    postfix: Postfix, in_keyring: SecretService, many: list[Message], connections: int, in_flight: int
) -> None:
    with Mailer(starttls(postfix), username=ANA, retry=at_once(), max_connections=connections) as mailer:
        results = list(mailer.send_many(many, in_flight=in_flight))
    _check_many(postfix, many, results)
    assert len(postfix.sessions()) <= connections
    assert auth_commands(postfix) == len(postfix.sessions())


async def test_many_messages_from_an_async_source_reach_every_mailbox_once(
    postfix: Postfix, in_keyring: SecretService, many: list[Message]
) -> None:
    async def source() -> AsyncIterator[Message]:
        for message in many:
            yield message

    async with AsyncMailer(implicit_tls(postfix), username=ANA, retry=at_once()) as mailer:
        results = [result async for result in mailer.send_many(source(), in_flight=16)]
    _check_many(postfix, many, results)
