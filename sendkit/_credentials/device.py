"""The device code grant (RFC 8628): a person opens an address on any device, types a code, and we ask until it is done.

Must not know: how the person is told, or what becomes of the tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sendkit._credentials.authorization_server import AuthorizationServer, find_server
from sendkit._credentials.grants import Client, RefreshToken, Token, ask_for_token
from sendkit._credentials.token_endpoint import Fields, Refusal, ask

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL = 5.0
_SLOWER = 5.0

Show = Callable[[str, str], object]
Sleep = Callable[[float], Awaitable[object]]


@dataclass(slots=True)
class DeviceCode:
    """The grant of a person, and from then on the refresh token that came with it."""

    provider: str
    client: Client
    show: Show
    scope: str | None = None
    place: str = "a device code"
    _refresh: RefreshToken | None = field(default=None, init=False)

    async def fetch(self) -> Token | Refusal:
        """Ask the person, or trade the refresh token."""
        if self._refresh is not None:
            return await self._refresh.fetch()
        server = await find_server(self.provider)
        token = await by_device(server, self.client, self.scope, self.show)
        if isinstance(token, Token) and token.refresh is not None:
            self._refresh = RefreshToken(self.provider, self.client, token.refresh, self.scope)
        return token


async def by_device(
    server: AuthorizationServer,
    client: Client,
    scope: str | None,
    show: Show,
    *,
    sleep: Sleep = asyncio.sleep,
) -> Token | Refusal:
    """Run the grant to its end: a token, or why there is none (also when the person took too long)."""
    if server.device_url is None:
        return Refusal("this provider has no device code grant (RFC 8628)")
    wanted = scope or server.scope
    begun = await ask(server.device_url, {"client_id": client.id, **({"scope": wanted} if wanted else {})})
    if isinstance(begun, Refusal):
        return begun
    code, user_code = begun.get("device_code"), begun.get("user_code")
    place = begun.get("verification_uri") or begun.get("verification_url")
    if not (isinstance(code, str) and isinstance(user_code, str) and isinstance(place, str)):
        return Refusal("what came is no answer of a device authorization endpoint (RFC 8628 section 3.2)")
    show(place, user_code)
    form = {"grant_type": _GRANT_TYPE, "device_code": code, **client.fields()}
    return await _poll(server, form, begun, sleep)


async def _poll(server: AuthorizationServer, form: dict[str, str], begun: Fields, sleep: Sleep) -> Token | Refusal:
    """RFC 8628 section 3.4 and 3.5. The time that counts is the time that was waited."""
    left, interval = _number(begun.get("expires_in"), 900.0), _number(begun.get("interval"), _INTERVAL)
    while left > 0:
        await sleep(interval)
        left -= interval
        token = await ask_for_token(server, form)
        if isinstance(token, Token):
            return token
        if token.code == "slow_down":
            interval += _SLOWER
        elif token.code != "authorization_pending" and not token.transient:
            return token
    return Refusal("nobody granted access before the code expired", "expired_token")


def _number(value: object, usual: float) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < 86_400 else usual
