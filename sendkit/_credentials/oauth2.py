"""Access tokens for mailers: asked for when needed, kept until shortly before they expire, one refresh at a time.

RFC 6749, RFC 6750. After a refusal by the mail server one new token is asked for, and no second one for five minutes:
an account that cannot send must not be asked for at every message.
Must not know: which mechanism carries a token, or how a grant works.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Self, TypeAlias

from sendkit._credentials.authorization_server import check_provider
from sendkit._credentials.device import DeviceCode
from sendkit._credentials.foreign import caught
from sendkit._credentials.grants import ClientCredentials, Grant, OAuthClient, RefreshToken, Token, hint_for, read_token
from sendkit._credentials.secret import Secret, check, sealed
from sendkit._credentials.token_endpoint import Refusal
from sendkit._frames import frameless
from sendkit._lifetime import threads
from sendkit._lifetime.one_at_a_time import OneAtATime
from sendkit.errors import ConfigurationError, CredentialsError

Provided: TypeAlias = "str | Mapping[str, object]"
TokenProvider: TypeAlias = "Callable[[], Provided | Awaitable[Provided]]"

_MARGIN = 60.0
_PAUSE = 300.0


@dataclass(slots=True, frozen=True)
class _Held:
    token: Token
    since: float

    def good(self, now: float) -> bool:
        # Of one that lives for a minute or two, half of the time is left unused at most.
        lifetime = self.token.lifetime or 0.0
        return self.since <= now < self.since + lifetime - min(_MARGIN, lifetime / 2)


class OAuth2:
    """Credentials that are OAuth 2 access tokens: `Mailer(…, credentials=OAuth2(token_provider))`.

    `token_provider` is a callable without arguments, sync or async, that returns the token as text, or the answer of a
    token endpoint as a mapping (`access_token`, `expires_in` in seconds). Without a lifetime it is asked at each login,
    and keeps tokens itself. A sync one runs on a thread of its own, so that it may block.

    One object may serve several mailers. `clock` tells the time, in seconds. Raises ConfigurationError.
    """

    def __init__(self, token_provider: TokenProvider, *, clock: Callable[[], float] = time.time) -> None:
        if not callable(token_provider):
            hint = "give a callable without arguments that returns the token, or use one of OAuth2's grants"
            raise ConfigurationError("token_provider= is not callable", hint=hint)
        self._grant: Grant = _Provider(token_provider)
        self._clock = clock
        self._held: _Held | None = None
        self._forced: float | None = None
        self._turns: OneAtATime[None] = OneAtATime()

    @classmethod
    @frameless
    def refresh_token(
        cls,
        provider: str,
        *,
        client_id: str,
        refresh_token: str | Secret,
        client_secret: str | Secret | None = None,
        scope: str | None = None,
    ) -> Self:
        """Tokens for a `refresh_token` (RFC 6749 section 6).

        `provider` is `google`, `microsoft`, `microsoft:TENANT`, or the URL of an issuer that publishes its metadata
        (RFC 8414). `client_id`, `client_secret` and `scope` are those of the application. Raises ConfigurationError.
        """
        kept, client_secret = sealed(refresh_token), sealed(client_secret)
        del refresh_token
        check(kept, "the refresh token")
        if kept is None:
            raise ConfigurationError("refresh_token= is None", hint="give the token that the provider gave to you")
        return cls._by(RefreshToken(check_provider(provider), OAuthClient.of(client_id, client_secret), kept, scope))

    @classmethod
    @frameless
    def device_code(
        cls,
        provider: str,
        *,
        client_id: str,
        show: Callable[[str, str], object],
        client_secret: str | Secret | None = None,
        scope: str | None = None,
    ) -> Self:
        """Tokens that a person grants on another device (RFC 8628), once; then by the refresh token that came.

        `show` is given the address to open and the code to type there; `provider` as in `refresh_token`. The grant is
        asked for when the first token is needed, and lives as long as this object. `client_id`, `client_secret` and
        `scope` are those of the application. Raises ConfigurationError.
        """
        client_secret = sealed(client_secret)
        return cls._by(DeviceCode(check_provider(provider), OAuthClient.of(client_id, client_secret), show, scope))

    @classmethod
    @frameless
    def client_credentials(
        cls, provider: str, *, client_id: str, client_secret: str | Secret, scope: str | None = None
    ) -> Self:
        """Tokens in the name of the program itself (RFC 6749 section 4.4); `provider` as in `refresh_token`.

        `client_id` and `client_secret` are those of the application, and `scope` what it asks for, by default what the
        provider wants for SMTP. Raises ConfigurationError.
        """
        secret = sealed(client_secret)
        del client_secret
        return cls._by(ClientCredentials(check_provider(provider), OAuthClient.of(client_id, secret), scope))

    @classmethod
    def _by(cls, grant: Grant) -> Self:
        made = cls(_nothing)
        made._grant = grant
        return made

    def __repr__(self) -> str:
        return f"OAuth2({self._grant.source})"

    @property
    def source(self) -> str:
        """Where the token comes from."""
        return f"OAuth 2 ({self._grant.source})"

    async def secret(self, *, host: str, username: str) -> Secret:
        """A token that is good for now. Raises CredentialsError."""
        return (await self._current(None)).access

    async def renewed(self, refused: Secret, *, host: str, username: str) -> Secret | None:
        """Another token than the refused one; None when one was asked for so a moment ago. Raises CredentialsError."""
        return (await self._current(refused)).access

    async def _current(self, refused: Secret | None) -> Token:
        # In a task of its own: who gives up must not take the token from the others who wait for it.
        held = await asyncio.shield(asyncio.create_task(self._hold(refused)))
        if isinstance(held, Token):
            return held
        error = CredentialsError(f"no access token from {self.source}: {held.why}", hint=hint_for(held))
        error.transient = held.transient
        raise error from held.cause

    async def _hold(self, refused: Secret | None) -> Token | Refusal:
        async with self._turns.turn(None):
            held, now = self._held, self._clock()
            if held is not None and held.good(now) and held.token.access != refused:
                return held.token
            if held is not None and refused is not None and not self._may_force(now):
                return held.token
            token = await self._fetch()
            if isinstance(token, Token):
                self._held = _Held(token, now)
            return token

    def _may_force(self, now: float) -> bool:
        if self._forced is not None and self._forced <= now < self._forced + _PAUSE:
            return False
        self._forced = now
        return True

    async def _fetch(self) -> Token | Refusal:
        try:
            return await self._grant.fetch()
        except CredentialsError as error:
            return Refusal(error.message, transient=error.transient)


@dataclass(slots=True)
class _Provider:
    """A callable of the program as a grant."""

    call: TokenProvider

    @property
    def source(self) -> str:
        """The callable's name."""
        return f"token_provider={getattr(self.call, '__qualname__', type(self.call).__name__)}"

    async def fetch(self) -> Token | Refusal:
        """Ask it. Its own errors are named by type and source, since their text may quote anything."""
        token = await caught("it", self._ask)
        if not isinstance(token, CredentialsError):
            return token
        return Refusal(token.message, transient=token.transient, cause=token.__cause__)

    async def _ask(self) -> Token | Refusal:
        if inspect.iscoroutinefunction(self.call):
            return read_token(await self.call())
        answer = await asyncio.wrap_future(threads.start(self._call_and_read))
        return answer if isinstance(answer, Token | Refusal) else read_token(await answer)

    def _call_and_read(self) -> Token | Refusal | Awaitable[Provided]:
        # Read on this side, for a future's repr shows its result.
        answer = self.call()
        return answer if inspect.isawaitable(answer) else read_token(answer)


def _nothing() -> str:
    return ""
