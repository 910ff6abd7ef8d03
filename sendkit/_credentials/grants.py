"""The grants that need no person: a refresh token, and a client's own credentials; and how a token answer is read.

RFC 6749 sections 4.4, 5.1 and 6; RFC 6750 for what a token looks like. Must not know: caches, mailers, keyrings.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sendkit._credentials.authorization_server import AuthorizationServer, find_server
from sendkit._credentials.secret import Secret, check, seal, sealed
from sendkit._credentials.token_endpoint import LATER, Form, Refusal, ask
from sendkit.errors import ConfigurationError

# RFC 6750 section 2.1; also keeps a token from ending the message that it is written into.
_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
# More than any provider's; what is longer fits into no AUTH command.
_LONGEST = 16_384
_FOREVER = 10**9
_LOGIN_AGAIN = "log in again: sendkit login --oauth PROVIDER HOST USER"


@dataclass(slots=True, frozen=True)
class Token:
    """An access token, its lifetime in seconds (None where nobody said), and the refresh token that came with it."""

    access: Secret
    lifetime: float | None = None
    refresh: Secret | None = None


@dataclass(slots=True, frozen=True)
class OAuthClient:
    """The application as the authorization server knows it (RFC 6749 section 2). Raises ConfigurationError."""

    id: str
    secret: Secret | None = None

    @classmethod
    def of(cls, client_id: str, client_secret: str | Secret | None = None) -> OAuthClient:
        """The client of these settings."""
        kept = sealed(client_secret)
        del client_secret
        check(kept, "the client secret")
        if not client_id:
            hint = "register an application with the provider; it gives you an id (and a secret)"
            raise ConfigurationError("the client id is empty", hint=hint)
        return cls(client_id, kept)

    def fields(self) -> Form:
        """Its fields in a form (section 2.3.1)."""
        return Form(client_id=self.id, **({"client_secret": self.secret.reveal()} if self.secret else {}))


class Grant(Protocol):
    """A way to get a token, again and again."""

    @property
    def source(self) -> str:
        """What it is, in words."""
        ...

    async def fetch(self) -> Token | Refusal:
        """Get a new token."""
        ...


@dataclass(slots=True)
class RefreshToken:
    """RFC 6749 section 6. A new refresh token replaces the old one, and is given to `keep`."""

    provider: str
    client: OAuthClient
    refresh: Secret
    scope: str | None = None
    keep: Callable[[Secret], Awaitable[None]] | None = None
    source: str = "a refresh token"

    async def fetch(self) -> Token | Refusal:
        """Trade the refresh token for an access token."""
        server = await find_server(self.provider)
        scope = {"scope": self.scope} if self.scope else {}
        fields = {"grant_type": "refresh_token", **scope}
        form = Form(fields, refresh_token=self.refresh.reveal(), **self.client.fields())
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
    client: OAuthClient
    scope: str | None = None
    source: str = "client credentials"

    async def fetch(self) -> Token | Refusal:
        """Ask for a token in the name of the client."""
        server = await find_server(self.provider)
        scope = self.scope or server.machine_scope
        fields = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        form = Form(fields, **self.client.fields())
        return await ask_for_token(server, form)


async def ask_for_token(server: AuthorizationServer, form: Mapping[str, str]) -> Token | Refusal:
    """Post a form to the token endpoint, and read what comes (RFC 6749 section 5)."""
    answer = await ask(server.token_url, form)
    return answer if isinstance(answer, Refusal) else read_token(answer)


def read_token(answer: object) -> Token | Refusal:
    """A token as text, or the answer of a token endpoint."""
    # What a Mapping holds is not known yet.
    fields: Mapping[object, object] = answer if isinstance(answer, Mapping) else {"access_token": answer}  # pyright: ignore[reportUnknownVariableType] - see above
    access, refresh, kind = (fields.get(key) for key in ("access_token", "refresh_token", "token_type"))
    if not isinstance(access, str) or len(access) > _LONGEST or not _B64TOKEN.fullmatch(access):
        return Refusal("what came is not an access token (RFC 6750 section 2.1)")
    if isinstance(kind, str) and kind.lower() != "bearer":
        return Refusal("the token is of a type that mail servers do not take: not Bearer")
    kept = seal(refresh) if isinstance(refresh, str) and refresh else None
    if isinstance(kept, str) or (isinstance(refresh, str) and len(refresh) > _LONGEST):
        return Refusal("what came with the access token is not a refresh token (RFC 6749 section 1.5)")
    return Token(Secret(access, bearer=True), seconds(fields.get("expires_in")), kept)


def seconds(value: object) -> float | None:
    """A number of seconds, or None; some servers write it as a text, and a hostile one in 400 digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:10])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _FOREVER:
        return None
    return float(value)


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
            return LATER
        case _:
            return "see what the authorization server said, and its documentation"
