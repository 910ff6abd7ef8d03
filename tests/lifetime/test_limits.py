"""Where the system gives no thread or no descriptor, there is an error that says so, and the next call tries again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.scripted import ScriptedServer

from .programs import run, subjects

NO_THREADS = """
import _thread
start, starts = _thread.start_new_thread, []
def refuse(*_, **__):
    raise RuntimeError("can't start new thread")
names = ["_start_new_thread", "_start_joinable_thread"]
kept = {name: getattr(threading, name) for name in names if hasattr(threading, name)}
def threads(allowed):
    for name in kept:
        setattr(threading, name, kept[name] if allowed else refuse)
"""


@pytest.mark.parametrize("inside", [False, True])
def test_without_a_thread_there_is_an_error_and_afterwards_all_is_well(server: ScriptedServer, inside: bool) -> None:
    ended = run(
        NO_THREADS
        + f"""
from sendkit import errors
warnings.simplefilter("ignore")
def act():
    mailer = made()
    threads(False)
    for number in range(2):
        try:
            mailer.send(message("early"))
        except errors.SendkitError as error:
            say(type(error).__name__, "thread" in str(error))
    threads(True)
    say(mailer.send(message("late")).ok)
    mailer.close()
async def main():
    act()
asyncio.run(main()) if {inside} else act()
""",
        server,
    )
    expected = "SendkitError True" if inside else "ConnectError True"
    assert (ended.lines, ended.errors, ended.code) == ([expected, expected, "True"], "", 0)
    assert subjects(server) == ["late"]


def test_an_address_needs_no_thread(server: ScriptedServer) -> None:
    ended = run(NO_THREADS + "threads(False)\nsay(made().send(message()).ok)", server, host="127.0.0.1")
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)


@pytest.mark.parametrize("kind", ["Mailer", "AsyncMailer"])
def test_without_descriptors_there_is_an_error_and_afterwards_all_is_well(server: ScriptedServer, kind: str) -> None:
    ended = run(
        f"""
        import resource
        from sendkit import errors
        mailer = made({kind})
        async def send(subject):
            return (await mailer.send(message(subject))).ok
        def call(subject):
            return mailer.send(message(subject)).ok if {kind} is Mailer else loop.run_until_complete(send(subject))
        loop = asyncio.new_event_loop()
        with made() as other:
            other.send(message("warm"))  # what is imported needs descriptors too
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        for _ in range(2):
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                call("early")
            except errors.SendkitError as error:
                failed = type(error).__name__
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            say(bool(failed))
        say(call("late"))
        loop.close()
        """,
        server,
    )
    assert (ended.lines, ended.code) == (["True", "True", "True"], 0), ended.errors
    assert subjects(server) == ["late", "warm"]


def test_an_outbox_without_a_thread_says_so_and_works_afterwards(server: ScriptedServer, tmp_path: Path) -> None:
    ended = run(
        NO_THREADS
        + f"""
from sendkit import errors
box = Outbox({str(tmp_path / "outbox.db")!r}, account="main")
threads(False)
try:
    box.put(message("early"))
except errors.OutboxError as error:
    say("thread" in str(error))
threads(True)
box.put(message("late"))
box.close()
""",
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)
