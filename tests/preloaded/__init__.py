"""Programs in processes of their own that have sendkit loaded when they begin: forks of one interpreter that did so.

Each saves half a second of CPU. `started` is `subprocess.Popen` for a text that `python -c` would run, and the end of
the program is that of any interpreter: threads are joined, handlers of the exit run, modules are taken down. A test
whose law is about the beginning asks for a fresh one; with SENDKIT_FRESH_INTERPRETERS=1, as at night, all are.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple, Self

from .interpreter import MOST

ROOT = Path(__file__).parents[2]
_FRESH = os.environ.get("SENDKIT_FRESH_INTERPRETERS") == "1" or not hasattr(os, "pidfd_open")
_SERVE = "exec(*__import__('tests.preloaded.interpreter', fromlist=['*']).serve())"


# The first message builds what checks every other one.
SENDKIT = 'from sendkit import *; Message(sender="ana@example.com", to="luis@example.com", subject="", text="")'


class Flavour(NamedTuple):
    """How the interpreter is started that the programs are forks of, and what it loads first."""

    environment: tuple[tuple[str, str], ...]
    options: tuple[str, ...] = ()
    loads: str = SENDKIT


# Where every warning is an error
STRICT = Flavour((("PATH", os.defpath), ("PYTHONPATH", str(ROOT))), ("-W", "error"), f"import sendkit._cli; {SENDKIT}")
COMMAND = "import runpy; runpy.run_module('sendkit', run_name='__main__', alter_sys=True)"  # python -m sendkit
FILE = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"  # its path comes first


class Program:
    """What tests use of `subprocess.Popen`, for a fork of that interpreter; its streams are text in UTF-8."""

    def __init__(self, flavour: Flavour, text: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.returncode: int | None = None
        self._readers: list[_Reader] = []
        (stdin, give), (take, stdout), (hear, stderr) = (os.pipe() for _ in range(3))
        self._conversation, far = socket.socketpair()
        order = json.dumps([text, [*arguments], {**environment}, str(Path.cwd())]).encode()
        assert len(order) < MOST
        self._interpreter = _interpreter(flavour)
        socket.send_fds(self._interpreter.orders, [order], [stdin, stdout, stderr, far.fileno()])
        for descriptor in (stdin, stdout, stderr, far.detach()):
            os.close(descriptor)
        self.stdin: IO[str] | None = os.fdopen(give, "w", encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(take, encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(hear, encoding="utf-8")
        self.pid = self._hear()

    def _hear(self) -> int:
        said = self._conversation.recv(4)
        if not said:
            raise RuntimeError(f"the interpreter has ended: {os.read(self._interpreter.errors, MOST).decode()}")
        return array.array("i", said)[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_input()
        self.wait()
        self.stdout.close()
        self.stderr.close()
        self._conversation.close()

    def _close_input(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # it ended before it had read all
            if self.stdin is not None:
                self.stdin.close()

    def send_signal(self, number: int) -> None:
        """Nothing where it has ended: its number is nobody else's before the end of the `with`."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, or the negative number of the signal that ended it."""
        if self.returncode is None:
            self._conversation.settimeout(timeout)
            try:
                self.returncode = self._hear()
            except TimeoutError:
                raise subprocess.TimeoutExpired("the program", timeout or 0) from None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Close its input, and take all that it says until its streams close and it ends."""
        if not self._readers:
            self._close_input()
            self._readers += [_Reader(self.stdout), _Reader(self.stderr)]
        output, errors = (reader.all(timeout) for reader in self._readers)
        self.wait(timeout)
        return output, errors


class _Reader(threading.Thread):
    def __init__(self, stream: IO[str]) -> None:
        super().__init__(daemon=True)
        self._stream, self._text = stream, ""
        self.start()

    def run(self) -> None:
        self._text = self._stream.read()

    def all(self, timeout: float | None) -> str:
        self.join(timeout)
        if self.is_alive():
            raise subprocess.TimeoutExpired("the program", timeout or 0)
        return self._text


def started(
    flavour: Flavour, text: str, *arguments: str, environment: Mapping[str, str] | None = None, fresh: bool = False
) -> Program | subprocess.Popen[str]:
    """Start a program, with this environment or that of its flavour; `fresh`: in an interpreter of its own."""
    environment = dict(flavour.environment) if environment is None else environment
    if not (fresh or _FRESH):
        return Program(flavour, text, arguments, environment)
    return subprocess.Popen(
        [sys.executable, *flavour.options, "-c", text, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def run(
    flavour: Flavour, text: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Start a program with nothing to read, and wait for what it says and its end."""
    with started(flavour, text, *arguments, environment=environment) as program:
        output, errors = program.communicate(timeout=300)
    return subprocess.CompletedProcess(arguments, program.wait(), output, errors)


class _Interpreter(NamedTuple):
    orders: socket.socket
    errors: int


@functools.cache
def _interpreter(flavour: Flavour) -> _Interpreter:
    """One for this process, and no other: it ends when this socket closes, however that comes.

    Its streams are such as its programs have, pipes: Python looks once whether a stream can be sought.
    """
    errors, theirs = os.pipe()
    ours, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST)
    process = subprocess.Popen(
        [sys.executable, *flavour.options, "-c", _SERVE, flavour.loads],
        cwd=ROOT,
        env=dict(flavour.environment),
        stdin=far,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    far.close()
    os.close(theirs)
    atexit.register(_end, ours, process, os.getpid())
    return _Interpreter(ours, errors)


def _end(orders: socket.socket, process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() == owner:  # and no fork of it
        orders.shutdown(socket.SHUT_RDWR)
        process.wait()  # so that its CPU is counted
    orders.close()
