"""The marker `own_process`: a test that limits its whole process (file sizes, descriptors, threads, user) has its own.

A limit that is set in pytest's process reaches pytest, whose output may go to a file. So the test runs, with its
fixtures, in another pytest, whose output comes back through a pipe, and which ends with it: nothing is put back.
`limit` is the only place where tests set a limit, and refuses to do so elsewhere.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

_VARIABLE = "OWN_PROCESS_OF_A_TEST"
_SETTERS = {"setrlimit", "prlimit", "setuid", "seteuid", "setgid", "setegid", "setresuid", "setresgid", "setgroups"}

inside = os.environ.pop(_VARIABLE, "") == "1"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "own_process: runs in a process of its own, because it limits all of it")


def limit(kind: str, soft: int) -> None:
    """Set the soft `RLIMIT_<kind>` of this process; only in a test that is marked `own_process`."""
    import resource  # noqa: PLC0415 - POSIX alone has it

    assert inside, "mark this test with own_process: pytest itself would be limited"
    which = getattr(resource, f"RLIMIT_{kind}")
    resource.setrlimit(which, (soft, resource.getrlimit(which)[1]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a marked test elsewhere, and report what was said there."""
    if item.get_closest_marker("own_process") is None or inside:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    started = time.time()
    outcome, said = _elsewhere(item)
    for when in ("setup", "call", "teardown"):
        item.ihook.pytest_runtest_logreport(report=_report(item, when, outcome, said, started))
    item.session._setupstate.teardown_exact(nextitem)  # what those after it do not share
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _elsewhere(item: pytest.Item) -> tuple[Literal["passed", "failed", "skipped"], str]:
    with tempfile.TemporaryDirectory() as folder:
        quiet = ["-q", "-rA", "-p", "no:cacheprovider", f"--basetemp={folder}/base"]
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", *quiet, item.nodeid],
            cwd=item.config.rootpath,
            env=environment(**{_VARIABLE: "1", "PYTEST_ADDOPTS": ""}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
    closing = ran.stdout.strip().rpartition("\n")[2]
    if ran.returncode == 0 and closing.startswith("1 passed"):
        return "passed", ran.stdout
    if ran.returncode == 0 and closing.startswith("1 skipped"):
        return "skipped", ran.stdout
    return "failed", ran.stdout


def _report(
    item: pytest.Item,
    when: Literal["setup", "call", "teardown"],
    outcome: Literal["passed", "failed", "skipped"],
    said: str,
    started: float,
) -> pytest.TestReport:
    mine = outcome if when == "call" else "passed"
    path, line, _ = item.location
    shown = {"passed": None, "failed": said, "skipped": (path, (line or 0) + 1, f"Skipped: {said}")}[mine]
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=dict.fromkeys(item.keywords, 1),
        outcome=mine,
        longrepr=shown,
        when=when,
        duration=time.time() - started if when == "call" else 0,
    )


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's rights, for a while; only in a test that is marked `own_process`."""
    assert inside, "mark this test with own_process: pytest itself would be nobody"
    before = os.geteuid()
    os.seteuid(before or 65534)
    try:
        yield
    finally:
        os.seteuid(before)


def environment(**more: str) -> dict[str, str]:
    """The environment of this process for another pytest: nothing of xdist's or of pytest's own, but which plugins."""
    plugins = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") or name == plugins}
    return {**kept, **more}


def setters(path: Path) -> list[str]:
    """The calls in a file that limit the process or change its user, as `name:line`."""
    text = path.read_text(encoding="utf-8")
    if not any(name in text for name in _SETTERS):
        return []
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    found = [(call.func.attr, call.lineno) for call in calls if isinstance(call.func, ast.Attribute)]
    return [f"{name}:{line}" for name, line in found if name in _SETTERS]
