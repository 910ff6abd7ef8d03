"""A test that limits its process has one of its own, so that pytest may write its report to a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import own_process

TESTS = Path(__file__).parent
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX's")

SUITE = """
import pytest
from tests.own_process import limit

@pytest.fixture
def no_room():
    limit("FSIZE", 0)

@pytest.mark.own_process
def test_that_passes(no_room, tmp_path):
    with pytest.raises(OSError, match="File too large"):
        (tmp_path / "file").write_text("x")

@pytest.mark.own_process
def test_that_fails(no_room):
    assert "left" == "right"

@pytest.mark.own_process
def test_that_skips(no_room):
    pytest.skip("not here")

def test_without_the_marker(no_room):
    pass

def test_beside_it(tmp_path):
    (tmp_path / "file").write_text("x")
"""


def test_it_reports_into_a_file_what_became_of_each_test(tmp_path: Path) -> None:
    (tmp_path / "test_limits.py").write_text(SUITE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "tests.own_process", "-p", "no:cacheprovider"]
    with (tmp_path / "report").open("w+", encoding="utf-8") as report:
        environ = own_process.environment(PYTHONPATH=str(TESTS.parent), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        subprocess.run(command, cwd=tmp_path, env=environ, stdout=report, stderr=report, check=False, timeout=300)
        report.seek(0)
        said = report.read()
    assert "PASSED test_limits.py::test_that_passes" in said
    assert "FAILED test_limits.py::test_that_fails" in said
    assert "assert 'left' == 'right'" in said
    assert "SKIPPED [1] test_limits.py" in said
    assert "not here" in said
    assert "mark this test with own_process" in said
    assert "PASSED test_limits.py::test_beside_it" in said


def test_no_test_limits_the_process_that_all_share() -> None:
    files = [path for path in TESTS.rglob("*.py") if path.name.startswith("test_") or path.name == "conftest.py"]
    found = {str(path.relative_to(TESTS)): calls for path in files if (calls := own_process.setters(path))}
    assert found == {}, "use tests.own_process.limit in a test that is marked own_process"
