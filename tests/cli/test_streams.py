"""No terminal, locale or closed stream makes the command fail in another way than with a sentence."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.shell import LETTER, ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
SENDKIT = f'"{sys.executable}" -m sendkit'
HEAD = " ".join(LETTER[:6])


def shell(line: str, **environment: str) -> tuple[int, str, str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "SENDKIT_TRANSPORT": "memory", **environment}
    ran = subprocess.run(["sh", "-c", line], env=environ, cwd=ROOT, capture_output=True, check=False, timeout=300)
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()


def test_without_standard_input_the_text_is_asked_for_elsewhere() -> None:
    code, _, told = shell(f"{SENDKIT} send {HEAD} <&-")
    assert code == 65
    assert "there is no standard input" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_does_not_keep_mail_from_going_out(closed: str) -> None:
    code, _, told = shell(f"{SENDKIT} send {HEAD} --text x {closed}")
    assert code == 0
    assert "Traceback" not in told


@pytest.mark.parametrize("command", ["explain", "login smtp.example.com ana@example.com", "report -t luis@example.com"])
def test_no_command_needs_standard_input_to_say_what_it_misses(command: str) -> None:
    code, _, told = shell(f"{SENDKIT} {command} <&-")
    assert code in {64, 65, 77}
    assert "Traceback" not in told
    assert "hint:" in told


def test_arguments_are_utf8_where_the_locale_knows_ascii_alone() -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    code, shown, _ = shell(f'{SENDKIT} send {HEAD} --cc "Ñandú <ops@example.net>" --text "¿Qué tal?"', **plain)
    assert code == 0
    assert "ops@example.net" in shown


def test_an_argument_that_is_no_utf8_is_refused_with_what_to_do() -> None:
    code, _, told = shell(f"{SENDKIT} send -f a@b.c -t d@e.f --text x -s \"$(printf 'caf\\351')\"")
    assert code == 65
    assert "right encoding" in told


def test_a_mistyped_option_is_told_the_near_one() -> None:
    code, _, told = shell(f"{SENDKIT} send {HEAD} --sbject x")
    assert (code, "did you mean --subject?" in told) == (64, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("snd", "did you mean 'send'?"),
        ("outbox lst", "did you mean 'list'?"),
        (f"send {HEAD} --security startls", "did you mean 'starttls'?"),
        (f"send {HEAD} --port 587", "the port belongs to the host: --host HOST:PORT"),
        (f"send {HEAD} --pass x", "a password is not an argument"),
        ("outbox purge --content-after nan", "'nan' is not a number of days"),
        ("outbox run --warn-after x", "'x' is not a number of hours"),
        ("outbox run --report nobody", "argument --report: 'nobody' is not an address; write `sender`"),
    ],
)
def test_a_wrong_word_is_told_what_was_meant(words: str, told: str) -> None:
    code, _, said = shell(f"{SENDKIT} {words}")
    assert (code, told in said) == (64, True), said


def test_standard_input_can_be_attached() -> None:
    code, shown, _ = shell(f"echo data | {SENDKIT} send {HEAD} --text x -a -")
    assert code == 0
    assert "accepted" in shown
