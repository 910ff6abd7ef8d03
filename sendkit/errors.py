"""What can go wrong, as one tree. Everything that sendkit raises on purpose is in it.

SendkitError
├── ConfigurationError (ValueError)      a setting that cannot work
├── MessageError (ValueError)            a message that cannot be sent by anyone
├── CredentialsError                     no secret to log in with
│   ├── CredentialsNotFound
│   ├── KeyringUnavailable
│   └── KeyringLocked
├── OutboxError                          the outbox could not be written or read; nothing with a receipt is lost
│   └── LetterNotFound (LookupError)
└── DeliveryError                        not every recipient was accepted; carries `.result`
    ├── InDoubtError                     the end of data went out and no reply came back
    ├── PartialDelivery                  some accepted, some not
    ├── TLSError                         no verified TLS, so nothing was sent
    ├── AuthenticationError              the server refused the login, or demands one
    ├── ConnectError (ConnectionError)   the server was not reached, or went away
    ├── ProtocolError                    the server did not speak SMTP
    ├── DeferredError                    refused for now (4yz)
    └── RejectedError                    refused permanently (5yz)

The first three branches are raised before any byte of the message goes out, and a person must fix what they name.
With mixed outcomes a `DeliveryError` is the first of its list that applies. The text of every error has the secrets of
the process taken out. This module knows no I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sendkit._redaction import redacted

if TYPE_CHECKING:
    from sendkit._smtp.phase import Phase
    from sendkit._smtp.reason import Reason
    from sendkit._smtp.reply import Reply
    from sendkit.results import DeliveryResult, TranscriptLine

__all__ = [
    "AuthenticationError",
    "ConfigurationError",
    "ConnectError",
    "CredentialsError",
    "CredentialsNotFound",
    "DeferredError",
    "DeliveryError",
    "InDoubtError",
    "KeyringLocked",
    "KeyringUnavailable",
    "LetterNotFound",
    "MessageError",
    "OutboxError",
    "PartialDelivery",
    "ProtocolError",
    "RejectedError",
    "SendkitError",
    "TLSError",
]


class SendkitError(Exception):
    """The root of all errors of sendkit.

    `hint` says what to do next; `transient` whether the same call may succeed later.
    """

    transient: bool = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        message = redacted(message)
        super().__init__(message)
        self.message: str = message
        self.hint: str | None = None if hint is None else redacted(hint)

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive Exception's own way of pickling.
        return _restore, (type(self), self.message, dict(self.__dict__))


def _restore(cls: type[SendkitError], message: str, state: dict[str, object]) -> SendkitError:
    error = cls.__new__(cls, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class ConfigurationError(SendkitError, ValueError):
    """An invalid setting, found before anything was sent."""


class MessageError(SendkitError, ValueError):
    """A message that no server could take; `field` names the part of it that must change."""

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.field = field


class CredentialsError(SendkitError):
    """No secret for the login was found, or it could not be read; `why` is the reason as a value, where it is known."""

    def __init__(self, message: str, *, hint: str | None = None, why: Reason | None = None) -> None:
        super().__init__(message, hint=hint)
        self.why = why


class CredentialsNotFound(CredentialsError):
    """All sources were asked, and none has a secret for this account."""


class KeyringUnavailable(CredentialsError):
    """There is no usable keyring on this machine."""


class KeyringLocked(CredentialsError):
    """There is a keyring, but it is locked."""


class OutboxError(SendkitError):
    """The outbox cannot work: its disk is full, its file damaged, or its database unreachable.

    Letters with a receipt are kept. `transient`: the same call may work later.
    """

    def __init__(self, message: str, *, hint: str | None = None, transient: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient


class LetterNotFound(OutboxError, LookupError):
    """The outbox has no letter with this id, or several that begin with it."""


class DeliveryError(SendkitError):
    """Not every recipient was accepted; `.result` has the outcome of each recipient.

    `phase`, `reply`, `host` and `port` are those of the first failure, `hint` says what to do, and `transient` whether
    sending to the unsettled recipients again later may succeed without a change. `why` is the reason as a value,
    where it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        result: DeliveryResult | None = None,
        phase: Phase | None = None,
        reply: Reply | None = None,
        host: str | None = None,
        port: int | None = None,
        hint: str | None = None,
        transient: bool = False,
        why: Reason | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.result: DeliveryResult = cast("DeliveryResult", result)  # None alone where somebody made it by hand
        self.phase = phase
        self.reply = reply
        self.host = host
        self.port = port
        self.transient = transient
        self.why = why

    @property
    def transcript(self) -> tuple[TranscriptLine, ...]:
        """The conversations of all attempts, line by line, if the mailer was created with `transcript=True`."""
        attempts = self.result.attempts if self.result else ()
        return tuple(line for attempt in attempts for line in attempt.transcript or ())


class InDoubtError(DeliveryError):
    """The end of data was sent and no reply came back: the server may have the message or not (RFC 1047)."""


class PartialDelivery(DeliveryError):
    """Some recipients were accepted and some were not."""


class TLSError(DeliveryError):
    """No TLS session with a verified server, so neither secret nor message was sent (RFC 3207, RFC 8314)."""


class AuthenticationError(DeliveryError):
    """The server refused the login, offers none that we can use, or demands one (RFC 4954)."""


class ConnectError(DeliveryError, ConnectionError):
    """The server was not reached, or the connection was lost before the end of data."""


class ProtocolError(DeliveryError):
    """The server sent an invalid SMTP reply, or one that does not fit the command (RFC 5321 section 4.2)."""


class DeferredError(DeliveryError):
    """Refused temporarily: the same message may be accepted later (a 4yz reply, RFC 5321 section 4.2.1)."""


class RejectedError(DeliveryError):
    """Refused permanently (a 5yz reply, or a limit that the server announced; RFC 5321 section 4.2.1)."""
