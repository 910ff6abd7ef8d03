"""Secrets from a program that prints them: `pass show mail`, `op read …`, your own script.

Knows: SENDKIT_PASSWORD_COMMAND, and `PasswordCommand` of an application. It runs without a shell, within a time limit,
and without the secrets of ours in its environment; the first line that it prints is the secret. What it says on
standard error reaches the user and no error of ours: these name the program, and never its arguments.
Must not know: any program in particular.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sendkit._credentials.environment import EMPTY, without_secrets
from sendkit._credentials.source import Found, Missing, judge
from sendkit._frames import frameless
from sendkit._lifetime import threads
from sendkit._variables import unset
from sendkit.errors import ConfigurationError, CredentialsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendkit._credentials.secret import Secret

COMMAND_LIMIT = 60.0
"""Seconds for the program: a person may have to type the password of its store first."""

_MAX_OUTPUT = 65_536
_HINT = "run it in a terminal to see what is wrong; it must print the password as its first line"


@dataclass(slots=True, frozen=True)
class EnvironmentCommand:
    """The secret as the output of the command line in an environment variable."""

    environ: Mapping[str, str] = field(repr=False)
    name: str = "SENDKIT_PASSWORD_COMMAND"

    async def find(self, *, host: str, username: str) -> Found | Missing:
        """Run the program; one that was named and fails ends the search."""
        line = self.environ.get(self.name)
        if not line:
            return Missing(self.name, unset(self.name, self.environ) if line is None else EMPTY)
        try:
            argv = shlex.split(line, posix=os.name == "posix")
        except ValueError:
            argv = []
        if not argv:
            hint = "write the program and its arguments as in a shell; pipes and variables are not there"
            return Missing(self.name, "cannot be read as a command line", CredentialsError, hint)
        return await _printed(argv, f"{self.name} ({argv[0]})", COMMAND_LIMIT)


class PasswordCommand:
    """Credentials that a program prints as its first line: `PasswordCommand(["pass", "show", "mail"])`.

    `argv` is the program with its arguments. It runs without a shell, when the secret is first needed and once more
    when a server has refused it, for `limit` seconds at most. Raises ConfigurationError for what is not a list of
    arguments.
    """

    @frameless
    def __init__(self, argv: Sequence[str], *, limit: float = COMMAND_LIMIT) -> None:
        from sendkit._credentials.chain import CredentialChain  # noqa: PLC0415 - which knows the other command here

        given: Any = argv
        named = isinstance(given, list | tuple) and all(isinstance(one, str) for one in cast("list[object]", given))
        if not named or not argv or not argv[0]:
            hint = 'give each argument by itself: PasswordCommand(["pass", "show", "mail"]); no shell reads them'
            raise ConfigurationError("PasswordCommand takes the program and its arguments as a list", hint=hint)
        self._source = f"the program {argv[0]} (credentials=PasswordCommand)"
        self._chain = CredentialChain([_Command(tuple(argv), self._source, limit)])

    def __repr__(self) -> str:
        return f"<{self._source}>"

    @property
    def source(self) -> str:
        """Where the secret comes from."""
        return self._source

    async def secret(self, *, host: str, username: str) -> Secret:
        """What the program printed. Raises CredentialsError."""
        return await self._chain.secret(host=host, username=username)

    async def renewed(self, refused: Secret, *, host: str, username: str) -> Secret | None:
        """Run it once more. Raises CredentialsError."""
        return await self._chain.renewed(refused, host=host, username=username)


@dataclass(slots=True, frozen=True)
class _Command:
    argv: tuple[str, ...] = field(repr=False)
    source: str
    limit: float

    async def find(self, *, host: str, username: str) -> Found | Missing:
        return await _printed(self.argv, self.source, self.limit)


async def _printed(argv: Sequence[str], source: str, limit: float) -> Found | Missing:
    # Not asyncio's subprocesses, which not every event loop has.
    future = threads.start(lambda: _run(argv, source, limit))
    return await asyncio.wrap_future(future)


def _run(argv: Sequence[str], source: str, limit: float) -> Found | Missing:
    try:
        process = subprocess.Popen(  # noqa: S603 - as its user asks
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=without_secrets(os.environ)
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        return Missing(
            source, f"cannot be run ({why})", CredentialsError, "give its full path, and check that it is executable"
        )
    with process:
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            _end(process)
            return Missing(source, f"did not end within {limit:g} s", CredentialsError, _HINT)
    if process.returncode:
        return Missing(source, f"ended with exit code {process.returncode}", CredentialsError, _HINT)
    line = output[:_MAX_OUTPUT].partition(b"\n")[0].removesuffix(b"\r")
    if not line:
        return Missing(source, "printed nothing", CredentialsError, _HINT)
    return judge(source, line.decode(errors="surrogateescape"))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    # What it started may still hold the other end, and must not be waited for.
    with contextlib.suppress(OSError):
        if process.stdout is not None:
            process.stdout.close()
