"""OpenTelemetry: spans in the caller's trace, metrics by outcome, and nothing of anybody's in either."""

from __future__ import annotations

import asyncio
import contextvars
import gzip
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from sendkit import (
    AsyncMailer,
    AsyncOutbox,
    DeliveryResult,
    Mailer,
    MemoryTransport,
    Message,
    Outbox,
    RetryPolicy,
    SubmissionOptions,
    errors,
)
from sendkit.observers import OpenTelemetryObserver
from sendkit.testing import LocalServer, assert_no_secret_leaks
from tests.accounts import ANA, LUIS, OPS, message
from tests.observers.collectors import otelcol, rotel
from tests.observers.telling import Telemetry, metrics_text, trace_text
from tests.servers.posted import Receiver

SUBJECT = "Confidential-Subject"


@pytest.fixture
def telemetry() -> Telemetry:
    """An observer that exports into memory."""
    return Telemetry()


@pytest.fixture
def transport() -> MemoryTransport:
    """A server that is none."""
    return MemoryTransport()


def secret_message(*to: str) -> Message:
    """A message whose subject is nobody's business."""
    return message(*to, subject=SUBJECT)


class TestSpans:
    """One for each message, with a child for each attempt."""

    @pytest.mark.parametrize("to", [[LUIS], [LUIS, OPS]])
    def test_what_all_accepted_says_the_same_where_it_was_stored(
        self, to: list[str], transport: MemoryTransport
    ) -> None:
        with Mailer(transport=transport) as mailer:
            result = mailer.send(message(*to))
        first, again = Telemetry(), Telemetry()
        first.observer.on_result(result)
        again.observer.on_result(DeliveryResult.model_validate_json(result.model_dump_json()))
        assert [span.attributes for span in again.spans] == [span.attributes for span in first.spans]
        assert len(first.spans) == 2
        assert again.points["sendkit.recipients"] == first.points["sendkit.recipients"]

    @pytest.mark.parametrize("way", ["send", "send_many", "thread", "async"])
    def test_the_span_of_the_caller_is_the_parent(
        self, way: str, telemetry: Telemetry, transport: MemoryTransport
    ) -> None:
        tracer, settings = (
            telemetry.tracers.get_tracer("test"),
            {"transport": transport, "observers": [telemetry.observer]},
        )

        def send() -> None:
            with Mailer(**settings) as mailer:  # type: ignore[arg-type]  # settings of two types
                list(mailer.send_many([message()])) if way == "send_many" else mailer.send(message())

        async def send_async() -> None:
            async with AsyncMailer(**settings) as mailer:  # type: ignore[arg-type]  # as above
                await mailer.send(message())

        with tracer.start_as_current_span("request") as request:
            if way == "async":
                asyncio.run(send_async())
            elif way == "thread":
                thread = threading.Thread(target=contextvars.copy_context().run, args=(send,))
                thread.start()
                thread.join()
            else:
                send()
        sent, attempt = telemetry.span(), telemetry.span("smtp attempt")
        assert sent.parent == request.get_span_context()
        assert attempt.parent == sent.context

    @pytest.mark.parametrize("options", [None, SubmissionOptions(notify="failure")])
    def test_a_letter_of_an_outbox_is_linked_to_the_span_in_which_it_was_put(
        self, options: SubmissionOptions | None, telemetry: Telemetry, transport: MemoryTransport, tmp_path: Path
    ) -> None:
        transport.on_rcpt().reply("450 4.2.0 not now", times=1)
        with Outbox(tmp_path / "outbox.db", account="ana") as outbox, Mailer(transport=transport) as mailer:
            with telemetry.tracers.get_tracer("test").start_as_current_span("request") as request:
                outbox.put(message(), options=options)
            outbox.drain(mailer, observers=[telemetry.observer])
            outbox.flush()
            outbox.drain(mailer, observers=[telemetry.observer])
        attempts = [span for span in telemetry.spans if span.name == "smtp send"]
        here = request.get_span_context()
        assert [[(one.context.trace_id, one.context.span_id) for one in span.links] for span in attempts] == [
            [(here.trace_id, here.span_id)]
        ] * 2
        assert [span.parent for span in attempts] == [None, None]
        assert [sent.options.notify for sent in transport.sent] == [options and options.notify]
        assert "traceparent" not in transport.sent[0].message.as_string()

    async def test_the_request_of_an_asynchronous_outbox_is_linked_too(
        self, telemetry: Telemetry, transport: MemoryTransport, tmp_path: Path
    ) -> None:
        tracer = telemetry.tracers.get_tracer("test")
        large = message(text="much\n" * 100_000)  # which is written out on another thread
        async with (
            AsyncOutbox(tmp_path / "outbox.db", account="ana") as outbox,
            AsyncMailer(transport=transport) as mailer,
        ):
            with tracer.start_as_current_span("request") as request:
                await outbox.put(large)
            await outbox.put(message())
            await outbox.drain(mailer, observers=[telemetry.observer])
        links = [one.context.span_id for span in telemetry.spans for one in span.links]
        assert links == [request.get_span_context().span_id]

    def test_messages_of_two_requests_are_in_two_traces(self, telemetry: Telemetry, transport: MemoryTransport) -> None:
        tracer = telemetry.tracers.get_tracer("test")
        with Mailer(transport=transport, observers=[telemetry.observer]) as mailer:
            for name in ("one", "two"):
                with tracer.start_as_current_span(name):
                    mailer.send(message())
        spans = {span.name: span for span in telemetry.spans if span.name != "smtp attempt"}
        parents = [span.parent for span in telemetry.spans if span.name == "smtp send"]
        assert parents == [spans["one"].context, spans["two"].context]

    def test_attempts_lie_within_the_message(self, telemetry: Telemetry, transport: MemoryTransport) -> None:
        transport.on_rcpt().reply("450 4.2.0 not now", times=2)
        with Mailer(transport=transport, observers=[telemetry.observer]) as mailer:
            mailer.send(message())
        sent = telemetry.span()
        attempts = [span for span in telemetry.spans if span.name == "smtp attempt"]
        assert [span.attributes and span.attributes["sendkit.attempt"] for span in attempts] == [1, 2, 3]
        times = [(span.start_time or 0, span.end_time or 0) for span in attempts]
        assert times == sorted(times)
        assert (sent.start_time, sent.end_time) == (times[0][0], times[-1][1])
        assert len(sent.events) == 2
        assert sent.status.is_unset
        assert all(span.status.is_unset for span in attempts)

    def test_what_no_retry_cured_is_an_error_at_every_attempt(
        self, telemetry: Telemetry, transport: MemoryTransport
    ) -> None:
        transport.on_rcpt().reply("450 4.2.0 not now")
        with Mailer(transport=transport, observers=[telemetry.observer], retry=RetryPolicy(max_attempts=2)) as mailer:
            mailer.send(message(), check=False)
        assert [span.status.is_ok or span.status.is_unset for span in telemetry.spans] == [False] * 3
        assert telemetry.span().events == ()

    def test_a_lost_connection_has_the_phase_and_no_reply(
        self, telemetry: Telemetry, transport: MemoryTransport
    ) -> None:
        transport.after_data().drop()
        with Mailer(transport=transport, observers=[telemetry.observer]) as mailer:
            mailer.send(message(), check=False)
        facts = dict(telemetry.span().attributes or {})
        assert (facts["sendkit.phase"], facts["error.type"]) == ("end_of_data", "InDoubtError")
        assert "sendkit.reply.code" not in facts

    def test_what_could_not_be_sent_at_all_is_a_span_without_attempts(
        self, telemetry: Telemetry, transport: MemoryTransport
    ) -> None:
        with Mailer(transport=transport, observers=[telemetry.observer]) as mailer, pytest.raises(errors.MessageError):
            mailer.send(message(), recipients=[])
        facts = dict(telemetry.span().attributes or {})
        assert facts == {"error.type": "MessageError", "sendkit.recipients.count": 0}
        assert len(telemetry.spans) == 1

    def test_nothing_is_recorded_until_the_program_sets_an_sdk_up(self) -> None:
        program = """
from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sendkit import Mailer, MemoryTransport, Message
from sendkit.observers import OpenTelemetryObserver

exporter = InMemorySpanExporter()
with Mailer(transport=MemoryTransport(), observers=[OpenTelemetryObserver()]) as mailer:
    letter = Message(sender="ana@example.com", to="luis@example.com", text="Hola")
    mailer.send(letter)
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracers)
    mailer.send(letter)
print([span.name for span in exporter.get_finished_spans()])
"""
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert ran.stdout == "['smtp attempt', 'smtp send']\n"


def test_without_an_sdk_a_result_is_not_even_looked_at() -> None:
    program = """
from sendkit.observers import OpenTelemetryObserver
OpenTelemetryObserver().on_result(None)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


class TestMetrics:
    """How many, how long."""

    def test_recipients_are_counted_by_outcome(self, telemetry: Telemetry, transport: MemoryTransport) -> None:
        transport.on_rcpt(OPS).reply("550 5.1.1 no such user")
        with Mailer(transport=transport, observers=[telemetry.observer]) as mailer:
            for _ in range(3):
                mailer.send(message(LUIS, OPS), check=False)
        counted = {str(facts["sendkit.outcome"]): value for facts, value in telemetry.points["sendkit.recipients"]}
        assert counted == {"accepted": 3, "rejected": 3}
        ((facts, count),) = telemetry.points["sendkit.send.duration"]
        assert (facts["error.type"], count) == ("PartialDelivery", 3)

    def test_the_outbox_has_gauges(self, transport: MemoryTransport, tmp_path: Path) -> None:
        with Outbox(tmp_path / "outbox.db", account="ana") as outbox, Mailer(transport=transport) as mailer:
            telemetry = Telemetry(outbox)
            assert [value for _, value in telemetry.points["sendkit.outbox.oldest.age"]] == [0]
            transport.after_data().drop(times=1)
            outbox.put(message())
            outbox.drain(mailer)
            transport.on_rcpt().reply("450 4.2.0 not now")
            outbox.put(message())
            outbox.drain(mailer)
            gauges = {name: points[0][1] for name, points in telemetry.points.items()}
        assert (gauges["sendkit.outbox.waiting"], gauges["sendkit.outbox.in_doubt"]) == (1, 1)
        assert gauges["sendkit.outbox.oldest.age"] >= 0
        assert all(facts == {} for points in telemetry.points.values() for facts, _ in points)


def test_neither_secrets_nor_addresses_nor_subjects_are_exported(telemetry: Telemetry) -> None:
    with LocalServer() as server, assert_no_secret_leaks(server.password) as watch:
        server.on_rcpt(OPS).reply(f"550 5.1.1 {OPS} is nobody here, says {server.username}")
        server.on_rcpt(LUIS).reply(f"450 4.2.0 {LUIS} is greylisted", times=1)
        account = {"username": server.username, "password": server.password}
        at_once = RetryPolicy(wait=lambda _: 0.0)
        with Mailer(server.server, **account, retry=at_once, observers=[telemetry.observer]) as mailer:
            result = mailer.send(secret_message(LUIS, OPS), check=False)
        traced, measured = trace_text(telemetry), metrics_text(telemetry)
        exported = [span.to_json() for span in telemetry.spans]
        watch.look_at(traced, measured, exported)
    for private in (ANA, LUIS, OPS, SUBJECT, server.username, "greylisted", "nobody here"):
        assert private not in traced + measured + "".join(exported)
    assert result.message_id is not None
    assert result.message_id in traced
    assert result.message_id not in measured


class TestOTLP:
    """What leaves the process by OTLP is the same."""

    def test_an_otlp_receiver_gets_spans_and_metrics(self, transport: MemoryTransport) -> None:
        with Collector() as receiver:
            _export(transport, receiver.url)
        spans = [span for sent in receiver.traces for one in sent.resource_spans for span in one.scope_spans[0].spans]
        assert sorted(span.name for span in spans) == ["smtp attempt", "smtp send"]
        names = {
            metric.name
            for sent in receiver.metrics
            for one in sent.resource_metrics
            for metric in one.scope_metrics[0].metrics
        }
        assert {"sendkit.recipients", "sendkit.send.duration"} <= names

    @pytest.mark.real_server  # its program needs the shared library of its Python, which not every build has
    def test_a_collector_writes_them_into_a_file(self, transport: MemoryTransport, tmp_path: Path) -> None:
        program = shutil.which("otelcol-contrib")
        exporting = otelcol(program, tmp_path) if program is not None else rotel(tmp_path)
        with exporting as (url, written):
            transport.on_rcpt(LUIS).reply(f"550 5.1.1 {LUIS} is nobody here")
            _export(transport, url)
        text = written.read_text(encoding="utf-8")
        expected = ("smtp send", "smtp attempt", "sendkit.send.duration", "sendkit.recipients", "RejectedError")
        assert [word for word in expected if word not in text] == []
        assert LUIS not in text


def test_a_missing_package_is_named_with_the_extra() -> None:
    program = """
import sys
sys.modules["opentelemetry"] = None
from sendkit import errors
try:
    from sendkit.observers import OpenTelemetryObserver
except errors.ConfigurationError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "opentelemetry-api" in ran.stdout
    assert "[otel]" in ran.stdout


class Collector(Receiver):
    """Takes what is exported by OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Keep it."""
        octets = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        if path == "/v1/traces":
            self.traces.append(ExportTraceServiceRequest.FromString(octets))
        else:
            self.metrics.append(ExportMetricsServiceRequest.FromString(octets))
        return 200, b""


def _export(transport: MemoryTransport, url: str) -> None:
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{url}/v1/metrics"))
    meters = MeterProvider([reader], shutdown_on_exit=False)
    observer = OpenTelemetryObserver(tracer_provider=tracers, meter_provider=meters)
    with Mailer(transport=transport, observers=[observer]) as mailer:
        mailer.send(message(), check=False)
    tracers.shutdown()
    meters.shutdown()
