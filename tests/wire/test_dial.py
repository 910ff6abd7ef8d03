"""A server is reached at whichever of its addresses answers, and a slow or dead one is not waited for (RFC 8305)."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sendkit import AsyncMailer, Phase, Security, Server, errors
from sendkit._wire import dial as dialling
from sendkit._wire.failure import SessionFailed
from tests.accounts import message
from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer
from tests.servers.skipping import move_on

from .conftest import PASSWORD, USER, Account, Start

Addresses = Callable[..., None]


async def dial(host: str, port: int, limit: float) -> socket.socket:
    """Look a host up and connect to it."""
    return await (await dialling.Addresses.find(host, port, limit)).connect()


def has_ipv6() -> bool:
    """Whether loopback speaks IPv6 here."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that listens on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def full() -> Iterator[tuple[str, int]]:
    """An address that refuses the login and says nothing: its backlog is full."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        address = sock.getsockname()
        with socket.create_connection(address):
            waiting = []
            for _ in range(4):  # how many fit is the system's secret; these do not
                extra = socket.socket()
                extra.setblocking(False)
                extra.connect_ex(address)
                waiting.append(extra)
            yield address
            for extra in waiting:
                extra.close()


@pytest.fixture
def resolve_to(monkeypatch: pytest.MonkeyPatch) -> Addresses:
    """Let a name have these addresses, in this order: there is no resolver of your own on loopback."""

    def set_to(*addresses: tuple[str, int]) -> None:
        def getaddrinfo(*_: object, **__: object) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return set_to


async def connected(port: int, limit: float = 20.0) -> tuple[str, int]:
    """Where a connection to the name went."""
    with await dial("smtp.example.com", port, limit) as sock:
        assert not sock.getblocking()
        return sock.getpeername()  # type: ignore[no-any-return]


async def failure_of(host: str, port: int, limit: float = 20.0) -> SessionFailed:
    """Why nothing was reached."""
    with pytest.raises(SessionFailed) as failure:
        await dial(host, port, limit)
    return failure.value


async def test_a_closed_port_is_followed_by_the_next_address(
    listener: socket.socket, closed_port: int, resolve_to: Addresses
) -> None:
    resolve_to(("127.0.0.1", closed_port), listener.getsockname())
    assert await connected(0) == listener.getsockname()


async def test_an_address_that_does_not_answer_is_not_waited_for(
    listener: socket.socket, full: tuple[str, int], resolve_to: Addresses
) -> None:
    resolve_to(full, listener.getsockname())
    assert await connected(0) == listener.getsockname()
    gc.collect()


async def test_of_addresses_that_answer_late_one_is_taken_and_the_others_are_left(
    listener: socket.socket, resolve_to: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, both = asyncio.get_running_loop(), asyncio.Barrier(2)
    connect = loop.sock_connect

    async def late(sock: socket.socket, address: tuple[str, int]) -> None:
        await both.wait()
        await connect(sock, address)

    monkeypatch.setattr("sendkit._wire.dial._STAGGER", 0)
    monkeypatch.setattr(loop, "sock_connect", late)
    resolve_to(listener.getsockname(), listener.getsockname())
    assert await connected(0) == listener.getsockname()
    gc.collect()
    ends = []
    for _ in range(2):
        with listener.accept()[0] as accepted:
            ends.append(accepted.recv(1))
    assert ends == [b"", b""]


async def test_when_all_addresses_refuse_the_last_refusal_is_told(closed_port: int, resolve_to: Addresses) -> None:
    resolve_to(("127.0.0.1", closed_port), ("127.0.0.2", closed_port))
    verdict = (await failure_of("smtp.example.com", closed_port)).verdict
    assert verdict.phase is Phase.CONNECT
    assert "refused" in (verdict.reason or "").lower()


async def test_when_no_address_answers_the_limit_ends_it(
    full: tuple[str, int], resolve_to: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    connect = loop.sock_connect

    async def noted(sock: socket.socket, address: Any) -> None:
        begun.set()
        await connect(sock, address)

    monkeypatch.setattr(loop, "sock_connect", noted)
    resolve_to(full, full)
    failing = asyncio.create_task(failure_of("smtp.example.com", full[1], limit=3600))
    await begun.wait()
    move_on(3600)
    verdict = (await failing).verdict
    assert verdict.phase is Phase.CONNECT
    gc.collect()


async def test_a_name_without_an_address_is_no_foreign_error(resolve_to: Addresses) -> None:
    resolve_to()
    assert (await failure_of("smtp.example.com", 25)).verdict.phase is Phase.CONNECT


async def test_a_name_that_nobody_knows_fails_while_it_is_resolved() -> None:
    assert (await failure_of("nobody.invalid", 25)).verdict.phase is Phase.RESOLVE


async def test_a_name_that_cannot_be_asked_for_is_no_foreign_error() -> None:
    assert (await failure_of("x" * 64 + ".example", 25)).verdict.phase is Phase.RESOLVE


async def test_who_is_cancelled_while_dialling_leaves_no_socket(full: tuple[str, int], resolve_to: Addresses) -> None:
    resolve_to(full)
    task = asyncio.create_task(dial("smtp.example.com", full[1], 20.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_closed_port_is_a_connect_error_with_advice(
    server: ScriptedServer, account: Account, closed_port: int
) -> None:
    async with account(server, port=closed_port) as mailer:
        with pytest.raises(ConnectionError) as failure:
            await mailer.send(message())
    error = failure.value
    assert isinstance(error, errors.ConnectError)
    assert (error.phase, error.host, error.port, error.transient) == (Phase.CONNECT, server.host, closed_port, True)
    assert "firewall" in (error.hint or "")


@pytest.mark.skipif(not has_ipv6(), reason="loopback speaks no IPv6 here")
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.IMPLICIT_TLS])
async def test_an_ipv6_address_is_reached_and_named_as_a_literal(
    start: Start, authority: Authority, security: Security
) -> None:
    """RFC 5321 section 4.1.3 tags it, RFC 3986 section 3.2.2 puts it in brackets, and the certificate has it bare."""
    server = start(security, host="::1")
    changes = {"security": security, "tls_context": authority.client_context()}
    place = Server.parse(f"[::1]:{server.port}").model_copy(update=changes)
    async with AsyncMailer(place, username=USER, password=PASSWORD) as mailer:
        result = await mailer.send(message())
    assert "EHLO [IPv6:::1]" in server.lines()
    assert result.attempts[0].server == result.recipients["luis@example.com"].server == f"[::1]:{server.port}"
