"""What `.ci/run` says at its end of what failed: the name of each test and what it compared; few read more."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import own_process

COMMON = Path(__file__).parents[1] / ".ci" / "common.sh"
SUITE = """
import pytest

def test_of_a_value(): assert {"one": 1} == {"one": 2}

@pytest.fixture
def gone(): raise LookupError("nothing there")

def test_of_a_fixture(gone): pass

def test_that_passes(): print("no word of this")
"""
CLOSING = """
source {common}
work={folder}
try 'A part that is well' echo 'it is well'
try 'The tests' {python} -m pytest -q -p no:cacheprovider --rootdir {folder}
try 'Another part' bash -c 'echo the reason; echo "Location of a package is ignored"; exit 1'
closing
"""

if sys.platform == "win32" or shutil.which("bash") is None or not COMMON.exists():
    pytest.skip("needs bash, and a checkout", allow_module_level=True)


def test_the_end_has_every_failure_and_the_figure_of_each_part(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    script = CLOSING.format(common=COMMON, folder=tmp_path, python=sys.executable)
    environ = own_process.environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    ran = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environ, capture_output=True, encoding="utf-8", check=False
    )
    failures = ran.stdout.partition("== FAILED: The tests")[2]
    assert "E   AssertionError: assert {'one': 1} == {'one': 2}" in failures
    assert "FAILED test_suite.py::test_of_a_value" in failures
    assert "E   LookupError: nothing there" in failures
    assert "ERROR test_suite.py::test_of_a_fixture" in failures
    assert "no word of this" not in failures
    figures = failures.partition("== Figures")[2]
    assert " s  ok     A part that is well: it is well\n" in figures
    assert " s  FAILED Another part: the reason\n" in figures
    assert figures.endswith("failed: The tests\nfailed: Another part\n")
    assert ran.returncode == 1
