"""A variable that somebody forgot is told of once in every process, and never swallows mail in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import preloaded

ROOT = Path(__file__).parents[2]
SENDS = """
from sendkit import Mailer, MemoryTransport, Message
for _ in range(3):
    for mailer in (Mailer("smtp.example.com"), Mailer.from_url("smtps://smtp.example.com"), {more}):
        mailer.send(Message(sender="ana@example.com", to="luis@example.com", text="Hola"))
"""


def said(more: str = "Mailer(transport=MemoryTransport())", **variables: str) -> str:
    """What a program without any logging of its own writes to standard error."""
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), **variables}
    ran = preloaded.run(preloaded.STRICT, SENDS.format(more=more), environment=environment)
    ran.check_returncode()
    return ran.stderr


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"SENDKIT_TRANSPORT": "memory"}, "SENDKIT_TRANSPORT=memory"),
        (
            {"SENDKIT_TRANSPORT": "memory", "SENDKIT_REDIRECT_ALL_TO": "dev@example.com"},
            "SENDKIT_TRANSPORT=memory, SENDKIT_REDIRECT_ALL_TO=dev@example.com",
        ),
    ],
)
def test_one_warning_a_process_names_the_variables(variables: dict[str, str], told: str) -> None:
    assert said(**variables) == f"{told}: mail of this process does not go where it is addressed\n"


def test_a_program_that_chose_its_transport_is_not_warned_of_the_one_that_it_replaced() -> None:
    program = SENDS.replace('Mailer("smtp.example.com"), Mailer.from_url("smtps://smtp.example.com"), ', "")
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "SENDKIT_TRANSPORT": "pigeon"}
    command = [sys.executable, "-c", program.format(more="Mailer(transport=MemoryTransport()),")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    assert ran.stderr == ""
