"""What a proxy costs: the round trips of its protocol, and no more."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from sendkit import AsyncMailer, Server
from tests.accounts import message
from tests.servers.authority import Authority
from tests.servers.proxies import FakeProxy, passes
from tests.servers.scripted import ScriptedServer

from .conftest import PASSWORD, USER
from .test_proxies import GRANTED5, LOGIN, mailer

EXCHANGES: dict[str, tuple[bytes, ...]] = {
    "http://": (b"HTTP/1.1 200 OK\r\n\r\n",),
    "socks4a://": (b"\x00\x5a\x00\x00\x00\x00\x00\x00",),
    "socks5://": (b"\x05\x00", GRANTED5),
    f"socks5://{LOGIN}": (b"\x05\x02", b"\x01\x00", GRANTED5),
}


@pytest.fixture
def ticketless(authority: Authority) -> Iterator[ScriptedServer]:
    """A server without session tickets: others send theirs before the next command or after it, as it happens."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.pem())
    tls.num_tickets = 0
    with ScriptedServer(tls=tls) as server:
        yield server


async def test_a_cold_start_through_a_proxy_costs_the_round_trips_of_its_protocol_and_no_more(
    ticketless: ScriptedServer, authority: Authority
) -> None:
    with FakeProxy(passes(ticketless.address)) as direct:
        place = Server("localhost", direct.port, tls_context=authority.client_context())
        async with AsyncMailer(place, username=USER, password=PASSWORD) as used:
            await used.send(message())
            turns = direct.turns  # when it closes, the proxy may end before it has heard all
    for scheme, answers in EXCHANGES.items():
        with FakeProxy(passes(ticketless.address, *answers)) as proxy:
            async with mailer(authority, f"{scheme}127.0.0.1:{proxy.port}", ticketless) as used:
                await used.send(message())
                assert (scheme, proxy.turns) == (scheme, turns + len(answers))
