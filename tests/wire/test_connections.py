"""Connections are used again, replaced when they died, never more than allowed, and closed with QUIT."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections import Counter

import pytest

from sendkit import AsyncMailer, Outcome, RetryPolicy, Security, Timeouts
from sendkit._wire import pool
from tests.accounts import LUIS, message, outcomes
from tests.servers.scripted import BASE, Ending, ScriptedServer

from .conftest import Account, Start

MODES = {
    "one command at a time": [word for word in BASE if word not in ("PIPELINING", "CHUNKING")],
    "pipelining": [word for word in BASE if word != "CHUNKING"],
    "chunking": list(BASE),
}
every_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(params=Security)
def any_server(request: pytest.FixtureRequest, start: Start) -> ScriptedServer:
    """A server of every kind."""
    return start(request.param)


@pytest.fixture
def idle_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection counts as idle as soon as its last answer is read."""
    monkeypatch.setattr(pool, "_MOMENT", -1.0)


def begin(start: Start, mode: str) -> ScriptedServer:
    """A server in the clear that announces what the mode needs."""
    return start(Security.NONE, capabilities=MODES[mode])


async def test_one_connection_and_one_login_serve_many_messages(any_server: ScriptedServer, account: Account) -> None:
    async with account(any_server) as mailer:
        for number in range(5):
            assert (await mailer.send(message(subject=str(number)))).ok
    assert len(any_server.connections) == 1
    assert any_server.auth_commands == 1
    assert len(any_server.accepted) == 5


@every_mode
async def test_every_message_of_a_connection_arrives_whole_and_once(start: Start, account: Account, mode: str) -> None:
    server = begin(start, mode)
    async with account(server, username=None) as mailer:
        results = [await mailer.send(message(subject=f"{number}", text=f".{number}\n..\n.\n")) for number in range(4)]
    assert server.copies() == Counter({(str(result.message_id), LUIS): 1 for result in results})
    assert [
        f"\r\n.{number}\r\n..\r\n.\r\n".encode() in taken.content for number, taken in enumerate(server.accepted)
    ] == [True] * 4


@every_mode
async def test_a_connection_that_died_while_idle_is_replaced_at_no_attempt(
    start: Start, account: Account, mode: str
) -> None:
    server = begin(start, mode)
    async with account(server, username=None) as mailer:
        await mailer.send(message())
        server.drop()
        await asyncio.to_thread(server.wait_for, lambda: server.connections[0].ended)
        result = await mailer.send(message())
    assert (result.ok, len(result.attempts)) == (True, 1)
    assert (len(server.connections), len(server.accepted)) == (2, 2)


@every_mode
@pytest.mark.parametrize("seen", [True, False], ids=["seen in time", "seen too late"])
async def test_a_421_while_idle_is_no_answer_to_anything(start: Start, account: Account, mode: str, seen: bool) -> None:
    server = begin(start, mode)
    async with account(server, username=None) as mailer:
        await mailer.send(message())
        server.say(b"421 4.4.2 idle for too long\r\n", ending=Ending.CLOSE)
        if seen:
            await asyncio.to_thread(server.wait_for, lambda: server.connections[0].ended)
        result = await mailer.send(message())
    assert (result.ok, len(result.attempts)) == (True, 1)
    assert len(server.accepted) == 2


@pytest.mark.usefixtures("idle_at_once")
@every_mode
async def test_a_connection_that_sat_idle_is_asked_before_it_is_used(start: Start, account: Account, mode: str) -> None:
    server = begin(start, mode)
    async with account(server, username=None) as mailer:
        await mailer.send(message())
        await mailer.send(message())
    assert len(server.connections) == 1
    assert server.connections[0].commands.count("RSET") == 1


@pytest.mark.usefixtures("idle_at_once")
@pytest.mark.parametrize("how", ["drop", "silence", "garbage"])
@every_mode
async def test_an_idle_connection_that_does_not_answer_is_replaced_at_no_attempt(
    start: Start, account: Account, mode: str, how: str
) -> None:
    server = begin(start, mode)
    getattr(server.on_rset(), how)(times=1)
    async with account(server, username=None, timeouts=Timeouts(quit=0.3 if how == "silence" else 5)) as mailer:
        await mailer.send(message())
        result = await mailer.send(message())
    assert (result.ok, len(result.attempts)) == (True, 1)
    assert (len(server.connections), len(server.accepted)) == (2, 2)


@pytest.mark.usefixtures("idle_at_once")
@pytest.mark.parametrize("said", ["221 2.0.0 closing", "251 2.0.0 as you like"])
@every_mode
async def test_an_idle_connection_that_answers_anything_but_250_to_rset_is_replaced(
    start: Start, account: Account, mode: str, said: str
) -> None:
    server = begin(start, mode)
    server.on_rset().raw(f"{said}\r\n".encode(), ending=Ending.CLOSE, times=1)
    async with account(server, username=None) as mailer:
        await mailer.send(message())
        result = await mailer.send(message(), check=False)
    assert (outcomes(result), len(result.attempts)) == ({LUIS: Outcome.ACCEPTED}, 1)
    assert (len(server.connections), len(server.accepted)) == (2, 2)


@pytest.mark.parametrize("mode", ["pipelining", "chunking"])
async def test_221_to_the_rset_of_a_group_closes_as_421_does(start: Start, account: Account, mode: str) -> None:
    server = begin(start, mode)
    async with account(server, username=None) as mailer:
        await mailer.send(message())
        server.on_rset().raw(b"221 2.0.0 closing\r\n", ending=Ending.CLOSE, times=1)
        result = await mailer.send(message(), check=False)
    assert (outcomes(result), len(result.attempts)) == ({LUIS: Outcome.ACCEPTED}, 1)
    assert len(server.accepted) == 2


@pytest.mark.parametrize("how", ["drop", "421"])
@every_mode
async def test_a_used_connection_that_dies_at_the_first_command_is_replaced_at_no_attempt(
    start: Start, account: Account, mode: str, how: str
) -> None:
    """With CHUNKING a drop is in doubt, for all was written at once; a 421 leaves no doubt."""
    server = begin(start, mode)
    first = server.on_mail() if mode == "one command at a time" else server.on_rset()
    async with account(server, username=None) as mailer:
        await mailer.send(message())
        first.drop(times=1) if how == "drop" else first.reply("421 4.4.2 idle for too long", times=1)
        result = await mailer.send(message(), check=False)
    expected = Outcome.IN_DOUBT if (how, mode) == ("drop", "chunking") else Outcome.ACCEPTED
    assert (outcomes(result), len(result.attempts)) == ({LUIS: expected}, 1)


@every_mode
async def test_421_costs_an_attempt_on_a_new_connection_and_takes_another_for_the_next(
    start: Start, account: Account, mode: str
) -> None:
    server = begin(start, mode)
    server.on_mail().reply("421 4.3.2 shutting down", times=1)
    async with account(server, username=None, retry=RetryPolicy(wait=lambda _: 0)) as mailer:
        result = await mailer.send(message())
    assert (len(result.attempts), len(server.connections), len(server.accepted)) == (2, 2, 1)


async def test_no_more_connections_are_open_than_allowed(server: ScriptedServer, account: Account) -> None:
    async with account(server, max_connections=2) as mailer:
        results = await asyncio.gather(*(mailer.send(message(subject=str(number))) for number in range(20)))
        assert len(server.connections) <= 2
    assert all(result.ok for result in results)
    assert len(server.accepted) == 20


async def test_as_many_connections_are_opened_as_are_needed(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    server.after_data().hold()
    async with account(server, max_connections=3) as mailer:
        sending = [asyncio.create_task(mailer.send(message())) for _ in range(6)]
        await asyncio.to_thread(server.wait_for, lambda: sum("BDAT" in c.commands for c in server.connections) == 3)
        assert len(server.connections) == 3
        server.release()
        assert all(result.ok for result in await asyncio.gather(*sending))


async def test_who_waits_for_a_connection_may_be_cancelled(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    server.on_mail().hold()
    async with account(server, max_connections=1) as mailer:
        first, second, third = (asyncio.create_task(mailer.send(message())) for _ in range(3))
        await asyncio.to_thread(
            server.wait_for, lambda: "MAIL" in server.connections[0].commands if server.connections else False
        )
        second.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await second
        server.release()
        assert (await first).ok
        assert (await third).ok
    assert outcomes(cancelled.value.result) == {LUIS: Outcome.DEFERRED}  # type: ignore[attr-defined]
    assert len(server.accepted) == 2


@every_mode
@pytest.mark.parametrize(("place", "outcome"), [("on_mail", None), ("after_data", Outcome.IN_DOUBT)])
async def test_who_is_cancelled_closes_the_connection_and_knows_how_far_it_came(
    start: Start, account: Account, mode: str, place: str, outcome: Outcome | None
) -> None:
    server = begin(start, mode)
    getattr(server, place)().silence(times=1)
    async with account(server, username=None) as mailer:
        sending = asyncio.create_task(mailer.send(message()))
        seen = "MAIL" if place == "on_mail" else {"chunking": "BDAT"}.get(mode, "DATA")
        await asyncio.to_thread(
            server.wait_for, lambda: bool(server.connections) and seen in server.connections[0].commands
        )
        if place == "after_data":
            await asyncio.to_thread(server.wait_for, lambda: b"Message-ID" in server.connections[0].octets())
        sending.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await sending
        assert (await mailer.send(message())).ok
    # What goes out in one write is in doubt as a whole.
    expected = outcome or (Outcome.IN_DOUBT if mode == "chunking" else Outcome.DEFERRED)
    assert outcomes(cancelled.value.result) == {LUIS: expected}  # type: ignore[attr-defined]
    assert len(server.connections) == 2


@pytest.mark.parametrize("security", Security)
async def test_closing_says_good_bye_on_every_connection(start: Start, account: Account, security: Security) -> None:
    server = start(security)
    async with account(server, max_connections=3) as mailer:
        await asyncio.gather(*(mailer.send(message()) for _ in range(3)))
    server.wait_for(lambda: all(connection.ended for connection in server.connections))
    assert [connection.commands[-1] for connection in server.connections] == ["QUIT"] * len(server.connections)


@pytest.mark.parametrize("how", ["drop", "silence", "garbage"])
async def test_a_good_bye_that_is_not_answered_changes_nothing(
    server: ScriptedServer, account: Account, how: str
) -> None:
    getattr(server.on_quit(), how)()
    async with account(server, timeouts=Timeouts(quit=0.3)) as mailer:
        result = await mailer.send(message())
    assert result.ok
    gc.collect()


async def test_a_mailer_that_was_closed_and_never_used_connected_to_nothing(
    server: ScriptedServer, account: Account
) -> None:
    async with account(server):
        pass
    assert server.connections == []


def test_every_event_loop_has_connections_of_its_own_and_leaves_none_open(
    server: ScriptedServer, account: Account
) -> None:
    mailer = account(server)
    for number in range(3):
        assert asyncio.run(mailer.send(message(subject=str(number)))).ok
    asyncio.run(mailer.aclose())
    assert (len(server.connections), len(server.accepted)) == (3, 3)
    gc.collect()
    server.wait_for(lambda: all(connection.ended for connection in server.connections))


@pytest.mark.usefixtures("idle_at_once")
async def test_who_is_cancelled_while_an_idle_connection_is_asked_closes_it(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    server.on_rset().silence(times=1)
    async with account(server, username=None) as mailer:
        await mailer.send(message())
        sending = asyncio.create_task(mailer.send(message()))
        await asyncio.to_thread(server.wait_for, lambda: "RSET" in server.connections[0].commands)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await sending
        assert (await mailer.send(message())).ok
    assert outcomes(cancelled.value.result) == {LUIS: Outcome.DEFERRED}  # type: ignore[attr-defined]
    assert len(server.connections) == 2


def test_sockets_are_closed_when_nobody_closes_the_mailer(server: ScriptedServer, account: Account) -> None:
    async def main() -> AsyncMailer:
        mailer = account(server)
        await mailer.send(message())
        return mailer

    asyncio.run(main())
    gc.collect()
    assert not [
        thing
        for thing in gc.get_objects()
        if issubclass(type(thing), socket.socket) and thing.family == socket.AF_INET and _peer(thing) == server.port
    ]


def _peer(sock: socket.socket) -> int | None:
    try:
        return int(sock.getpeername()[1])
    except OSError:
        return None
