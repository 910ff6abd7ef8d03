"""What the client says in one AUTH exchange (RFC 4954 section 4), as octets before base64: a message, then answers.

PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), CRAM-MD5 (RFC 2195), EXTERNAL (RFC 4422 appendix A), XOAUTH2 and
OAUTHBEARER (RFC 7628). SCRAM stands in `scram`. Must not know: SMTP lines, base64, or what the final reply means.
An exchange holds the secret, so its repr is its name.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import cast

from sendkit._smtp.sasl import Mechanism


class OutOfTurn(Exception):
    """A challenge that the mechanism does not have, or a reply before the server did its part."""


class MoreAsked(OutOfTurn):
    """The server asks for more than the mechanism has, such as the code of a second factor."""


class Exchange:
    """One exchange: `initial` is the first message, or None where the server begins.

    `told` is what the server said of its refusal, in words. `answers` are what is said to each challenge in turn.
    `heard`: the secret, or its proof, is in what was said so far, the first message included. `slow`: an answer may
    take long to compute.
    """

    __slots__ = ("_answers", "_name", "heard", "initial", "told")
    slow = False

    def __init__(self, name: str, initial: bytes | None, *answers: bytes) -> None:
        self._name = name
        self.initial = initial
        self._answers = list(answers)
        self.told: str | None = None
        self.heard = initial is not None

    def respond(self, challenge: bytes) -> bytes:
        """The answer to a challenge. Raises OutOfTurn."""
        if not self._answers:
            raise MoreAsked(f"a challenge that {self._name} does not have")
        return self._answers.pop(0)

    def conclude(self) -> None:
        """The server says that the login succeeded. Raises OutOfTurn when it did not do its own part before."""

    def __repr__(self) -> str:
        return f"<{self._name}>"


class _Challenged(Exchange):
    """CRAM-MD5: the server begins, and the answer proves the password."""

    __slots__ = ("_password", "_username")

    def __init__(self, username: str, password: str) -> None:
        super().__init__(Mechanism.CRAM_MD5, None)
        self._username, self._password = username, password

    def respond(self, challenge: bytes) -> bytes:
        if self._password == "":
            return super().respond(challenge)
        proof = hmac.new(self._password.encode(), challenge, "md5").hexdigest()
        self._password, self.heard = "", True
        return f"{self._username} {proof}".encode()


class _Prompted(Exchange):
    """LOGIN: the server asks for the name and the password, mostly in this order, and each is said once.

    Some servers ask for the name although they were told it with the command, so it is never sent there.
    """

    __slots__ = ("_password", "_username")

    def __init__(self, username: str, password: str) -> None:
        super().__init__(Mechanism.LOGIN, None)
        self._username: bytes | None = username.encode()
        self._password: bytes | None = password.encode()

    def respond(self, challenge: bytes) -> bytes:
        early = self._password is not None and challenge.lstrip().lower().startswith(b"pass")
        if self._username is not None and not early:
            answer, self._username = self._username, None
            return answer
        if self._password is None:
            return super().respond(challenge)
        answer, self._password, self.heard = self._password, None, True
        return answer


class _Bearer(Exchange):
    """A token: a challenge after it is the reason of a refusal, which the client must answer to hear the reply."""

    __slots__ = ()

    def respond(self, challenge: bytes) -> bytes:
        answer = super().respond(challenge)
        self.told = _reason(challenge)
        return answer


def begin(mechanism: Mechanism, username: str, secret: str, *, host: str, port: int) -> Exchange:
    """The exchange of a mechanism other than SCRAM; EXTERNAL needs neither, and the username is its identity if any."""
    match mechanism:
        case Mechanism.PLAIN:
            return _once_more(mechanism, f"\0{username}\0{secret}".encode())
        case Mechanism.LOGIN:
            return _Prompted(username, secret)
        case Mechanism.CRAM_MD5:
            return _Challenged(username, secret)
        case Mechanism.EXTERNAL:
            return _once_more(mechanism, username.encode())
        case Mechanism.XOAUTH2:
            return _Bearer(mechanism, f"user={username}\x01auth=Bearer {secret}\x01\x01".encode(), b"")
        case Mechanism.OAUTHBEARER:
            name = username.replace("=", "=3D").replace(",", "=2C")
            # RFC 7628 section 3.2.3: a lone %x01 ends the exchange that the server has refused.
            first = f"n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {secret}\x01\x01"
            return _Bearer(mechanism, first.encode(), b"\x01")
        case _:
            raise NotImplementedError(mechanism)


def _once_more(mechanism: Mechanism, message: bytes) -> Exchange:
    """The mechanism is one message; a server that has not read it with the command asks for it (RFC 4954 section 4)."""
    return Exchange(mechanism, message, message)


def _reason(challenge: bytes) -> str | None:
    """RFC 7628 section 3.2.2: a JSON object of strings; here in one line."""
    try:
        told: object = json.loads(challenge)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, Mapping):
        return None
    words = (f"{key} {value}" for key, value in cast("Mapping[str, object]", told).items() if isinstance(value, str))
    line = ", ".join(words)
    return "the token was refused: " + "".join(c if c.isprintable() else "?" for c in line) if line else None
