"""The constructors of both mailers with every option in its place. Written by `python -m tests.signatures`.

For type checkers, editors and readers alone; `takes_settings` shows the same at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sendkit._credentials import Credentials, Secret
    from sendkit._credentials.explicit import CredentialsCall
    from sendkit._delivery.observers import AnyObserver
    from sendkit._delivery.policy import RetryPolicy
    from sendkit._plan.targets import ServerLike
    from sendkit._seam.transport import Transport
    from sendkit._server.security import Security
    from sendkit.signing import DKIM


class Signatures:
    """What both mailers are made by."""

    if TYPE_CHECKING:

        def __init__(
            self,
            host_or_server: ServerLike | Sequence[ServerLike] | None = None,
            *,
            username: str | None = None,
            port: int | None = None,
            security: Security | str | None = None,
            password: str | Secret | None = None,
            credentials: Credentials | CredentialsCall | None = None,
            mechanism: str | None = None,
            retry: RetryPolicy | None = None,
            transport: Transport | None = None,
            deadline: float | None = None,
            max_connections: int = 4,
            messages_per_connection: int | None = None,
            idle_timeout: float | None = 60,
            login_rest: float = 3600,
            rate: str | None = None,
            transcript: bool = False,
            dkim: DKIM | Sequence[DKIM] | None = None,
            observers: Iterable[AnyObserver] = (),
            redirect_all_to: Iterable[str] | str | None = None,
            allow_only: Iterable[str] | str | None = None,
        ) -> None: ...

        @classmethod
        def from_url(
            cls,
            url: str | Sequence[str],
            *,
            password: str | Secret | None = None,
            credentials: Credentials | CredentialsCall | None = None,
            mechanism: str | None = None,
            retry: RetryPolicy | None = None,
            transport: Transport | None = None,
            deadline: float | None = None,
            max_connections: int = 4,
            messages_per_connection: int | None = None,
            idle_timeout: float | None = 60,
            login_rest: float = 3600,
            rate: str | None = None,
            transcript: bool = False,
            dkim: DKIM | Sequence[DKIM] | None = None,
            observers: Iterable[AnyObserver] = (),
            redirect_all_to: Iterable[str] | str | None = None,
            allow_only: Iterable[str] | str | None = None,
        ) -> Self:
            """Make a mailer from `smtp+starttls://USER@HOST:PORT` or `smtps://…`; a password in it is refused.

            In a list, the backup servers stand behind the first, each with its own username. Raises ConfigurationError.

            url: `smtp+starttls://USER@HOST:PORT` or `smtps://…`, or several.
            password: the password; without it and credentials=, the environment and the keyring are searched.
            credentials: where the secret comes from: OAuth2, PasswordCommand, a callable (host, username).
            mechanism: the only SASL mechanism to use, in place of the best that the server offers.
            retry: how often and for how long deferred recipients are retried.
            transport: what delivers the messages in place of the network.
            deadline: seconds for one message, all attempts included.
            max_connections: how many connections are open at a time, at most.
            messages_per_connection: how many messages one connection carries, at most.
            idle_timeout: seconds after which an idle connection is closed; None keeps it.
            login_rest: seconds for which a refused secret is not sent again; doubles with each refusal, up to a day.
            rate: the maximum rate of messages, evenly spaced: "30/minute"; retries count.
            transcript: whether `result.attempts` keeps the conversation, with the secrets masked.
            dkim: the key, or keys, that sign each message for its domain.
            observers: objects that are called with each attempt and each result.
            redirect_all_to: the mailbox that gets all mail instead of the recipients.
            allow_only: recipients that still get their own mail: `*@example.com`.
            """
            ...

        @classmethod
        def from_env(
            cls,
            *,
            password: str | Secret | None = None,
            credentials: Credentials | CredentialsCall | None = None,
            mechanism: str | None = None,
            retry: RetryPolicy | None = None,
            transport: Transport | None = None,
            deadline: float | None = None,
            max_connections: int = 4,
            messages_per_connection: int | None = None,
            idle_timeout: float | None = 60,
            login_rest: float = 3600,
            rate: str | None = None,
            transcript: bool = False,
            dkim: DKIM | Sequence[DKIM] | None = None,
            observers: Iterable[AnyObserver] = (),
            redirect_all_to: Iterable[str] | str | None = None,
            allow_only: Iterable[str] | str | None = None,
        ) -> Self:
            """Make a mailer from SENDKIT_URL, or SENDKIT_HOST, SENDKIT_PORT, SENDKIT_SECURITY and SENDKIT_USERNAME.

            SENDKIT_LOCAL_HOSTNAME is the name given in EHLO. SENDKIT_TRANSPORT stands above them all: `memory`,
            `console` and `file:DIR` send nowhere. Raises ConfigurationError.

            password: the password; without it and credentials=, the environment and the keyring are searched.
            credentials: where the secret comes from: OAuth2, PasswordCommand, a callable (host, username).
            mechanism: the only SASL mechanism to use, in place of the best that the server offers.
            retry: how often and for how long deferred recipients are retried.
            transport: what delivers the messages in place of the network.
            deadline: seconds for one message, all attempts included.
            max_connections: how many connections are open at a time, at most.
            messages_per_connection: how many messages one connection carries, at most.
            idle_timeout: seconds after which an idle connection is closed; None keeps it.
            login_rest: seconds for which a refused secret is not sent again; doubles with each refusal, up to a day.
            rate: the maximum rate of messages, evenly spaced: "30/minute"; retries count.
            transcript: whether `result.attempts` keeps the conversation, with the secrets masked.
            dkim: the key, or keys, that sign each message for its domain.
            observers: objects that are called with each attempt and each result.
            redirect_all_to: the mailbox that gets all mail instead of the recipients.
            allow_only: recipients that still get their own mail: `*@example.com`.
            """
            ...

        @classmethod
        def for_provider(
            cls,
            name: str,
            *,
            username: str,
            password: str | Secret | None = None,
            credentials: Credentials | CredentialsCall | None = None,
            mechanism: str | None = None,
            retry: RetryPolicy | None = None,
            transport: Transport | None = None,
            deadline: float | None = None,
            max_connections: int = 4,
            messages_per_connection: int | None = None,
            idle_timeout: float | None = 60,
            login_rest: float = 3600,
            rate: str | None = None,
            transcript: bool = False,
            dkim: DKIM | Sequence[DKIM] | None = None,
            observers: Iterable[AnyObserver] = (),
            redirect_all_to: Iterable[str] | str | None = None,
            allow_only: Iterable[str] | str | None = None,
        ) -> Self:
            """Make a mailer for an account at a provider that is known by name, such as "gmail" or "ses-eu-west-1".

            Raises ConfigurationError, which names the nearest providers.

            name: the name of the provider, or of the account in the file.
            username: the name for the login, usually a mail address; None if the server needs no login.
            password: the password; without it and credentials=, the environment and the keyring are searched.
            credentials: where the secret comes from: OAuth2, PasswordCommand, a callable (host, username).
            mechanism: the only SASL mechanism to use, in place of the best that the server offers.
            retry: how often and for how long deferred recipients are retried.
            transport: what delivers the messages in place of the network.
            deadline: seconds for one message, all attempts included.
            max_connections: how many connections are open at a time, at most.
            messages_per_connection: how many messages one connection carries, at most.
            idle_timeout: seconds after which an idle connection is closed; None keeps it.
            login_rest: seconds for which a refused secret is not sent again; doubles with each refusal, up to a day.
            rate: the maximum rate of messages, evenly spaced: "30/minute"; retries count.
            transcript: whether `result.attempts` keeps the conversation, with the secrets masked.
            dkim: the key, or keys, that sign each message for its domain.
            observers: objects that are called with each attempt and each result.
            redirect_all_to: the mailbox that gets all mail instead of the recipients.
            allow_only: recipients that still get their own mail: `*@example.com`.
            """
            ...

        @classmethod
        def from_config(
            cls,
            name: str,
            *,
            password: str | Secret | None = None,
            credentials: Credentials | CredentialsCall | None = None,
            mechanism: str | None = None,
            retry: RetryPolicy | None = None,
            transport: Transport | None = None,
            deadline: float | None = None,
            max_connections: int = 4,
            messages_per_connection: int | None = None,
            idle_timeout: float | None = 60,
            login_rest: float = 3600,
            rate: str | None = None,
            transcript: bool = False,
            dkim: DKIM | Sequence[DKIM] | None = None,
            observers: Iterable[AnyObserver] = (),
            redirect_all_to: Iterable[str] | str | None = None,
            allow_only: Iterable[str] | str | None = None,
        ) -> Self:
            """Make a mailer for an account of `sendkit/config.toml`; what is given here stands above what is there.

            Raises ConfigurationError that names the file, the table and the key.

            name: the name of the provider, or of the account in the file.
            password: the password; without it and credentials=, the environment and the keyring are searched.
            credentials: where the secret comes from: OAuth2, PasswordCommand, a callable (host, username).
            mechanism: the only SASL mechanism to use, in place of the best that the server offers.
            retry: how often and for how long deferred recipients are retried.
            transport: what delivers the messages in place of the network.
            deadline: seconds for one message, all attempts included.
            max_connections: how many connections are open at a time, at most.
            messages_per_connection: how many messages one connection carries, at most.
            idle_timeout: seconds after which an idle connection is closed; None keeps it.
            login_rest: seconds for which a refused secret is not sent again; doubles with each refusal, up to a day.
            rate: the maximum rate of messages, evenly spaced: "30/minute"; retries count.
            transcript: whether `result.attempts` keeps the conversation, with the secrets masked.
            dkim: the key, or keys, that sign each message for its domain.
            observers: objects that are called with each attempt and each result.
            redirect_all_to: the mailbox that gets all mail instead of the recipients.
            allow_only: recipients that still get their own mail: `*@example.com`.
            """
            ...
