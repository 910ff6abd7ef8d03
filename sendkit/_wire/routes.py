"""The way to a server: to its addresses, through a proxy, over a unix socket, by the program's own function or socket.

Each way is found for one session, and gives connected sockets until none is left to be tried (RFC 5321 section 5.1).
Which one it is says the Server, and nothing falls back to another. Must not know: what is said on a connection.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
import weakref
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from sendkit._distribution import installing
from sendkit._redaction import redacted
from sendkit._server.memories import address_memory_of
from sendkit._server.route import Dialer, check_socket, given_here
from sendkit._server.unix_socket import is_unix, unix_path
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import plain
from sendkit._smtp.verdict import Break, Failure, Reason, judge_failure, not_accepted
from sendkit._tls import NO_DESCRIPTOR
from sendkit._wire.dial import Addresses, as_failure
from sendkit._wire.failure import SessionFailed, words_of
from sendkit.errors import ConfigurationError, CredentialsError

if TYPE_CHECKING:
    from sendkit._server.server import Server

_LONGEST_WORDS = 200


class Route(Protocol):
    """A way to a server, for one session."""

    @property
    def left(self) -> bool:
        """Whether there is an address on it that was not tried yet."""
        ...

    async def connect(self) -> socket.socket:
        """Connect to the next address, within the limit. Raises SessionFailed."""
        ...

    def worked(self) -> None:
        """A session was opened at the address that was connected to last."""
        ...

    def failed(self) -> str:
        """No session was opened there. Returns the name of the address."""
        ...


def first_phase(server: Server) -> Phase:
    """Where a session with this server begins: only the usual way looks the host up."""
    return Phase.CONNECT if server.proxy or server.dialer or server.sock or is_unix(server.host) else Phase.RESOLVE


async def find_route(server: Server) -> Route:
    """The way to this server. Raises SessionFailed, ConfigurationError, and CredentialsError for a proxy's password."""
    limit = server.timeouts.connect
    if server.proxy is not None:
        from sendkit._wire.proxied import ThroughProxy  # noqa: PLC0415 - few servers are behind a proxy

        return await ThroughProxy.find(server, server.proxy)
    if server.dialer is not None:
        return _ByDialer(server, server.dialer)
    if server.sock is not None:
        return _Connected(server.sock)
    if is_unix(server.host):
        return _UnixSocket(unix_path(server.host), limit)
    return await Addresses.find(server.host, server.port, limit, address_memory_of(server), server.local_address)


def check_installed(server: Server) -> None:
    """Raise ConfigurationError if the route needs something that is missing here."""
    if server.proxy is not None and server.proxy.scheme != "http" and find_spec("python_socks") is None:
        hint = f"{installing(extra='proxy')}; an http:// proxy needs nothing more"
        raise ConfigurationError(f"{server.proxy}: a SOCKS proxy needs python-socks, which is not installed", hint=hint)
    if is_unix(server.host) and not hasattr(socket, "AF_UNIX"):
        hint = "name the server by its host and port"
        raise ConfigurationError(f"{server.host}: this system has no unix sockets for Python", hint=hint)


class _OneAddress:
    """A way with one address on it."""

    left = False

    def worked(self) -> None:
        """There is no other address to prefer."""

    def failed(self) -> str:
        """As of a Route."""
        return ""


class _UnixSocket(_OneAddress):
    def __init__(self, path: str, limit: float) -> None:
        self._path, self._limit = path, limit

    async def connect(self) -> socket.socket:
        with as_failure(Phase.CONNECT):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(self._limit):
                await asyncio.get_running_loop().sock_connect(sock, self._path)
        except OSError as error:
            sock.close()
            words = f"no connection to the unix socket ({words_of(error)})"
            raise SessionFailed(not_accepted(Phase.CONNECT, Reason.UNIX_SOCKET, words)) from error
        except BaseException:
            sock.close()
            raise
        return sock


# A socket that was handed out once is another connection's, whichever copy of the Server holds it.
_used: weakref.WeakSet[socket.socket] = weakref.WeakSet()


class _Connected(_OneAddress):
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def connect(self) -> socket.socket:
        if self._sock in _used or self._sock.fileno() < 0 or not given_here(self._sock):
            words = "the socket of sock= was used for a connection before, is closed, or belongs to another process"
            raise SessionFailed(not_accepted(Phase.CONNECT, Reason.SOCKET_USED, words))
        _used.add(self._sock)
        self._sock.setblocking(False)
        return self._sock


class _ByDialer(_OneAddress):
    def __init__(self, server: Server, dialer: Dialer) -> None:
        self._server, self._dialer = server, dialer

    async def connect(self) -> socket.socket:
        try:
            async with asyncio.timeout(self._server.timeouts.connect):
                made = self._dialer(self._server.host, self._server.port)
                sock = await _awaited(made)
        except (ConfigurationError, CredentialsError):
            raise
        except Exception as error:  # whatever the program's function fails with, there is no connection
            raise SessionFailed(judge_failure(Phase.CONNECT, _failure(error))) from error
        return _plain(sock)


async def _awaited(made: object) -> object:
    if not inspect.isawaitable(made):
        if isinstance(made, socket.socket):
            made.close()
        hint = "write `async def dial(host, port)`, which returns a connected socket.socket"
        raise ConfigurationError("dialer= must be an async function", hint=hint)
    found: object = await made
    return found


def _plain(sock: object) -> socket.socket:
    try:
        found: socket.socket = check_socket(sock)
    except ValueError as error:
        hint = "return a socket.socket that is connected, and that nothing was read from"
        raise ConfigurationError(f"dialer=: {error}", hint=hint) from None
    found.setblocking(False)
    return found


def _failure(error: Exception) -> Failure:
    if isinstance(error, TimeoutError):
        return Failure(Break.TIMEOUT, "dialer= made no connection within the time limit", why=Reason.DIALER_FAILED)
    if isinstance(error, OSError):
        why = Reason.OUT_OF_DESCRIPTORS if error.errno in NO_DESCRIPTOR else Reason.DIALER_FAILED
        return Failure(Break.LOST, f"dialer= made no connection ({words_of(error)})", why=why)
    words = plain(redacted(f"{type(error).__name__}: {error}".rstrip(": ")))[:_LONGEST_WORDS]
    return Failure(Break.LOST, f"dialer= made no connection ({words})", why=Reason.DIALER_FAILED)
