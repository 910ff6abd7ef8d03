"""Observers of a mailer or of an outbox worker: `observers=[…]`, and the observer for OpenTelemetry.

An observer is any object with `on_attempt(attempt)`, `on_result(result)`, or both; each may be `async def`. They are
told soon after, in order, on a thread or event loop where nobody waits for them, and can change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._delivery.observers import AnyObserver, AttemptObserver, Observer, ResultObserver
from sendkit._lazy import attribute

if TYPE_CHECKING:
    from sendkit.observers._opentelemetry import OpenTelemetryObserver

__all__ = ["AnyObserver", "AttemptObserver", "Observer", "OpenTelemetryObserver", "ResultObserver"]


def __getattr__(name: str) -> object:
    return attribute(__name__, {"OpenTelemetryObserver": "observers._opentelemetry"}, name)


def __dir__() -> list[str]:
    return __all__
