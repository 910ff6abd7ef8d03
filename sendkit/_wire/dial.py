"""From a host name to a connected socket: all addresses of the host are tried, a slow one is not waited for.

RFC 5321 section 5.1 (try the addresses in order), RFC 8305 section 5 (start the next one after 250 ms).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from functools import partial

from sendkit._lifetime import threads
from sendkit._smtp.phase import Phase
from sendkit._smtp.verdict import Break, Failure, judge_failure
from sendkit._wire.failure import SessionFailed, verdict_of

_STAGGER = 0.25
_Address = tuple[socket.AddressFamily, tuple[object, ...]]


async def dial(host: str, port: int, limit: float) -> socket.socket:
    """Connect within `limit` seconds, name resolution included. Raises SessionFailed."""
    phase = Phase.RESOLVE
    try:
        async with asyncio.timeout(limit):
            addresses = await resolve(host, port)
            phase = Phase.CONNECT
            return await _race(addresses)
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


async def _race(addresses: Iterable[_Address]) -> socket.socket:
    running: set[asyncio.Task[socket.socket]] = set()
    last: BaseException = OSError("the host has no address")
    try:
        for address in addresses:
            running.add(asyncio.create_task(_connect(address)))
            winner, last = await _first(running, last, _STAGGER)
            if winner:
                return winner
        while running:
            winner, last = await _first(running, last, None)
            if winner:
                return winner
    finally:
        await _call_off(running)
    raise last


async def _first(
    running: set[asyncio.Task[socket.socket]], last: BaseException, patience: float | None
) -> tuple[socket.socket | None, BaseException]:
    done, _ = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        error = task.exception()
        if error is None:
            running.discard(task)
            return task.result(), last
        running.discard(task)
        last = error
    return None, last


async def _connect(address: _Address) -> socket.socket:
    family, sockaddr = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


async def _call_off(running: set[asyncio.Task[socket.socket]]) -> None:
    for task in running:
        task.cancel()
    for outcome in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(outcome, socket.socket):
            outcome.close()
