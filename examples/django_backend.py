"""A mail backend for Django, so that `send_mail`, password resets and all else in Django go out through sendkit.

Copy this file into your project, and name it in its settings; the account is in the environment (SENDKIT_HOST …):

    MAILERS = {"default": {"BACKEND": "yourproject.django_backend.SendkitBackend"}}   # from Django 6.1 on
    EMAIL_BACKEND = "yourproject.django_backend.SendkitBackend"                       # before

With OutboxBackend in place of SendkitBackend, mail is put into an outbox, and `sendkit outbox run` sends it: no request
waits for a mail server, and nothing is lost when the process ends. `message.receipt` is its Receipt.

What Django's own backend leaves unsaid can be read: `message.delivery` is the DeliveryResult, recipient by recipient.
A recipient that was not accepted is an exception, as with Django's own, unless `fail_silently=True`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from sendkit import Mailer, Outbox, errors


class SendkitBackend(BaseEmailBackend):
    """Sends Django's messages, or puts them into `outbox`. The other settings are those of Mailer."""

    def __init__(
        self,
        fail_silently: bool = False,
        *,
        alias: str | None = None,
        username: str | None = None,
        password: str | None = None,
        outbox: Outbox | str | None = None,
        **settings: Any,
    ) -> None:
        # Django hands every backend a username and a password, mostly None; here the environment has the account.
        super().__init__(alias=alias)
        self.fail_silently = fail_silently
        self._outbox = Outbox(outbox) if isinstance(outbox, str) else outbox
        self._settings = settings
        self._mailer: Mailer | None = None

    def open(self) -> bool:
        """Make a mailer, unless there is one; it connects when the first message goes out."""
        if self._mailer is not None:
            return False
        self._mailer = Mailer.from_env(**self._settings)
        return True

    def close(self) -> None:
        """Close the connection with QUIT."""
        mailer, self._mailer = self._mailer, None
        if mailer is not None:
            mailer.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send all of them over one connection, and return how many were accepted for every recipient; or put them."""
        if self._outbox is not None:
            return sum(self._put(self._outbox, message) for message in email_messages)
        opened = self.open()
        try:
            return sum(self._send(message) for message in email_messages)
        finally:
            if opened:
                self.close()

    def _send(self, message: EmailMessage) -> bool:
        if not message.recipients() or self._mailer is None:
            return False
        try:
            # The recipients are told apart from the headers: Django keeps those of Bcc out of them.
            result = self._mailer.send(message.message(), recipients=message.recipients(), check=False)
            message.delivery = result
            return result.raise_for_failure().ok
        except errors.SendkitError:
            if not self.fail_silently:
                raise
            return False

    def _put(self, outbox: Outbox, message: EmailMessage) -> bool:
        if not message.recipients():
            return False
        try:
            message.receipt = outbox.put(message.message(), recipients=message.recipients())
        except errors.SendkitError:
            if not self.fail_silently:
                raise
            return False
        return True


class OutboxBackend(SendkitBackend):
    """Puts Django's messages into the outbox that SENDKIT_OUTBOX names, or the user's own; see `sendkit outbox run`."""

    def __init__(self, fail_silently: bool = False, **settings: Any) -> None:
        super().__init__(fail_silently, **{"outbox": Outbox(), **settings})
