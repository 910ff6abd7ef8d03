"""What a question is provoked on: servers, certificates and keyrings, a program in Python, and a command line.

Knows how to catch all that a person would read. Must not know the questions.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

from keyring.core import get_keyring, set_keyring

from sendkit import Mailer, Message, RetryPolicy, Security, Server, Timeouts, errors
from sendkit._cli import main
from tests.servers.authority import Authority, Certificate
from tests.servers.scripted import ScriptedServer

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

ANA, LUIS, OPS = "ana@example.com", "luis@example.com", "ops@example.net"
PASSWORD = "correct horse"
LETTER = ("-f", ANA, "-t", LUIS, "-s", "Hola", "--text", "¿Qué tal?")
ONCE = RetryPolicy(max_attempts=1)


class Stage:
    """One question's: `python` and `shell` hold what was read there, in the order in which it came."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.folder, self.authority = folder, authority
        self.python: list[str] = []
        self.shell: list[str] = []

    def message(self, *to: str, **fields: Any) -> Message:
        """A message from Ana."""
        given: dict[str, Any] = {"sender": ANA, "to": to or LUIS, "subject": "Hola", "text": "¿Qué tal?"} | fields
        return Message(**given)

    def program(self, use: Callable[[], object]) -> None:
        """What a program is told: the error that it does not catch, a warning, or else the value."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                told = str(use())
            except errors.SendkitError as error:
                told = f"{type(error).__name__}: {error}"
            except TypeError as error:
                told = f"TypeError: {error}"
        self.python.append("\n".join([*(f"{w.category.__name__}: {w.message}" for w in caught), told]))

    def command(self, *arguments: str | Path, stdin: str = "", **environ: str) -> None:
        """What somebody at a command line reads: both streams of `sendkit ARGUMENTS`."""
        out, err = _stream(), _stream()
        given = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch.object(sys, "stdin", given),
            mock.patch.dict(os.environ, environ),
            contextlib.suppress(SystemExit),
        ):
            main([os.fspath(argument) for argument in arguments])
        self.shell.append(f"$ sendkit {' '.join(map(str, arguments))}\n{_written(out)}{_written(err)}".rstrip())

    @contextlib.contextmanager
    def server(self, kind: Certificate = Certificate.GOOD, **settings: Any) -> Generator[ScriptedServer]:
        """A server with STARTTLS, unless the settings say otherwise; on localhost, which has a certificate."""
        given: dict[str, Any] = {"tls": self.authority.server_context(kind), "host": "localhost"} | settings
        with ScriptedServer(**given) as server:
            yield server

    def place(self, server: ScriptedServer, security: Security = Security.STARTTLS, **settings: Any) -> Server:
        """The server as a program names it, patient for a moment alone."""
        given: dict[str, Any] = {"ca_file": self.authority.ca_file, "timeouts": Timeouts(greeting=60)} | settings
        return Server("localhost", server.port, security, **given)

    def sends(self, server: ScriptedServer, message: Message | None = None, **settings: Any) -> None:
        """A program sends, and so does a command line."""
        place = settings.pop("place", None) or self.place(server)
        given: dict[str, Any] = {"username": ANA, "password": PASSWORD, "retry": ONCE} | settings
        with Mailer(place, **given) as mailer:
            self.program(lambda: mailer.send(message or self.message()))

    def types(self, server: ScriptedServer, *more: str | Path, user: str | None = ANA, **environ: str) -> None:
        """The same at a command line."""
        login = ("--user", user) if user else ()
        given = ("--ca-file", self.authority.ca_file) if "--ca-file" not in environ.pop("without", "") else ()
        address, letter = f"localhost:{server.port}", () if "-s" in more else LETTER
        retries = () if "--retries" in more or "--patient" in more else ("--retries", "0")
        secret = {"SENDKIT_PASSWORD": PASSWORD} | environ
        self.command("send", "--host", address, *given, *login, *retries, *letter, *more, **secret)


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return cast("io.BytesIO", stream.buffer).getvalue().decode()


@contextlib.contextmanager
def keyring_of(backend: KeyringBackend) -> Generator[None]:
    """The keyring of this process, for a moment."""
    before = get_keyring()
    set_keyring(backend)
    try:
        yield
    finally:
        set_keyring(before)


def bare(text: str) -> str:
    """The text in one line, as a search looks at it: where lines end is no matter."""
    return re.sub(r"\s+", " ", text)
