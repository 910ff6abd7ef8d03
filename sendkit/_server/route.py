"""Which way a connection takes to its server: what goes together, and what is this machine alone.

The usual way is by TCP to the host; a Server names one of the others: `proxy`, `dialer`, `sock`, or `unix:///…` as its
host. LMTP (RFC 2033) is for this machine alone, and never on port 25 (its section 5). Must not know: how a connection
is made.
"""

from __future__ import annotations

import os
import ssl
import weakref
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from sendkit._server.addresses import ip_address, is_loopback, names_here
from sendkit._server.unix_socket import is_unix
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    import socket

    from sendkit._server.plain import AnyServer
    from sendkit._server.server import Server

MailProtocol: TypeAlias = Literal["smtp", "lmtp"]
LMTP_PORT = 24  # a convention: RFC 2033 names none
_SMTP_PORT = 25
_NO_TLS_HERE = (
    'leave security= out: nobody is in between; for TLS all the same, give Server("smtp.example.com", dialer=…) a '
    "function that connects to the socket"
)


class Dialer(Protocol):
    """Connects to a server in sendkit's place: an async function of host and port, which returns a connected socket.

    The socket is a plain stream `socket.socket` that nothing was read from; sendkit closes it. The function runs on the
    mailer's event loop, once for each connection, within `Timeouts.connect`. What it raises is a failure to connect:
    the message is deferred and tried again, unless it is a ConfigurationError.
    """

    async def __call__(self, host: str, port: int, /) -> socket.socket:
        """Connect to this host and port."""
        ...


def way(server: Server) -> str | None:
    """The way to this server in words, to stand behind "connected to …"; None for the usual one."""
    if server.proxy is not None:
        return f"through the proxy {server.proxy}"
    if server.dialer is not None:
        return f"by {getattr(server.dialer, '__name__', type(server.dialer).__name__)}"
    if server.sock is not None:
        return "over a socket that was connected before"
    return None if server.local_address is None else f"from {server.local_address}"


def on_this_machine(server: AnyServer) -> bool:
    """Whether the server is named as this machine: what a proxy or a dialer reaches by that name need not be."""
    if server.proxy is not None or server.dialer is not None:
        return False
    if is_unix(server.host) or (server.sock is not None and over_unix(server.sock)):
        return True
    return is_loopback(address) if (address := ip_address(server.host)) else names_here(server.host)


def over_unix(sock: Any) -> bool:
    """Whether this is a unix socket."""
    return getattr(sock.family, "name", "") == "AF_UNIX"


def check_route(server: Server) -> None:
    """Refuse what does not go together. Raises ConfigurationError."""
    unix = is_unix(server.host)
    ways = {"proxy=": server.proxy, "dialer=": server.dialer, "sock=": server.sock, "a unix socket": unix or None}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) == 1 and server.local_address is not None and given != ["proxy="]:
        given.append("local_address=")
    if len(given) > 1:
        hint = "a connection has one route: remove the other settings"
        raise ConfigurationError(f"Server: {given[0]} and {given[1]} cannot go together", hint=hint)
    if unix and server.security != "none":
        raise ConfigurationError("Server: over a unix socket there is no name that TLS could verify", hint=_NO_TLS_HERE)
    if server.proxy is not None and server.proxy.scheme == "socks4a" and ":" in server.host:
        hint = "give the name of the host, or use a proxy of SOCKS 5"
        raise ConfigurationError("Server: SOCKS 4 knows no IPv6 addresses", hint=hint)
    if server.protocol == "lmtp":
        _check_lmtp(server)


def _check_lmtp(server: Server) -> None:
    if not on_this_machine(server):
        hint = 'name a unix socket, such as Server("unix:///run/lmtp.sock", protocol="lmtp"), or localhost'
        raise ConfigurationError("Server: LMTP works only on this machine", hint=hint)
    if server.port == _SMTP_PORT:
        hint = "give the port on which the server speaks LMTP, or leave protocol= out"
        raise ConfigurationError("Server: port 25 is not for LMTP (RFC 2033 section 5)", hint=hint)


# Which process a socket was given to: a child of a fork has it too, and must not write on it.
_given: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def given_here(sock: Any) -> bool:
    """Whether a Server of this very process was given the socket."""
    return _given.get(sock) == os.getpid()


def check_socket(sock: Any) -> Any:
    """The socket itself, from now on this process's. Raises ValueError for what is no plain connected stream socket."""
    if isinstance(sock, ssl.SSLSocket):
        raise ValueError("give the plain socket: TLS is made over it, with its name verified")  # noqa: TRY004 - pydantic takes these
    if not all(hasattr(sock, name) for name in ("family", "getpeername", "setblocking")):
        raise ValueError(f"must be a connected socket.socket, not {type(sock).__name__}")
    try:
        sock.getpeername()
    except OSError:
        raise ValueError("the socket is not connected, or closed") from None
    _given.setdefault(sock, os.getpid())
    return sock
