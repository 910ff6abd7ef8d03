"""A connection from MAIL on, octet by octet: what is asked gets its answer, and nothing else counts."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Break
from sendkit._wire.channel import Channel
from sendkit._wire.failure import Broken


@dataclass
class Pair:
    """A channel, and the socket at its other end."""

    channel: Channel
    peer: socket.socket

    async def say(self, data: bytes) -> None:
        """Let these octets arrive."""
        await asyncio.get_running_loop().sock_sendall(self.peer, data)
        await settle()

    async def hear(self, count: int) -> bytes:
        """So many octets of what was written."""
        heard = b""
        while len(heard) < count and (more := await asyncio.get_running_loop().sock_recv(self.peer, 65_536)):
            heard += more
        return heard


async def settle() -> None:
    """Let everything arrive that is on its way within this machine."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    loop = asyncio.get_running_loop()
    ours, peer = socket.socketpair()
    peer.setblocking(False)
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    channel = Channel(transport, loop)
    transport.set_protocol(channel)
    with peer:
        yield Pair(channel, peer)
        channel.abort()
        await settle()


async def broken(pair: Pair, limit: float = 5.0) -> Broken:
    """Why no reply will come."""
    with pytest.raises(Broken) as failure:
        await pair.channel.reply(limit)
    return failure.value


async def test_a_reply_that_came_in_pieces_is_one(pair: Pair) -> None:
    asking = asyncio.create_task(pair.channel.reply(5.0))
    for piece in (b"25", b"0-2.0.0 o", b"ne\r", b"\n250 2.0.0 two\r\n"):
        await pair.say(piece)
    assert await asking == Reply(250, "2.0.0", "one\ntwo")
    assert pair.channel.quiet


async def test_replies_that_came_together_are_read_one_after_the_other(pair: Pair) -> None:
    await pair.say(b"250 one\r\n354 two\r\n")
    assert (pair.channel.quiet, pair.channel.unread) == (False, True)
    assert [(await pair.channel.reply(5.0)).code for _ in range(2)] == [250, 354]


async def test_silence_breaks_off_at_the_limit(pair: Pair) -> None:
    failure = (await broken(pair, 0.01)).failure
    assert (failure.kind, failure.reason) == (Break.TIMEOUT, "no answer within 0.01 s")


async def test_what_is_no_reply_breaks_off(pair: Pair) -> None:
    await pair.say(b"hello\r\n")
    assert (await broken(pair)).failure.kind is Break.MALFORMED


async def test_a_reply_before_the_end_of_the_connection_still_counts(pair: Pair) -> None:
    await pair.say(b"250 ok\r\n")
    pair.peer.shutdown(socket.SHUT_WR)
    await settle()
    assert (await pair.channel.reply(5.0)).code == 250
    assert (await broken(pair)).failure.kind is Break.LOST


async def test_half_a_reply_before_the_end_is_none(pair: Pair) -> None:
    await pair.say(b"250 o")
    pair.peer.shutdown(socket.SHUT_WR)
    assert (await broken(pair)).failure.kind is Break.LOST


async def test_an_answer_before_the_question_ends_the_connection(pair: Pair) -> None:
    pair.channel.check_quiet()
    await pair.say(b"250 ok\r\n")
    with pytest.raises(Broken) as failure:
        pair.channel.check_quiet()
    assert (failure.value.failure.kind, failure.value.failure.reply) == (Break.UNEXPECTED, None)


async def test_a_421_before_the_question_is_told(pair: Pair) -> None:
    await pair.say(b"421 4.4.2 idle for too long\r\n")
    with pytest.raises(Broken) as failure:
        pair.channel.check_quiet()
    assert str(failure.value.failure.reply) == "421 4.4.2 idle for too long"


async def test_half_an_answer_before_the_question_ends_the_connection(pair: Pair) -> None:
    await pair.say(b"250-")
    with pytest.raises(Broken) as failure:
        pair.channel.check_quiet()
    assert failure.value.failure.kind is Break.UNEXPECTED


async def test_a_lost_connection_is_not_quiet(pair: Pair) -> None:
    pair.peer.shutdown(socket.SHUT_WR)
    await settle()
    assert not pair.channel.quiet
    with pytest.raises(Broken) as failure:
        pair.channel.check_quiet()
    assert failure.value.failure.kind is Break.LOST


async def test_who_sends_without_end_is_cut_off(pair: Pair) -> None:
    line = b"250 " + b"x" * 60_000 + b"\r\n"
    with pytest.raises(OSError):  # noqa: PT011, PT012 - a reset or a broken pipe, as the system likes
        for _ in range(1_000):
            await pair.say(line)
    assert not pair.channel.quiet


async def test_writing_waits_for_a_reader_and_gives_up_at_the_limit(pair: Pair) -> None:
    pair.channel.write(bytes(10_000_000))
    with pytest.raises(Broken) as failure:
        await pair.channel.drain(0.01)
    assert failure.value.failure.kind is Break.TIMEOUT


async def test_flushing_waits_until_everything_has_left(pair: Pair) -> None:
    pair.channel.write(bytes(10_000_000))
    flushing = asyncio.create_task(pair.channel.flush(20.0))
    heard = len(await pair.hear(9_000_000))
    assert not flushing.done()
    heard += len(await pair.hear(10_000_000 - heard))
    await flushing
    assert heard == 10_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what has arrived")
async def test_flushing_waits_until_what_has_left_has_arrived() -> None:
    """What lies in the kernel has left us, and the server may never see it."""
    loop = asyncio.get_running_loop()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        transport, _ = await loop.create_connection(asyncio.Protocol, *listener.getsockname())
        channel = Channel(transport, loop)
        transport.set_protocol(channel)
        with listener.accept()[0] as peer:
            channel.write(bytes(200_000))
            assert transport.get_write_buffer_size() == 0
            with pytest.raises(Broken) as failure:
                await channel.flush(0.05)
            flushing = asyncio.create_task(channel.flush(20.0))
            peer.setblocking(False)
            heard = await Pair(channel, peer).hear(200_000)
            await flushing
            channel.abort()
        await settle()
    assert (failure.value.failure.kind, len(heard)) == (Break.TIMEOUT, 200_000)


async def test_who_waits_for_an_answer_may_be_cancelled(pair: Pair) -> None:
    asking = asyncio.create_task(pair.channel.reply(5.0))
    await settle()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await pair.say(b"250 late\r\n")
    assert not pair.channel.quiet


async def test_quit_says_good_bye_and_closes(pair: Pair) -> None:
    leaving = asyncio.create_task(pair.channel.quit(5.0))
    assert await pair.hear(6) == b"QUIT\r\n"
    await pair.say(b"221 bye\r\n")
    await leaving
    assert await pair.hear(1) == b""


@pytest.mark.parametrize("answer", [b"", b"what\r\n"])
async def test_quit_ends_whatever_is_answered(pair: Pair, answer: bytes) -> None:
    leaving = asyncio.create_task(pair.channel.quit(0.05))
    await pair.say(answer)
    await leaving
    assert not pair.channel.quiet


async def test_a_connection_that_went_while_there_was_more_to_write_can_be_closed_again(pair: Pair) -> None:
    """asyncio's transport forgets its loop when the last write closes it; to abort it then is an AttributeError."""
    pair.channel.write(bytes(10_000_000))
    pair.peer.shutdown(socket.SHUT_WR)
    await settle()
    await pair.hear(10_000_000)
    await settle()
    pair.channel.abort()
    assert not pair.channel.quiet


async def test_a_reset_is_a_lost_connection(pair: Pair) -> None:
    pair.channel.write(bytes(10_000_000))
    await settle()
    pair.peer.close()
    await settle()
    assert (await broken(pair)).failure.kind is Break.LOST


async def test_it_knows_since_when_nothing_was_heard(pair: Pair) -> None:
    assert pair.channel.idle_for >= 0
    before = pair.channel.heard_at
    await pair.say(b"250 ok\r\n")
    await pair.channel.reply(5.0)
    assert pair.channel.heard_at >= before
