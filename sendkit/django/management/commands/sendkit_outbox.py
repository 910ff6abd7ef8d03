"""`manage.py sendkit_outbox`: sends what Django puts into the outbox, through the account of the same settings."""

# pyright: basic, reportAttributeAccessIssue=false, reportIncompatibleVariableOverride=false
# Django has no types.

from __future__ import annotations

from typing import Any, ClassVar

from django.core.mail import get_connection
from django.core.management.base import BaseCommand, CommandError

from sendkit.django._backend import EmailBackend

__all__ = ["Command"]


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types
    """The worker of the outbox."""

    help: ClassVar[str] = "Send what was put into the outbox, until interrupted."

    def add_arguments(self, parser: Any) -> None:
        """Django's own are there already."""
        parser.add_argument("--drain", action="store_true", help="end when nothing is due any more")
        parser.add_argument("--mailer", metavar="ALIAS", default=None, help="an alias of MAILERS, by default `default`")

    def handle(self, *_: Any, drain: bool, mailer: str | None, **options: Any) -> None:
        """Run the worker."""
        backend = _backend(mailer)
        if not isinstance(backend, EmailBackend) or backend.outbox is None:
            raise CommandError('no outbox: set "outbox" in SENDKIT, or in OPTIONS of a sendkit backend in MAILERS')
        if drain:
            made = backend.outbox.drain(backend.mailer)
            self.stdout.write(f"{made} attempts were made")
        else:
            backend.outbox.run(backend.mailer)


def _backend(alias: str | None) -> Any:
    from django.core import mail  # noqa: PLC0415 - `mailers` is there from Django 6.1 on

    if hasattr(mail, "mailers") and (alias is not None or mail.mailers._is_configured):  # noqa: SLF001 - hasattr says the same of settings
        return mail.mailers[alias or "default"]
    return get_connection()
