"""The app `sendkit.django`: it registers the checks, and nothing else."""

# pyright: basic, reportAttributeAccessIssue=false, reportIncompatibleVariableOverride=false
# Django has no types.

from __future__ import annotations

from typing import ClassVar

from django.apps import AppConfig
from django.core.checks import register

__all__ = ["SendkitConfig"]


class SendkitConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """Put "sendkit.django" into INSTALLED_APPS."""

    name: ClassVar[str] = "sendkit.django"
    label: ClassVar[str] = "sendkit"

    def ready(self) -> None:
        """Register the checks; called by Django once all apps are there."""
        from sendkit.django._checks import check_settings, diagnose  # noqa: PLC0415 - not before the apps are there

        register(check_settings, "sendkit")
        register(diagnose, "sendkit", deploy=True)
