"""What shells complete, and the manual page, are the parser's own words; the shells themselves are asked."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendkit._cli import parser
from sendkit._cli.arguments import Command, described

from .shell import Shell

_SHELLS = ("bash", "zsh", "fish", "man")
# A line that is being typed, and a word that it is completed to.
_TYPED = [
    ("sendkit rep", "report"),
    ("sendkit send --secu", "--security"),
    ("sendkit send --security sta", "starttls"),
    ("sendkit outbox mig", "migrate"),
    ("sendkit outbox list --stat", "--state"),
    ("sendkit outbox list --state se", "settled"),
    ("sendkit completions fi", "fish"),
]


def commands(of: Command) -> Iterator[Command]:
    """All of them."""
    for each in of.inner:
        yield each
        yield from commands(each)


def program(name: str) -> str:
    """The path of a program that is not Python's."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {name}")
    return found


def script(shell: Shell, name: str, folder: Path) -> Path:
    """What the command prints, in a file."""
    answer = shell("completions", name)
    assert (answer.code, answer.err) == (0, "")
    path = folder / f"sendkit.{name}"
    path.write_text(answer.out, encoding="utf-8")
    return path


def run(*command: str, stdin: str = "") -> str:
    """What a program prints, which must end with 0."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("name", _SHELLS)
def test_every_command_and_every_option_is_in_it(shell: Shell, name: str) -> None:
    text = shell("completions", name).out.replace("\\-", "-")
    for command in commands(described(parser.whole())):
        assert command.name in text
        for flag in (flag for argument in command.arguments for flag in argument.flags):
            shown = flag if name != "fish" else f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
            assert shown in text


@pytest.mark.parametrize(("line", "word"), _TYPED)
def test_bash_completes(shell: Shell, tmp_path: Path, line: str, word: str) -> None:
    ask = 'source "$1"; COMP_WORDS=($2); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sendkit; echo "${COMPREPLY[@]}"'
    assert run(program("bash"), "--norc", "-c", ask, "-", str(script(shell, "bash", tmp_path)), line) == f"{word}\n"


@pytest.mark.parametrize(("line", "word"), _TYPED)
def test_fish_completes(shell: Shell, tmp_path: Path, line: str, word: str) -> None:
    ask = f"source {script(shell, 'fish', tmp_path)}; complete -C '{line}'"
    assert run(program("fish"), "--no-config", "-c", ask).split("\t")[0] == word


@pytest.mark.parametrize(("line", "word"), _TYPED)
def test_zsh_is_offered_the_word(shell: Shell, tmp_path: Path, line: str, word: str) -> None:
    """Its own functions, which need the line editor, only print here what they are given."""
    ask = """
        compdef() {}
        _describe() { print -l -- $inner }
        _arguments() { print -l -- "$@" }
        source $1
        words=(${=2}) CURRENT=${#words}
        _sendkit
    """
    assert word in run(program("zsh"), "-f", "-c", ask, "-", str(script(shell, "zsh", tmp_path)), line)


def test_the_manual_page_is_sound(shell: Shell, tmp_path: Path) -> None:
    page = script(shell, "man", tmp_path)
    lint = (program("mandoc"), "-T", "lint", "-W", "warning", str(page))
    found = subprocess.run(lint, capture_output=True, text=True, check=False, timeout=300).stdout.splitlines()
    assert [
        line for line in found if "missing date" not in line
    ] == []  # without a date, each build gives the same page
    shown = run(program("mandoc"), "-T", "utf8", str(page))
    assert "sendkit - send mail" in shown
    assert "¿Qué tal?" in shown


def test_an_unknown_shell_is_a_wrong_argument(shell: Shell) -> None:
    answer = shell("completions", "tcsh")
    assert answer.code == 64
    assert "choose from" in answer.err


def test_the_manual_page_breaks_no_option_in_two(shell: Shell) -> None:
    page = shell("completions", "man").out
    assert page.splitlines()[1:3] == [".nh", ".ad l"]
    assert r"[\-\-reply\-to\ ADDR]" in page
