"""Collectors, to which a program exports by OTLP: what they write into a file is what left the process."""

from __future__ import annotations

import os
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.servers.ports import free_ports
from tests.waiting import wait_until


@contextmanager
def otelcol(program: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """The collector of OpenTelemetry, with its file exporter."""
    (port,) = free_ports(1)
    config, written = folder / "collector.yaml", folder / "telemetry.jsonl"
    config.write_text(
        f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{file: {{path: "{written}", flush_interval: 100ms}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
    metrics: {{receivers: [otlp], exporters: [file]}}
""",
        encoding="utf-8",
    )
    with _running([program, "--config", str(config)], folder / "log", "Everything is ready"):
        yield f"http://127.0.0.1:{port}", written


@contextmanager
def rotel(folder: Path) -> Iterator[tuple[str, Path]]:
    """Another collector, which a package of PyPI carries; what it receives it writes to its standard output."""
    found = find_spec("rotel")
    if found is None or found.origin is None:
        pytest.skip(
            "no collector: pip install rotel, or otelcol-contrib of opentelemetry.io/docs/collector/installation"
        )
    http, grpc = free_ports(2)
    places = ["--otlp-http-endpoint", f"127.0.0.1:{http}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"]
    tells = ["--debug-log", "traces", "--debug-log", "metrics", "--debug-log-verbosity", "detailed"]
    command = [str(Path(found.origin).with_name("rotel-agent")), "start", *places, "--exporter", "blackhole", *tells]
    with _running(command, folder / "written", "Starting Rotel"):
        wait_until(lambda: _listens(http))
        yield f"http://127.0.0.1:{http}", folder / "written"


@contextmanager
def _running(command: list[str], log: Path, ready: str) -> Iterator[None]:
    """A program, from the moment at which its log says that it is ready."""
    # rotel is linked to the library of the Python that it is installed for, which may be no system's own.
    environ = {**os.environ, "LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}
    with log.open("wb") as output:
        program = subprocess.Popen(command, stdout=output, stderr=output, env=environ)
    try:
        wait_until(lambda: ready in log.read_text(encoding="utf-8") or program.poll() is not None)
        assert program.poll() is None, log.read_text(encoding="utf-8")
        yield
    finally:
        program.terminate()
        program.wait(60)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 60):
            return True
    except ConnectionRefusedError:
        return False
