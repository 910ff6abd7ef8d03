"""Django's checks of mail: that the settings make a mailer, and, with --deploy, what the doctor finds."""

# pyright: basic, reportAttributeAccessIssue=false, reportIncompatibleVariableOverride=false
# Django has no types.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's names
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.utils.module_loading import import_string

from sendkit._doctor import Status
from sendkit.django._backend import EmailBackend
from sendkit.errors import SendkitError

if TYPE_CHECKING:
    from sendkit._doctor import Finding

_KINDS = {Status.FAILURE: (Error, "E002"), Status.WARNING: (Warning, "W001")}


def check_settings(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """Whether a mailer can be made of the settings of each backend of ours."""
    return [said for _, _, said in _backends() if said is not None]


def diagnose(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """What stands between each account and its mail, as `sendkit doctor` says; nothing is sent."""
    return [
        _told(name, alike)
        for name, backend, _ in _backends()
        if backend is not None
        for alike in _alike(backend.mailer.diagnose(sender=_sender()).findings)
    ]


def _alike(findings: Iterable[Finding]) -> Iterable[list[Finding]]:
    """What is to be told, with what says the same of several checks as one."""
    found: dict[object, list[Finding]] = {}
    for one in findings:
        if one.status in _KINDS:
            found.setdefault((one.status, one.server, one.text, one.remedy), []).append(one)
    return found.values()


def _backends() -> Iterator[tuple[str, EmailBackend | None, CheckMessage | None]]:
    """Each backend of ours by its name, or the error that says why it is none."""
    for name, make in _makers():
        try:
            backend = make()
            if isinstance(backend, EmailBackend):
                _ = backend.mailer, backend.outbox
                yield name, backend, None
        except (SendkitError, ImproperlyConfigured, ValueError) as error:
            hint = error.hint if isinstance(error, SendkitError) else "; ".join(getattr(error, "__notes__", ())) or None
            text = error.message if isinstance(error, SendkitError) else str(error)
            where = "" if text.startswith(name) else f"{name}: "
            yield name, None, Error(where + text, hint=hint, id="sendkit.E001")


def _makers() -> Iterator[tuple[str, Any]]:
    if hasattr(settings, "MAILERS"):
        from django.core.mail import mailers  # noqa: PLC0415  # pyright: ignore - from Django 6.1 on

        for alias, config in settings.MAILERS.items():
            if _is_ours(config.get("BACKEND", "")):
                yield f"MAILERS[{alias!r}]", lambda alias=alias: mailers[alias]
    elif _is_ours(settings.EMAIL_BACKEND):
        yield "EMAIL_BACKEND", get_connection


def _is_ours(path: str) -> bool:
    try:
        kind = import_string(path)
    except ImportError:
        return False
    return isinstance(kind, type) and issubclass(kind, EmailBackend)


def _sender() -> str:
    return str(settings.DEFAULT_FROM_EMAIL)


def _told(name: str, alike: list[Finding]) -> CheckMessage:
    finding, checks = alike[0], ", ".join(one.check for one in alike)
    kind, number = _KINDS[finding.status]
    where = f"{name}, {finding.server}" if finding.server else name
    return kind(f"{where}: {checks}: {finding.text}", hint=finding.remedy, id=f"sendkit.{number}")
