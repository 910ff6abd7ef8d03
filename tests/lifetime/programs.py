"""Programs that run in a process of their own, with a time limit, against a server that stays here.

A program is the text of a script: `argv[1:]` are the host and the port, and it finds `Mailer`, `AsyncMailer`, `Message`
and the helpers below. What it prints comes back as lines.
"""

from __future__ import annotations

import os
import signal
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests import preloaded
from tests.servers.scripted import ScriptedServer

ROOT = Path(__file__).parents[2]
LIMIT = 300  # seconds; what never ends is ended, and a busy machine is given its time

# Nothing of this process's but the path to the package
_FLAVOUR = preloaded.Flavour(
    (("PATH", os.defpath), ("PYTHONPATH", str(ROOT)), ("PYTHONFAULTHANDLER", "1")),
    loads=f"import asyncio, encodings.idna, logging, concurrent.futures.thread; {preloaded.SENDKIT}",
)

PRELUDE = """
import asyncio, atexit, gc, logging, os, signal, sys, threading, time, warnings, weakref
from concurrent.futures import ThreadPoolExecutor
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of threads at a fork; that is what is tried here
from sendkit import *
HOST, PORT = sys.argv[1], int(sys.argv[2])
def server(**more):
    return Server(HOST, PORT, security=Security.NONE, **more)
def made(kind=Mailer, **settings):
    return kind(server(), retry=settings.pop("retry", RetryPolicy(max_attempts=1)), **settings)
def message(number=0, **more):
    return Message(sender="ana@example.com", to="luis@example.com", subject=str(number), text="Hola", **more)
def say(*words):  # without the lock of a stream, which a fork would copy
    os.write(1, (" ".join(map(str, words)) + chr(10)).encode())
"""

# `fork(act)` runs it in a child, and answers its exit code: 0 where it came to something true.
FORK = """
def fork(act):
    child = os.fork()
    if child == 0:
        signal.alarm(200)
        code = 1
        try:
            code = 0 if act() else 2
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


@dataclass(slots=True, frozen=True)
class Ended:
    """What a program said, and how it ended."""

    lines: list[str]
    errors: str
    code: int | None


def start(
    program: str, server: ScriptedServer, host: str | None = None, before: str = ""
) -> preloaded.Program | subprocess.Popen[str]:
    """Start a program; with `before`, which comes in front of everything, it has an interpreter of its own."""
    text = f"{before}\n{PRELUDE}{textwrap.dedent(program)}"
    return preloaded.started(_FLAVOUR, text, host or "localhost", str(server.port), fresh=bool(before))


def run(program: str, server: ScriptedServer, host: str | None = None, limit: float = LIMIT, before: str = "") -> Ended:
    """Run it to its end; one that hangs is a failure that shows where."""
    with start(program, server, host, before) as child:
        try:
            output, errors = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGABRT)  # faulthandler says where each thread is
            output, errors = child.communicate(timeout=limit)
            raise AssertionError(
                f"it did not end within {limit} s; it said {output[-2000:]} {errors[-8000:]}"
            ) from None
        finally:
            child.kill()
    return Ended(output.splitlines(), errors, child.returncode)


def subjects(server: ScriptedServer) -> list[str]:
    """The subjects of what the server took, sorted."""
    found: list[str] = []
    for taken in server.accepted:
        lines = taken.content.split(b"\r\n")
        found += [line[9:].decode() for line in lines if line.startswith(b"Subject: ")]
    return sorted(found, key=lambda subject: (len(subject), subject))
