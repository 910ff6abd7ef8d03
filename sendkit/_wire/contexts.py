"""The TLS context of a server, made on a thread: the certificates that it needs may lie on a disk that hangs.

It is made once for all who wait, and nobody waits longer than the limit. Must not know: what it is used for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from concurrent.futures import Future
from typing import TYPE_CHECKING

from sendkit._lifetime import threads
from sendkit._lifetime.forks import starts_over
from sendkit._server.security import Security
from sendkit._smtp.phase import Phase
from sendkit._smtp.verdict import Break, Failure, judge_failure
from sendkit._wire.failure import SessionFailed, verdict_of

if TYPE_CHECKING:
    from sendkit._server.server import Server

# Seconds to read the certificates.
_LIMIT = 30.0


class _Making:
    """The contexts that threads are making now; each thread holds its server, so that its `id` stays its own."""

    def __init__(self) -> None:
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """The threads of the parent do not run in the child of a fork."""
        self._futures: dict[int, Future[ssl.SSLContext]] = {}

    def of(self, server: Server) -> Future[ssl.SSLContext]:
        """The one of this server, begun now if none is. Raises NoThread."""
        future = self._futures.get(id(server))
        if future is None:
            future = self._futures[id(server)] = threads.start(lambda: server.context)
            future.add_done_callback(lambda _: self._futures.pop(id(server), None))
        return future


_making = _Making()


def begin_context(server: Server) -> None:
    """Have it made while something else is waited for."""
    if not _at_hand(server):
        with contextlib.suppress(threads.NoThread):  # then it is made where it is needed
            _making.of(server)


async def context_of(server: Server, phase: Phase) -> ssl.SSLContext:
    """The context of all connections to the server. Raises ConfigurationError and, as of this phase, SessionFailed."""
    if _at_hand(server):
        return server.context
    try:
        async with asyncio.timeout(_LIMIT):
            return await _made(server)
    except TimeoutError:
        words = f"the certificates to verify with were not read within {_LIMIT:g} s"
        raise SessionFailed(judge_failure(phase, Failure(Break.TIMEOUT, words))) from None
    except OSError as error:  # no descriptor is left
        raise SessionFailed(verdict_of(phase, error)) from error


def _at_hand(server: Server) -> bool:
    return server.tls_context is not None or "context" in vars(server)


async def _made(server: Server) -> ssl.SSLContext:
    try:
        future = _making.of(server)
    except threads.NoThread:
        return server.context
    return await asyncio.wrap_future(future)


async def read_files(server: Server) -> None:
    """Make the context now, where TLS comes first, or the caller named files. Raises as `context_of`."""
    if server.security is Security.IMPLICIT_TLS or (server.ca_file or server.client_cert) is not None:
        await context_of(server, Phase.CONNECT)
