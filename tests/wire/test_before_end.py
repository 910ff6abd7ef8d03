"""Before the end of data may leave, the caller is asked, in every mode; who says no has nothing accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sendkit import AsyncMailer, Message, Outcome, Security
from sendkit._message.compose import compose
from sendkit._smtp.address import Address
from sendkit.results import DeliveryResult
from sendkit.transports import Terms
from tests.accounts import ANA, LUIS, OPS, outcomes
from tests.servers.scripted import ScriptedServer

from .conftest import Account, Start
from .delivering import deliver
from .test_bodies import MODES, large

every_mode = pytest.mark.parametrize("mode", MODES)
every_size = pytest.mark.parametrize("octets", [100, 300_000])


class Fenced(Exception):
    """Another worker has the letter."""


async def send(mailer: AsyncMailer, message: Message, terms: Terms) -> DeliveryResult:
    return await deliver(mailer, compose(message), terms)


def noting(server: ScriptedServer, seen: list[tuple[int, list[str]]]) -> Terms:
    async def note(recipients: tuple[Address, ...]) -> None:
        await asyncio.sleep(0)
        seen.append((len(server.accepted), [recipient.written for recipient in recipients]))

    return Terms(before_end=note)


def refusing(when: Callable[[int], bool] = lambda _: True) -> Terms:
    calls: list[int] = []

    async def refuse(_: tuple[Address, ...]) -> None:
        calls.append(1)
        await asyncio.sleep(0)
        if when(len(calls)):
            raise Fenced

    return Terms(before_end=refuse)


@every_mode
@every_size
async def test_the_caller_is_asked_once_before_each_end_of_data(
    start: Start, account: Account, mode: str, octets: int
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    seen: list[tuple[int, list[str]]] = []
    async with account(server, username=None) as mailer:
        for _ in range(2):
            await send(mailer, large(octets), noting(server, seen))
    assert seen == [(0, [LUIS, OPS]), (1, [LUIS, OPS])]


@every_mode
@every_size
async def test_who_was_refused_at_rcpt_is_not_named_where_that_is_known(
    start: Start, account: Account, mode: str, octets: int
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    server.on_rcpt(LUIS).reply("550 5.1.1 no such user")
    seen: list[tuple[int, list[str]]] = []
    async with account(server, username=None) as mailer:
        result = await send(mailer, large(octets), noting(server, seen))
    in_one_write = mode == "chunking" and octets < 65_536
    assert seen == [(0, [LUIS, OPS] if in_one_write else [OPS])]
    assert outcomes(result) == {LUIS: Outcome.REJECTED, OPS: Outcome.ACCEPTED}


@every_mode
@every_size
async def test_what_it_raises_is_raised_with_the_result_and_nothing_arrives(
    start: Start, account: Account, mode: str, octets: int
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    async with account(server, username=None) as mailer:
        with pytest.raises(Fenced) as raised:
            await send(mailer, large(octets), refusing())
        again = await send(mailer, large(octets), Terms())
    result: DeliveryResult = vars(raised.value)["result"]
    assert {one.outcome for one in result.recipients.values()} == {Outcome.DEFERRED}
    assert again.ok
    assert len(server.accepted) == 1


async def test_one_of_many_written_ahead_that_may_not_leave_does_not_disturb_the_others(
    start: Start, account: Account
) -> None:
    server = start(Security.NONE, capabilities=MODES["chunking"])
    terms = refusing(lambda call: call == 3)._replace(in_flight=4)
    async with account(server, username=None, max_connections=1) as mailer:
        messages = [Message(sender=ANA, to=[LUIS], text=str(number)) for number in range(8)]
        sending = [send(mailer, one, terms) for one in messages]
        ended = await asyncio.gather(*sending, return_exceptions=True)
    assert [type(one) for one in ended].count(Fenced) == 1
    assert sum(isinstance(one, DeliveryResult) and one.ok for one in ended) == 7
    assert len(server.accepted) == 7
    assert len(server.connections) == 1


@every_mode
async def test_a_cancellation_while_the_caller_is_asked_lets_nothing_leave(
    start: Start, account: Account, mode: str
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    asked = asyncio.Event()

    async def never(_: tuple[Address, ...]) -> None:
        asked.set()
        await asyncio.get_running_loop().create_future()

    async with account(server, username=None) as mailer:
        sending = asyncio.create_task(send(mailer, large(100), Terms(before_end=never)))
        await asyncio.wait({sending, asyncio.create_task(asked.wait())}, return_when=asyncio.FIRST_COMPLETED)
        assert asked.is_set()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await sending
    assert {one.outcome for one in vars(raised.value)["result"].recipients.values()} == {Outcome.DEFERRED}
    assert not server.accepted
