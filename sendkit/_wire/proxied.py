"""Through a proxy: to its addresses, and then by its protocol to the server, whose name is looked up there.

What goes wrong here has the phase `connect` and a reason of its own, and names the proxy. A login is sent to it once
for each connection; what it refuses is not sent to another of its addresses. RFC 1928, RFC 9110 section 9.3.6.
Must not know: what is said behind the proxy.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Self

from sendkit._credentials import CredentialChain, Secret
from sendkit._credentials.os_keyring import LOOKUP_LIMIT, Keyring
from sendkit._redaction import Redactor, redacted
from sendkit._server.memories import address_memory_of
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import plain
from sendkit._smtp.verdict import Reason, Verdict, not_accepted
from sendkit._wire.dial import Addresses
from sendkit._wire.failure import SessionFailed, words_of
from sendkit._wire.tunnel import ProxyLogin, ProxyRefused, open_tunnel
from sendkit.errors import CredentialsError

if TYPE_CHECKING:
    from sendkit._server.proxy import Proxy
    from sendkit._server.server import Server

_LONGEST_WORDS = 200
_chain: list[CredentialChain] = []


class ThroughProxy:
    """The way through one proxy, from whichever of its addresses answers."""

    def __init__(self, server: Server, proxy: Proxy, addresses: Addresses, login: ProxyLogin | None) -> None:
        self._server, self._proxy, self._addresses, self._login = server, proxy, addresses, login

    @classmethod
    async def find(cls, server: Server, proxy: Proxy) -> Self:
        """Look up the password, if there is to be one, and the proxy. Raises SessionFailed and CredentialsError."""
        login = await _login(proxy)
        try:
            addresses = await Addresses.find(
                proxy.host, proxy.port, server.timeouts.connect, address_memory_of(server), server.local_address
            )
        except SessionFailed as failed:
            raise _of_the_proxy(proxy, failed) from failed
        return cls(server, proxy, addresses, login)

    @property
    def left(self) -> bool:
        """Whether the proxy has an address that was not asked yet."""
        return self._addresses.left

    def worked(self) -> None:
        """As of a Route."""
        self._addresses.worked()

    def failed(self) -> str:
        """As of a Route."""
        return f"{self._addresses.failed()} of the proxy"

    async def connect(self) -> socket.socket:
        """Connect to the proxy, and through it. Raises SessionFailed."""
        until = self._addresses.until()
        try:
            sock = await self._addresses.connect()
        except SessionFailed as failed:
            raise _of_the_proxy(self._proxy, failed) from failed
        verdict = await self._open(sock, until)
        if verdict is not None:
            sock.close()
            raise SessionFailed(verdict)  # here, since the frames below hold the login
        return sock

    async def _open(self, sock: socket.socket, until: float) -> Verdict | None:
        """Open the tunnel; what fails is returned, without the frames that hold the login."""
        try:
            async with asyncio.timeout_at(until):
                await open_tunnel(sock, self._proxy, self._login, self._server.host, self._server.port)
        except ProxyRefused as refused:
            return self._verdict(refused.why, refused.words)
        except TimeoutError:
            return self._verdict(Reason.PROXY_BROKE_OFF, f"no answer within {self._server.timeouts.connect:g} s")
        except OSError as error:
            return self._verdict(Reason.PROXY_BROKE_OFF, f"the connection was lost ({words_of(error)})")
        except BaseException as error:
            sock.close()
            error.__traceback__ = error.__context__ = None
            raise
        return None

    def _verdict(self, why: Reason, words: str) -> Verdict:
        if why is Reason.PROXY_LOGIN and self._login is not None and _chain:
            _chain[0].forget()  # the keyring may have another one by now
        mask = Redactor.of(self._login.reveal()) if self._login else Redactor()
        told = plain(redacted(mask(words)))[:_LONGEST_WORDS]
        return not_accepted(Phase.CONNECT, why, f"the proxy {self._proxy}: {told}")


async def _login(proxy: Proxy) -> ProxyLogin | None:
    """Who logs in at the proxy, with the password of the URL or the keyring's. Raises CredentialsError."""
    if proxy.username is None or proxy.scheme == "socks4a":
        return ProxyLogin(proxy.username, None) if proxy.username is not None else None
    if proxy.password is not None:
        return ProxyLogin(proxy.username, Secret(proxy.password.get_secret_value()))
    if not _chain:
        # Nothing of the environment: its password is that of the mail account, which no proxy may see.
        _chain.append(CredentialChain([Keyring(LOOKUP_LIMIT)]))
    try:
        secret = await _chain[0].secret(host=proxy.host, username=proxy.username)
    except CredentialsError as error:
        if not error.transient:
            hint = (
                f"`sendkit login --no-test {proxy.host} {proxy.username}` stores it, or SENDKIT_PROXY has it in its URL"
            )
            raise type(error)(f"the proxy {proxy}: {error.message}", hint=hint) from None
        words = f"the proxy {proxy}: no password for now ({error.message})"
        raise SessionFailed(not_accepted(Phase.CONNECT, Reason.PROXY_UNREACHABLE, words)) from error
    return ProxyLogin(proxy.username, secret)


def _of_the_proxy(proxy: Proxy, failed: SessionFailed) -> SessionFailed:
    """What kept us from connecting to the proxy, as what keeps us from connecting."""
    verdict = failed.verdict
    why = verdict.why if verdict.why in (Reason.OUT_OF_DESCRIPTORS, Reason.LOCAL_ADDRESS) else Reason.PROXY_UNREACHABLE
    return SessionFailed(
        not_accepted(Phase.CONNECT, why or Reason.PROXY_UNREACHABLE, f"the proxy {proxy}: {verdict.words}")
    )
