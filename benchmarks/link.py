"""A long link on loopback: `python -m benchmarks.link PORT SECONDS` passes every byte on, so much later, each way.

Prints its own port, then for each line on stdin how many round trips there were: answers that reached a client after it
spoke, and greetings. Ends when stdin does. A TCP handshake cannot be made late here; connect and greeting together take
one round trip, where a real link needs two.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import selectors
import sys
from collections import deque


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
    """The end where the client is. `spoke`: since it last heard anything."""

    def __init__(self, delay: float, port: int, counters: dict[str, int]) -> None:
        super().__init__(delay)
        self._port = port
        self.counters = counters
        self.spoke = True

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


class ServerSide(Side):
    """The end where the server is; its greeting also waits for the client's first packet to come all the way."""

    def __init__(self, delay: float, client: ClientSide) -> None:
        super().__init__(delay)
        self.other = self._client = client
        self._greeted = False

    def data_received(self, data: bytes) -> None:
        self._late.append(data)
        self._loop.call_later(self._delay if self._greeted else 2 * self._delay, self._pass_on)
        self._greeted = True

    def _pass_on(self) -> None:
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
