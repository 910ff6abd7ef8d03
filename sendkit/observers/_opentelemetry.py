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
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from sendkit._delivery.origin import origin_here
from sendkit._distribution import installing
from sendkit._version import __version__
from sendkit.errors import ConfigurationError, OutboxError, SendkitError
from sendkit.results import ERROR_OF, Attempt, Cause, DeliveryResult, Outcome, Phase, Reply

try:
    from opentelemetry import metrics, trace
    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.trace import Link, SpanKind, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as missing:
    _hint = installing(extra="otel")
    raise ConfigurationError("OpenTelemetryObserver needs opentelemetry-api", hint=_hint) from missing

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from sendkit.outbox import Counts, Outbox

_Attributes: TypeAlias = dict[str, str | int]
_Place: TypeAlias = tuple[str | None, int | None, str | None]  # host, port, IP address
_Described: TypeAlias = tuple[str | None, int | None, str | None]  # phase, and a reply's code and enhanced code

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
        self._works = False
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
        attempts = result.attempts
        said = _said_of_accepted(result) or _said_of(result)
        times = [_times(attempt) for attempt in attempts] or [(now := time.time_ns(), now)]
        began, ended = times[0][0], max([end for _, end in times])
        facts = said.facts if result.message_id is None else {**said.facts, "sendkit.message_id": result.message_id}
        kind, links = SpanKind.CLIENT, _links()
        span = self._tracer.start_span("smtp send", kind=kind, attributes=facts, links=links, start_time=began)
        within = trace.set_span_in_context(span)
        if span.is_recording():
            for attempt, of_one, (start, end) in zip(attempts, said.attempts, times, strict=False):  # there may be none
                child = self._tracer.start_span("smtp attempt", within, attributes=of_one, start_time=start)
                if attempt.error is not None:
                    self._failed(span, child, of_one, end, cured=said.error is None)
                child.end(end)
            if said.error is not None:
                span.set_status(StatusCode.ERROR)
        span.end(ended)
        self._duration.record((ended - began) / 1e9, said.labels, within)
        for labels, count in said.counts:
            self._recipients.add(count, labels, within)

    def _has_sdk(self) -> bool:
        """Whether there is one by now: a program may set it up after its mailers. The API's own do nothing.

        The API says it of the providers alone, and reads the environment for that, which takes longer than all else
        here. So its proxies are asked; one that has other names is taken for an SDK's.
        """
        tracer, histogram = self._tracer, self._duration
        self._works = not (
            isinstance(getattr(tracer, "_tracer", tracer), trace.NoOpTracer)
            and isinstance(getattr(histogram, "_real_instrument", histogram), metrics.NoOpHistogram | None)
        )
        return self._works

    @staticmethod
    def _failed(parent: Span, span: Span, facts: _Attributes, end: int, *, cured: bool) -> None:
        """An attempt that failed is an event of a message that was accepted later, and else an error."""
        if cured:
            said = ("sendkit.attempt", "sendkit.phase", "sendkit.reply.code", "sendkit.reply.enhanced")
            parent.add_event("sendkit.deferred", {name: facts[name] for name in said if name in facts}, end)
        else:
            span.set_status(StatusCode.ERROR)


# Attributes repeat from message to message, and are made once; an SDK keeps those of metrics, and changes none.
_REMEMBERED = 256
_NOWHERE: _Place = (None, None, None)
_NOTHING: _Described = (None, None, None)
_ACCEPTED = Outcome.ACCEPTED
_ALL_ACCEPTED = {_ACCEPTED}
_W3C = TraceContextTextMapPropagator()


def _place(attempt: Attempt) -> _Place:
    return attempt.host, attempt.port, attempt.peer


@lru_cache(_REMEMBERED)
def _facts(place: _Place, error: str | None, outcome: str | None, described: _Described) -> _Attributes:
    """What is said of a message and of an attempt alike."""
    (host, port, peer), (phase, code, enhanced) = place, described
    found = {
        "server.address": host,
        "server.port": port,
        "network.peer.address": peer,
        "error.type": error,
        "sendkit.outcome": outcome,
        "sendkit.phase": phase,
        "sendkit.reply.code": code,
        "sendkit.reply.enhanced": enhanced,
    }
    # Of a StrEnum the plain text. Its `.value` takes longer than all else that is asked of a result.
    return {name: str(value) if isinstance(value, str) else value for name, value in found.items() if value}


@lru_cache(_REMEMBERED)
def _labels(place: _Place, error: str | None, outcome: str | None) -> _Attributes:
    """The attributes of a metric: few, and never those of one message."""
    host, port, _ = place
    return _facts((host, port, None), error, outcome, _NOTHING)


class _Said(NamedTuple):
    """What is said of a message, except for its Message-ID and its times; `error` is what its ERROR status is for."""

    error: str | None
    facts: _Attributes
    attempts: tuple[_Attributes, ...]
    labels: _Attributes
    counts: tuple[tuple[_Attributes, int], ...]


def _said_of_accepted(result: DeliveryResult) -> _Said | None:
    """As almost always: all recipients were accepted by one attempt, whose last reply is theirs. None for the rest."""
    recipients, attempts = result.recipients.values(), result.attempts
    if len(attempts) != 1 or result.error is not None or not recipients:
        return None
    attempt = attempts[0]
    reply, phase = attempt.replies[-1].reply if attempt.replies else None, attempt.phase
    for one in recipients:
        if one.outcome is not _ACCEPTED or one.reply is not reply or one.phase is not phase:
            return None
    if attempt.error is not None:
        return None
    described = (phase, None, None) if reply is None else (phase, reply.code, reply.enhanced)
    return _accepted((attempt.host, attempt.port, attempt.peer), described, len(recipients))


@lru_cache(_REMEMBERED)
def _accepted(place: _Place, described: _Described, count: int) -> _Said:
    facts, labels = _facts(place, None, _ACCEPTED, described), _labels(place, None, _ACCEPTED)
    attempt = {**facts, "sendkit.attempt": 1}
    return _Said(None, {**facts, "sendkit.recipients.count": count}, (attempt,), labels, ((labels, count),))


def _said_of(result: DeliveryResult) -> _Said:
    attempts, counts = result.attempts, _counts(result)
    error = None if result.error is None and counts.keys() == _ALL_ACCEPTED else _error_name(result)
    place = _place(attempts[-1]) if attempts else _NOWHERE
    worst, described = _of_worst(result, counts)
    return _Said(
        error,
        {**_facts(place, error, worst, described), "sendkit.recipients.count": len(result.recipients)},
        tuple({**_of_attempt(one), "sendkit.attempt": number} for number, one in enumerate(attempts, 1)),
        _labels(place, error, worst),
        tuple((_labels(place, None, outcome), count) for outcome, count in counts.items()),
    )


def _counts(result: DeliveryResult) -> dict[Outcome, int]:
    counts: dict[Outcome, int] = {}
    for one in result.recipients.values():
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    return counts


def _of_worst(result: DeliveryResult, counts: Mapping[Outcome, int]) -> tuple[str | None, _Described]:
    """The worst outcome, and what is said of the first recipient who has it."""
    for worst in _WORST_FIRST:
        if worst in counts:
            one = next(one for one in result.recipients.values() if one.outcome is worst)
            return worst, _described(one.reply, one.phase)
    return None, _NOTHING


def _of_attempt(attempt: Attempt) -> _Attributes:
    if attempt.error is None:
        reply = attempt.replies[-1].reply if attempt.replies else None
        return _facts(_place(attempt), None, _ACCEPTED, _described(reply, attempt.phase))
    outcome = _OF_CAUSE.get(attempt.error.cause, Outcome.DEFERRED)
    # No reply came in the phase in which a connection was lost; those before it say nothing of that.
    refused = next((one.reply for one in reversed(attempt.replies) if one.reply.code >= 400), None)
    named = ERROR_OF[attempt.error.cause].__name__
    return _facts(_place(attempt), named, outcome, _described(refused, attempt.error.phase))


def _described(reply: Reply | None, phase: Phase | None) -> _Described:
    return (phase, None, None) if reply is None else (phase, reply.code, reply.enhanced)


def _links() -> tuple[Link, ...]:
    """For a letter of an outbox, the span in which it was put, as the conventions for messaging want it."""
    if (origin := origin_here()) is None:
        return ()
    found = trace.get_current_span(_W3C.extract({"traceparent": origin})).get_span_context()
    return (Link(found),) if found.is_valid else ()


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
