"""The secret itself: a value that shows its text to nobody but who calls `reveal`.

Knows: what text can be a password at all (RFC 4616 section 2). Must not know: where it came from, or who sends it.
No repr, log line, traceback with locals, pickle or copied `__dict__` may contain it; so a frame that can raise never
keeps the plain text in a local variable.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import ClassVar, Never, Self, final

from sendkit._redaction import remember
from sendkit.errors import ConfigurationError

_SALT = os.urandom(32)


@final
class Secret:
    """A password or token that prints as `Secret(***)`.

    Takes non-empty text that UTF-8 can carry, without NUL (RFC 4616 section 2). Raises ConfigurationError for others.
    `bearer`: whether it is an access token (RFC 6750), which has mechanisms of its own. `flaw`: why it holds nothing,
    where `sealed` made it of what cannot be a secret.
    """

    __slots__ = ("__value", "bearer", "flaw")
    __value: str
    bearer: bool
    flaw: str | None

    def __init__(self, value: str, *, bearer: bool = False) -> None:
        fault = flaw(value)
        if fault:
            del value
            raise ConfigurationError(f"a password {fault}", hint="give the password as non-empty text")
        object.__setattr__(self, "_Secret__value", value)
        object.__setattr__(self, "bearer", bearer)
        object.__setattr__(self, "flaw", None)
        remember(value)

    @classmethod
    def _unusable(cls, why: str) -> Self:
        secret = cls.__new__(cls)
        for name, value in (("_Secret__value", ""), ("bearer", False), ("flaw", why)):
            object.__setattr__(secret, name, value)
        return secret

    def reveal(self) -> str:
        """Return the plain text; call it as late as possible, and keep the answer in no local variable."""
        check(self)
        remember(self.__value)
        return self.__value

    def fingerprint(self) -> bytes:
        """Return 16 octets that tell two secrets apart within this process, and say nothing outside of it."""
        return hashlib.blake2b(self.__value.encode(), digest_size=16, key=_SALT).digest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    # A hash made from the value would let it be guessed from a dump.
    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # as Python itself says that there is none

    def __repr__(self) -> str:
        return "Secret(***)"

    def __setattr__(self, name: str, value: object) -> Never:
        del value
        raise AttributeError(f"a Secret is frozen: cannot set {name}")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __getstate__(self) -> Never:
        raise TypeError("a Secret is not pickled: read it again from its source where it is needed")

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("a Secret is not pickled: read it again from its source where it is needed")


def sealed(password: str | Secret | None) -> Secret | None:
    """Make a Secret of a password, so that the caller's frame keeps no plain text. It never raises.

    What cannot be a secret becomes one without a value, which `check` refuses: so it can be handed on to where nothing
    holds the plain text any more.
    """
    if password is None or isinstance(password, Secret):
        return password
    why = flaw(password)
    return Secret(password) if why is None else Secret._unusable(why)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - of this file


def check(secret: Secret | None, what: str = "a password") -> None:
    """Raise ConfigurationError for what `sealed` could not seal; `what` it was given as."""
    if secret is not None and secret.flaw is not None:
        raise ConfigurationError(f"{what} {secret.flaw}", hint="give it as non-empty text")


def seal(value: object) -> Secret | str:
    """Make a Secret of the value, or say in words why it cannot be one, so that the caller may raise without it."""
    if isinstance(value, Secret):
        return value if value.flaw is None else value.flaw
    return flaw(value) or Secret(str(value))


def flaw(value: object) -> str | None:
    """Say in words why this cannot be a secret, or None when it can. Never quotes it."""
    if not isinstance(value, str):
        return f"must be text, not {type(value).__name__}"
    if not value:
        return "is empty"
    if "\0" in value:
        return "holds a NUL, which no server can be sent (RFC 4616 section 2)"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "holds octets that are not UTF-8"
    return None
