"""Both mailers come to the same outcome at every event of a program's life."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from subprocess import Popen
from types import MappingProxyType

import pytest

from tests.preloaded import Program
from tests.servers.scripted import ScriptedServer

from .events import CLOSING, COLLECTION, COMMON, EXITS, KINDS, LOOPS, WORDS, Event
from .events_of_the_system import CTRL_C, FORKS, LIMITS
from .programs import FORK, LIMIT, start

TABLE = MappingProxyType({**CLOSING, **LOOPS, **FORKS, **EXITS, **COLLECTION, **CTRL_C, **LIMITS})
assert len(TABLE) == sum(map(len, (CLOSING, LOOPS, FORKS, EXITS, COLLECTION, CTRL_C, LIMITS)))


def hold(server: ScriptedServer, stage: str | None) -> Callable[[], bool]:
    """Have it hold back one answer; what is returned says whether it does."""
    server.accounts.tokens.add("token")
    server.capabilities[-1] = "AUTH PLAIN XOAUTH2"
    if stage == "the greeting":
        server.on_connect().hold(times=1)
        return lambda: bool(server.connections)
    if stage == "the end of data":
        server.after_data().hold(times=1)
        return lambda: bool(server.accepted)
    if stage == "silent":
        server.after_data().silence()
        return lambda: len(server.accepted) == 2
    if stage is not None:
        {"EHLO": server.on_ehlo, "AUTH": server.on_auth, "MAIL": server.on_mail}[stage]().hold(times=1)
    return lambda: any(line.startswith(str(stage)) for line in server.lines())


class Beside:
    """What the program asks for while it runs."""

    def __init__(self, child: Program | Popen[str], server: ScriptedServer, holds: Callable[[], bool]) -> None:
        self._child, self._server, self._holds = child, server, holds
        self._answered = threading.Event()
        self.lines: list[str] = []

    def listen(self) -> None:
        """Note what it says, and do what it asks, until it ends."""
        assert self._child.stdout is not None
        for line in self._child.stdout:
            if line.startswith("? "):
                self._do(line[2:].strip())
            else:
                self._answered.set()
                self.lines.append(line.strip())
        self._answered.set()

    def _do(self, what: str) -> None:
        if what == "held":
            self._server.wait_for(self._holds)
        elif what == "release":
            self._server.release()
        elif what == "interrupt once":
            self._child.send_signal(signal.SIGINT)
        else:
            threading.Thread(target=self._interrupt).start()
        self._answer()

    def _answer(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()

    def _interrupt(self) -> None:
        while not self._answered.is_set():
            self._child.send_signal(signal.SIGINT)
            self._answered.wait(3)  # one that comes while the program says what came of the last is none of its events


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("event", TABLE)
def test_both_come_to_the_same(server: ScriptedServer, event: str, kind: str) -> None:
    if sys.platform == "win32" and event in (*FORKS, *CTRL_C, *LIMITS):
        pytest.skip("there are no forks, signals and limits of this kind")
    happens: Event = TABLE[event]
    program = f"{COMMON}\n{FORK}\n{WORDS[kind]}\n{happens.program}" + ("" if event in EXITS else "\nend()")
    holds = hold(server, happens.stage)  # before the program begins, which may be faster than this process
    with start(program, server, host="127.0.0.1") as child:
        beside = Beside(child, server, holds)
        listening = threading.Thread(target=beside.listen)
        listening.start()
        try:
            child.wait(LIMIT)
        finally:
            child.kill()
            listening.join()
        assert child.stderr is not None
        assert child.stderr.read() == ""
    said = [line for line in beside.lines if not line.startswith("told ")]
    assert (said, child.returncode) == ([*happens.says], 0)
    known = {line.removeprefix("told ") for line in beside.lines if line.startswith("told ")}
    if known:
        assert {message_id for message_id, _ in server.copies()} <= known
    assert max(server.copies().values(), default=1) == 1
