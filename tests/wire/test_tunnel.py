"""Whatever octets a proxy answers with, there is a tunnel, or a reason why not; what stands behind them is not read."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sendkit._credentials import Secret
from sendkit._server.proxy import Proxy
from sendkit._wire.tunnel import ProxyLogin, ProxyRefused, open_tunnel

GRANTED = {
    "socks5": b"\x05\x00\x05\x00\x00\x03\x05proxy\x00\x19",
    "socks4a": b"\x00\x5a\x00\x19\x7f\x00\x00\x01",
    "http": b"HTTP/1.0 200 \r\nX: y\r\n\r\n",
}
GREETING = b"220 smtp.example.com ESMTP\r\n"
LOGIN = ProxyLogin("joe", Secret("of the proxy"))


def answered(scheme: str, octets: bytes) -> bytes | ProxyRefused:
    """What is left to read behind the tunnel that these octets open, or why they open none."""

    async def act() -> bytes | ProxyRefused:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.sendall(octets)
            theirs.shutdown(socket.SHUT_WR)
            proxy = Proxy(scheme, "127.0.0.1", 1080)
            try:
                await open_tunnel(ours, proxy, None if scheme == "socks4a" else LOGIN, "smtp.example.com", 587)
            except ProxyRefused as refused:
                return refused
            rest = b""
            with contextlib.suppress(BlockingIOError):
                while more := ours.recv(4096):
                    rest += more
            return rest

    return asyncio.run(act())


@pytest.mark.parametrize("scheme", GRANTED)
def test_what_the_server_says_behind_the_answer_is_left_to_be_read(scheme: str) -> None:
    assert answered(scheme, GRANTED[scheme] + GREETING) == GREETING


@pytest.mark.parametrize("scheme", GRANTED)
@given(octets=st.binary(max_size=60))
@example(octets=b"")
@example(octets=b"HTTP/1.1 200\r\n\r\n")
@example(octets=b"HTTP/1.1 99999 OK\r\n\r\n")
@example(octets=b"\x05\x02\x01\x00\x05\x00\x00\x03\xff")
@example(octets=b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00")
def test_any_octets_open_it_or_say_why_not(scheme: str, octets: bytes) -> None:
    got = answered(scheme, octets)
    if isinstance(got, ProxyRefused):
        assert got.why.value.startswith("proxy_")
        assert got.words
    else:
        assert octets.endswith(got)


@pytest.mark.parametrize("scheme", GRANTED)
@given(cut=st.integers(0, 30))
def test_an_answer_that_is_cut_short_opens_nothing(scheme: str, cut: int) -> None:
    whole = GRANTED[scheme]
    if cut < len(whole):
        assert isinstance(answered(scheme, whole[:cut]), ProxyRefused)
