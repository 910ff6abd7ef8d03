"""Django's own tests of mail pass with our backend, except for those that docs/frameworks.md lists with reasons."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import page

ROOT = Path(__file__).parents[2]
_HOW = "pip download --no-deps --no-binary :all: django==…, unpack it, and set DJANGO_SOURCE to the folder"


def failing(folder: str, *more: str) -> set[str]:
    command = [sys.executable, "-m", "tests.django.own_suite", folder, *more]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    return set(json.loads(ran.stdout))


@pytest.mark.nightly
def test_all_but_those_that_are_listed_pass() -> None:
    if (folder := os.environ.get("DJANGO_SOURCE")) is None:
        pytest.skip(_HOW)
    section = page("frameworks.md").text.partition("### What differs from Django's own backend")[2]
    listed = set(re.findall(r"`(test_\w+)`", section))
    differ = {name.rpartition(".")[2] for name in failing(folder) - failing(folder, "--theirs")}
    assert differ - listed == set()
    assert len(differ) >= 8  # or they ran with another backend
