"""The two shapes of this room: what a mailer asks (`Credentials`), and one source of a chain (`Source`).

A source answers with a value, `Found` or `Missing`, and does not raise: so whoever raises in the end does it outside
of any `except` block, and neither `__context__` nor a frame on the way holds a secret.
Must not know: any source in particular.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sendkit._credentials.secret import Secret, seal
from sendkit._smtp.reason import Reason
from sendkit.errors import CredentialsError, CredentialsNotFound, KeyringLocked, KeyringUnavailable

GRANT = "oauth2:{"
"""How a secret begins that is not to be sent, but traded for tokens."""


@runtime_checkable
class Credentials(Protocol):
    """Where a mailer gets its secret; called once for each login, just before it."""

    @property
    def source(self) -> str:
        """Where the secret comes from, in words for errors and reports; never the value."""
        ...

    async def secret(self, *, host: str, username: str) -> Secret:
        """Return the secret of this account. Raises CredentialsError."""
        ...


@runtime_checkable
class Renewable(Credentials, Protocol):
    """Credentials whose secret may change while the program runs."""

    async def renewed(self, refused: Secret, *, host: str, username: str) -> Secret | None:
        """Look for another secret after a refusal; None if there is no other. Raises CredentialsError."""
        ...


@dataclass(slots=True, frozen=True)
class Found:
    """A secret, and the source that held it."""

    source: str
    secret: Secret

    @property
    def is_grant(self) -> bool:
        """Whether it is not a password, but a grant of tokens (see `stored_grant`)."""
        return self.secret.reveal().startswith(GRANT)


@dataclass(slots=True, frozen=True)
class Missing:
    """A source that gave no secret, and why.

    With an `error` other than CredentialsNotFound the search ends here: the secret was meant to come from this source,
    and another one from further down would not be the one that was meant. `transient`: it may pass by itself.
    """

    source: str
    why: str
    error: type[CredentialsError] = CredentialsNotFound
    hint: str | None = None
    transient: bool = False
    reason: Reason | None = None

    def as_error(self, message: str, *, hint: str | None = None) -> CredentialsError:
        """The error to raise for it, outside of any `except` block."""
        error = self.error(message, hint=self.hint or hint, why=self.reason or _REASONS.get(self.error))
        error.transient = self.transient
        return error


_REASONS: dict[type[CredentialsError], Reason] = {
    CredentialsNotFound: Reason.NO_CREDENTIALS,
    KeyringUnavailable: Reason.KEYRING_UNAVAILABLE,
    KeyringLocked: Reason.KEYRING_LOCKED,
}


class Source(Protocol):
    """One source of a chain."""

    async def find(self, *, host: str, username: str) -> Found | Missing:
        """Look for the secret of this account."""
        ...


def judge(source: str, value: object) -> Found | Missing:
    """Take what a source holds for a secret, if it can be one; an empty value counts as none."""
    if value is None:
        return Missing(source, "gives none")
    sealed = seal(value)
    if isinstance(sealed, Secret):
        return Found(source, sealed)
    if value == "":
        return Missing(source, sealed)
    return Missing(source, sealed, CredentialsError, "put the password there as plain text, alone")
