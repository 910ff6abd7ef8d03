"""A connection from MAIL on: bytes out with back-pressure, replies in, strictly and in order.

RFC 5321 section 4.2 (replies) and 4.5.3.2 (time limits, each for a whole reply). A reply that nobody asked for never
counts: what lies in the buffer when a batch is about to go out ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence

from sendkit._smtp.reply import MalformedReply, Mask, Reply, ReplyReader
from sendkit._smtp.verdict import Break, Failure
from sendkit._wire.event import Event
from sendkit._wire.failure import Broken
from sendkit._wire.system import unacknowledged, watch

# More unread input than any group of replies to us needs; the rest waits in the kernel.
_MAX_UNREAD = 1 << 20


# How often the system is asked whether the content has arrived, in seconds.
_FIRST_LOOK, _LAST_LOOK = 0.0005, 0.05


class Channel(asyncio.Protocol):
    """The protocol that takes the place of aiosmtplib's behind a login. One task reads, and one writes, at a time."""

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        mask: Mask | None = None,
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._reader = ReplyReader(mask)
        self._lost: str | None = None
        self.full = False  # whether the transport takes no more for now
        self._gathered: list[bytes] = []
        # With messages written ahead, one conversation reads while another one waits to write.
        self._news, self._space = Event(loop), Event(loop)
        # Told of everything that comes, or ends the connection; and at what time it is to look in any case.
        self.listener: Callable[[], None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = math.inf
        self._closed: asyncio.Future[None] = loop.create_future()
        self.heard_at = loop.time()
        # Whether something happened to the connection that has not been looked at.
        self.stirred = watch(transport.get_extra_info("socket"))

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        """Keep what came until somebody asks for it."""
        self._reader.feed(data)
        self.heard_at = self._loop.time()
        if self._reader.unread > _MAX_UNREAD:
            self._lose("the server sent more than anybody asked for")
            self.abort()
        self._news.set()
        if self.listener is not None:
            self.listener()

    def eof_received(self) -> bool:
        """The server closed its side; nothing more will come from it."""
        self._lose("the server closed the connection")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; what was received before stays readable."""
        self._lose(f"the connection was lost ({exc})" if exc else "the server closed the connection")
        self._news.close()
        self._space.close()
        if self._alarm is not None:
            self._alarm.cancel()
        self.listener = None
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        """The buffer is full."""
        self.full = True

    def resume_writing(self) -> None:
        """The buffer has drained."""
        self.full = False
        self._space.set()

    # What the driver calls.

    @property
    def lost(self) -> str | None:
        """Why nothing more will come, once that is so."""
        return self._lost

    @property
    def open(self) -> bool:
        """Whether more may be written."""
        return self._lost is None and not self._transport.is_closing()

    def look_in(self, seconds: float) -> float:
        """Have the listener look in so many seconds, or earlier: one timer serves all that are asked for.

        Returns when that is, on the clock of the event loop.
        """
        when = self._loop.time() + seconds
        if when < self._alarm_at:
            self._look_at(when)
        return when

    def is_time(self, when: float) -> bool:
        """Whether that time has come; the listener looks again where it has not."""
        if self._loop.time() >= when:
            return True
        if when < self._alarm_at:
            self._look_at(when)
        return False

    def _look_at(self, when: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = self._loop.call_at(when, self._look), when

    def _look(self) -> None:
        self._alarm, self._alarm_at = None, math.inf
        if self.listener is not None:
            self.listener()

    @property
    def quiet(self) -> bool:
        """Whether the connection stands and nothing came that nobody asked for."""
        return self._lost is None and not self._reader.unread and not self._transport.is_closing()

    @property
    def unread(self) -> bool:
        """Whether something came that nobody has asked for yet."""
        return self._reader.unread > 0

    @property
    def ready(self) -> int:
        """How many whole replies came that nobody has asked for yet."""
        return self._reader.ready

    def heard_within(self, seconds: float) -> bool:
        """Whether it is `quiet`, the server was heard of so lately, and nothing has happened to it since."""
        return self.idle_for <= seconds and self.quiet and not self.stirred()

    @property
    def idle_for(self) -> float:
        """Seconds since anything was heard of the server."""
        return self._loop.time() - self.heard_at

    def check_quiet(self, *, awaited: bool = False) -> None:
        """Raise Broken when the connection was lost, or something came that nobody asked for.

        `awaited`: somebody else did ask, so that what has come may be for them.
        """
        if awaited or not self._reader.unread:
            if self._lost is not None or self._transport.is_closing():
                raise Broken(Failure(Break.LOST, self._lost or "the connection was closed"))
            return
        reply = next(iter(self.replies_here(1)), None)
        closing = reply if reply is not None and reply.code == 421 else None
        reason = "the server closes the session" if closing else "the server answered before it was asked"
        raise Broken(Failure(Break.UNEXPECTED, reason, closing))

    def write(self, data: bytes, *, gather: bool = False) -> None:
        """Hand octets to the transport; with `gather` together with all else written in this iteration of the loop."""
        if not gather:
            self._hand_over()
            self._transport.write(data)
            return
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(data)

    def _hand_over(self) -> None:
        if self._gathered:
            data, self._gathered = b"".join(self._gathered), []
            self._transport.write(data)

    async def drain(self, limit: float) -> None:
        """Wait until the transport takes more. Raises Broken after `limit` seconds without progress."""
        when = self._loop.time() + limit
        while self.full:
            await self._wait(self._space, when, limit)

    async def flush(self, limit: float) -> None:
        """Wait until all that was written has arrived, as far as the system knows. Raises Broken.

        `limit` is in seconds without any progress.
        """
        self._transport.set_write_buffer_limits(high=0)
        try:
            await self.drain(limit)
            await self._acknowledged(limit)
        finally:
            if not self._transport.is_closing():
                self._transport.set_write_buffer_limits()

    async def _acknowledged(self, limit: float) -> None:
        sock = self._transport.get_extra_info("socket")
        left, since, pause = unacknowledged(sock), self._loop.time(), _FIRST_LOOK
        while left:
            await asyncio.sleep(pause)
            self.check_quiet()
            now, pause = unacknowledged(sock), min(2 * pause, _LAST_LOOK)
            if now < left:
                left, since = now, self._loop.time()
            elif self._loop.time() - since > limit:
                raise Broken(Failure(Break.TIMEOUT, f"nothing of the content arrived within {limit:g} s"))

    async def reply(self, limit: float) -> Reply:
        """The next reply, whole, within `limit` seconds. Raises Broken."""
        return (await self.replies(1, limit))[0]

    async def replies(self, most: int, limit: float) -> Sequence[Reply]:
        """One reply at least, as `reply`, and what else has come by then, up to so many."""
        when = self._loop.time() + limit
        while not (found := self.replies_here(most)):
            await self._wait(self._news, when, limit)
        return found

    def replies_here(self, most: int) -> Sequence[Reply]:
        """The next replies, as far as they are there as a whole, up to so many. Raises Broken where that is none."""
        try:
            return self._reader.next_replies(most)
        except MalformedReply as error:
            raise Broken(Failure(Break.MALFORMED, str(error))) from None

    async def quit(self, limit: float) -> None:
        """Send QUIT and close, within `limit` seconds; what goes wrong here changes nothing (RFC 5321 4.1.1.10)."""
        try:
            async with asyncio.timeout(limit):
                self._transport.write(b"QUIT\r\n")
                with contextlib.suppress(Broken):
                    await self.reply(limit)
                self._transport.close()
                await asyncio.shield(self._closed)
        except TimeoutError:
            pass  # the server keeps the line; we do not
        finally:
            self.abort()

    def abort(self) -> None:
        """Close at once: nothing that is still in the buffer goes out."""
        if not self._closed.done():
            self._transport.abort()

    async def _wait(self, event: Event, when: float, limit: float) -> None:
        if self._lost is not None:
            raise Broken(Failure(Break.LOST, self._lost))
        if not await event.wait(when):
            raise Broken(Failure(Break.TIMEOUT, f"no answer within {limit:g} s"))

    def _lose(self, reason: str) -> None:
        if self._lost is None:
            self._lost = reason
        self._news.set()
        self._space.set()
        if self.listener is not None:
            self.listener()
