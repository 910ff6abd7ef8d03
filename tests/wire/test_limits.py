"""What a server allows is kept to: how many recipients, how large, how fast, and how much may be written ahead."""

from __future__ import annotations

from collections import Counter

import pytest

from sendkit import Outcome, RetryPolicy, Security, Timeouts
from tests.accounts import LUIS, message, outcomes
from tests.servers.scripted import BASE

from .conftest import Account, Start

MODES = {
    "one command at a time": [word for word in BASE if word not in ("PIPELINING", "CHUNKING")],
    "pipelining": [word for word in BASE if word != "CHUNKING"],
    "chunking": list(BASE),
}
every_mode = pytest.mark.parametrize("mode", MODES)


async def test_a_refused_end_of_data_is_followed_by_rset(start: Start, account: Account) -> None:
    """As with Postfix: without it the next message goes into the old transaction (FACTS, 1)."""
    for capabilities in MODES.values():
        server = start(Security.NONE, capabilities=capabilities, nested_mail_refused=True)
        server.after_data().reply("451 4.3.0 not now", times=1)
        async with account(server, username=None) as mailer:
            refused = await mailer.send(message(), check=False)
            taken = await mailer.send(message())
        assert outcomes(refused) == {LUIS: Outcome.DEFERRED}
        assert server.copies() == Counter({(str(taken.message_id), LUIS): 1})


async def test_a_server_that_chokes_on_a_group_is_asked_one_command_at_a_time_from_then_on(
    start: Start, account: Account
) -> None:
    server = start(Security.NONE)
    server.on_rcpt().reply("503 5.5.1 bad sequence", times=1)
    async with account(server, username=None, retry=RetryPolicy(wait=lambda _: 0)) as mailer:
        first = await mailer.send(message())
        await mailer.send(message())
    assert (first.ok, len(first.attempts)) == (True, 2)
    assert "BDAT" not in server.connections[-1].commands
    assert len(server.accepted) == 2


@every_mode
async def test_recipients_beyond_the_servers_limit_go_into_further_transactions(
    start: Start, account: Account, mode: str
) -> None:
    recipients = [f"{number}@example.com" for number in range(25)]
    server = start(Security.NONE, capabilities=MODES[mode], max_recipients=10)
    async with account(server, username=None) as mailer:
        result = await mailer.send(message(*recipients))
    assert [len(taken.recipients) for taken in server.accepted] == [10, 10, 5]
    assert server.copies() == Counter({(str(result.message_id), to): 1 for to in recipients})
    assert (len(result.attempts), len(server.connections)) == (1, 1)


async def test_a_limit_that_is_announced_is_kept_without_asking(start: Start, account: Account) -> None:
    """RFC 9422 section 4."""
    server = start(Security.NONE, capabilities=[*BASE, "LIMITS RCPTMAX=2"])
    async with account(server, username=None) as mailer:
        result = await mailer.send(message(*(f"{number}@example.com" for number in range(5))))
    assert [len(taken.recipients) for taken in server.accepted] == [2, 2, 1]
    assert {answer.reply.code for answer in result.attempts[0].replies if answer.recipient} == {250}


async def test_a_message_over_the_announced_size_is_not_even_offered(start: Start, account: Account) -> None:
    server = start(Security.NONE, capabilities=[*BASE[:1], "SIZE 500"])
    async with account(server, username=None) as mailer:
        result = await mailer.send(message(text="x" * 600), check=False)
    assert outcomes(result) == {LUIS: Outcome.REJECTED}
    assert "MAIL" not in server.connections[0].commands


@pytest.mark.parametrize("in_flight", [1, 8])
async def test_many_messages_arrive_once_each_however_many_are_written_ahead(
    start: Start, account: Account, in_flight: int
) -> None:
    server = start()
    async with account(server, max_connections=2) as mailer:
        results = [
            result
            async for result in mailer.send_many((message(subject=str(n)) for n in range(60)), in_flight=in_flight)
        ]
    assert sorted(result.index or 0 for result in results) == list(range(60))
    assert server.copies() == Counter({(str(result.message_id), LUIS): 1 for result in results})
    assert len(server.connections) <= 2


async def test_who_waits_for_a_turn_on_a_connection_that_is_given_up_goes_to_another(
    start: Start, account: Account
) -> None:
    server = start(Security.NONE)
    server.after_data().reply("421 4.3.2 shutting down", times=1)
    messages = [message(text="A long line of a long message.\n" * 5_000), message(), message()]
    async with account(server, username=None, max_connections=1) as mailer:
        results = {result.index: result async for result in mailer.send_many(messages, in_flight=3)}
    assert [results[number].ok for number in range(3)] == [False, True, True]
    assert [len(results[number].attempts) for number in range(3)] == [1, 1, 1]
    assert len(server.connections) == 2


async def test_a_mailer_sends_to_a_server_that_writes_slowly(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    server.on_mail().drip(b"250-2.1.0 one\r\n250 2.1.0 two\r\n", interval=0.001)
    async with account(server, username=None) as mailer:
        result = await mailer.send(message())
    assert [str(a.reply) for a in result.attempts[0].replies if a.phase == "mail"] == ["250 2.1.0 one\ntwo"]


async def test_a_time_limit_is_for_the_whole_reply(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    server.on_mail().drip(b"250 2.1.0 a reply that takes its time\r\n", interval=0.1)
    async with account(server, username=None, timeouts=Timeouts(command=0.5)) as mailer:
        result = await mailer.send(message(), check=False)
    assert "0.5 s" in (result.recipients[LUIS].reason or "")
