"""The device code grant (RFC 8628): a person opens an address on any device, types a code, and we ask until it is done.

Must not know: how the person is told, or what becomes of the tokens.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sendkit._credentials.authorization_server import AuthorizationServer, find_server
from sendkit._credentials.endpoint import Endpoint, read_endpoint
from sendkit._credentials.grants import OAuthClient, RefreshToken, Token, ask_for_token, seconds
from sendkit._credentials.token_endpoint import Fields, Form, Refusal, ask

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
# Seconds, where the server names none or what cannot be meant.
_INTERVAL, _SHORTEST_INTERVAL, _SLOWER = 5.0, 1.0, 5.0
_LIFETIME, _LONGEST_LIFETIME = 900.0, 3600.0
_USER_CODE = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?")

Show = Callable[[str, str], object]
Sleep = Callable[[float], Awaitable[object]]


@dataclass(slots=True)
class DeviceCode:
    """The grant of a person, and from then on the refresh token that came with it."""

    provider: str
    client: OAuthClient
    show: Show
    scope: str | None = None
    source: str = "a device code"
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
    client: OAuthClient,
    scope: str | None,
    show: Show,
    *,
    sleep: Sleep = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Token | Refusal:
    """Run the grant to its end: a token, or why there is none (also when the person took too long)."""
    if server.device_url is None:
        return Refusal("this provider has no device code grant (RFC 8628)")
    wanted = scope or server.scope
    begun = await ask(server.device_url, {"client_id": client.id, **({"scope": wanted} if wanted else {})})
    if isinstance(begun, Refusal):
        return begun
    code, shown = begun.get("device_code"), _shown(begun, read_endpoint(server.device_url))
    if not isinstance(code, str) or shown is None:
        return Refusal("what came is not an answer of a device authorization endpoint (RFC 8628 section 3.2)")
    show(*shown)
    form = Form(client.fields(), grant_type=_GRANT_TYPE, device_code=code)
    return await _poll(server, form, begun, sleep, clock)


def _shown(begun: Fields, issuer: Endpoint | str) -> tuple[str, str] | None:
    """The address and the code for the person, if a terminal may show them: printable, and https as the server is."""
    page = read_endpoint(begun.get("verification_uri") or begun.get("verification_url"), _as_issuer(issuer))
    code = begun.get("user_code")
    if isinstance(page, str) or not isinstance(code, str) or not _USER_CODE.fullmatch(code):
        return None
    return page.url, code


def _as_issuer(endpoint: Endpoint | str) -> Endpoint | None:
    return None if isinstance(endpoint, str) else endpoint


async def _poll(
    server: AuthorizationServer, form: Form, begun: Fields, sleep: Sleep, clock: Callable[[], float]
) -> Token | Refusal:
    """RFC 8628 section 3.4 and 3.5. The time that was waited counts, and so does the clock on the wall."""
    left = min(seconds(begun.get("expires_in")) or _LIFETIME, _LONGEST_LIFETIME)
    interval = max(seconds(begun.get("interval")) or _INTERVAL, _SHORTEST_INTERVAL)
    end = clock() + left
    while left > 0 and clock() < end:
        await sleep(min(interval, left))
        left -= interval
        token = await ask_for_token(server, form)
        if isinstance(token, Token):
            return token
        if token.code == "slow_down":
            interval += _SLOWER
        elif token.code != "authorization_pending" and not token.transient:
            return token
    return Refusal("access was not granted before the code expired", "expired_token")
