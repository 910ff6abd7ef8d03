"""One client doing one job in a process of its own: `python -m benchmarks.worker CLIENT JOB`, the job as JSON.

Says `ready` when it is warm and waits for a line, does the timed part, says `done` with its figures and waits again, so
that whoever started it can read the counters of server and link in between.
"""

from __future__ import annotations

import gc
import json
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.clients import make
from benchmarks.clients.base import Client, Target, Unable
from benchmarks.letter import Letter, crowded, letters

_DISTRIBUTIONS = {"red-mail": "redmail", "python-emails": "emails", "aiosmtplib": "aiosmtplib", "yagmail": "yagmail"}
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to do: `kind` is stream, cold or build; `settle` messages are sent before memory is looked at.

    Without `collect` the garbage collector rests, which otherwise comes to one run and not to the other.
    """

    kind: str
    messages: int
    port: int = 0
    ca_file: str = ""
    connections: int = 1
    recipients: int = 1
    attachment: str | None = None
    warm: int = 20
    settle: int = 0
    collect: bool = True


def main(name: str, job: Job) -> None:
    """Do the job, and say what it cost."""
    client = make(name)
    if not job.collect:
        gc.disable()
    try:
        measured = _JOBS[job.kind](client, job)
    except Unable as reason:
        _say({"state": "unable", "reason": str(reason)})
        return
    _say({"state": "done", "version": _version(name), **measured})
    sys.stdin.readline()
    if job.kind == "stream":
        client.close()


def _stream(client: Client, job: Job) -> dict[str, float]:
    client.open(_target(job), job.connections)
    client.send_all(letters(max(job.warm, job.connections)))
    if job.attachment is not None:
        client.prepare(next(_letters(job)))
    return _measured(lambda: client.send_all(_letters(job)))


def _cold(client: Client, job: Job) -> dict[str, float]:
    """The second time in the life of a process, so that neither imports nor the TLS context count."""
    target = _target(job)

    def once() -> None:
        client.open(target, 1)
        client.send_all(letters(1))
        client.close()

    once()
    return _measured(once)


def _build(client: Client, job: Job) -> dict[str, float]:
    for letter in letters(job.warm):
        client.build(letter)

    def work() -> None:
        for letter in letters(job.messages):
            client.build(letter)

    return _measured(work)


_JOBS: dict[str, Callable[[Client, Job], dict[str, float]]] = {"stream": _stream, "cold": _cold, "build": _build}


def _target(job: Job) -> Target:
    return Target(job.port, ssl.create_default_context(cafile=job.ca_file))


def _letters(job: Job) -> Iterator[Letter]:
    if job.recipients > 1:
        yield crowded(job.recipients)
    elif job.attachment is not None:
        yield from (Letter(n, ("luis@example.com",), Path(job.attachment)) for n in range(job.messages))
    else:
        yield from _settling(job)


def _settling(job: Job) -> Iterator[Letter]:
    for letter in letters(job.messages):
        if letter.number == job.settle > 0:
            _memory.start()
        yield letter


class _Memory:
    """How much more memory was ever in use than at the start, in kB; only Linux tells."""

    def start(self) -> None:
        gc.collect()
        self._before = self._read("VmRSS")
        if _STATUS.exists():
            Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here

    @property
    def growth(self) -> int:
        return self._read("VmHWM") - self._before

    @staticmethod
    def _read(name: str) -> int:
        if not _STATUS.exists():
            return 0
        return next(int(line.split()[1]) for line in _STATUS.read_text().splitlines() if line.startswith(name))


_memory = _Memory()


def _measured(work: Callable[[], None]) -> dict[str, float]:
    _memory.start()
    _say({"state": "ready"})
    sys.stdin.readline()
    cpu, started = time.process_time(), time.perf_counter()
    work()
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    return {"seconds": seconds, "cpu": used, "growth": _memory.growth}


def _version(name: str) -> str:
    distribution = _DISTRIBUTIONS.get(name)
    if distribution is not None:
        return version(distribution)
    return _sendkit_version() if name.startswith("sendkit") else ""


def _sendkit_version() -> str:
    from sendkit import __version__  # noqa: PLC0415 - a peer's process does not load it

    return __version__


def _say(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Job(**json.loads(sys.argv[2])))
