"""A name is not this machine: a resolver that lies about `localhost` gets no password in clear text.

The class is CWE-350: trust in a name that the DNS decides. What counts is the address of the peer.
"""

from __future__ import annotations

import socket

import pytest

from sendkit import AsyncMailer, RetryPolicy, Security, Server
from sendkit._server.addresses import is_here
from tests.accounts import ANA, message
from tests.servers.addresses import outside_address
from tests.servers.scripted import ScriptedServer
from tests.wire.conftest import Start

PASSWORD = "correct horse"
NAMES = ["localhost", "localhost.localdomain", "LOCALHOST.", "LocalHost.LocalDomain"]


def _lie(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real(address, *rest, **more))


async def _sent(server: Server) -> bool:
    async with AsyncMailer(server, username=ANA, password=PASSWORD, retry=RetryPolicy(max_attempts=1)) as mailer:
        return (await mailer.send(message(), check=False)).ok


@pytest.mark.parametrize("name", NAMES)
async def test_no_password_in_clear_text_goes_where_a_resolver_says_that_localhost_is(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    address = outside_address()
    _lie(monkeypatch, address)
    with ScriptedServer(host=address) as server:
        assert not await _sent(Server(name, server.port, Security.NONE))
    assert server.auth_commands == 0
    assert server.accepted == []


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.IMPLICIT_TLS])
@pytest.mark.filterwarnings("ignore::sendkit.InsecureTLSWarning")
async def test_no_password_goes_to_an_unverified_server_that_a_resolver_calls_localhost(
    start: Start, monkeypatch: pytest.MonkeyPatch, security: Security
) -> None:
    address = outside_address()
    _lie(monkeypatch, address)
    server = start(security=security, host=address)
    place = Server("localhost", server.port, security, dangerously_skip_certificate_verification=True)
    assert not await _sent(place)
    assert server.auth_commands == 0


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "localhost.localdomain"])
async def test_this_machine_gets_it_by_its_address(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _lie(monkeypatch, "127.0.0.1")
    with ScriptedServer() as server:
        assert await _sent(Server(name, server.port, Security.NONE))
    assert server.auth_commands == 1


@pytest.mark.parametrize(
    ("peer", "here"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True), ("::1%lo", True),
        ("192.0.2.1", False), ("::ffff:192.0.2.1", False), ("fe80::1%eth0", False), ("0.0.0.0", False), ("", False),
        ("localhost", False), ("::", False),
    ],
)  # fmt: skip
def test_only_a_loopback_address_is_here(peer: str, here: bool) -> None:
    assert is_here(peer) is here
