"""A program that is a fork of a loaded interpreter begins, speaks and ends like one that `python -c` runs."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import preloaded

if not hasattr(os, "pidfd_open"):
    pytest.skip("here every program has an interpreter of its own", allow_module_level=True)

ENVIRONMENT = {"PATH": os.defpath, "PYTHONPATH": str(preloaded.ROOT)}
FLAVOUR = preloaded.Flavour(tuple(ENVIRONMENT.items()))
# What a program says, and how it ends.
PROGRAMS = {
    "import sys; print(sys.argv, __name__, sys.stdin.read())": ("['-c', 'a', 'b'] __main__ \n", 0),
    "import os; print(os.getcwd(), os.environ.get('ANA'))": (f"{Path.cwd()} None\n", 0),
    "print(open('/proc/self/stat').read().split()[0] == str(__import__('os').getpid()))": ("True\n", 0),
    "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])": ("[0, 1, 2]\n", 0),
    "print([name for name in globals() if name[0] != '_']); known = 1": ("[]\n", 0),
    "import atexit; atexit.register(print, 'later')": ("later\n", 0),
    "class Last:\n    def __del__(self): print('taken down')\nlast = Last(); last.me = last": ("taken down\n", 0),
    "from threading import *; Thread(target=lambda: (main_thread().join(), print(1))).start()": ("1\n", 0),
    "import os; print(os.fork() > 0 and os.wait()[1], flush=True)": ("False\n0\n", 0),
    "raise SystemExit(3)": ("", 3),
    "raise LookupError": ("", 1),
    "raise KeyboardInterrupt": ("", -signal.SIGINT),
    "import os; os._exit(4)": ("", 4),
    "import os; os.abort()": ("", -signal.SIGABRT),
}


@pytest.fixture(autouse=True)
def _forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """At night too, when all others have interpreters of their own."""
    monkeypatch.setattr(preloaded, "_FRESH", False)


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("program", PROGRAMS)
def test_it_says_and_ends_with_what_python_does(program: str, fresh: bool) -> None:
    with preloaded.started(FLAVOUR, program, "a", "b", fresh=fresh) as child:
        output, errors = child.communicate(timeout=300)
    assert (output, child.returncode) == PROGRAMS[program]
    assert bool(errors) == (child.returncode in (1, -signal.SIGINT))


def test_it_has_the_environment_that_was_asked_for() -> None:
    program = "import os; print(os.environ['ANA'], len(os.environ))"
    with preloaded.started(FLAVOUR, program, environment={"ANA": "here"}) as child:
        assert child.communicate(timeout=300) == ("here 1\n", "")


def test_it_is_loaded_already_and_nothing_of_the_tests_is() -> None:
    program = "import sys; print('sendkit.errors' in sys.modules, 'pytest' in sys.modules)"
    with preloaded.started(FLAVOUR, program) as child:
        assert child.communicate(timeout=300) == ("True False\n", "")


def test_it_answers_while_others_run() -> None:
    echo = "print('ready', flush=True); print(input())"
    with preloaded.started(FLAVOUR, echo) as one, preloaded.started(FLAVOUR, echo) as other:
        assert one.stdin is not None
        for child in (one, other):
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        other.send_signal(signal.SIGKILL)
        assert other.wait(300) == -signal.SIGKILL
        with pytest.raises(subprocess.TimeoutExpired):
            one.wait(0.01)
        one.stdin.write("heard\n")
        assert one.communicate(timeout=300) == ("heard\n", "")


STARTS = """
from tests.preloaded import Flavour, started
child = started(Flavour({environment!r}), "import sys; print('ready', flush=True); sys.stdin.read(); input()")
child.stdout.readline()
print(child.pid, flush=True)
input()
"""


def test_none_outlives_the_process_that_started_it() -> None:
    program = STARTS.format(environment=FLAVOUR.environment)
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=ENVIRONMENT, stdin=pipe, stdout=pipe, encoding="utf-8") as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    watch = select.poll()
    watch.register(child, select.POLLIN)
    assert watch.poll(300_000)
    os.close(child)
