"""The contract with aiosmtplib: what we take for granted of its client. Fails when a release breaks it."""

from __future__ import annotations

import asyncio
import base64
import gc
import inspect
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

import aiosmtplib
import pytest

from sendkit import Security
from sendkit._smtp.verdict import Break
from sendkit._wire.channel import Channel
from sendkit._wire.failure import Broken
from sendkit._wire.takeover import LoginClient, check_unread, take_over
from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer

from .conftest import PASSWORD, USER, Start

Connected = Callable[[ScriptedServer], AbstractAsyncContextManager[LoginClient]]


@pytest.fixture
def connected(authority: Authority) -> Connected:
    """A client as `session` makes it, behind EHLO and TLS."""

    @asynccontextmanager
    async def connect(server: ScriptedServer) -> AsyncIterator[LoginClient]:
        sock = socket.create_connection(server.address)
        sock.setblocking(False)
        context = authority.client_context()
        client = LoginClient(hostname="localhost", local_hostname="test")
        try:
            await client.open(sock, context if server.implicit_tls else None)
            assert (await client.greeting()).code == 220
            await client.ehlo()
            if server.tls and not server.implicit_tls:
                assert (await client.execute_command(b"STARTTLS", timeout=None)).code == 220
                await client.secure(context)
                await client.ehlo()
            yield client
        finally:
            client.close()
            await asyncio.sleep(0)

    return connect


@pytest.fixture(params=Security)
def server(request: pytest.FixtureRequest, start: Start) -> ScriptedServer:
    return start(request.param)


async def ask(channel: Channel, command: bytes) -> int:
    """The code of the answer to one command."""
    channel.write(command + b"\r\n")
    return (await channel.reply(10.0)).code


def test_the_installed_release_is_one_that_we_allow() -> None:
    numbers = [int(part) for part in version("aiosmtplib").split(".")[:3]]
    assert [5, 1, 3] <= numbers < [6]


@pytest.mark.parametrize("name", ["ehlo", "helo", "execute_command"])
def test_every_command_that_we_use_takes_a_time_limit(name: str) -> None:
    assert "timeout" in inspect.signature(getattr(aiosmtplib.SMTP, name)).parameters


async def test_the_client_holds_its_transport_and_a_protocol_with_a_buffer(
    connected: Connected, server: ScriptedServer
) -> None:
    async with connected(server) as client:
        assert client.transport is not None
        assert client.protocol is not None
        assert isinstance(client.protocol._buffer, bytearray)
        assert client.transport.get_protocol() is client.protocol
        assert client.is_connected
        if server.tls:
            assert isinstance(client.get_transport_info("ssl_object"), ssl.SSLObject)


async def test_the_connection_can_be_taken_over(connected: Connected, server: ScriptedServer) -> None:
    async with connected(server) as client:
        channel = take_over(client)
        assert await ask(channel, b"NOOP") == 250
        channel.write(b"NOOP\r\nNOOP\r\nRSET\r\n")
        assert [(await channel.reply(10.0)).code for _ in range(3)] == [250] * 3
        assert channel.quiet


async def test_back_pressure_reaches_the_new_protocol(connected: Connected, server: ScriptedServer) -> None:
    async with connected(server) as client:
        channel = take_over(client)
        assert await ask(channel, b"MAIL FROM:<ana@example.com>") == 250
        assert await ask(channel, b"RCPT TO:<luis@example.com>") == 250
        assert await ask(channel, b"DATA") == 354
        content = (b"x" * 78 + b"\r\n") * 100_000
        channel.write(content)
        await channel.flush(10.0)
        assert await ask(channel, b".") == 250
    assert server.accepted[0].content == content


async def test_the_loss_of_the_connection_reaches_the_new_protocol(
    connected: Connected, server: ScriptedServer
) -> None:
    async with connected(server) as client:
        channel = take_over(client)
        server.drop()
        with pytest.raises(Broken) as failure:
            await channel.reply(10.0)
    assert failure.value.failure.kind is Break.LOST


async def test_the_connection_outlives_the_client(connected: Connected, server: ScriptedServer) -> None:
    async with connected(server) as client:
        channel = take_over(client)
        client.transport = None
        del client
        gc.collect()
        assert await ask(channel, b"NOOP") == 250
        await channel.quit(10.0)


async def test_what_lies_behind_a_reply_is_seen(connected: Connected, start: Start) -> None:
    server = start(Security.NONE)
    server.on_ehlo().stray(b"250 2.0.0 stray\r\n", times=1)
    async with connected(server) as client:
        for check in (check_unread, take_over):
            with pytest.raises(Broken) as failure:
                check(client)
            assert failure.value.failure.kind is Break.UNEXPECTED


async def test_what_was_said_in_the_clear_is_forgotten(
    connected: Connected, start: Start, authority: Authority
) -> None:
    server = start(capabilities=["STARTTLS", "SIZE 1"])
    server.on_starttls().stray(b"250-evil\r\n250 AUTH LOGIN\r\n")
    tls, server.tls = server.tls, None
    async with connected(server) as client:
        server.tls = tls
        assert client.supports_extension("size")
        assert (await client.execute_command(b"STARTTLS", timeout=None)).code == 220
        await client.secure(authority.client_context())
        check_unread(client)
        assert client.is_ehlo_or_helo_needed
        assert not client.supports_extension("size")
        assert "evil" not in (await client.ehlo()).message


@pytest.mark.parametrize("lost", ["before", "in the handshake"])
async def test_a_connection_that_is_lost_is_not_secured(
    connected: Connected, start: Start, authority: Authority, lost: str
) -> None:
    server, context = start(capabilities=["STARTTLS"]), authority.client_context()
    server.on_tls().drop()
    tls, server.tls = server.tls, None
    async with connected(server) as client:
        server.tls = tls
        assert (await client.execute_command(b"STARTTLS", timeout=None)).code == 220
        if lost == "before":
            client.close()
        with pytest.raises(ConnectionError):
            await client.secure(context)
        assert not client.is_connected


async def test_a_closed_connection_is_not_taken_over(connected: Connected, server: ScriptedServer) -> None:
    async with connected(server) as client:
        client.close()
        with pytest.raises(Broken) as failure:
            take_over(client)
    assert failure.value.failure.kind is Break.LOST


async def test_closing_the_client_closes_its_socket_at_once(connected: Connected, server: ScriptedServer) -> None:
    async with connected(server) as client:
        sock = client.transport.get_extra_info("socket") if client.transport else None
        client.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sock is not None
        assert sock.fileno() == -1


async def test_a_login_can_be_said_line_by_line_on_the_client(connected: Connected, start: Start) -> None:
    server = start()
    async with connected(server) as client:
        name, password = (base64.b64encode(text.encode()) for text in (USER, PASSWORD))
        assert (await client.execute_command(b"AUTH", b"LOGIN", name, timeout=None)).code == 334
        assert (await client.execute_command(password, timeout=None)).code == 235
    assert server.auth_commands == 1
