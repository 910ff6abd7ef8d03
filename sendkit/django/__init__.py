"""Django's mail through sendkit: `EMAIL_BACKEND = "sendkit.django.EmailBackend"`, or a BACKEND of MAILERS.

The settings are Django's own where it has them, and `SENDKIT` (or OPTIONS) for the rest. The app `sendkit.django` in
INSTALLED_APPS adds the checks and the worker of the outbox. Importing this loads neither Django nor its settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._lazy import attribute

if TYPE_CHECKING:
    from sendkit.django._backend import EmailBackend

__all__ = ["EmailBackend"]


def __getattr__(name: str) -> object:
    return attribute(__name__, {"EmailBackend": "django._backend"}, name)


def __dir__() -> list[str]:
    return __all__
