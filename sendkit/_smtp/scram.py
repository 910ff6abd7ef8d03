"""SCRAM (RFC 5802, RFC 7677): the password is proved, never sent, and the server must prove that it knows it too.

With TLS the exchange can be bound to the server's certificate (-PLUS, `tls-server-end-point`, RFC 5929 section 4); on
TLS without an offer of -PLUS the flag `y` lets an honest server notice that somebody took its offer away (section 6).
Knows `scramp`, which does the sums and SASLprep, and is imported when the first server offers SCRAM.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Protocol

from sendkit._smtp.exchange import Exchange, OutOfTurn
from sendkit._smtp.sasl import BOUND, SCRAM, Mechanism

if TYPE_CHECKING:
    import ssl

# RFC 7677 asks for 4,096 at least, and what is advised for stored passwords today is 600,000: half a second each.
_MOST_ROUNDS = 1_000_000
_ROUNDS = re.compile(rb"(?:^|,)i=([0-9]+)")
_BINDING = "tls-server-end-point"


class _ScramClient(Protocol):
    """What we use of scramp's client, which has no types."""

    def get_client_first(self) -> str: ...
    def set_server_first(self, message: str) -> None: ...
    def get_client_final(self) -> str: ...
    def set_server_final(self, message: str) -> None: ...


class Scram(Exchange):
    """One SCRAM exchange. `offered`: whether the server offers a mechanism with channel binding."""

    __slots__ = ("_asked", "_client", "_said")
    slow = True  # the server says how often the password is hashed, up to a million times

    def __init__(
        self, mechanism: Mechanism, username: str, password: str, *, tls: ssl.SSLObject | None, offered: bool
    ) -> None:
        # `n` says that no binding is wanted, `y` that it would have been, had the server offered it: so `y` where it
        # did is what an attack looks like.
        bind = mechanism in BOUND or (tls is not None and not offered and not _fault("x", "x", tls))
        self._client = _client(mechanism, username, password, tls if bind else None)
        self._said = 0
        super().__init__(mechanism, self._client.get_client_first().encode())
        self._asked = self.heard = False

    def respond(self, challenge: bytes) -> bytes:
        """The proof, to the server's first message; nothing, to its last one. Raises OutOfTurn.

        A server that has not read the first message of ours with the command asks for it (RFC 4954 section 4).
        """
        if not challenge and not self._said and not self._asked and self.initial is not None:
            self._asked = True
            return self.initial
        self._said += 1
        if challenge.startswith(b"e=") and self._said <= 2:
            self.told = f"the server refused the exchange: {challenge[2:].decode('ascii', 'replace')}"
            self._said = 3
            return b""
        if (
            self._said == 1
            and max([int(rounds[:9]) for rounds in _ROUNDS.findall(challenge)], default=0) > _MOST_ROUNDS
        ):
            raise OutOfTurn(f"the server wants the password hashed more than {_MOST_ROUNDS:,} times, which none needs")
        try:
            return self._step(challenge.decode())
        except (_scramp().ScramException, UnicodeDecodeError) as error:
            # Its frames hold the password, its text at most what the server said.
            fault = type(error).__name__ if isinstance(error, UnicodeDecodeError) else _words(error)
        raise OutOfTurn(f"the server's part of SCRAM is not right: {fault}")

    def _step(self, challenge: str) -> bytes:
        if self._said == 1:
            self._client.set_server_first(challenge)
            proof, self.heard = self._client.get_client_final().encode(), True
            return proof
        if self._said == 2:
            self._client.set_server_final(challenge)
            return b""
        return super().respond(b"")

    def conclude(self) -> None:
        """Raises OutOfTurn when the server has not proved that it knows the password."""
        if self._said != 2:
            raise OutOfTurn("the server did not prove that it knows the password (RFC 5802 section 5)")


def hindered(offered: Collection[str], username: str, password: str, tls: ssl.SSLObject | None) -> frozenset[Mechanism]:
    """The SCRAM mechanisms among those offered that cannot be spoken here.

    All of them with a name or password that SASLprep (RFC 4013) does not take; those with channel binding without TLS,
    and with a certificate whose signature has no hash (RFC 5929 section 4.1).
    """
    ours = {mechanism for mechanism in SCRAM if mechanism in offered}
    if not ours:
        return frozenset()
    if _fault(username, password, None):
        return SCRAM
    return BOUND if ours & BOUND and (tls is None or _fault("x", "x", tls)) else frozenset()


def _fault(username: str, password: str, tls: ssl.SSLObject | None) -> bool:
    try:
        _client(Mechanism.SCRAM_SHA_256_PLUS if tls else Mechanism.SCRAM_SHA_256, username, password, tls)
    except _scramp().ScramException:
        return True
    return False


def _client(mechanism: Mechanism, username: str, password: str, tls: ssl.SSLObject | None) -> _ScramClient:
    binding = (_BINDING, tls) if tls is not None else None
    client: _ScramClient = _scramp().ScramClient([mechanism.value], username, password, channel_binding=binding)
    return client


def _words(error: Exception) -> str:
    # scramp writes the name that a server would send behind the fault.
    return str(error).partition(": other-error")[0].removesuffix(".")


def _scramp() -> Any:
    # 45 ms, and many servers offer no SCRAM.
    import scramp  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - only a login by SCRAM needs it

    return scramp
