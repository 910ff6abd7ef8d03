"""Spans and metrics as text, as docs/observing.md shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sendkit.observers import OpenTelemetryObserver
from sendkit.outbox import Outbox


class Telemetry:
    """An observer, and what it exported."""

    def __init__(self, outbox: Outbox | None = None) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers, self.meters = (
            TracerProvider(shutdown_on_exit=False),
            MeterProvider([self.reader], shutdown_on_exit=False),
        )
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.observer = OpenTelemetryObserver(tracer_provider=self.tracers, meter_provider=self.meters, outbox=outbox)

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """Those that have ended, each behind its children."""
        return self.exporter.get_finished_spans()

    def span(self, name: str = "smtp send") -> ReadableSpan:
        """The one of this name."""
        (found,) = (span for span in self.spans if span.name == name)
        return found

    @property
    def points(self) -> dict[str, list[tuple[dict[str, object], float]]]:
        """Each metric by name: the attributes, and the count or value, of each of its points."""
        data = self.reader.get_metrics_data()
        found: dict[str, list[tuple[dict[str, object], float]]] = {}
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found[metric.name] = [_point(point) for point in metric.data.data_points]
        return found


def _point(point: object) -> tuple[dict[str, object], float]:
    if isinstance(point, HistogramDataPoint):
        return dict(point.attributes or {}), point.count
    assert isinstance(point, NumberDataPoint)
    return dict(point.attributes or {}), point.value


def trace_text(telemetry: Telemetry) -> str:
    """The spans as a tree, each with its attributes and events."""
    return "\n".join(line for span in telemetry.spans if span.name == "smtp send" for line in _lines(telemetry, span))


def _lines(telemetry: Telemetry, span: ReadableSpan, indent: str = "") -> Iterator[str]:
    status = "" if span.status.is_unset else f", status {span.status.status_code.name}"
    yield f"{indent}{span.name} ({span.kind.name}{status})"
    for name, value in sorted((span.attributes or {}).items()):
        yield f"{indent}    {name} = {value}"
    for event in span.events:
        facts = ", ".join(f"{name} = {value}" for name, value in (event.attributes or {}).items())
        yield f"{indent}    event {event.name}: {facts}"
    for child in telemetry.spans:
        if child.parent is not None and span.context is not None and child.parent.span_id == span.context.span_id:
            yield from _lines(telemetry, child, indent + "    ")


def metrics_text(telemetry: Telemetry) -> str:
    """The metrics, a line each point."""
    return "\n".join(
        f"{name} {{{', '.join(f'{key} = {value}' for key, value in sorted(facts.items()))}}} {value:g}"
        for name, points in sorted(telemetry.points.items())
        for facts, value in sorted(points, key=lambda point: str(sorted(point[0].items())))
    )
