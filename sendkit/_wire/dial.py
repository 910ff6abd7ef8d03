"""From a host name to a connected socket: all addresses of the host are tried, a slow one is not waited for.

RFC 5321 section 5.1 (try the addresses in order), RFC 8305 section 5 (start the next one after 250 ms).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator, Iterable, Sequence
from functools import partial
from typing import Self

from sendkit._lifetime import threads
from sendkit._server.address_memory import AddressMemory
from sendkit._smtp.phase import Phase
from sendkit._smtp.verdict import Break, Failure, Reason, judge_failure, not_accepted
from sendkit._wire.failure import SessionFailed, verdict_of, words_of

_STAGGER = 0.25
_Address = tuple[socket.AddressFamily, tuple[object, ...]]


class Addresses:
    """The addresses of a host that are left to be asked: each once, and those that failed before come last."""

    def __init__(
        self,
        addresses: Sequence[_Address],
        memory: AddressMemory,
        limit: float,
        until: float,
        source: str | None = None,
    ) -> None:
        self._left = memory.ordered(addresses)
        self._memory, self._limit, self._until = memory, limit, until
        self._source = source
        self._current: _Address | None = None

    @classmethod
    async def find(
        cls, host: str, port: int, limit: float, memory: AddressMemory | None = None, source: str | None = None
    ) -> Self:
        """Look the host up. `limit` is in seconds, for this and the first connection. Raises SessionFailed.

        `source` is the address to connect from; only those of its family are asked.
        """
        until = asyncio.get_running_loop().time() + limit
        with as_failure(Phase.RESOLVE):
            async with asyncio.timeout_at(until):
                found = await resolve(host, port)
        if source is not None:
            found = _of_the_family(found, source)
        return cls(found, memory or AddressMemory(), limit, until, source)

    @property
    def left(self) -> bool:
        """Whether there is one that was not asked yet."""
        return bool(self._left)

    def until(self) -> float:
        """When the limit for the next connection ends, as a time of the loop."""
        return self._until if self._current is None else asyncio.get_running_loop().time() + self._limit

    async def connect(self) -> socket.socket:
        """Connect to one of those that are left, within the limit. Raises SessionFailed."""
        with as_failure(Phase.CONNECT):
            async with asyncio.timeout_at(self.until()):
                return await self._race()

    def worked(self) -> None:
        """A session came about at the address that was connected to last."""
        self._memory.worked(self._current)

    def failed(self) -> str:
        """None came about there. Returns the address."""
        self._memory.failed(self._current)
        return "" if self._current is None else str(self._current[1][0])

    async def _race(self) -> socket.socket:
        running: dict[asyncio.Task[socket.socket], _Address] = {}
        last: BaseException = OSError("the host has no address")
        try:
            for address in list(self._left):
                running[asyncio.create_task(_connect(address, self._source))] = address
                winner, last = await self._first(running, last, _STAGGER)
                if winner:
                    return winner
            while running:
                winner, last = await self._first(running, last, None)
                if winner:
                    return winner
        finally:
            await _call_off(running)
        raise last

    async def _first(
        self, running: dict[asyncio.Task[socket.socket], _Address], last: BaseException, patience: float | None
    ) -> tuple[socket.socket | None, BaseException]:
        done, _ = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            address = running.pop(task)
            self._left = [one for one in self._left if one != address]
            error = task.exception()
            if error is None:
                self._current = address
                return task.result(), last
            self._memory.failed(address)
            last = error
        return None, last


@contextlib.contextmanager
def as_failure(phase: Phase) -> Generator[None]:
    """Make a SessionFailed of what a lookup or a connection fails with."""
    try:
        yield
    except threads.NoThread as error:
        raise SessionFailed(judge_failure(phase, Failure(Break.LOST, str(error.strerror)))) from error
    except (OSError, UnicodeError) as error:
        raise SessionFailed(verdict_of(phase, error)) from error


async def resolve(host: str, port: int) -> list[_Address]:
    """The addresses of a host, in the system's order. Raises OSError, or UnicodeError for what is not a host name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)  # asks nobody
    except (OSError, UnicodeError):
        found = await threads.run(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
    return [(family, address) for family, _, _, _, address in found]


def _of_the_family(addresses: list[_Address], source: str) -> list[_Address]:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    found = [address for address in addresses if address[0] == family]
    if not found:
        words = f"the host has no {'IPv6' if ':' in source else 'IPv4'} address to be reached from {source}"
        raise SessionFailed(not_accepted(Phase.CONNECT, Reason.LOCAL_ADDRESS, words))
    return found


async def _connect(address: _Address, source: str | None) -> socket.socket:
    family, sockaddr = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if source is not None:
            _bind(sock, source)
        await asyncio.get_running_loop().sock_connect(sock, sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, source: str) -> None:
    try:
        sock.bind((source, 0))
    except OSError as error:
        words = f"no connection can be made from {source} ({words_of(error)})"
        raise SessionFailed(not_accepted(Phase.CONNECT, Reason.LOCAL_ADDRESS, words)) from error


async def _call_off(running: Iterable[asyncio.Task[socket.socket]]) -> None:
    running = list(running)
    for task in running:
        task.cancel()
    for outcome in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(outcome, socket.socket):
            outcome.close()
