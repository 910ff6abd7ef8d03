"""From a connection to a proxy to a connection through it, by the proxy's own protocol; no octet behind it is read.

SOCKS 5 (RFC 1928, RFC 1929) and SOCKS 4A are python-socks'. CONNECT (RFC 9110 section 9.3.6, RFC 7617) is ours: an SMTP
server speaks first, and its greeting may stand right behind the proxy's reply, where python-socks would swallow it.
What a proxy answers is told by numbers, never by words.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sendkit._credentials import Secret
from sendkit._server.endpoint import server_name
from sendkit._smtp.verdict import Reason

if TYPE_CHECKING:
    from sendkit._server.proxy import Proxy

# RFC 9112 section 3 suggests 8,000 octets for one line alone.
_LONGEST_HEAD = 16_384
_STATUS = re.compile(rb"HTTP/1\.[0-9] ([1-5][0-9][0-9])(?: ([^\r\n]*))?\r?\n")
_LOGIN_WANTED = 407


class ProxyRefused(Exception):
    """The proxy opens no way to the server: why, and in words. Only inside this room."""

    def __init__(self, why: Reason, words: str) -> None:
        super().__init__(words)
        self.why, self.words = why, words


@dataclass(slots=True, frozen=True)
class ProxyLogin:
    """Who logs in at a proxy; SOCKS 4A knows no password."""

    username: str
    secret: Secret | None

    def reveal(self) -> str:
        """The plain text of the password; keep it in no local variable of a frame that can raise."""
        return self.secret.reveal() if self.secret is not None else ""


async def open_tunnel(sock: socket.socket, proxy: Proxy, login: ProxyLogin | None, host: str, port: int) -> None:
    """Have the proxy at the other end connect to this host and port.

    Raises ProxyRefused, and OSError where the connection to the proxy is lost.
    """
    if proxy.scheme == "http":
        await _connect_by_http(sock, login, server_name(host, port))
    else:
        await _connect_by_socks(sock, proxy, login, host, port)


@dataclass(slots=True)
class _Tapped:
    """The event loop as python-socks uses it, with what the proxy said: its errors do not tell a login from garbage."""

    loop: asyncio.AbstractEventLoop
    heard: bytearray = field(default_factory=bytearray)

    async def sock_sendall(self, sock: socket.socket, data: bytes) -> None:
        await self.loop.sock_sendall(sock, data)

    async def sock_recv(self, sock: socket.socket, most: int) -> bytes:
        data = await self.loop.sock_recv(sock, most)
        self.heard += data
        return data


@dataclass(slots=True, frozen=True)
class _First:
    """What stands before the proxy in python-socks' chain: the connection that is there already."""

    sock: socket.socket

    async def connect(self, dest_host: str, dest_port: int, timeout: float | None = None) -> socket.socket:  # noqa: ASYNC109 - python-socks'
        return self.sock


async def _connect_by_socks(sock: socket.socket, proxy: Proxy, login: ProxyLogin | None, host: str, port: int) -> None:
    from python_socks import ProxyError, ProxyType  # noqa: PLC0415 - an extra
    from python_socks.async_.asyncio import Proxy as Chained  # noqa: PLC0415 - as above

    tapped = _Tapped(asyncio.get_running_loop())
    below: Any = _First(sock)
    loop: Any = tapped
    try:
        await Chained(
            ProxyType.SOCKS5 if proxy.scheme == "socks5" else ProxyType.SOCKS4,
            proxy.host,
            proxy.port,
            username=login.username if login else None,
            password=(login.reveal() or None) if login else None,
            rdns=True,
            forward=below,
            loop=loop,
        ).connect(host, port, timeout=_NO_LIMIT)
    except ProxyError as error:
        code = error.error_code
    except Exception as error:
        if isinstance(error, OSError):
            raise
        code = None
    else:
        return
    raise _by_socks(bytes(tapped.heard), code, version=5 if proxy.scheme == "socks5" else 0)


# The limit is the caller's.
_NO_LIMIT = 1e9
# RFC 1928 section 6.
_SOCKS5 = {
    1: (Reason.PROXY_CANNOT_CONNECT, "a general failure"),
    2: (Reason.PROXY_REFUSED, "its rules do not allow this connection"),
    3: (Reason.PROXY_CANNOT_CONNECT, "the network is unreachable from there"),
    4: (Reason.PROXY_CANNOT_CONNECT, "the host is unreachable from there, or has no such name"),
    5: (Reason.PROXY_CANNOT_CONNECT, "the server refused its connection"),
    6: (Reason.PROXY_CANNOT_CONNECT, "its packets did not arrive"),
    7: (Reason.PROXY_REFUSED, "it does not connect for anybody"),
    8: (Reason.PROXY_REFUSED, "it does not know this kind of address"),
}
_SOCKS4 = {
    91: (Reason.PROXY_CANNOT_CONNECT, "it refused the request, or could not carry it out"),
    92: (Reason.PROXY_LOGIN, "it wants an ident service on this machine"),
    93: (Reason.PROXY_LOGIN, "its ident service knows another user"),
}
_CLOSED = "it closed the connection before it had answered"
_NOT_SOCKS = "what came is not a reply of SOCKS {}"


def _by_socks(heard: bytes, code: int | None, *, version: int) -> ProxyRefused:
    """What these octets of a proxy mean (RFC 1928 sections 3 and 6, RFC 1929 section 2)."""
    if not heard:
        return ProxyRefused(Reason.PROXY_BROKE_OFF, _CLOSED)
    known = _SOCKS5 if version == 5 else _SOCKS4
    if heard[0] == version and code in known:
        return ProxyRefused(*known[code])
    if version == 5 and heard[:2] == b"\x05\xff":
        return ProxyRefused(Reason.PROXY_LOGIN, "it takes none of the logins that it was offered")
    if version == 5 and heard[:3] == b"\x05\x02\x01" and heard[3:4] not in (b"", b"\0"):
        return ProxyRefused(Reason.PROXY_LOGIN, "it refused the username and the password")
    if heard[0] != version:
        return ProxyRefused(Reason.PROXY_BROKE_OFF, _NOT_SOCKS.format("5" if version else "4A"))
    return ProxyRefused(Reason.PROXY_BROKE_OFF, "it closed the connection, or its answer cannot be understood")


async def _connect_by_http(sock: socket.socket, login: ProxyLogin | None, target: str) -> None:
    loop = asyncio.get_running_loop()
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *_authorization(login), "", ""]
    await loop.sock_sendall(sock, "\r\n".join(lines).encode("ascii"))
    status, words = 100, ""
    while status < 200:  # RFC 9110 section 15.2: interim responses come before the one that counts
        status, words = _status(await _head(loop, sock))
    if status >= 300:
        raise ProxyRefused(_by_http(status), f"{status} {words}".rstrip())


def _authorization(login: ProxyLogin | None) -> list[str]:
    if login is None:
        return []
    return [f"Proxy-Authorization: Basic {base64.b64encode(f'{login.username}:{login.reveal()}'.encode()).decode()}"]


async def _head(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> bytes:
    """The head of the response, octet by octet: what stands behind it is the server's."""
    head = bytearray()
    while not head.endswith((b"\r\n\r\n", b"\n\n")):
        octet = await loop.sock_recv(sock, 1)
        head += octet
        if not octet or len(head) > _LONGEST_HEAD:
            why = "its answer has no end" if octet else _CLOSED
            raise ProxyRefused(Reason.PROXY_BROKE_OFF, why)
        if len(head) == 5 and not head.startswith(b"HTTP/"):
            raise ProxyRefused(Reason.PROXY_BROKE_OFF, "what came is not a reply of HTTP")
    return bytes(head)


def _status(head: bytes) -> tuple[int, str]:
    match = _STATUS.match(head)
    if match is None:
        raise ProxyRefused(Reason.PROXY_BROKE_OFF, "what came is not a reply of HTTP")
    return int(match[1]), (match[2] or b"").decode("latin-1")


def _by_http(status: int) -> Reason:
    """RFC 9110 section 15; what a redirection names is another server, which nobody asked for."""
    if status == _LOGIN_WANTED:
        return Reason.PROXY_LOGIN
    return Reason.PROXY_CANNOT_CONNECT if status >= 500 else Reason.PROXY_REFUSED
