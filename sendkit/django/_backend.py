"""The backend: Django's own for SMTP, whose settings and names it keeps, with sendkit's mailer in place of smtplib.

Each message gets what became of it: `message.delivery` (a DeliveryResult), or `message.receipt` from an outbox.
"""

# pyright: basic, reportAttributeAccessIssue=false, reportIncompatibleVariableOverride=false
# Django has no types.

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import global_settings, settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.smtp import EmailBackend as DjangoBackend

from sendkit._message.mailbox import mailbox_of
from sendkit._smtp.address import AddressError
from sendkit._sync import warn_of_blocking
from sendkit.django._settings import (
    KNOWN,
    EmailSettings,
    Made,
    is_elsewhere,
    made,
    meant_options,
    number,
    outbox_of,
    own_settings,
    text,
)
from sendkit.errors import CredentialsError, DeliveryError, MessageError, OutboxError

if TYPE_CHECKING:
    from django.core.mail import EmailMessage

    from sendkit._sync import Mailer
    from sendkit.outbox import Outbox

_ELSEWHERE = "sendkit"  # where Django wants a host, and `account` or `url` names it


class EmailBackend(DjangoBackend):  # type: ignore[misc]  # Django has no types
    """Sends Django's mail through sendkit, or puts it into an outbox.

    The server, the login and the time limit are Django's settings (EMAIL_HOST …, or OPTIONS of MAILERS). `SENDKIT`, or
    OPTIONS too, hold what a Mailer takes beside (retry, deadline, rate, dkim, observers …), what a Server does
    (ca_file, pins, known_hosts …), and `account` (of `sendkit/config.toml`), `url`, `security` and `outbox`: True for
    the usual place, a path, a URL, or the alias of a database of Django's. A recipient that was not accepted is a
    DeliveryError, unless `fail_silently`.
    """

    connection: Any

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        username: str | None = None,
        password: str | None = None,
        *,
        alias: str | None = None,
        **options: Any,
    ) -> None:
        own = own_settings({name: options.pop(name) for name in KNOWN & options.keys()})
        named = host is not None or (alias is None and _says("EMAIL_HOST"))
        if host is None and alias is not None and is_elsewhere(own):
            host = _ELSEWHERE
        try:
            super().__init__(host, port, username, password, alias=alias, **options)
        except ImproperlyConfigured as error:
            if hint := meant_options(options):
                error.add_note(hint)
            raise
        self.alias = alias
        # Django's default is 25; ours follows from the security.
        asked = port is not None or (alias is None and _says("EMAIL_PORT"))
        source = "EMAIL_HOST_PASSWORD" if password is None else "the program (password=)"
        source = source if alias is None else f"OPTIONS of MAILERS[{alias!r}]"
        self._made = made(self._place(self.port if asked else None, source), own, named=named)

    def _place(self, port: int | str | None, source: str) -> EmailSettings:
        return EmailSettings(
            host=self.host or None,
            port=None if not port else int(number("port", port)),
            username=text("username", self.username),
            password=text("password", self.password),
            use_tls=bool(self.use_tls),
            use_ssl=bool(self.use_ssl),
            timeout=None if self.timeout is None else number("timeout", self.timeout),
            certificate=self.ssl_certfile or None,
            key=self.ssl_keyfile or None,
            source=source,
        )

    @property
    def mailer(self) -> Mailer:
        """The mailer of these settings, which the whole process shares. Raises ConfigurationError."""
        return self._made.mailer()

    @property
    def outbox(self) -> Outbox | None:
        """The outbox that the settings name."""
        place = self._made.own.get("outbox")
        return outbox_of(place)[0] if place else None

    def open(self) -> bool:
        """Be ready for messages; the mailer connects when the first one goes out, and stays for the next request."""
        if self.connection:
            return False
        self.connection = self.outbox or self.mailer
        return True

    def close(self) -> None:
        """Release the mailer, whose idle connections end by themselves."""
        self.connection = None

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """Send them one after the other, and return how many were accepted for every recipient, or put.

        Raises MessageError, ConfigurationError, CredentialsError, DeliveryError and OutboxError.
        """
        messages = list(email_messages)
        if not messages:
            return 0
        opened = self.open()
        if not self.connection or opened is None:
            return 0
        try:
            return sum(map(self._send, messages))
        finally:
            if opened:
                self.close()

    def _send(self, email_message: EmailMessage) -> bool:
        if not email_message.recipients():
            return False
        try:
            return self._put(email_message) if self._made.own.get("outbox") else self._deliver(email_message)
        except (DeliveryError, CredentialsError, OutboxError):
            if not self.fail_silently:
                raise
            return False

    def _deliver(self, message: EmailMessage) -> bool:
        if asyncio._get_running_loop() is not None:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - one of asyncio.events.__all__
            warn_of_blocking("await sync_to_async(send_mail)(…)", stacklevel=2)
        result = self.mailer.send(message.message(), check=False, **_envelope(message))
        message.delivery = result
        return result.raise_for_failure().ok

    def _put(self, message: EmailMessage) -> bool:
        from django.db import connections, transaction  # noqa: PLC0415 - not before the apps are there

        outbox, alias = outbox_of(self._made.own["outbox"])
        put = partial(_put_into, outbox, message, self._made)
        if alias is None:
            transaction.on_commit(put)
        elif connections[alias].in_atomic_block:
            put(connections[alias])
        else:
            put()
        return True


def _put_into(outbox: Outbox, message: EmailMessage, made: Made, transaction: object | None = None) -> None:
    account = made.account()
    message.receipt = outbox.put(message.message(), account=account, transaction=transaction, **_envelope(message))


def _envelope(message: EmailMessage) -> dict[str, Any]:
    """The recipients, told apart from the headers, since Django keeps Bcc out of them, and the reverse path."""
    return {
        "envelope_from": _address("from_email", message.from_email),
        "recipients": [_address("recipients", one) for one in message.recipients()],
    }


def _address(name: str, lazy: object) -> str:
    """The address of one mailbox, and of no list of them. Raises MessageError, in Django's words."""
    text = str(lazy)
    try:
        return mailbox_of(text).address.written
    except AddressError as error:
        # Django's words, without the address twice.
        raise MessageError(f"Invalid address: {error.problem}", field=name, hint=error.hint) from error


def _says(name: str) -> bool:
    """Whether the project has this setting, and it is not merely Django's default."""
    return bool(settings.is_overridden(name) or getattr(settings, name) != getattr(global_settings, name))
