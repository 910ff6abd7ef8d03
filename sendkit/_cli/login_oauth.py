"""`sendkit login --oauth`: a person grants access, on any device or in the browser of this machine.

The application is the user's own: its id is an option or SENDKIT_OAUTH_CLIENT_ID; its secret, where it has one, comes
from SENDKIT_OAUTH_CLIENT_SECRET alone. Must not know: the grants themselves.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from sendkit._cli.console import say
from sendkit._credentials.authorization_server import check_provider, find_server
from sendkit._credentials.browser import by_browser
from sendkit._credentials.device import by_device
from sendkit._credentials.grants import OAuthClient, Token, hint_for
from sendkit._credentials.secret import sealed
from sendkit._credentials.stored_grant import StoredGrant
from sendkit._credentials.token_endpoint import Refusal
from sendkit._page.browser import opened
from sendkit.errors import CredentialsError

if TYPE_CHECKING:
    from sendkit._cli.options import LoginOptions
    from sendkit._credentials import Secret


def get_grant(options: LoginOptions) -> tuple[StoredGrant, Secret]:
    """What to store, and a first access token. Raises CredentialsError and ConfigurationError."""
    provider = check_provider(options.oauth or "")
    client_id = options.client_id or os.environ.get("SENDKIT_OAUTH_CLIENT_ID", "")
    client = OAuthClient.of(client_id, sealed(os.environ.get("SENDKIT_OAUTH_CLIENT_SECRET") or None))
    token = asyncio.run(_sign_in(provider, client, options.scope))
    if isinstance(token, Refusal):
        raise CredentialsError(f"access was not granted: {token.why}", hint=hint_for(token))
    if token.refresh is None:
        hint = "many providers give one for the scope offline_access: add it with --scope"
        raise CredentialsError("the provider returned a token, but no refresh token", hint=hint)
    return StoredGrant(provider, client, token.refresh), token.access


async def _sign_in(provider: str, client: OAuthClient, scope: str | None) -> Token | Refusal:
    server = await find_server(provider)
    if server.device_url is not None:
        return await by_device(server, client, scope, _show_code)
    with ExitStack() as stack:
        return await by_browser(server, client, scope, lambda url, _: _open(url, stack))


def _show_code(url: str, code: str) -> None:
    say(f"Open {url} on any device, and type: {code}")


def _open(url: str, stack: ExitStack) -> None:
    say(f"Grant access in the browser of this machine; if it does not open by itself, open:\n{url}")
    stack.enter_context(opened(url))
