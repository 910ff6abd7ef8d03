"""TLS sessions that are taken up again: the next connection to the same server saves a round trip and the signatures.

RFC 8446 section 2.2 and 4.6.1, RFC 5077. A resumed handshake shows no certificate: it proves that the server holds the
keys of the session in which the certificate was verified. So a session is offered only under the TLS context it comes
from, to the same name, under the same settings, for an hour at most, never past the end of the certificate, and never
on from a session that was itself resumed. Contexts that a user made are left alone.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sendkit._tls import handshaking

_LIFETIME = 3600.0

# Name, then what was verified and how: none of it is looked at again when a session is resumed.
_Chain = tuple[object, ...]
_CHAIN = "get_unverified_chain"
_Terms = tuple[str | None, ssl.VerifyMode, bool, ssl.VerifyFlags]


@dataclass(slots=True, frozen=True)
class _Kept:
    session: ssl.SSLSession
    terms: _Terms
    until: float
    chain: _Chain = ()


class Memory:
    """The session of one context, which is for one server. `clock`: seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: _Kept | None = None

    def keep(self, session: ssl.SSLSession, terms: _Terms, ends: float, chain: _Chain = ()) -> None:
        """Remember a session whose certificate has just been verified, and ends then."""
        self._kept = _Kept(session, terms, min(self._clock() + _LIFETIME, ends), chain)

    def find(self, terms: _Terms) -> _Kept | None:
        """What is kept, if it was made on the same terms and is not too old."""
        kept = self._kept
        return kept if kept is not None and kept.terms == terms and self._clock() < kept.until else None


class ResumableTLS(ssl.SSLObject):
    """One end of a TLS connection that offers the session that is remembered, and can be remembered itself."""

    memory = Memory(time.time)
    _begun = False
    _offered: _Kept | None = None

    def do_handshake(self) -> None:
        """Begin or go on with the handshake."""
        if not self._begun:
            self._begun = True
            self._offered = self.memory.find(self._terms())
            if self._offered is not None:
                self.session = self._offered.session
        super().do_handshake()

    def remember(self) -> None:
        """Keep the session for the next connection; in TLS 1.3 a server hands out its tickets after the handshake."""
        session, certificate = self.session, self.getpeercert()
        if session is not None and session.has_ticket and not self.session_reused and certificate:
            ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
            self.memory.keep(session, self._terms(), ends, self.get_unverified_chain())

    def get_unverified_chain(self) -> _Chain:
        """The server's certificates, in the form of this Python; of a resumed session those that it showed at first.

        So truststore, which verifies behind each handshake, has them verified by the operating system once more.
        """
        if self.session_reused and self._offered is not None:
            return self._offered.chain
        # A method of SSLObject since Python 3.13, and of what is below it before.
        below: object = super() if hasattr(super(), _CHAIN) else getattr(self, "_sslobj", None)
        shown: Callable[[], Iterable[object] | None] = getattr(below, _CHAIN)
        return tuple(shown() or ())

    def _terms(self) -> _Terms:
        context = self.context
        return self.server_hostname, context.verify_mode, context.check_hostname, context.verify_flags


def resume(context: ssl.SSLContext, clock: Callable[[], float] = time.time) -> None:
    """From now on the connections of this context, which is for one server, take up each other's sessions."""
    context = handshaking(context)
    if not issubclass(context.sslobject_class, ResumableTLS):
        bases = (ResumableTLS, context.sslobject_class)
        context.sslobject_class = type("ResumableTLS", bases, {"memory": Memory(clock)})
