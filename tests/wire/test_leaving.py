"""A connection that carried enough, or sat idle for too long, is closed with QUIT, and nothing of it stays."""

from __future__ import annotations

import asyncio
import gc

import pytest

from sendkit import Mailer, Security, Server, Timeouts
from tests.accounts import message
from tests.servers.scripted import ScriptedServer

from .conftest import Account, Start

SOON = 0.01


def left(server: ScriptedServer, count: int = 1) -> bool:
    """Whether so many connections have ended."""
    return sum(connection.ended for connection in server.connections) == count


async def test_a_connection_that_nobody_uses_is_left_with_a_good_bye(server: ScriptedServer, account: Account) -> None:
    async with account(server, idle_timeout=SOON) as mailer:
        await mailer.send(message())
        await asyncio.to_thread(server.wait_for, lambda: left(server))
        assert server.connections[0].commands[-1] == "QUIT"
        result = await mailer.send(message())
    assert (result.ok, len(result.attempts), len(server.connections)) == (True, 1, 2)


async def test_all_connections_that_nobody_uses_are_left_and_those_in_use_are_not(
    start: Start, account: Account
) -> None:
    server = start(Security.NONE)
    server.after_data().hold()
    async with account(server, username=None, idle_timeout=SOON, max_connections=3) as mailer:
        sending = [asyncio.create_task(mailer.send(message())) for _ in range(3)]
        await asyncio.to_thread(server.wait_for, lambda: sum("BDAT" in c.commands for c in server.connections) == 3)
        assert left(server, 0)
        server.release()
        assert all(result.ok for result in await asyncio.gather(*sending))
        await asyncio.to_thread(server.wait_for, lambda: left(server, 3))
    assert [connection.commands[-1] for connection in server.connections] == ["QUIT"] * 3


def test_a_synchronous_mailer_leaves_it_too_while_the_program_does_something_else(start: Start) -> None:
    server = start(Security.NONE)
    with Mailer(Server(server.host, server.port, Security.NONE), idle_timeout=SOON) as mailer:
        mailer.send(message())
        server.wait_for(lambda: left(server))
        assert server.connections[0].commands[-1] == "QUIT"


@pytest.mark.parametrize("silent", [False, True])
def test_a_loop_that_ends_in_the_middle_of_it_leaves_nothing_open(
    server: ScriptedServer, account: Account, silent: bool
) -> None:
    """Neither while it is still watched, nor while QUIT is not answered."""
    server.on_quit().silence()

    async def main() -> None:
        mailer = account(server, idle_timeout=SOON if silent else 60, timeouts=Timeouts(quit=0.3))
        await mailer.send(message())
        if silent:
            await asyncio.to_thread(server.wait_for, lambda: "QUIT" in server.connections[0].commands)

    asyncio.run(main())
    gc.collect()
    server.wait_for(lambda: left(server))


async def test_a_connection_that_has_carried_enough_is_left_with_a_good_bye(
    server: ScriptedServer, account: Account
) -> None:
    async with account(server, messages_per_connection=2, max_connections=1) as mailer:
        results = [await mailer.send(message(subject=str(number))) for number in range(5)]
    assert [result.ok for result in results] == [True] * 5
    assert [connection.commands.count("MAIL") for connection in server.connections] == [2, 2, 1]
    assert [connection.commands[-1] for connection in server.connections] == ["QUIT"] * 3


async def test_messages_in_flight_on_it_are_carried_to_their_end(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    async with account(server, username=None, messages_per_connection=3, max_connections=1) as mailer:
        many = mailer.send_many((message(subject=str(number)) for number in range(10)), in_flight=4)
        assert [result.ok async for result in many] == [True] * 10
    assert [connection.commands.count("MAIL") for connection in server.connections] == [3, 3, 3, 1]


async def test_it_has_its_place_until_the_good_bye_is_over(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    server.on_quit().hold()
    async with account(server, username=None, messages_per_connection=1, max_connections=1) as mailer:
        assert (await mailer.send(message())).ok
        second = asyncio.create_task(mailer.send(message()))
        await asyncio.to_thread(server.wait_for, lambda: "QUIT" in server.connections[0].commands)
        assert len(server.connections) == 1
        server.release()
        assert (await second).ok
    assert len(server.connections) == 2
