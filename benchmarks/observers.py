"""What observers cost: `python -m benchmarks.observers` prints a table; nothing is asserted about time.

One process sends the same messages through a mailer of each kind, in turns, to the sink in node; the CPU time is that
of the whole process, its threads included. Medians over the rounds, and ratios within a round. "None, once more" is
the same as "none", and shows how far a ratio may be from 1 by chance.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import trustme
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks.letter import HTML, TEXT
from sendkit import AsyncMailer, Attempt, DeliveryResult, Message, Server
from sendkit.observers import AnyObserver, OpenTelemetryObserver

_ROUNDS, _MESSAGES = 40, 100
_SINK = Path(__file__).parent / "sink.mjs"


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


class _Nowhere(SpanExporter):
    def export(self, spans: Iterable[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def telemetry() -> OpenTelemetryObserver:
    """With the SDK as programs use it: batches, which go nowhere."""
    tracers = TracerProvider()
    tracers.add_span_processor(BatchSpanProcessor(_Nowhere()))
    return OpenTelemetryObserver(tracer_provider=tracers, meter_provider=MeterProvider([InMemoryMetricReader()]))


KINDS: dict[str, Callable[[], list[AnyObserver]]] = {
    "none": list,
    "none, once more": list,
    "a plain object with both methods": lambda: [Plain()],
    "a coroutine function": lambda: [Coroutine()],
    "OpenTelemetry with its SDK": lambda: [telemetry()],
}


async def measure(port: int, authority: Path, rounds: int) -> dict[str, list[float]]:
    """Microseconds of CPU a message, for each kind in each round."""
    context = ssl.create_default_context(cafile=str(authority))
    server = Server("127.0.0.1", port, tls_context=context)
    mailers = {
        name: AsyncMailer(server, username="ana", password="x", observers=make()) for name, make in KINDS.items()
    }
    message = Message(sender="ana@example.com", to="luis@example.com", subject="Hola", text=TEXT, html=HTML)
    found: dict[str, list[float]] = {name: [] for name in KINDS}
    for mailer in mailers.values():
        await mailer.send(message)
    names = list(KINDS)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            before = time.process_time()
            for _ in range(_MESSAGES):
                await mailers[name].send(message)
            await asyncio.sleep(0.05)  # what is told later belongs to it too
            found[name].append((time.process_time() - before) / _MESSAGES * 1e6)
    for mailer in mailers.values():
        await mailer.aclose()
    return found


def table(found: dict[str, list[float]]) -> str:
    """In Markdown."""
    lines = [
        "### observers: CPU time of one message",
        "",
        "| observers | CPU, µs each | ratio to none | goal |",
        "|---|---|---|---|",
    ]
    for name, each in found.items():
        ratio = median(one / none for one, none in zip(each, found["none"], strict=True))
        goal = {"none": "", "none, once more": ""}.get(name, f"1.05: {'yes' if ratio <= 1.05 else '**no**'}")
        lines.append(f"| {name} | {median(each):.0f} | {ratio:.2f} | {goal} |")
    return "\n".join([*lines, ""])


def main(rounds: int = _ROUNDS) -> None:
    """Start the sink, measure, and print."""
    with tempfile.TemporaryDirectory() as made:
        folder, authority = Path(made), trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        command = ["node", _SINK, folder / "key.pem", folder / "cert.pem", "PIPELINING", "CHUNKING"]
        sink = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert sink.stdout is not None
            port = json.loads(sink.stdout.readline())["port"]
            print(table(asyncio.run(measure(port, folder / "ca.pem", rounds))))
        finally:
            sink.kill()
            sink.communicate()


if __name__ == "__main__":
    main()
