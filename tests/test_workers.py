"""What is marked nightly runs only when it is asked for, and `-n auto` finds the workers that it needs."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from tests import own_process, workers

ROOT = Path(__file__).parents[1]
SUITE = """
import pytest

@pytest.mark.nightly
@pytest.mark.postfix
def test_long(): pass

@pytest.mark.postfix
def test_short(): pass

@pytest.mark.parametrize("number", range(15))
def test_other(number): pass

@pytest.mark.waits
def test_waiting(): pass
"""


def outcome(folder: Path, *arguments: str) -> str:
    """The closing line of pytest over a small suite of that kind."""
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = postfix: against Postfix\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.workers", "-p", "no:cacheprovider", *arguments]
    environ = own_process.environment(
        PYTHONPATH=str(ROOT), PYTEST_XDIST_AUTO_NUM_WORKERS="3", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
    )
    ran = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, encoding="utf-8", check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    ("arguments", "closing"),
    [
        ([], "17 passed, 1 deselected"),
        (["-m", "postfix"], "1 passed, 17 deselected"),
        (["-m", "nightly"], "1 passed, 17 deselected"),
        (["-m", "nightly or not nightly"], "18 passed"),
        (["--sample", "7"], "5 passed, 13 deselected"),
    ],
    ids=str,
)
def test_nightly_is_left_out_unless_it_is_named(tmp_path: Path, arguments: list[str], closing: str) -> None:
    assert f"{closing} in " in outcome(tmp_path, *arguments)


def test_workers_run_the_same_suite(tmp_path: Path) -> None:
    pytest.importorskip("xdist", reason="pip install pytest-xdist")
    said = outcome(tmp_path, "-p", "xdist.plugin", "-n", "auto")
    assert "created: 3/3 workers" in said or "3 workers [17 items]" in said
    assert "17 passed in " in said


def test_what_waits_for_seconds_comes_first(tmp_path: Path) -> None:
    said = outcome(tmp_path, "--verbose")
    assert [line.split()[0] for line in said.splitlines() if " PASSED " in line][:2] == [
        "test_suite.py::test_waiting",
        "test_suite.py::test_short",
    ]


def test_what_a_file_has_loaded_is_set_aside_at_its_end_and_no_earlier(request: pytest.FixtureRequest) -> None:
    """Else each look for garbage goes through it, to the end of the run."""
    loaded: list[object] = []
    workers.pytest_runtest_teardown(request.node, request.node)
    assert any(one is loaded for one in gc.get_objects())
    workers.pytest_runtest_teardown(request.node, None)
    assert not any(one is loaded for one in gc.get_objects())
