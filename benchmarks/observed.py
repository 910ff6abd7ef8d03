"""Sends messages with an observer of one kind: `python observed.py KIND PORT CA_FILE MESSAGES`, for `observers`.

It also runs in a checkout from before there were observers, with the kind "none".
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from benchmarks.letter import HTML, TEXT
from sendkit import AsyncMailer, Message, Server

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from sendkit import Attempt, DeliveryResult

_WARM = 20


class Plain:
    """Is told of both, and does nothing."""

    def on_attempt(self, attempt: Attempt) -> None:
        """Nothing."""

    def on_result(self, result: DeliveryResult) -> None:
        """Nothing."""


class Coroutine:
    """The same on the event loop."""

    async def on_result(self, result: DeliveryResult) -> None:
        """Nothing."""


def sdk() -> tuple[TracerProvider, MeterProvider]:
    """OpenTelemetry's SDK as programs use it: batches, which go nowhere."""
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - for two kinds of five
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415 - as above
        BatchSpanProcessor,
        SpanExporter,
        SpanExportResult,
    )

    class Nowhere(SpanExporter):
        def export(self, spans: Iterable[ReadableSpan]) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    tracers = TracerProvider()
    tracers.add_span_processor(BatchSpanProcessor(Nowhere()))
    return tracers, MeterProvider([InMemoryMetricReader()])


class BareSDK:
    """What the SDK alone costs: two spans and two points with the attributes of ours, and no work beside."""

    def __init__(self) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - for one kind
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - as above

        tracers, meters = sdk()
        self._tracer, meter = tracers.get_tracer("bare"), meters.get_meter("bare")
        self._duration, self._count = meter.create_histogram("duration"), meter.create_counter("count")
        self._client, self._within = SpanKind.CLIENT, trace.set_span_in_context
        place: dict[str, str | int] = {"server.address": "127.0.0.1", "server.port": 587}
        replied: dict[str, str | int] = {"sendkit.phase": "end_of_data", "sendkit.reply.code": 250}
        replied["sendkit.reply.enhanced"] = "2.0.0"
        self._point = {**place, "sendkit.outcome": "accepted"}
        self._child = {**self._point, **replied, "network.peer.address": "127.0.0.1", "sendkit.attempt": 1}
        self._parent = {**self._child, "sendkit.recipients.count": 1, "sendkit.message_id": "<1@example.com>"}
        del self._parent["sendkit.attempt"]

    def on_result(self, result: DeliveryResult) -> None:
        """The same as OpenTelemetryObserver for a message that was accepted."""
        began, ended = 1_700_000_000_000_000_000, 1_700_000_000_100_000_000
        span = self._tracer.start_span("send", kind=self._client, attributes=self._parent, start_time=began)
        within = self._within(span)
        self._tracer.start_span("attempt", within, attributes=self._child, start_time=began).end(ended)
        span.end(ended)
        self._duration.record(0.1, self._point, within)
        self._count.add(1, self._point, within)


def _opentelemetry(*, with_sdk: bool) -> list[Any]:
    from sendkit.observers import OpenTelemetryObserver  # noqa: PLC0415 - as above

    if not with_sdk:
        return [OpenTelemetryObserver()]
    tracers, meters = sdk()
    return [OpenTelemetryObserver(tracer_provider=tracers, meter_provider=meters)]


WITH_SDK, BARE = "OpenTelemetry with its SDK", "the bare SDK: the same spans and points"
KINDS: dict[str, Callable[[], list[Any]]] = {
    "none": list,
    "a plain object with both methods": lambda: [Plain()],
    "a coroutine function": lambda: [Coroutine()],
    "OpenTelemetry without an SDK": lambda: _opentelemetry(with_sdk=False),
    WITH_SDK: lambda: _opentelemetry(with_sdk=True),
    BARE: lambda: [BareSDK()],
}


def mailer(kind: str, port: int, authority: str) -> AsyncMailer:
    """A mailer that is observed by one of this kind."""
    server = Server("127.0.0.1", port, tls_context=ssl.create_default_context(cafile=authority))
    settings: dict[str, Any] = {"observers": observers} if (observers := KINDS[kind]()) else {}
    return AsyncMailer(server, username="ana", password="x", **settings)


def message() -> Message:
    """The usual one."""
    return Message(sender="ana@example.com", to="luis@example.com", subject="Hola", text=TEXT, html=HTML)


async def _send(kind: str, port: int, authority: str, messages: int) -> None:
    letter = message()
    async with mailer(kind, port, authority) as sending:
        for _ in range(_WARM + messages):
            await sending.send(letter)


if __name__ == "__main__":
    asyncio.run(_send(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
