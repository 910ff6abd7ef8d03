"""What watches a mailer: an object that is told of each attempt and of each result, by what it has methods for.

Protocols only; who calls them, and where, is for `watch`. They are public through `sendkit.observers`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit.results import Attempt, DeliveryResult


class AttemptObserver(Protocol):
    """Is told of every attempt."""

    def on_attempt(self, attempt: Attempt, /) -> object:
        """One server was asked, and this is what came of it. May be `async def`."""


class ResultObserver(Protocol):
    """Is told of every result."""

    def on_result(self, result: DeliveryResult, /) -> object:
        """One message is settled, or could not be sent at all (`result.error`). May be `async def`."""


class Observer(AttemptObserver, ResultObserver, Protocol):
    """Is told of attempts and results; a subclass may leave out one of them."""

    def on_attempt(self, attempt: Attempt, /) -> object:
        """One server was asked, and this is what came of it. May be `async def`."""

    def on_result(self, result: DeliveryResult, /) -> object:
        """One message is settled, or could not be sent at all (`result.error`). May be `async def`."""


AnyObserver: TypeAlias = AttemptObserver | ResultObserver
METHODS = ("on_attempt", "on_result")


def check_observers(name: str, value: object) -> None:
    """Refuse an object without any method of an observer. Raises ConfigurationError."""
    if value is None:
        return
    listed = cast("Iterable[object]", value)
    if not isinstance(value, Iterable) or isinstance(value, str) or iter(listed) is value:
        raise ConfigurationError(f"{name}= must be a list, not {value!r}", hint=f"write {name}=[…], for one too")
    for one in listed:
        if isinstance(one, type):
            raise ConfigurationError(f"{name}= holds the class {one.__name__}", hint=f"make one: {one.__name__}()")
        if not any(callable(getattr(one, method, None)) for method in METHODS):
            hint = "give it on_attempt(attempt), on_result(result), or both"
            raise ConfigurationError(f"{one!r} in {name}= observes nothing", hint=hint)
