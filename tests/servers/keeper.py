"""Keep daemons alive exactly as long as the process that wanted them, however that process ends.

`Keeper` starts this same file as a child in a session of its own. The child starts the commands, ends them, and removes
their folder as soon as its standard input says anything or closes. The kernel closes it even after a SIGKILL, so an
interrupted test run leaves neither processes nor files. It knows nothing of any server.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

OUTPUT = "output.log"
ENDED = "ended"  # this file says that a daemon ended by itself
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(slots=True, frozen=True)
class Command:
    """A daemon that stays in the foreground; `stdin` is all that it may read."""

    argv: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=lambda: {"PATH": os.defpath, "LANG": "C.UTF-8"})
    stdin: str = ""


class Keeper:
    """The commands, running, until `stop` is called or this process ends; then their folder is removed.

    `folder` is the server's own; nothing else may live in it.
    """

    def __init__(self, folder: Path, commands: Sequence[Command], *, grace: float = 5.0) -> None:
        """Start `commands`; each gets `grace` seconds to end after a SIGTERM before a SIGKILL ends it."""
        self._folder = folder
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, start_new_session=True, text=True
        )
        order = {"folder": str(folder), "grace": grace, "commands": [asdict(command) for command in commands]}
        self._tell(json.dumps(order, default=str))

    def _tell(self, line: str) -> None:
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):
            self._child.stdin.write(line + "\n")
            self._child.stdin.flush()

    def wait_until(self, ready: Callable[[], bool], *, limit: float = 300.0) -> None:
        """Return when `ready()` is true; raise RuntimeError with the output if one ended or `limit` seconds passed."""
        try:
            poll(ready, limit=limit, give_up=self._ended)
        except TimeoutError as error:
            raise RuntimeError(f"the server did not start; it said:\n{self.output()}") from error

    def _ended(self) -> bool:
        return self._child.poll() is not None or (self._folder / ENDED).exists()

    def output(self) -> str:
        """What the daemons wrote to standard output and standard error."""
        path = self._folder / OUTPUT
        return path.read_text(errors="replace") if path.exists() else "(nothing)"

    def stop(self) -> None:
        """End the daemons and remove their folder; return when both are done."""
        self._tell("stop")
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):
            self._child.stdin.close()
        self._child.wait(timeout=300)


def poll(done: Callable[[], bool], *, limit: float, give_up: Callable[[], bool] = lambda: False) -> None:
    """Return as soon as `done()` is true, asked every few milliseconds; raise TimeoutError after `limit` seconds."""
    end = time.monotonic() + limit
    while not done():
        if give_up() or time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.005)


def _start(command: Command, output: Path) -> subprocess.Popen[bytes]:
    with output.open("a") as log:
        child = subprocess.Popen(
            command.argv, env=command.env, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        child.stdin.write(command.stdin.encode())
        child.stdin.close()
    return child


def _end(child: subprocess.Popen[bytes], grace: float) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(grace)
    with suppress(ProcessLookupError):  # the leader is gone; stragglers of its group are not always
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _reap_grandchildren() -> None:
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _main() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)  # daemons' orphans become ours, so that none stays a zombie
    lifeline = sys.stdin.fileno()
    with open(lifeline, "rb", buffering=0, closefd=False) as unbuffered:  # select must see what follows the order
        order = json.loads(unbuffered.readline())
    folder = Path(order["folder"])
    children: list[subprocess.Popen[bytes]] = []
    try:
        for command in order["commands"]:
            children.append(_start(Command(**command), folder / OUTPUT))  # noqa: PERF401 - kept, should the next one fail
        endings = [os.pidfd_open(child.pid) for child in children]
        if lifeline not in select.select([lifeline, *endings], [], [])[0]:
            (folder / ENDED).touch()
            select.select([lifeline], [], [])
    finally:
        for child in reversed(children):
            _end(child, order["grace"])
        _reap_grandchildren()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _main()
