"""Secrets from whoever starts the process: in an environment variable, in a file named by one, by systemd.

Knows: SENDKIT_PASSWORD, SENDKIT_PASSWORD_FILE, and `$CREDENTIALS_DIRECTORY/sendkit.password` (systemd.exec(5),
LoadCredential=). Each is read when it is asked for, not before. A file that other users of the machine can read, write
or replace is refused, whatever is in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit._credentials.source import Found, Missing, judge
from sendkit._lifetime import threads
from sendkit._trusted_file import Distrust, open_trusted
from sendkit._variables import unset
from sendkit.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS = ("SENDKIT_PASSWORD", "SENDKIT_OAUTH_CLIENT_SECRET")
"""The variables that hold a secret themselves."""
MAX_FILE = 65_536
EMPTY = "is empty"


@dataclass(slots=True, frozen=True)
class EnvironmentVariable:
    """The secret as the value of an environment variable."""

    environ: Mapping[str, str] = field(repr=False)
    name: str = "SENDKIT_PASSWORD"

    async def find(self, *, host: str, username: str) -> Found | Missing:
        """Take the variable's value; it holds for every account."""
        value = self.environ.get(self.name)
        return Missing(self.name, unset(self.name, self.environ)) if value is None else judge(self.name, value)


@dataclass(slots=True, frozen=True)
class PasswordFile:
    """The secret as the content of a file whose path stands in an environment variable."""

    environ: Mapping[str, str] = field(repr=False)
    name: str = "SENDKIT_PASSWORD_FILE"

    async def find(self, *, host: str, username: str) -> Found | Missing:
        """Read the file; one that was named and cannot be read ends the search."""
        path = self.environ.get(self.name)
        if not path:
            return Missing(self.name, unset(self.name, self.environ) if path is None else EMPTY)
        source = f"{self.name} ({path})"
        absent = _refused(source, "is not a file", f"write the password to it, or unset {self.name}")
        return await threads.run_anyhow(partial(read, Path(path), source, absent))


@dataclass(slots=True, frozen=True)
class SystemdCredential:
    """The secret as a credential that systemd passes to a service."""

    environ: Mapping[str, str] = field(repr=False)
    name: str = "sendkit.password"

    async def find(self, *, host: str, username: str) -> Found | Missing:
        """Read the credential, if the unit has one of this name."""
        source = f"systemd credential {self.name}"
        folder = self.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            return Missing(source, "CREDENTIALS_DIRECTORY is not set")
        absent = Missing(source, f"is not in {folder}")
        return await threads.run_anyhow(partial(read, Path(folder, self.name), source, absent))


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for another program, which needs none of our secrets."""
    return {name: value for name, value in environ.items() if name not in SECRETS}


def read(path: Path, source: str, absent: Missing) -> Found | Missing:
    """Read a secret file: UTF-8, at most 64 KB, closed to other users; a line end at its end is not of the secret.

    Returns `absent` where no regular file is.
    """
    try:
        if not path.is_file():
            return absent
        file = open_trusted(path, secret=True)
        if isinstance(file, Distrust):
            return _refused(source, file.why, file.hint)
        with file:
            octets = file.read(MAX_FILE + 1)
    except OSError as error:
        return _refused(source, f"cannot be read ({error.strerror})", "let the account that sends the mail read it")
    if len(octets) > MAX_FILE:
        return _refused(source, f"is larger than {MAX_FILE} octets", "keep the password alone in the file")
    return judge(source, octets.decode(errors="surrogateescape").removesuffix("\n").removesuffix("\r"))


def _refused(source: str, why: str, hint: str) -> Missing:
    return Missing(source, why, CredentialsError, hint)
