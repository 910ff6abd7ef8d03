"""STARTTLS spoken to a port for implicit TLS: both sides wait for the other, and the greeting never comes.

RFC 8314 section 3.3: a server of implicit TLS says nothing before the client does. So where a greeting is late, a
second connection begins TLS; if the server answers in kind, the port is known, and nobody waits for the time limit.
Nothing is ever said on the first connection, since a slow but honest server would take it for an early talker.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from sendkit._server.security import IMPLICIT_TLS_PORT, SUBMISSION_PORT, Security
from sendkit._smtp.phase import Phase
from sendkit._smtp.verdict import Reason, Verdict, not_accepted
from sendkit._wire.contexts import context_of
from sendkit._wire.failure import SessionFailed
from sendkit._wire.routes import find_route
from sendkit._wire.tls import begin_tls
from sendkit.errors import SendkitError

if TYPE_CHECKING:
    from sendkit._server.server import Server

# Seconds of silence before the port is suspected.
PATIENCE = 5.0
PATIENCE_WHERE_LIKELY = 1.0
_WORDS = "the server waits for TLS from the first octet on this port; no greeting comes in the clear"
# Here a server may be late on purpose, and nobody has implicit TLS.
_IN_THE_CLEAR = (25, SUBMISSION_PORT)


class Suspicion:
    """Watches a connection whose greeting is awaited; `confirmed` once the server took part in TLS elsewhere.

    `hang_up` closes the one that waits, since nothing will ever come on it then.
    """

    def __init__(self, server: Server, hang_up: Callable[[], None]) -> None:
        self.confirmed = False
        self._server, self._hang_up = server, hang_up
        self._timer: asyncio.TimerHandle | None = None
        self._look: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if (patience := _patience(self._server)) is not None:
            self._timer = asyncio.get_running_loop().call_later(patience, self._begin)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)

    def _begin(self) -> None:
        self._look = asyncio.get_running_loop().create_task(self._look_into())

    async def _look_into(self) -> None:
        if await _begins_tls(self._server):
            self.confirmed = True
            self._hang_up()


def wrong_mode() -> Verdict:
    """What a confirmed suspicion means: somebody must change the setting."""
    return not_accepted(Phase.GREETING, Reason.WANTS_IMPLICIT_TLS, _WORDS)


def _patience(server: Server) -> float | None:
    if server.security is not Security.STARTTLS or server.port in _IN_THE_CLEAR or server.sock is not None:
        return None
    return PATIENCE_WHERE_LIKELY if server.port == IMPLICIT_TLS_PORT else PATIENCE


async def _begins_tls(server: Server) -> bool:
    limit = server.timeouts.connect
    try:
        context = await context_of(server, Phase.GREETING)
        sock = await (await find_route(server)).connect()
        async with asyncio.timeout(limit):
            transport = await begin_tls(sock, asyncio.Protocol(), context, server.host)
    except ssl.SSLCertVerificationError:
        return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except (OSError, SessionFailed, SendkitError):
        return False
    transport.abort()
    return True
