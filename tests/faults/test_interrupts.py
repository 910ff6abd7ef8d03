"""Ctrl-C, forks and loops cannot make the mailer lie, hang, or tread on another process's connection."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendkit import DeliveryResult, Mailer, MemoryTransport, RetryPolicy
from tests.waiting import press_ctrl_c

from .checks import judge
from .stage import PASSWORD, USER, Evidence, authority, letter, limits, mailer, observe, scripted, server_of
from .test_cancellation import dishonest
from .truth import RECIPIENTS, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendkit._message.letter import Letter
    from sendkit._seam.log import AttemptLog
    from tests.servers.scripted import ScriptedServer

_ROOT = Path(__file__).parents[2]
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX signals between processes")


@contextmanager
def child(name: str, server: ScriptedServer) -> Iterator[subprocess.Popen[str]]:
    """One of the programs of `children`, with warnings as errors; ended at the latest with the block."""
    command = [sys.executable, "-W", "error::ResourceWarning", "-m", "tests.faults.children", name, str(server.port)]
    # PYTHONDEVMODE would show what -W hides in another thread; nothing may be shown at all.
    started = subprocess.Popen(
        [*command, str(authority().ca_file)], cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


def answer(started: subprocess.Popen[str]) -> list[str]:
    """What it printed, once it ended; anything on standard error is a failure."""
    output, errors = started.communicate(timeout=300)
    assert (errors, started.returncode) == ("", 0)
    told: list[str] = json.loads(output)
    return told


@needs_signals
@pytest.mark.parametrize(
    ("place", "outcome"), [("on_auth", "deferred"), ("on_data", "deferred"), ("after_data", "in_doubt")]
)
@pytest.mark.parametrize("name", ["interrupted", "interrupted_async"])
def test_ctrl_c_comes_through_with_the_result_so_far(name: str, place: str, outcome: str) -> None:
    with scripted(Mode.PIPELINING) as server:
        getattr(server, place)().silence(times=1)
        verb = {"on_auth": "AUTH", "on_data": "DATA", "after_data": "DATA"}[place]
        with child(name, server) as started:
            server.wait_for(lambda: any(verb in connection.commands for connection in server.connections))
            server.wait_for(lambda: place != "after_data" or bool(server.accepted))
            press_ctrl_c(started)
            after = "accepted" if name == "interrupted" else "interrupted"
            assert answer(started) == [outcome, after]
        server.wait_for(lambda: all(connection.ended for connection in server.connections))
        assert max(server.copies().values(), default=0) <= 1


@needs_signals
def test_parent_and_child_both_go_on_after_a_fork_each_on_its_own_connection() -> None:
    with scripted(Mode.CHUNKING) as server:
        with child("forked", server) as started:
            assert answer(started) == ["accepted", "accepted", "7"]
        server.wait_for(lambda: all(connection.ended for connection in server.connections))
        assert sorted(server.copies().values()) == [1, 1, 1]
        parent, own = server.connections
        assert [connection.commands.count("MAIL") for connection in (parent, own)] == [2, 1]
        assert parent.commands[-1] == "QUIT"
        assert parent.commands.count("QUIT") == 1


def test_the_synchronous_mailer_works_inside_a_running_loop_and_warns_once() -> None:
    with scripted(Mode.CHUNKING) as server, child("inside_a_loop", server) as started:
        first, second, *warned = answer(started)
        assert (first, second) == ("accepted", "accepted")
        assert [text.partition(":")[0] for text in warned] == ["RuntimeWarning"]


@pytest.mark.parametrize("mode", Mode)
def test_one_mailer_on_two_loops_one_after_the_other_opens_a_connection_on_each_and_leaks_none(mode: Mode) -> None:
    server = scripted(mode)

    async def act(evidence: Evidence) -> None:
        used = mailer(server, limits())
        for _ in range(3):
            evidence.result = await asyncio.to_thread(lambda: asyncio.run(used.send(letter())))
            gc.collect()
        await asyncio.to_thread(lambda: asyncio.run(used.aclose()))

    assert judge(observe(server, act)) == []
    assert len(server.connections) == 3
    assert set(server.copies().values()) == {1}


def test_closing_a_mailer_on_another_loop_than_it_was_used_on_is_no_error() -> None:
    server = scripted(Mode.STEPWISE)

    async def act(evidence: Evidence) -> None:
        used = mailer(server, limits())
        evidence.result = await used.send(letter())
        await asyncio.to_thread(lambda: asyncio.run(used.aclose()))
        await used.aclose()

    assert judge(observe(server, act)) == []


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """Ctrl-C as Python has it, whatever the tests were started by.

    And no collection meanwhile: Hypothesis has a callback in it, from which no interrupt comes out.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()
    yield
    gc.enable()
    signal.signal(signal.SIGINT, before)


class Interrupting(MemoryTransport):
    """Sends Ctrl-C to the main thread in the very moment in which the answer is there and nobody has looked at it."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        await super().deliver(letter, log)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@needs_signals
@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_that_falls_together_with_the_answer_does_not_lose_the_answer() -> None:
    with Mailer(transport=Interrupting()) as used:
        with pytest.raises(KeyboardInterrupt) as interrupt:
            used.send(letter())
        assert vars(interrupt.value)["result"].ok


@needs_signals
@pytest.mark.usefixtures("_ctrl_c")
@pytest.mark.parametrize("mode", Mode)
def test_ctrl_c_at_any_moment_tells_the_truth_and_harms_no_later_message(mode: Mode) -> None:
    seen: list[tuple[str, DeliveryResult | None]] = []
    server = scripted(mode)

    def act() -> None:
        retry = RetryPolicy(max_attempts=1)
        with Mailer(server_of(server, limits()), username=USER, password=PASSWORD, retry=retry) as used:
            seen.extend(_interrupted_after(number / 2000, used) for number in range(60))
            assert used.send(letter()).ok

    with server:
        act()
        server.wait_for(lambda: all(connection.ended for connection in server.connections))
    evidence = Evidence(copies=server.copies())
    told = [words for _, result in seen if result for words in dishonest(result, evidence)]
    silent = [name for name, result in seen if result is None and any(server.copies()[name, to] for to in RECIPIENTS)]
    assert (told, silent) == ([], [])


def _interrupted_after(seconds: float, used: Mailer) -> tuple[str, DeliveryResult | None]:
    message = letter()
    result: DeliveryResult | None = None
    thread = threading.main_thread().ident or 0
    timer = threading.Timer(seconds, lambda: signal.pthread_kill(thread, signal.SIGINT))
    try:
        timer.start()
        result = used.send(message, check=False)
        timer.join()
        # The signal is on its way, or has been noticed already.
        signal.sigtimedwait([], 1)
    except KeyboardInterrupt as interrupt:
        result = result or vars(interrupt).get("result")
    return str(message.message_id), result
