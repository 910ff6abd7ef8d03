"""How many instructions of the processor a message takes in a client, which no other load of a machine changes.

A client does its job twice under valgrind (callgrind), once for a few messages and once for more; the difference is the
messages' own. The garbage collector rests meanwhile. Must not know: what is made of the figures.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.processes import LIMIT, Process, server
from benchmarks.throughput import command

if TYPE_CHECKING:
    from benchmarks.install import Installation
    from benchmarks.log import Figures
    from benchmarks.processes import Server

INSTRUCTIONS = "instructions"
_FEW, _MORE = 20, 84  # both are whole windows of what is written ahead, with one more at the end
_STREAM = {"kind": "stream", "warm": 64, "collect": False}
_JOBS: dict[str, tuple[str, dict[str, Any]]] = {
    "sendkit": ("sendkit", _STREAM),
    "sendkit in_flight=32": ("sendkit in_flight=32", _STREAM),
    "sendkit, built": ("sendkit", {"kind": "build", "collect": False}),
}
_COLLECTED = re.compile(r"Collected : (\d+)")


def figures(installed: Installation) -> Figures:
    """Instructions for one message by client, as the log of runs has figures; none where they cannot be counted."""
    if shutil.which("valgrind") is None or installed.node is None:
        return {}
    with server(installed, ("PIPELINING", "CHUNKING"), one_way=None) as running:
        counted = {name: _count(installed, running, *job) for name, job in _JOBS.items()}
    return {INSTRUCTIONS: {name: {INSTRUCTIONS: count} for name, count in counted.items()}}


def _count(installed: Installation, running: Server, client: str, job: dict[str, Any]) -> float:
    few, more = (_run(installed, running, client, {**job, "messages": number}) for number in (_FEW, _MORE))
    return (more - few) / (_MORE - _FEW)


def _run(installed: Installation, running: Server, client: str, job: dict[str, Any]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={told}"]
        with Process([*valgrind, *command(installed, running, client, job)], LIMIT) as process:
            process.hear()
            process.ask()
            process.go_on()
        found = _COLLECTED.search(told.read_text())
    assert found is not None, "callgrind counts what it has run"
    return int(found.group(1))
