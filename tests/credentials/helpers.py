"""Keyring backends that behave in a given way, and a look into every place where a secret must not be."""

from __future__ import annotations

import os
import subprocess
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import keyring.backend

from sendkit._credentials import Secret
from tests import preloaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendkit import OAuth2

PASSWORD = "correct-horse-battery"  # a constant, and in no local variable: tracebacks are searched for it
HOST = "smtp.example.com"
USER = "ana@example.com"
ENTRY = (f"sendkit:{HOST}", USER)
ROOT = Path(__file__).parents[2]
# keyring 25.7 leaves its bus connection to the garbage collector when the collection is locked.
_FLAVOUR = preloaded.Flavour(
    (("PATH", os.defpath), ("PYTHONPATH", str(ROOT))),
    ("-W", "error", "-W", "ignore:unclosed <socket:ResourceWarning"),
    f"import asyncio, sendkit._credentials; {preloaded.SENDKIT}",
)


class Shelf(keyring.backend.KeyringBackend):
    """A keyring in memory, which takes part only when a test says so: keyring makes none that needs an argument."""

    priority = 5

    def __init__(self, entries: Mapping[tuple[str, str], str]) -> None:
        super().__init__()
        self.entries = dict(entries)
        self.asked: list[tuple[str, str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append((service, username))
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


class Failing(Shelf):
    """A keyring that answers everything with one error."""

    def __init__(self, error: BaseException) -> None:
        super().__init__({})
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error


class Silent(Shelf):
    """A keyring that answers only once somebody unlocks it."""

    def __init__(self, entries: Mapping[tuple[str, str], str]) -> None:
        super().__init__(entries)
        self.unlocked = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        password = super().get_password(service, username)
        self.unlocked.wait()
        return password


def shown(error: BaseException) -> str:
    """Everything that an error reporter with locals would show of an error and of those behind it."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format()) + repr(error) + str(vars(error))


def run(code: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program with warnings as errors, in an environment without any session of the desktop."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    kept |= {"PYTHONPATH": str(ROOT), "HOME": str(ROOT / "nowhere")}
    return preloaded.run(_FLAVOUR, code, environment={**kept, **environment})


def ask_program(limit: float) -> str:
    """A program that asks the default chain, and prints the password or the error."""
    return f"""
import asyncio
from sendkit._credentials import default_chain
from sendkit.errors import CredentialsError
try:
    print(asyncio.run(default_chain(keyring_limit={limit}).secret(host={HOST!r}, username={USER!r})).reveal())
except CredentialsError as error:
    print(type(error).__name__, error)
"""


def asked_in_a_process(environment: Mapping[str, str], *, limit: float = 60) -> str:
    """What that program prints in this environment."""
    process = run(ask_program(limit), environment)
    assert (process.returncode, process.stderr) == (0, "")
    return process.stdout.strip()


async def token(tokens: OAuth2) -> str:
    """The access token that a login would get."""
    secret = await tokens.secret(host=HOST, username=USER)
    assert secret.bearer
    return secret.reveal()


async def renewed(tokens: OAuth2, refused: str) -> str | None:
    """The one after this was refused, if there is another."""
    secret = await tokens.renewed(Secret(refused, bearer=True), host=HOST, username=USER)
    return secret and secret.reveal()
