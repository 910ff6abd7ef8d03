"""The server's side of the SASL mechanisms beyond PLAIN and LOGIN: SCRAM by scramp, CRAM-MD5, tokens, EXTERNAL.

Each is a generator: it yields challenges, is sent the client's answers, and returns whether the login succeeded. The
first answer is the initial response, or None. Knows accounts and what may be untrue; must not know SMTP.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum

import scramp

Side = Generator[bytes, bytes, bool]
MECHANISMS = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "CRAM-MD5", "XOAUTH2",
              "OAUTHBEARER", "EXTERNAL")  # fmt: skip


class Lie(StrEnum):
    """What a server does that knows no password."""

    SIGNATURE = "signature"
    NO_PROOF = "no proof"
    NONCE = "nonce"


@dataclass
class Accounts:
    """Who may log in: users with passwords, and access tokens; `binding` is the hash of the certificate (RFC 5929).

    `identities` are the authorization identities that EXTERNAL gave, `flags` the GS2 flags of SCRAM.
    """

    users: dict[str, str]
    tokens: set[str] = field(default_factory=set)
    binding: bytes | None = None
    lie: Lie | None = None
    identities: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    bearers: list[str] = field(default_factory=list)


def side(mechanism: str, accounts: Accounts, initial: bytes | None) -> Side:
    """The server's side of one exchange."""
    if mechanism.startswith("SCRAM-"):
        return _scram(mechanism, accounts, initial)
    if mechanism == "CRAM-MD5":
        return _cram(accounts)
    return _external(accounts, initial) if mechanism == "EXTERNAL" else _bearer(mechanism, accounts, initial)


def _scram(mechanism: str, accounts: Accounts, initial: bytes | None) -> Side:
    kind = scramp.ScramMechanism(mechanism)
    users = {name: kind.make_auth_info(password) for name, password in accounts.users.items()}
    binding = ("tls-server-end-point", accounts.binding) if accounts.binding else None
    server = kind.make_server(users.get, channel_binding=binding)
    first = initial if initial is not None else (yield b"")
    accounts.flags.append(first.decode().split(",")[0])
    try:
        server.set_client_first(first.decode())
        if accounts.lie is Lie.NO_PROOF:
            return True
        challenge = server.get_server_first()
        proof = yield (challenge.replace("r=", "r=x", 1) if accounts.lie is Lie.NONCE else challenge).encode()
        server.set_client_final(proof.decode())
    except scramp.ScramException:
        return False
    final = server.get_server_final()
    yield b"v=AAAA" if accounts.lie is Lie.SIGNATURE else final.encode()
    return True


def _cram(accounts: Accounts) -> Side:
    challenge = b"<1896.697170952@postoffice.example.net>"
    name, _, proof = (yield challenge).decode().rpartition(" ")
    password = accounts.users.get(name, "")
    return hmac.compare_digest(hmac.new(password.encode(), challenge, "md5").hexdigest(), proof)


def _bearer(mechanism: str, accounts: Accounts, initial: bytes | None) -> Side:
    message = initial if initial is not None else (yield b"")
    accounts.bearers.append(message.decode())
    token = message.decode().split("auth=Bearer ")[-1].split("\x01")[0]
    if token in accounts.tokens:
        return True
    answer = yield json.dumps({"status": "invalid_token", "scope": "mail", "said": message.decode()}).encode()
    assert answer == (b"" if mechanism == "XOAUTH2" else b"\x01")
    return False


def _external(accounts: Accounts, initial: bytes | None) -> Side:
    identity = initial if initial is not None else (yield b"")
    accounts.identities.append(identity.decode())
    return True
