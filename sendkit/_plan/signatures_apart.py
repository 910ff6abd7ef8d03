"""The constructors of both mailers with every option in its place. Written by `python -m tests.signatures`.

For type checkers, editors and readers alone; `takes_settings` shows the same at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dns.asyncresolver import Resolver

    from sendkit._credentials import Credentials, Secret
    from sendkit._credentials.explicit import CredentialsCall
    from sendkit._delivery.observers import AnyObserver
    from sendkit._delivery.policy import RetryPolicy
    from sendkit._seam.transport import Transport
    from sendkit._sync import Mailer
    from sendkit.signing import DKIM


class Discovery:
    """What the synchronous one has besides."""

    if TYPE_CHECKING:

        @classmethod
        def discover(
            cls,
            address: str,
            *,
            trust: Sequence[str] = (),
            resolver: Resolver | None = None,
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
            """Make a mailer for the account of a mail address, whose domain names its server in the DNS.

            RFC 6186, RFC 8314 section 5.1. Further servers of the domain are backup servers. A server outside it is an
            error, unless it belongs to a known provider or to `trust`. Needs the extra `dns`.

            Raises ConfigurationError.

            address: the mail address whose domain names its server in the DNS.
            trust: domains in which the server can be, in addition to that of the address.
            resolver: the dnspython resolver in place of the system's.
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


class AsyncDiscovery:
    """What the asynchronous one has besides."""

    if TYPE_CHECKING:

        @classmethod
        async def discover(
            cls,
            address: str,
            *,
            trust: Sequence[str] = (),
            resolver: Resolver | None = None,
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
            """Make a mailer for the account of a mail address, whose domain names its server in the DNS.

            RFC 6186, RFC 8314 section 5.1. Further servers of the domain are backup servers. A server outside it is an
            error, unless it belongs to a known provider or to `trust`. Needs the extra `dns`.

            Raises ConfigurationError.

            address: the mail address whose domain names its server in the DNS.
            trust: domains in which the server can be, in addition to that of the address.
            resolver: the dnspython resolver in place of the system's.
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


def open(  # noqa: A001 - read as sendkit.open
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
) -> Mailer:
    """Make a mailer for an account of `sendkit/config.toml`; the same as `Mailer.from_config`.

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
    raise NotImplementedError  # it is `_send.open` that is called
