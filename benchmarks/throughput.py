"""Does a work: every client in a process of its own, in turns, round after round, against the same server.

A client that did not bring every message to the server has no figures, but the reason. The works are in works.py, and
`python -m benchmarks` does them all.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.clients import NODE
from benchmarks.clients.base import PASSWORD, USERNAME
from benchmarks.install import CACHE, ROOT
from benchmarks.letter import HTML, SENDER, SENDER_NAME, TEXT
from benchmarks.processes import LIMIT, Ended, Process, Server, server
from benchmarks.works import ATTACHMENT_OCTETS, Work

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.install import Installation


@dataclass(frozen=True, slots=True)
class Run:
    """What one client needed for one work, once: seconds, seconds of CPU, growth of memory in kB, and round trips."""

    seconds: float
    cpu: float
    growth: float
    round_trips: float
    version: str


@dataclass(slots=True)
class Outcome:
    """All runs of one work, by client and in the order of the rounds; and why a client has none."""

    work: Work
    job: dict[str, Any]
    runs: dict[str, list[Run]] = field(default_factory=dict)
    unable: dict[str, str] = field(default_factory=dict)


def measure(installed: Installation, work: Work, *, quick: bool) -> Outcome:
    """Do a work, and say what it took."""
    job = {**work.job, **(work.quick if quick else {})}
    if "attachment" in job:
        _make_attachment(CACHE / job["attachment"])
    outcome = Outcome(work, job)
    with server(installed, work.extensions, one_way=work.one_way if work.far else None) as running:
        for number in range(min(work.rounds, 3) if quick else work.rounds):
            # Whoever goes first on a machine that grows warm, or busy, is another one each time.
            start = number % len(work.clients)
            for name in work.clients[start:] + work.clients[:start]:
                if name not in outcome.unable:
                    _progress(f"{work.key}: round {number + 1}, {name}")
                    _run(installed, running, name, outcome)
    _progress("")
    return outcome


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _run(installed: Installation, running: Server, name: str, outcome: Outcome) -> None:
    if name in NODE and installed.missing is not None:
        outcome.unable[name] = installed.missing
        return
    try:
        with Process(command(installed, running, name, outcome.job), LIMIT) as client:
            reason = _take_down(client, running, name, outcome)
    except Ended:
        reason = "it failed; the reason stands above"
    if reason is not None:
        outcome.unable[name] = reason


def _take_down(client: Process, running: Server, name: str, outcome: Outcome) -> str | None:
    said = client.hear()
    if said["state"] == "unable":
        return str(said["reason"])
    before = running.counted()
    said = client.ask()
    after = running.counted()
    client.go_on()
    job = outcome.job
    arrived = after["recipients"] - before["recipients"]
    expected = job["kind"] != "build" and name not in outcome.work.silent
    if expected and arrived != job["messages"] * job.get("recipients", 1):
        return f"only {arrived} recipients arrived at the server"
    round_trips = after.get("round_trips", 0) - before.get("round_trips", 0)
    run = Run(said["seconds"], said["cpu"], said["growth"], round_trips, said["version"])
    outcome.runs.setdefault(name, []).append(run)
    return None


def command(installed: Installation, running: Server, name: str, job: dict[str, Any]) -> Sequence[str | Path]:
    """What runs a client in a process of its own."""
    job = {**job, "port": running.port, "ca_file": str(installed.certificates / "ca.pem")}
    if job.get("attachment"):
        job["attachment"] = str(CACHE / job["attachment"])
    if name not in NODE:
        return [installed.python, "-m", "benchmarks.worker", name, json.dumps(job)]
    assert installed.node is not None
    content = {"sender": SENDER, "sender_name": SENDER_NAME, "text": TEXT, "html": HTML}
    login = {"username": USERNAME, "password": PASSWORD}
    defaults = {"connections": 1, "recipients": 1, "warm": 20, "modules": str(installed.modules)}
    job = {**defaults, **content, **login, **job, "cold": job["kind"] == "cold"}
    return [installed.node, ROOT / "benchmarks" / "clients" / NODE[name], json.dumps(job)]


def _make_attachment(path: Path) -> None:
    if not path.exists() or path.stat().st_size != ATTACHMENT_OCTETS:
        path.write_bytes(os.urandom(ATTACHMENT_OCTETS))
