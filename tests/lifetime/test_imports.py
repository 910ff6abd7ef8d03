"""A signal handler may send in the middle of an import: it sends, or learns at once that it cannot; it never hangs."""

from __future__ import annotations

import sys

import pytest

from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer

from .programs import run, subjects

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signal can be raised there")

# While the main thread looks for `NAME`, or loads it, the signal comes.
INTERRUPTED = """
from importlib.machinery import PathFinder
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == NAME and WHERE == "find":
            signal.raise_signal(signal.SIGUSR1)
        elif name == NAME:
            spec = PathFinder.find_spec(name, path, target)
            self.execute, spec.loader = spec.loader.exec_module, self
            return spec
    def create_module(self, spec): pass
    def exec_module(self, module):
        signal.raise_signal(signal.SIGUSR1)
        self.execute(module)
sys.meta_path.insert(0, Interrupting())
"""
FRESH = "# an interpreter that has imported nothing"


def test_a_first_send_while_python_looks_for_a_module_imports_nothing_on_another_thread(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as server:
        ended = run(
            f"""
NAME, WHERE, place = "none_of_ours", "find", Server(HOST, PORT, ca_file={str(authority.ca_file)!r})
mailer = Mailer(place, username="ana@example.com", password="correct horse")
def handle(*_): mailer.send(message("signal"))
signal.signal(signal.SIGUSR1, handle)
{INTERRUPTED}
try:
    import none_of_ours
except ImportError as error: say(error)
""",
            server,
            before=FRESH,
        )
    assert (ended.lines, ended.errors, ended.code) == (["No module named 'none_of_ours'"], "", 0)
    assert subjects(server) == ["signal"]


@pytest.mark.waits
def test_a_call_that_waits_for_the_import_that_it_interrupted_is_refused(server: ScriptedServer) -> None:
    ended = run(
        f"""
from sendkit import errors
NAME, WHERE, mailer = "encodings.idna", "load", made()  # to look a host up needs it
def handle(*_):
    try:
        mailer.send(message("signal"))
    except errors.SendkitError as error: say(error.message); say(error.hint)
signal.signal(signal.SIGUSR1, handle)
{INTERRUPTED}
import encodings.idna
mailer.send(message("later"))
""",
        server,
        before=FRESH,
    )
    assert (ended.lines, ended.errors, ended.code) == (
        [
            "a call in the middle of the import of encodings.idna waits for it",
            "send once before it, import it before, or have the signal handler set a flag, and send afterwards",
        ],
        "",
        0,
    )
    assert subjects(server) == ["later"]
