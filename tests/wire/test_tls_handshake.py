"""TLS comes about or ends as a whole, at whatever moment something goes wrong; and it may be agreed on once more."""

from __future__ import annotations

import asyncio
import gc
import re
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.servers.authority import Authority, Certificate

from .tls_ends import BLOCK, VERSIONS, line, s_server, until

versions = pytest.mark.parametrize("version", VERSIONS)
has_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the program openssl")
modes = pytest.mark.parametrize("starttls", [False, True], ids=["implicit", "starttls"])


@asynccontextmanager
async def complaints() -> AsyncIterator[list[dict[str, Any]]]:
    """What the loop has to complain of meanwhile."""
    heard = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    yield heard


@versions
@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.nightly)])
async def test_a_handshake_that_breaks_off_after_any_octet_is_a_lost_connection(
    authority: Authority, version: str, step: int
) -> None:
    octets, starttls = 0, False
    while True:
        async with line(authority, version, limit=octets) as ends:
            try:
                await ends.secure(starttls=starttls)
            except ConnectionError:
                assert ends.near.told == (["made", "lost"] if starttls else [])
            else:
                break
        octets, starttls = octets + step, not starttls
    assert octets > 500


@modes
@pytest.mark.parametrize("kind", [kind for kind in Certificate if kind is not Certificate.GOOD])
async def test_a_certificate_that_is_not_accepted_closes_all_and_the_server_is_told(
    authority: Authority, kind: Certificate, starttls: bool
) -> None:
    async with line(authority, kind=kind) as ends:
        with pytest.raises(ssl.SSLCertVerificationError):
            await ends.secure(starttls=starttls)
        assert ends.far.error is not None
        assert "ALERT" in (ends.far.error.reason or "")
        assert ends.near.told == (["made", "lost"] if starttls else [])
        await until(lambda: ends.ours.fileno() < 0)


async def test_clear_text_instead_of_a_handshake_is_told_from_a_lost_connection(authority: Authority) -> None:
    async with line(authority) as ends:
        await ends.far.send(b"220 mail.example.com ESMTP\r\n")
        with pytest.raises(ssl.SSLError) as failure:
            await ends.pump.over(ends.ours)
        assert failure.value.reason == "WRONG_VERSION_NUMBER"


@modes
@pytest.mark.parametrize("turns", range(1, 6))
async def test_a_handshake_that_nobody_waits_for_any_more_leaves_nothing_open(
    authority: Authority, starttls: bool, turns: int
) -> None:
    async with complaints() as heard:
        async with line(authority) as ends:
            shaking = asyncio.create_task(ends.pump.over(await ends.below(starttls=starttls)))
            for _ in range(turns):
                await asyncio.sleep(0)
            shaking.cancel()
            await asyncio.wait([shaking])
            assert shaking.cancelled()
            while await asyncio.get_running_loop().sock_recv(ends.far.sock, len(BLOCK)):
                pass  # until our end is closed
        del ends, shaking
        gc.collect()  # a warning of what is not closed fails the test, too
    assert heard == []


async def test_a_handshake_that_ends_well_when_nobody_waits_any_more_leaves_nothing_open(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with complaints() as heard, line(authority) as ends:
        shaking, made = asyncio.create_task(ends.pump.over(ends.ours)), ends.near.connection_made

        def made_and_cancelled(transport: asyncio.BaseTransport) -> None:
            made(transport)
            shaking.cancel()

        monkeypatch.setattr(ends.near, "connection_made", made_and_cancelled)
        ends.far.incoming.write(await asyncio.get_running_loop().sock_recv(ends.far.sock, len(BLOCK)))
        with pytest.raises(ssl.SSLWantReadError):
            ends.far.tls.do_handshake()
        ends.far.sock.send(ends.far.outgoing.read())
        with pytest.raises(asyncio.CancelledError):
            await shaking
        assert await ends.end() == ["made", "lost"]
    assert heard == []


async def test_closing_during_the_handshake_ends_it(authority: Authority) -> None:
    async with line(authority) as ends:
        shaking = asyncio.create_task(ends.pump.over(ends.ours))
        await asyncio.get_running_loop().sock_recv(ends.far.sock, len(BLOCK))
        ends.pump.close()
        with pytest.raises(ConnectionError):
            await shaking
        assert ends.near.told == []


@has_openssl
async def test_new_keys_that_the_server_asks_for_are_made_before_the_next_word(authority: Authority) -> None:
    """RFC 8446 section 4.6.3; `s_server` asks for them at a line that begins with K."""
    async with s_server(authority, "1.3") as server:
        server.tell(b"K\n")
        await until(lambda: server.has(rb">>> [^\n]*KeyUpdate"))
        server.tell(b"250 ok\n")
        await until(lambda: server.near.heard == b"250 ok\n")
        server.pump.write(b"NOOP\n")
        await until(lambda: server.has(rb"<<< [^\n]*KeyUpdate.*\nNOOP\n"))


@has_openssl
async def test_plaintext_waits_for_a_new_handshake_and_keeps_its_order(authority: Authority) -> None:
    """RFC 5246 section 7.4.1.1; `s_server` asks for one at a line that begins with r."""
    async with s_server(authority, "1.2") as server:
        server.tell(b"r\n")
        written = 0
        while not server.has(rb"HelloRequest.*<<< [^\n]*Finished"):
            server.pump.write(b"line %d\n" % written)
            written += 1
            await asyncio.sleep(0)
        server.tell(b"250 ok\n")
        await until(lambda: server.near.heard == b"250 ok\n")
        told = server.near.told  # and perhaps more pauses, where the server reads slowly
        assert (told[:3], told[-1]) == (["made", "pause", "resume"], "data")
    assert [int(number) for number in re.findall(rb"^line (\d+)$", server.said, re.MULTILINE)] == [*range(written)]


@has_openssl
async def test_closing_waits_for_a_new_handshake_when_plaintext_does(authority: Authority) -> None:
    async with s_server(authority, "1.2") as server:
        server.tell(b"r\n")
        written = 0
        while "pause" not in server.near.told:
            server.pump.write(b"line %d\n" % written)
            written += 1
            await asyncio.sleep(0)
        server.pump.close()
        await until(lambda: "lost" in server.near.told)
        assert server.near.error is None
    assert b"\nline %d\n" % (written - 1) in server.said
    assert b"close_notify" in server.said
