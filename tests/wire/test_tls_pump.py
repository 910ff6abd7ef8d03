"""Plaintext goes through TLS whole and in order, however its records are cut, and each end of it is told of once."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import struct
import weakref

import pytest

from sendkit._wire.tls import begin_tls
from tests.servers.authority import Authority

from .tls_ends import BLOCK, VERSIONS, Near, line, until

MUCH = 100
versions = pytest.mark.parametrize("version", VERSIONS)
modes = pytest.mark.parametrize("starttls", [False, True], ids=["implicit", "starttls"])


@versions
@modes
async def test_much_goes_both_ways(authority: Authority, version: str, starttls: bool) -> None:
    async with line(authority, version) as ends:
        tls = await ends.secure(starttls=starttls)
        for _ in range(MUCH):
            tls.write(BLOCK)
        assert await ends.far.hear(MUCH * len(BLOCK)) == MUCH * BLOCK
        for _ in range(10):
            await ends.far.say(BLOCK, record=13)
        await until(lambda: len(ends.near.heard) == 10 * len(BLOCK))
        assert ends.near.heard == 10 * BLOCK
        assert ends.near.told[0] == "made"


@versions
async def test_what_comes_octet_by_octet_is_the_same(authority: Authority, version: str) -> None:
    async with line(authority, version, piece=1) as ends:
        tls = await ends.secure()
        for text in (b"220 hello\r\n", b"250 ok\r\n"):
            tls.write(text)
            assert await ends.far.hear(len(text)) == text
            await ends.far.say(text)
        await until(lambda: ends.near.heard == b"220 hello\r\n250 ok\r\n")


@versions
async def test_what_came_together_is_handed_up_in_one_piece(authority: Authority, version: str) -> None:
    async with line(authority, version) as ends:
        await ends.secure()
        await ends.far.say(b"x" * 1000, record=10)
        await until(lambda: len(ends.near.heard) == 1000)
        assert ends.near.told == ["made", "data"]


@versions
async def test_a_close_notify_is_answered_and_ends_the_connection(authority: Authority, version: str) -> None:
    async with line(authority, version) as ends:
        await ends.secure()
        ends.far.tls.write(b"421 bye\r\n")
        await ends.far.do(ends.far.tls.unwrap)
        assert await ends.end() == ["made", "data", "eof", "lost"]
        assert (bytes(ends.near.heard), ends.near.error) == (b"421 bye\r\n", None)


@versions
async def test_nothing_counts_behind_a_close_notify(authority: Authority, version: str) -> None:
    async with line(authority, version) as ends:
        await ends.secure()
        ends.far.tls.write(b"421 bye\r\n")
        with pytest.raises(ssl.SSLWantReadError):
            ends.far.tls.unwrap()
        await ends.far.send(ends.far.outgoing.read() + b"250 ok\r\n")
        assert await ends.end() == ["made", "data", "eof", "lost"]
        assert (bytes(ends.near.heard), ends.near.error) == (b"421 bye\r\n", None)


async def test_who_closes_at_what_it_hears_is_told_of_no_other_end(authority: Authority) -> None:
    class Leaving(Near):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            tls.close()

    async with line(authority) as ends:
        tls, near = await ends.secure(), Leaving()
        tls.set_protocol(near)
        ends.far.tls.write(b"421 bye\r\n")
        await ends.far.do(ends.far.tls.unwrap)
        await until(lambda: "lost" in near.told)
        assert near.told == ["data", "lost"]


async def test_an_end_without_a_word_ends_the_connection_too(authority: Authority) -> None:
    async with line(authority) as ends:
        await ends.secure()
        await ends.far.say(b"250 o")
        ends.far.sock.shutdown(socket.SHUT_WR)
        assert await ends.end() == ["made", "data", "eof", "lost"]
        assert (bytes(ends.near.heard), ends.near.error) == (b"250 o", None)


@versions
async def test_what_is_no_record_breaks_off_and_the_server_is_told(authority: Authority, version: str) -> None:
    async with line(authority, version) as ends:
        tls = await ends.secure()
        ends.far.tls.write(b"250 ok\r\n")
        await ends.far.send(ends.far.outgoing.read() + b"421 in the clear\r\n")
        assert await ends.end() == ["made", "data", "lost"]
        assert (bytes(ends.near.heard), tls.is_closing()) == (b"250 ok\r\n", True)
        assert isinstance(ends.near.error, ssl.SSLError)
        with pytest.raises(ssl.SSLError, match="ALERT"):
            await ends.far.hear(1)


async def test_a_reader_that_stalls_stops_the_writer_until_it_goes_on(authority: Authority) -> None:
    async with line(authority) as ends:
        tls = await ends.secure()
        written = 0
        while "pause" not in ends.near.told:
            tls.write(BLOCK)
            written += len(BLOCK)
            await asyncio.sleep(0)
        assert 0 < tls.get_write_buffer_size() < 4 * len(BLOCK)
        tls.set_write_buffer_limits(high=0)
        assert len(await ends.far.hear(written)) == written
        await until(lambda: ends.near.told[-1] == "resume")
        assert (ends.near.told, tls.get_write_buffer_size()) == (["made", "pause", "resume"], 0)


async def test_a_protocol_that_reads_no_more_leaves_it_to_the_server_to_wait(authority: Authority) -> None:
    async with line(authority) as ends:
        tls = await ends.secure()
        tls.pause_reading()
        saying = asyncio.create_task(ends.far.say(MUCH * BLOCK))
        for _ in range(100):
            await asyncio.sleep(0)
        assert (ends.near.heard, saying.done()) == (b"", False)
        tls.resume_reading()
        await saying
        await until(lambda: len(ends.near.heard) == MUCH * len(BLOCK))


async def test_aborting_drops_what_is_not_sent_and_closes_at_once(authority: Authority) -> None:
    async with line(authority) as ends:
        tls = await ends.secure()
        for _ in range(MUCH):
            tls.write(BLOCK)
        tls.abort()
        tls.abort()
        assert (tls.is_closing(), "lost" in ends.near.told) == (True, False)
        assert await ends.end() == ["made", "pause", "lost"]
        assert (ends.near.error, ends.ours.fileno()) == (None, -1)
        with pytest.raises((ssl.SSLEOFError, ConnectionError)):
            await ends.far.hear(MUCH * len(BLOCK) + 1)


@versions
async def test_closing_sends_what_is_left_and_a_close_notify_and_waits_for_none(
    authority: Authority, version: str
) -> None:
    async with line(authority, version) as ends:
        tls = await ends.secure()
        for _ in range(MUCH):
            tls.write(BLOCK)
        tls.close()
        tls.write(b"unheard")
        assert (tls.is_closing(), "lost" in ends.near.told) == (True, False)
        assert len(await ends.far.hear(MUCH * len(BLOCK) + 1)) == MUCH * len(BLOCK)
        assert await ends.end() == ["made", "pause", "resume", "lost"]
        assert ends.near.error is None


async def test_the_transport_says_whose_it_is_and_what_lies_below(authority: Authority) -> None:
    async with line(authority) as ends:
        tls, other = await ends.secure(), Near()
        assert isinstance(tls.get_extra_info("ssl_object"), ssl.SSLObject)
        assert isinstance(tls.get_extra_info("sslcontext"), ssl.SSLContext)
        assert tls.get_extra_info("socket").fileno() == ends.ours.fileno()
        assert tls.get_extra_info("peername") == ends.ours.getpeername()
        assert tls.get_extra_info("nothing", "of it") == "of it"
        tls.set_protocol(other)
        assert tls.get_protocol() is other
        await ends.far.say(b"250 ok\r\n")
        await until(lambda: other.heard == b"250 ok\r\n")
        assert not ends.near.heard


async def test_a_connection_that_breaks_under_a_word_is_closing_at_once(authority: Authority) -> None:
    async with line(authority) as ends:
        tls = await ends.secure()
        ends.far.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ends.far.sock.close()
        tls.write(b"NOOP\r\n")
        assert tls.is_closing()
        assert await ends.end() == ["made", "lost"]
        assert isinstance(ends.near.error, ConnectionError)


async def test_what_is_over_leaves_the_memory_without_the_collector(authority: Authority) -> None:
    gc.disable()
    try:
        async with line(authority) as ends:
            held = weakref.ref(await ends.secure())
            ends.pump.close()
            await ends.end()
        del ends
        await until(lambda: held() is None)  # the thread of the handshake may be about to end
    finally:
        gc.enable()


async def test_what_was_written_is_not_kept(authority: Authority) -> None:
    async with line(authority) as ends:
        tls = await ends.secure()
        secret = bytearray(b"AUTH PLAIN c2VjcmV0\r\n")
        tls.write(secret)
        secret.clear()  # which is an error as long as somebody holds a view of it
        tls.write(b"AUTH PLAIN c2VjcmV0\r\n")
        assert tls._waiting == b""


async def test_where_tls_cannot_even_begin_the_connection_is_closed(authority: Authority) -> None:
    async with line(authority) as ends:
        with pytest.raises(ssl.SSLError):
            await begin_tls(ends.ours, ends.near, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "localhost")
        assert ends.ours.fileno() == -1
