"""The settings of a worker, and their checks. An outbox takes the same, for all its workers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar

from sendkit._delivery.observers import AnyObserver, check_observers
from sendkit._smtp.address import AddressError, parse_address
from sendkit._spelling import unexpected
from sendkit.errors import ConfigurationError
from sendkit.outbox._checks import check_call, check_count, check_schedule, check_seconds, check_time
from sendkit.outbox._schedule import USUAL, Schedule

if TYPE_CHECKING:
    from sendkit.outbox._status import Event

_Function = TypeVar("_Function", bound=Callable[..., object])


class WorkerSettings(TypedDict, total=False):
    """The settings of a worker; an outbox takes the same, for all its workers.

    `concurrency` letters at a time. `schedule` is how long to wait after each attempt. `in_doubt`: "hold" leaves it to
    a person, "retry" sends again what a server may have. `report`: "sender", or the address that gets RFC 3464 reports.
    `warn_after` is when a delay is told of. `on_event` is called with every Event. `stop_within` is how many seconds
    what is in progress has to end. `observers` are told of each attempt and its result, beside the mailer's own.
    `keep_content` and `keep_rows`: how long after its end a letter's content is kept, and all that is known of it.
    """

    concurrency: int
    schedule: Schedule
    in_doubt: Literal["hold", "retry"]
    report: str | None
    warn_after: timedelta | None
    on_event: Callable[[Event], object] | None
    stop_within: float
    observers: Iterable[AnyObserver]
    keep_content: timedelta
    keep_rows: timedelta


@dataclass(slots=True, frozen=True)
class Policy:
    """The settings of a worker, checked; what each is stands at WorkerSettings."""

    concurrency: int = 32
    schedule: Schedule = USUAL
    in_doubt: Literal["hold", "retry"] = "hold"
    report: str | None = None
    warn_after: timedelta | None = None
    on_event: Callable[[Event], object] | None = None
    stop_within: float = 30.0
    observers: Iterable[AnyObserver] = ()
    keep_content: timedelta = timedelta(days=1)
    keep_rows: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        check_count("concurrency", self.concurrency, "give a whole number from 1 on; 32 is usual")
        if self.in_doubt not in ("hold", "retry"):
            hint = '"hold" leaves it to a person; "retry" sends it again, and so may make copies'
            raise ConfigurationError(f"in_doubt= cannot be {self.in_doubt!r}", hint=hint)
        if self.report not in (None, "sender"):
            _check_report(self.report)
        check_observers("observers", self.observers)
        check_schedule(self.schedule)
        check_seconds("stop_within", self.stop_within)
        check_call("on_event", self.on_event)
        check_time("warn_after", self.warn_after, needed=False)
        check_time("keep_content", self.keep_content)
        check_time("keep_rows", self.keep_rows)


def _check_report(text: object) -> None:
    """Raise ConfigurationError for a `report=` that is neither "sender" nor an address."""
    try:
        parse_address(str(text))
    except AddressError as error:
        raise ConfigurationError(f"report= is not an address: {error.problem}", hint='give "sender", or one') from error


def policy_of(settings: WorkerSettings, *, who: str, usual: Policy = Policy()) -> Policy:
    """The policy with these settings. Raises ConfigurationError, and TypeError for a setting that there is not."""
    known = [one.name for one in fields(Policy)]
    for name in settings:
        if name not in known:
            raise unexpected(who, name, known)
    return replace(usual, **settings)


def shows_settings(function: _Function) -> _Function:
    """The function, whose signature shows each setting in the place of `**settings`."""
    signature = inspect.signature(function)
    own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    shown = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=one.type)
        for one in fields(Policy)
    ]
    vars(function)["__signature__"] = signature.replace(parameters=[*own, *shown])
    return function
