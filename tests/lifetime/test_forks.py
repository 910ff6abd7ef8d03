"""A fork at any stage: parent and child both go on, with locks, turns, loops and connections of their own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer

from .programs import FORK, run, subjects

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

STAGES = {
    "before the first call": "",
    "after a call": "mailer.send(message('first'))",
    "after closing another one": "other = made(); other.send(message('first')); other.close()",
    "after a stream": "list(mailer.send_many([message('first')]))",
}


@pytest.mark.parametrize("stage", STAGES)
def test_parent_and_child_go_on(server: ScriptedServer, stage: str) -> None:
    ended = run(
        FORK
        + f"""
mailer = made()
{STAGES[stage]}
say(fork(lambda: mailer.send(message("child")).ok and not mailer.close()))
say(mailer.send(message("parent")).ok)
mailer.close()
""",
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["0", "True"], "", 0)
    assert {"child", "parent"} <= set(subjects(server))


@pytest.mark.parametrize("place", ["source", "body", "callback", "thread"])
def test_a_fork_in_the_middle(server: ScriptedServer, place: str) -> None:
    ended = run(
        FORK
        + f"""
mailer = made(max_connections=2)
codes = []
def child():
    codes.append(fork(lambda: mailer.send(message("child")).ok and made().send(message("child too")).ok))
def source():
    for number in range(6):
        if number == 3 and "{place}" == "source":
            child()
        yield message(number)
if "{place}" == "callback":
    # The child has the loop of the parent above it on its stack, and may not come back to it: it ends here.
    mailer.send(message("big"), on_progress=lambda sent, total: sent == 0 and codes.append(
        fork(lambda: made().send(message("child")) and made().send(message("child too")).ok)))
for result in mailer.send_many(source()):
    if result.index == 2 and "{place}" == "body":
        child()
    if result.index == 2 and "{place}" == "thread":
        thread = threading.Thread(target=child)
        thread.start(); thread.join()
say(codes, sorted(mailer.send(message("end")).recipients))
mailer.close()
""",
        server,
    )
    assert (ended.errors, ended.code) == ("", 0)
    if place != "callback":
        assert ended.lines == ["[0] ['luis@example.com']"]
    taken = subjects(server)
    assert sorted(taken) == sorted(set(taken))
    assert {"0", "5", "child too", "end"} <= set(taken)


@pytest.mark.parametrize("kind", ["OAuth2", "callable"])
def test_a_fork_while_a_token_is_fetched(server: ScriptedServer, kind: str) -> None:
    server.capabilities = ["AUTH XOAUTH2 PLAIN"]
    ended = run(
        FORK
        + f"""
hold, reached = threading.Event(), threading.Event()
parent = os.getpid()
def provide(*_):
    if os.getpid() == parent:
        reached.set()
        hold.wait()
    return "token"
secrets = OAuth2(provide) if "{kind}" == "OAuth2" else provide
mailer = Mailer(server(), username="ana@example.com", credentials=secrets, retry=RetryPolicy(max_attempts=1))
sending = threading.Thread(target=lambda: mailer.send(message("parent"), check=False))
sending.start()
reached.wait()
def act():
    new = Mailer(server(), username="ana@example.com", credentials=secrets, retry=RetryPolicy(max_attempts=1))
    return [one.send(message("child"), check=False, deadline=200).attempts != () for one in (mailer, new)] == [True] * 2
say(fork(act))
hold.set()
sending.join()
mailer.close()
""",
        server,
        host="127.0.0.1",
    )
    assert (ended.lines, ended.errors, ended.code) == (["0"], "", 0)


def test_a_fork_during_a_visit_to_the_keyring(server: ScriptedServer) -> None:
    server.auth_required = True
    ended = run(
        FORK
        + """
import keyring
from keyring.backend import KeyringBackend
hold, reached = threading.Event(), threading.Event()
parent = os.getpid()
class Slow(KeyringBackend):
    priority = 9
    def get_password(self, service, username):
        if os.getpid() == parent:
            reached.set()
            hold.wait()
        return "correct horse"
    def set_password(self, *_):
        pass
keyring.set_keyring(Slow())
def made():
    return Mailer(server(), username="ana@example.com", retry=RetryPolicy(max_attempts=1))
mailer = made()
sending = threading.Thread(target=lambda: say(mailer.send(message("parent")).ok))
sending.start()
reached.wait()
say(fork(lambda: mailer.send(message("child"), deadline=200).ok and made().send(message("child too"), deadline=200).ok))
hold.set()
sending.join()
mailer.close()
""",
        server,
        host="127.0.0.1",
    )
    assert (ended.lines, ended.errors, ended.code) == (["0", "True"], "", 0)
    assert set(subjects(server)) == {"parent", "child", "child too"}


HELD = {
    "the lock of liveness": "from sendkit.outbox import _liveness; lock = _liveness._guard",
    "the outbox's queue": "lock = box._core.writer._lock",
    "the secrets of the process": "from sendkit import _redaction; lock = _redaction._lock",
}


@pytest.mark.parametrize("what", HELD)
def test_a_fork_while_another_thread_holds_a_lock(server: ScriptedServer, tmp_path: Path, what: str) -> None:
    ended = run(
        FORK
        + f"""
box = Outbox({str(tmp_path / "outbox.db")!r}, account="main")
box.put(message("parent"))
{HELD[what]}
reached, release = threading.Event(), threading.Event()
def hold():
    with lock:
        reached.set()
        release.wait()
holding = threading.Thread(target=hold)
holding.start()
reached.wait()
def act():
    box.put(message("child"))
    with Mailer(server(), retry=RetryPolicy(max_attempts=1)) as mailer:
        box.drain(mailer, account="main")
    return Mailer("localhost", username="ana", password="correct horse") is not None
say(fork(act))
release.set(); holding.join()
say(sum(box.counts().letters.values()))
box.close()
""",
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["0", "2"], "", 0)
    assert subjects(server) == ["child", "parent"]


def test_a_fork_while_a_thread_builds_the_first_message_leaves_a_child_that_sends(server: ScriptedServer) -> None:
    ended = run(
        FORK
        + """
from pydantic import main
mailer = made()
entered, go = threading.Event(), threading.Event()
def build():
    with getattr(main, "_rebuild_lock", threading.RLock()):
        entered.set(); go.wait(1)
thread = threading.Thread(target=build)
thread.start(); entered.wait()
say(fork(lambda: mailer.send(message()).ok))
thread.join()
""",
        server,
    )
    assert (ended.lines, ended.errors) == (["0"], "")


# While another thread imports `name`, `entered` is set, and it goes on when `go` is, or after a second.
SLOW_IMPORT = """
from importlib.machinery import ModuleSpec, PathFinder
entered, go, parent = threading.Event(), threading.Event(), os.getpid()
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name != NAME or os.getpid() != parent:
            return None
        spec = PathFinder.find_spec(name, path, target) or ModuleSpec(name, None)
        self.execute, spec.loader = getattr(spec.loader, "exec_module", None), self
        return spec
    def create_module(self, spec): pass
    def exec_module(self, module):
        entered.set(); go.wait(LIMIT)
        if self.execute: self.execute(module)
sys.meta_path.insert(0, Slow())
"""


def test_a_fork_while_a_thread_imports_what_a_send_needs_leaves_a_child_that_sends(server: ScriptedServer) -> None:
    ended = run(
        FORK
        + f"""
NAME, LIMIT, mailer = "encodings.idna", 1, made()  # getaddrinfo needs it
{SLOW_IMPORT}
thread = threading.Thread(target=lambda: list(mailer.send_many([message("parent")])))
thread.start(); entered.wait()
say(fork(lambda: [one.ok for one in mailer.send_many([message("child")])] == [True]))
thread.join()
""",
        server,
        host="127.0.0.1",
        before="# an interpreter that has imported nothing",
    )
    assert (ended.lines, ended.errors) == (["0"], "")
    assert set(subjects(server)) == {"parent", "child"}


def test_a_fork_does_not_wait_for_an_import_that_is_none_of_ours(server: ScriptedServer) -> None:
    ended = run(
        FORK
        + f"""
NAME, LIMIT, mailer = "program", 200, made()  # its threads work while it is still being imported
{SLOW_IMPORT}
def load():
    import program
thread = threading.Thread(target=load)
thread.start(); entered.wait()
say(fork(lambda: mailer.send(message()).ok), go.is_set(), thread.is_alive())
go.set(); thread.join()
""",
        server,
        before="# an interpreter that has imported nothing",
    )
    assert (ended.lines, ended.errors) == (["0 False True"], "")


def test_a_fork_while_a_thread_reads_the_certificates_leaves_a_child_that_reads_its_own(
    server: ScriptedServer, authority: Authority, tmp_path: Path
) -> None:
    pem = shutil.copy(authority.ca_file, tmp_path / "ca.pem")
    ended = run(
        FORK
        + f"""
pipe = {str(pem)!r}
place = Server(HOST, PORT, ca_file=pipe)
os.unlink(pipe)
os.mkfifo(pipe)
threading.Thread(target=lambda: place.context, daemon=True).start()
end = os.open(pipe, os.O_WRONLY)  # once the thread reads
say(fork(lambda: Server(HOST, PORT).context is not None))
os._exit(0)
""",
        server,
    )
    assert (ended.lines, ended.errors) == (["0"], "")
