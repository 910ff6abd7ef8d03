"""The last TLS session with a server, for its next connection. How one is used, `_wire` knows.

It lies beside the server's TLS context and not in it: a session holds its context, which would hold it in turn.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

_LIFETIME = 3600.0

# Name, then what was verified and how: none of it is looked at again when a session is resumed.
TLSTerms: TypeAlias = tuple[str | None, ssl.VerifyMode, bool, ssl.VerifyFlags]


Chain: TypeAlias = tuple[object, ...]


@dataclass(slots=True, frozen=True)
class Kept:
    """A session, until when and on what terms it may be taken up, and the certificates that the server showed."""

    session: ssl.SSLSession
    terms: TLSTerms
    until: float
    chain: Chain = ()


class TLSMemory:
    """The session of one server. `clock`: seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._kept: Kept | None = None

    def keep(self, session: ssl.SSLSession, terms: TLSTerms, ends: float, chain: Chain = ()) -> None:
        """Remember a session whose certificate has just been verified, and ends then."""
        self._kept = Kept(session, terms, min(self.clock() + _LIFETIME, ends), chain)

    def find(self, terms: TLSTerms) -> Kept | None:
        """What is kept, if it was made on the same terms and is not too old."""
        kept = self._kept
        return kept if kept is not None and kept.terms == terms and self.clock() < kept.until else None
