"""Django's own tests of mail pass with our backend, except for those that docs/frameworks.md lists with reasons."""

from __future__ import annotations

import email.errors
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import django
import pytest

from tests.docs.pages import page

ROOT = Path(__file__).parents[2]


def failing(folder: str, *more: str) -> set[str]:
    command = [sys.executable, "-m", "tests.django.own_suite", folder, *more]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    return set(json.loads(ran.stdout))


@pytest.fixture
def source(tmp_path: Path) -> str:
    """The source package of this Django, unpacked: DJANGO_SOURCE, or else from PyPI."""
    if (named := os.environ.get("DJANGO_SOURCE")) is not None:
        return named
    wanted = ["--no-deps", "--no-binary", "django", f"django=={django.__version__}"]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--dest", tmp_path, *wanted], check=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    return str(archive).removesuffix(".tar.gz")


@pytest.mark.nightly
@pytest.mark.skipif(
    django.VERSION >= (6, 1) and not hasattr(email.errors, "HeaderWriteError"),
    reason="the tests of Django 6.1 need a CPython 3.12.5 or later, which this is not",
)
def test_all_but_those_that_are_listed_pass(source: str) -> None:
    section = page("frameworks.md").text.partition("### What differs from Django's own backend")[2]
    listed = set(re.findall(r"`(test_\w+)`", section))
    differ = {name.rpartition(".")[2] for name in failing(source) - failing(source, "--theirs")}
    assert differ - listed == set()
    assert len(differ) >= 8  # or they ran with another backend
