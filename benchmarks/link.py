"""A long link on loopback: `python -m benchmarks.link PORT SECONDS` passes every byte on, so much later, each way.

Prints its own port, then for each line on stdin how many round trips there were: answers that reached a client after it
spoke, and greetings. Ends when stdin does. A TCP handshake cannot be made late here; connect and greeting together take
one round trip, where a real link needs two. To a client that asks for a proxy, the far end is one (SOCKS 5, CONNECT).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import selectors
import sys
from collections import deque

_HTTP = (b"HTTP/1.1 200 OK\r\n\r\n",)
_SOCKS5 = (b"\x05\x00", b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x19")


class Side(asyncio.Protocol):
    """One end of a connection; what it receives leaves at the other end later."""

    def __init__(self, delay: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._delay = delay
        self._late: deque[bytes] = deque()
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._late.append(data)
        self._loop.call_later(self._delay, self._pass_on)

    def connection_lost(self, exc: Exception | None) -> None:
        self.data_received(b"")

    def _pass_on(self) -> None:
        data = self._late.popleft()
        if self.other is None or self.other.transport is None or self.other.transport.is_closing():
            return
        if data:
            self.other.transport.write(data)
        else:
            self.other.transport.close()


class ClientSide(Side):
    """The end where the client is. `spoke`: since it last heard anything; `answers`: what a proxy has still to say."""

    def __init__(self, delay: float, port: int, counters: dict[str, int]) -> None:
        super().__init__(delay)
        self._port = port
        self.counters = counters
        self.spoke = True
        self.answers: list[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.counters["connections"] += 1
        self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        _, self.other = await self._loop.create_connection(
            lambda: ServerSide(self._delay, self), "127.0.0.1", self._port
        )

    def data_received(self, data: bytes) -> None:
        self.spoke |= bool(data)
        super().data_received(data)

    def _pass_on(self) -> None:
        if self.answers is None:
            first = self._late[0]
            self.answers = [*(_HTTP if first.startswith(b"CONNECT ") else _SOCKS5 if first[:1] == b"\x05" else ())]
            if self.answers and isinstance(self.other, ServerSide):
                self.other.hold()
        if self.answers and isinstance(self.other, ServerSide):
            self._late.popleft()
            self.other.answer(self.answers.pop(0), last=not self.answers)
        else:
            super()._pass_on()


class ServerSide(Side):
    """The end where the server is; its greeting also waits for the client's first packet to come all the way."""

    def __init__(self, delay: float, client: ClientSide) -> None:
        super().__init__(delay)
        self.other = self._client = client
        self._greeted = self._held = False

    def data_received(self, data: bytes) -> None:
        self._late.append(data)
        self._loop.call_later(self._delay if self._greeted else 2 * self._delay, self._pass_on)
        self._greeted = True

    def hold(self) -> None:
        """Keep what the server says until the proxy has answered."""
        self._held = True

    def answer(self, data: bytes, *, last: bool) -> None:
        """As a proxy, behind whose last answer comes what the server has said meanwhile."""
        self._late.appendleft(data)
        self._loop.call_later(self._delay, self._answered, last)

    def _answered(self, last: bool) -> None:
        waiting = len(self._late) - 1 if last and self._held else 0
        self._held = False
        self._pass_on()
        self._held = not last
        for _ in range(waiting):
            self._pass_on()

    def _pass_on(self) -> None:
        if self._held or not self._late:
            return
        if self._late[0]:
            self._client.counters["round_trips"] += self._client.spoke
            self._client.spoke = False
        super()._pass_on()


async def serve(port: int, delay: float) -> None:
    """Pass bytes on until stdin ends."""
    counters = {"connections": 0, "round_trips": 0}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ClientSide(delay, port, counters), "127.0.0.1", 0)
    _say({"port": server.sockets[0].getsockname()[1]})
    done = loop.create_future()

    def asked() -> None:
        if sys.stdin.readline():
            _say(counters)
        elif not done.done():
            done.set_result(None)

    loop.add_reader(sys.stdin.fileno(), asked)
    await done


def _say(line: dict[str, int]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    # select() knows microseconds; epoll rounds every delay up to the next millisecond.
    with contextlib.closing(asyncio.SelectorEventLoop(selectors.SelectSelector())) as event_loop:
        event_loop.run_until_complete(serve(int(sys.argv[1]), float(sys.argv[2])))
