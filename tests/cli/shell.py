"""Calls of the command line, in this process or in one of its own, and what they came to.

Knows `main` and `python -m sendkit`, and nothing behind them.
"""

from __future__ import annotations

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendkit._cli import main
from tests import preloaded

if TYPE_CHECKING:
    from sendkit.testing import LocalServer

ROOT = Path(__file__).parents[2]
LETTER = ("-f", "ana@example.com", "-t", "luis@example.com", "-s", "Hola", "--text", "¿Qué tal?")


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str


class Stdin(io.TextIOWrapper):
    """Standard input with something in it, on a terminal or not."""

    def __init__(self, octets: bytes = b"", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(octets), encoding="utf-8")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class Shell:
    """Runs commands; `shell("send", …)` in this process, `shell.apart("send", …)` in one of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: str | os.PathLike[str], stdin: Stdin | bytes = b"") -> Answer:
        self._monkeypatch.setattr(sys, "stdin", Stdin(stdin) if isinstance(stdin, bytes) else stdin)
        code = main([os.fspath(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    def apart(self, *arguments: str | os.PathLike[str], stdin: bytes = b"", **environ: str) -> Answer:
        words = [os.fspath(word) for word in arguments]
        fresh = any(name.startswith("PYTHON") for name in environ)  # which are read when Python begins
        with preloaded.started(
            preloaded.STRICT, preloaded.COMMAND, *words, environment=environment(**environ), fresh=fresh
        ) as process:
            if stdin and process.stdin is not None:
                process.stdin.write(stdin.decode())
            out, err = process.communicate(timeout=300)
        return Answer(process.wait(), out, err)


def command(*arguments: str | os.PathLike[str]) -> list[str | os.PathLike[str]]:
    """The command line of a process of its own, in which every warning is an error."""
    return [sys.executable, "-W", "error", "-m", "sendkit", *arguments]


def environment(**environ: str) -> dict[str, str]:
    """This process's environment, with the library on the path."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **environ}


def account(server: LocalServer) -> tuple[str, ...]:
    """The arguments that name this server and the account there."""
    address = f"{server.host}:{server.port}"
    return ("--host", address, "--user", server.username, "--ca-file", str(server.ca_file))
