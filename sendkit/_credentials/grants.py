"""The grants that need no person: a refresh token, and a client's own credentials; and how a token answer is read.

RFC 6749 sections 4.4, 5.1 and 6; RFC 6750 for what a token looks like. Must not know: caches, mailers, keyrings.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sendkit._credentials.authorization_server import AuthorizationServer, find_server
from sendkit._credentials.secret import Secret, sealed
from sendkit._credentials.token_endpoint import Refusal, ask
from sendkit.errors import ConfigurationError

# RFC 6750 section 2.1; also keeps a token from ending the message that it is written into.
_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_LOGIN_AGAIN = "log in again: sendkit login --oauth PROVIDER HOST USER"


@dataclass(slots=True, frozen=True)
class Token:
    """An access token, its lifetime in seconds (None where nobody said), and the refresh token that came with it."""

    access: Secret
    lifetime: float | None = None
    refresh: Secret | None = None


@dataclass(slots=True, frozen=True)
class Client:
    """The application as the authorization server knows it (RFC 6749 section 2). Raises ConfigurationError."""

    id: str
    secret: Secret | None = None

    @classmethod
    def of(cls, client_id: str, client_secret: str | Secret | None = None) -> Client:
        """The client of these settings."""
        if not client_id:
            hint = "register an application with the provider; it gives you an id (and a secret)"
            raise ConfigurationError("the client id is empty", hint=hint)
        return cls(client_id, sealed(client_secret))

    def fields(self) -> dict[str, str]:
        """It as fields of a form (section 2.3.1)."""
        return {"client_id": self.id, **({"client_secret": self.secret.reveal()} if self.secret else {})}


class Grant(Protocol):
    """A way to get a token, again and again."""

    @property
    def place(self) -> str:
        """What it is, in words."""
        ...

    async def fetch(self) -> Token | Refusal:
        """Get a new token."""
        ...


@dataclass(slots=True)
class RefreshToken:
    """RFC 6749 section 6. A new refresh token takes the place of the old one, and is given to `keep`."""

    provider: str
    client: Client
    refresh: Secret
    scope: str | None = None
    keep: Callable[[Secret], Awaitable[None]] | None = None
    place: str = "a refresh token"

    async def fetch(self) -> Token | Refusal:
        """Trade the refresh token for an access token."""
        server = await find_server(self.provider)
        scope = {"scope": self.scope} if self.scope else {}
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh.reveal(), **self.client.fields(), **scope}
        token = await ask_for_token(server, form)
        if isinstance(token, Token) and token.refresh is not None and token.refresh != self.refresh:
            self.refresh = token.refresh
            if self.keep is not None:
                await self.keep(token.refresh)
        return token


@dataclass(slots=True)
class ClientCredentials:
    """RFC 6749 section 4.4: the program itself has the account."""

    provider: str
    client: Client
    scope: str | None = None
    place: str = "client credentials"

    async def fetch(self) -> Token | Refusal:
        """Ask for a token in the name of the client."""
        server = await find_server(self.provider)
        scope = self.scope or server.machine_scope
        form = {"grant_type": "client_credentials", **self.client.fields(), **({"scope": scope} if scope else {})}
        return await ask_for_token(server, form)


async def ask_for_token(server: AuthorizationServer, form: Mapping[str, str]) -> Token | Refusal:
    """Post a form to the token endpoint, and read what comes (RFC 6749 section 5)."""
    answer = await ask(server.token_url, form)
    return answer if isinstance(answer, Refusal) else read_token(answer)


def read_token(answer: object) -> Token | Refusal:
    """A token as text, or the answer of a token endpoint."""
    fields: Mapping[object, object] = answer if isinstance(answer, Mapping) else {"access_token": answer}  # pyright: ignore[reportUnknownVariableType]
    access, refresh, kind = (fields.get(key) for key in ("access_token", "refresh_token", "token_type"))
    if not isinstance(access, str) or not _B64TOKEN.fullmatch(access):
        return Refusal("what came is no access token (RFC 6750 section 2.1)")
    if isinstance(kind, str) and kind.lower() != "bearer":
        return Refusal("the token is of a type that mail servers do not take: not Bearer")
    return Token(
        Secret(access, bearer=True),
        _seconds(fields.get("expires_in")),
        Secret(refresh) if isinstance(refresh, str) and refresh else None,
    )


def _seconds(value: object) -> float | None:
    """Some servers write the number as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:10])
    return float(value) if isinstance(value, int | float) and 0 < value < float("inf") else None


def hint_for(refusal: Refusal) -> str:
    """What to do about a refusal, by its code (RFC 6749 section 5.2)."""
    match refusal.code:
        case "invalid_grant":
            return f"the grant has expired or was revoked; {_LOGIN_AGAIN}"
        case "invalid_client" | "unauthorized_client":
            return "check client_id and client_secret, and that the application may use this grant"
        case "invalid_scope":
            return "check the scope, and that the application was given it"
        case _ if refusal.transient:
            return "try again later"
        case _:
            return "see what the authorization server said, and its documentation"
