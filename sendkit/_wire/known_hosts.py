"""What a server offered before, in the file of `known_hosts=`: one that offers less now may be an attacker in between.

One line for a server and what it showed, `smtp.example.com:587 starttls SCRAM-SHA-256`; the most that any line says is
what counts, and deleting its lines forgets a server. Lines are only added, each in one write, so that several
processes may share the file. Only sessions with a verified server are written down, and nothing of who logs in.
RFC 3207 section 6, RFC 5802 section 9; versions of TLS need no memory (RFC 8446 section 4.1.3).
Must not know: how a mechanism is chosen.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit._lifetime import threads
from sendkit._server.security import Security
from sendkit._smtp.phase import Phase
from sendkit._smtp.sasl import SCRAM, Mechanism, weaker
from sendkit._smtp.verdict import Reason, not_accepted
from sendkit._trusted_file import trusted_file
from sendkit._wire.failure import SessionFailed
from sendkit._wire.login import Login
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._server.server import Server

_FORM = "each line is HOST:PORT, starttls or implicit_tls, and the best mechanism, if there was a login"


@dataclass(slots=True, frozen=True)
class KnownHost:
    """One server as it was before; where nobody wants a memory, there is nothing to miss."""

    server: Server
    known: bool = False
    starttls: bool = False
    mechanism: Mechanism | None = None

    @classmethod
    async def read(cls, server: Server) -> KnownHost:
        """Look the server up. Raises ConfigurationError when the file cannot be read, or trusted."""
        if server.known_hosts is None or not _verified(server):
            return cls(server)
        return await threads.run(partial(_look_up, server, server.known_hosts))

    def check_starttls(self) -> None:
        """The server offers no STARTTLS. Raises SessionFailed if it did before."""
        if self.starttls:
            raise _less(Phase.STARTTLS, Reason.STARTTLS_GONE, "STARTTLS is gone")

    def check_login(self, login: Login, mechanism: Mechanism | None) -> None:
        """Raises SessionFailed when a password would go to a weaker mechanism than before, unless that was named."""
        preferred = login.mechanism is None and not login.token
        if preferred and self.mechanism is not None and weaker(mechanism, self.mechanism):
            gone = f"it took {self.mechanism}, and {mechanism or 'no mechanism of ours'} is the best that is left"
            raise _less(Phase.AUTH, Reason.MECHANISM_GONE, gone)

    async def remember(self, mechanism: Mechanism | None) -> None:
        """Write down what is new about this session. Raises ConfigurationError when that cannot be."""
        path = self.server.known_hosts
        if path is None or not _verified(self.server):
            return
        # A proof alone is more than what any server takes, and so can be missed.
        proof = mechanism if mechanism and mechanism in SCRAM and weaker(self.mechanism, mechanism) else None
        starttls = self.server.security is Security.STARTTLS
        if proof is not None or not self.known or (starttls and not self.starttls):
            await threads.run(partial(_add, path, _words(self.server, proof)))


def _verified(server: Server) -> bool:
    if server.security is Security.NONE:
        return False
    return bool(server.pins) or server.context.verify_mode is ssl.CERT_REQUIRED


def _less(phase: Phase, why: Reason, what: str) -> SessionFailed:
    return SessionFailed(not_accepted(phase, why, f"the server offers less than it did before: {what}"))


def _name(server: Server) -> str:
    return server.address.lower()


def _words(server: Server, mechanism: Mechanism | None) -> str:
    return " ".join(filter(None, (_name(server), server.security.value, mechanism)))


def _look_up(server: Server, path: Path) -> KnownHost:
    name, known, starttls, mechanism = _name(server), False, False, None
    for number, line in enumerate(_read(path).splitlines(keepends=True), 1):
        host, security, shown = _parsed(path, number, line)
        if host == name:
            known, starttls = True, starttls or security is Security.STARTTLS
            mechanism = shown if shown is not None and weaker(mechanism, shown) else mechanism
    return KnownHost(server, known, starttls, mechanism)


def _read(path: Path) -> str:
    try:
        with trusted_file(path) as file:
            return file.read().decode("ascii")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__})", hint=_FORM) from None


def _parsed(path: Path, number: int, line: str) -> tuple[str, Security | None, Mechanism | None]:
    words = line.split()
    if not words or words[0].startswith("#"):
        return "", None, None
    try:
        name, security, mechanism = [*words, ""] if len(words) == 2 else words
        return name.lower(), Security(security), Mechanism(mechanism) if mechanism else None
    except ValueError:
        if not line.endswith("\n"):
            return "", None, None  # another process is still writing it
        hint = f"correct the line, or delete it: {_FORM}"
        raise ConfigurationError(f"{path}, line {number} cannot be understood", hint=hint) from None


def _add(path: Path, words: str) -> None:
    before = _read(path)
    # An editor may have left the last line without its end.
    line = f"{words}\n" if not before or before.endswith("\n") else f"\n{words}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("ab", buffering=0) as file:
            file.write(line.encode("ascii"))
    except OSError as error:
        why = error.strerror or type(error).__name__
        hint = "it must be a file that this program may write to; known_hosts= names another one"
        raise ConfigurationError(f"{path} cannot be written: {why}", hint=hint) from None
