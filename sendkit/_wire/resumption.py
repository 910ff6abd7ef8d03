"""TLS sessions that are taken up again: the next connection to the same server saves a round trip and the signatures.

RFC 8446 section 2.2 and 4.6.1, RFC 5077. A resumed handshake shows no certificate: it proves that the server holds the
keys of the session in which the certificate was verified. So a session is offered only under the TLS context it comes
from, to the same name, under the same settings, for an hour at most, never past the end of the certificate, and never
on from a session that was itself resumed. Contexts that a user made are left alone.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sendkit._server.memories import tls_memory_of
from sendkit._server.security import Security
from sendkit._server.tls_memory import Chain, Kept, TLSMemory, TLSTerms
from sendkit._tls import handshaking

if TYPE_CHECKING:
    from sendkit._server.server import Server

_CHAIN = "get_unverified_chain"


class ResumableTLS(ssl.SSLObject):
    """One end of a TLS connection that offers the session that is remembered, and can be remembered itself."""

    memory: TLSMemory | None = None
    _begun = False
    _offered: Kept | None = None

    def do_handshake(self) -> None:
        """Begin or go on with the handshake."""
        if not self._begun:
            self._begun = True
            self._offered = None if self.memory is None else self.memory.find(self._terms())
            if self._offered is not None:
                self.session = self._offered.session
        super().do_handshake()

    def remember(self) -> None:
        """Keep the session for the next connection; in TLS 1.3 a server hands out its tickets after the handshake."""
        session, certificate = self.session, self.getpeercert()
        if self.memory is None or session is None or not certificate:
            return
        if session.has_ticket and not self.session_reused:
            ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
            self.memory.keep(session, self._terms(), ends, self.get_unverified_chain())

    def get_unverified_chain(self) -> Chain:
        """The server's certificates, in the form of this Python; of a resumed session those that it showed at first.

        So truststore, which verifies behind each handshake, has them verified by the operating system once more.
        """
        if self.session_reused and self._offered is not None:
            return self._offered.chain
        # A method of SSLObject since Python 3.13, and of what is below it before.
        below: object = super() if hasattr(super(), _CHAIN) else getattr(self, "_sslobj", None)
        shown: Callable[[], Iterable[object] | None] = getattr(below, _CHAIN)
        return tuple(shown() or ())

    def _terms(self) -> TLSTerms:
        context = self.context
        return self.server_hostname, context.verify_mode, context.check_hostname, context.verify_flags


def memory_of(server: Server) -> TLSMemory | None:
    """What its connections take up sessions from; None where the context is a user's; it is made already."""
    if server.security is Security.NONE or server.tls_context is not None:
        return None
    context = handshaking(server.context)
    context.sslobject_class = _resumable(context.sslobject_class)
    return tls_memory_of(server)


# One class for each that a context may have: one of its own would be a circle, which only the collector frees.
_classes: dict[type[ssl.SSLObject], type[ResumableTLS]] = {ssl.SSLObject: ResumableTLS}


def _resumable(kind: type[ssl.SSLObject]) -> type[ResumableTLS]:
    if issubclass(kind, ResumableTLS):
        return kind
    if kind not in _classes:
        _classes[kind] = type("ResumableTLS", (ResumableTLS, kind), {})
    return _classes[kind]
