"""What became of mail, as OpenTelemetry's spans and metrics; the one module that knows its API, and no SDK.

The spans are made when a message is settled, with the times of its attempts, as children of the span that was current
where it was sent. A server's words, addresses and subjects never leave: of replies there are the codes alone
(RFC 5321 section 4.2, RFC 3463), of errors their names, and the Message-ID is on spans alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from sendkit._distribution import installing
from sendkit._version import __version__
from sendkit.errors import ConfigurationError, OutboxError, SendkitError
from sendkit.results import ERROR_OF, Attempt, Cause, DeliveryResult, Outcome, Phase, Reply

try:
    from opentelemetry import metrics, trace
    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.trace import SpanKind, StatusCode
except ImportError as missing:
    _hint = installing(extra="otel")
    raise ConfigurationError("OpenTelemetryObserver needs opentelemetry-api", hint=_hint) from missing

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from sendkit.outbox import Counts, Outbox

_Attributes: TypeAlias = dict[str, str | int]

_SCOPE = "sendkit"
# Seconds: from a server next door to the end of a deadline.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_WORST_FIRST = (Outcome.IN_DOUBT, Outcome.DEFERRED, Outcome.REJECTED, Outcome.ACCEPTED)
_OF_CAUSE = {Cause.IN_DOUBT: Outcome.IN_DOUBT, Cause.REJECTED: Outcome.REJECTED}


class OpenTelemetryObserver:
    """Makes spans `smtp send` and metrics of all that a mailer sends; needs the extra `otel`.

    The providers are by default those of the program, as OpenTelemetry's API finds them. With an `outbox` there are
    gauges of it too: letters that wait, recipients in doubt, and the age in seconds of the oldest letter that is not
    settled; they are read when metrics are collected. OpenTelemetry semantic conventions: `server.address`,
    `server.port`, `network.peer.address`, `error.type`. Raises ConfigurationError without the extra.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider)
        meter = metrics.get_meter(_SCOPE, __version__, meter_provider)
        self._given, self._works = (tracer_provider, meter_provider), False
        self._duration = meter.create_histogram(
            "sendkit.send.duration",
            unit="s",
            description="How long a message took, all attempts and waits between them included",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._recipients = meter.create_counter(
            "sendkit.recipients", unit="{recipient}", description="Recipients by outcome"
        )
        if outbox is not None:
            _gauges(meter, outbox)

    def on_result(self, result: DeliveryResult, /) -> None:
        """Record one message."""
        if not self._works and not self._has_sdk():
            return
        attempts, counts, ok = result.attempts, _counts(result), result.ok
        facts = _facts_of(result, counts, ok=ok)
        times = [_times(attempt) for attempt in attempts] or [(now := time.time_ns(), now)]
        began, ended = times[0][0], max([end for _, end in times])
        span = self._tracer.start_span(
            "smtp send", kind=SpanKind.CLIENT, attributes=facts | _of_message(result), start_time=began
        )
        within = trace.set_span_in_context(span)
        if span.is_recording():
            for number, attempt in enumerate(attempts):
                self._attempt(span, within, attempt, number, times[number], cured=ok)
            if not ok:
                span.set_status(StatusCode.ERROR)
        span.end(ended)
        self._duration.record((ended - began) / 1e9, {name: facts[name] for name in _LABELS if name in facts}, within)
        place = {name: facts[name] for name in _PLACE if name in facts}
        for outcome, count in counts.items():
            self._recipients.add(count, {**place, "sendkit.outcome": outcome.value}, within)

    def _has_sdk(self) -> bool:
        """Whether there is one by now: a program may set it up after its mailers. The API's own do nothing."""
        tracers, meters = self._given
        # `get_tracer_provider` reads the environment each time, which takes longer than all else here.
        found = tracers or _GLOBAL.get_tracer(_SCOPE)
        self._works = _works(found) or _works(meters or metrics.get_meter_provider())
        return self._works

    def _attempt(
        self, parent: Span, within: Context, attempt: Attempt, index: int, times: tuple[int, int], *, cured: bool
    ) -> None:
        facts: _Attributes = {**_of_place(attempt), **_of_attempt(attempt), "sendkit.attempt": index + 1}
        start, end = times
        span = self._tracer.start_span("smtp attempt", context=within, attributes=facts, start_time=start)
        if attempt.error is not None and cured:
            said = ("sendkit.attempt", "sendkit.phase", "sendkit.reply.code", "sendkit.reply.enhanced")
            parent.add_event("sendkit.deferred", {name: facts[name] for name in said if name in facts}, end)
        elif attempt.error is not None:
            span.set_status(StatusCode.ERROR)
        span.end(end)


_GLOBAL = trace.ProxyTracerProvider()
_OF_THE_API = ("opentelemetry.trace", "opentelemetry.metrics")
_PLACE = ("server.address", "server.port")
_LABELS = (*_PLACE, "error.type", "sendkit.outcome")


def _works(provider: object) -> bool:
    return not type(provider).__module__.startswith(_OF_THE_API)


def _counts(result: DeliveryResult) -> dict[Outcome, int]:
    counts: dict[Outcome, int] = {}
    for one in result.recipients.values():
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    return counts


def _facts_of(result: DeliveryResult, counts: Mapping[Outcome, int], *, ok: bool) -> _Attributes:
    """What a span and the metrics share, and what only the span has."""
    facts: _Attributes = {**_of_place(result.attempts[-1])} if result.attempts else {}
    if not ok:
        facts["error.type"] = _error_name(result)
    worst = next((outcome for outcome in _WORST_FIRST if outcome in counts), None)
    for one in result.recipients.values():
        if one.outcome is worst:
            return {**facts, "sendkit.outcome": one.outcome.value, **_of_reply(one.reply, one.phase)}
    return facts


def _of_message(result: DeliveryResult) -> _Attributes:
    named = {} if result.message_id is None else {"sendkit.message_id": result.message_id}
    return {"sendkit.recipients.count": len(result.recipients), **named}


def _of_place(attempt: Attempt) -> _Attributes:
    return _place(attempt.host, attempt.port, attempt.peer)


@lru_cache(32)
def _place(host: str, port: int | None, peer: str | None) -> _Attributes:
    found = {"server.address": host, "server.port": port, "network.peer.address": peer}
    return {name: value for name, value in found.items() if value}


def _of_attempt(attempt: Attempt) -> _Attributes:
    if attempt.error is None:
        reply = attempt.replies[-1].reply if attempt.replies else None
        return {"sendkit.outcome": "accepted", **_of_reply(reply, attempt.phase)}
    outcome = _OF_CAUSE.get(attempt.error.cause, Outcome.DEFERRED)
    # No reply came in the phase in which a connection was lost; those before it say nothing of that.
    refused = next((one.reply for one in reversed(attempt.replies) if one.reply.code >= 400), None)
    named = {"error.type": ERROR_OF[attempt.error.cause].__name__}
    return {"sendkit.outcome": outcome.value, **named, **_of_reply(refused, attempt.error.phase)}


def _of_reply(reply: Reply | None, phase: Phase | None) -> _Attributes:
    facts: _Attributes = {} if phase is None else {"sendkit.phase": phase.value}
    if reply is not None:
        facts["sendkit.reply.code"] = reply.code
        if reply.enhanced is not None:
            facts["sendkit.reply.enhanced"] = reply.enhanced
    return facts


def _error_name(result: DeliveryResult) -> str:
    try:
        result.raise_for_failure()
    except SendkitError as error:
        return type(error).__name__
    return "_OTHER"  # not reached: the convention's word for an error without a name


def _times(attempt: Attempt) -> tuple[int, int]:
    """When it started and ended, in nanoseconds since 1970."""
    start = int(attempt.started.timestamp() * 1e6) * 1000
    return start, start + int(attempt.duration * 1e9)


def _gauges(meter: Meter, outbox: Outbox) -> None:
    """What waits in the outbox; where its database is away nothing is observed, which is to be seen too."""

    def observed(value: Callable[[Counts], float]) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            try:
                return [Observation(value(outbox.counts()))]
            except OutboxError:
                return []

        return observe

    for name, unit, description, value in _GAUGES:
        meter.create_observable_gauge(f"sendkit.outbox.{name}", [observed(value)], unit, description)


def _waiting(counts: Counts) -> float:
    return sum(count for state, count in counts.letters.items() if state in ("later", "ready", "held"))


def _age(counts: Counts) -> float:
    return 0.0 if counts.oldest is None else max(0.0, (datetime.now(UTC) - counts.oldest).total_seconds())


def _in_doubt(counts: Counts) -> float:
    return counts.in_doubt


_GAUGES = (
    ("waiting", "{letter}", "Letters that wait for a try", _waiting),
    ("in_doubt", "{recipient}", "Recipients in doubt", _in_doubt),
    ("oldest.age", "s", "Age of the oldest letter that is not settled", _age),
)
