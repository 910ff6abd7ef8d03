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
from sendkit._wire.takeover import Client, check_unread, take_over, when_answered
from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer

from .conftest import PASSWORD, USER, Start

Connected = Callable[[ScriptedServer], AbstractAsyncContextManager[Client]]


@pytest.fixture
def connected(authority: Authority) -> Connected:
    """A client as `session` makes it, behind EHLO and TLS."""

    @asynccontextmanager
    async def connect(server: ScriptedServer) -> AsyncIterator[Client]:
        sock = socket.create_connection(server.address)
        sock.setblocking(False)
        context = authority.client_context() if server.tls else None
        client = Client(
            hostname="localhost",
            sock=sock,
            local_hostname="test",
            use_tls=server.implicit_tls,
            start_tls=False,
            tls_context=context,
        )
        try:
            await client.connect(timeout=None)
            await client.ehlo()
            if server.tls and not server.implicit_tls:
                await client.starttls(tls_context=context)
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


@pytest.mark.parametrize("name", ["connect", "ehlo", "helo", "starttls", "execute_command"])
def test_every_command_that_we_use_takes_a_time_limit(name: str) -> None:
    assert "timeout" in inspect.signature(getattr(aiosmtplib.SMTP, name)).parameters


async def test_the_client_holds_its_transport_and_a_protocol_with_a_buffer(
    connected: Connected, server: ScriptedServer
) -> None:
    async with connected(server) as client:
        assert isinstance(client.transport, asyncio.Transport)
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


async def test_the_answer_to_starttls_is_noted_before_the_handshake_and_no_later_one(
    connected: Connected, start: Start, authority: Authority
) -> None:
    server, codes = start(capabilities=["STARTTLS"]), list[int]()
    server.on_tls().drop()
    server.tls, context = None, authority.client_context()
    async with connected(server) as client:
        server.tls = authority.server_context()
        when_answered(client, codes.append)
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await client.starttls(tls_context=context)
    assert codes == [220]


async def test_only_the_next_answer_is_noted(connected: Connected, start: Start) -> None:
    server, codes = start(Security.NONE), list[int]()
    async with connected(server) as client:
        when_answered(client, codes.append)
        await client.ehlo()
        await client.noop()
    assert codes == [250]


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
