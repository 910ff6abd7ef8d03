"""A refresh token in the keyring, in place of a password: what `sendkit login --oauth` writes, and mailers read.

Knows how it is written: `oauth2:` and a JSON object, so that one entry holds all that a refresh needs. A refresh token
that is replaced (RFC 6749 section 6) replaces the entry too. Must not know: how tokens are asked for.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import cast

from sendkit._credentials.authorization_server import is_known
from sendkit._credentials.endpoint import Endpoint, read_endpoint
from sendkit._credentials.grants import OAuthClient, RefreshToken
from sendkit._credentials.oauth2 import OAuth2
from sendkit._credentials.os_keyring import store_password
from sendkit._credentials.secret import Secret, seal, sealed
from sendkit._credentials.source import GRANT
from sendkit._lifetime import logs, threads
from sendkit.errors import CredentialsError

_MARK = GRANT.removesuffix("{")
_logger = logging.getLogger("sendkit.credentials")


@dataclass(slots=True, frozen=True)
class StoredGrant:
    """Everything that is needed for a new access token."""

    provider: str
    client: OAuthClient
    refresh: Secret
    scope: str | None = None

    def written(self) -> Secret:
        """Its text in a keyring entry."""
        fields = {
            "provider": self.provider,
            "client_id": self.client.id,
            "client_secret": self.client.secret.reveal() if self.client.secret else None,
            "scope": self.scope,
            "refresh_token": self.refresh.reveal(),
        }
        return Secret(_MARK + json.dumps({key: value for key, value in fields.items() if value}, separators=(",", ":")))

    def store(self, host: str, username: str) -> None:
        """Put it into the keyring, as the secret of this account. Raises as `store_password` does."""
        store_password(host, username, self.written())


def open_grant(secret: Secret, source: str, host: str, username: str) -> OAuth2 | None:
    """The tokens of such an entry; None when it cannot be read."""
    stored = _read(secret)
    if stored is None:
        return None

    async def keep(refresh: Secret) -> None:
        renewed = StoredGrant(stored.provider, stored.client, refresh, stored.scope)
        stores = threads.start(lambda: renewed.store(host, username))
        try:
            await asyncio.wrap_future(stores)
        except CredentialsError as error:
            logs.log(
                _logger, logging.WARNING, "the new refresh token of %s was not stored: %s", username, error.message
            )

    grant = RefreshToken(stored.provider, stored.client, stored.refresh, stored.scope, keep, source)
    return OAuth2._by(grant)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - for this room alone


def _read(secret: Secret) -> StoredGrant | None:
    try:
        fields: object = json.loads(secret.reveal().removeprefix(_MARK))
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    values = {key: value for key, value in cast("dict[str, object]", fields).items() if isinstance(value, str)}
    if not {"provider", "client_id", "refresh_token"} <= values.keys():
        return None
    refresh, client_secret = seal(values["refresh_token"]), sealed(values.get("client_secret") or None)
    provider = values["provider"]
    known = is_known(provider) or isinstance(read_endpoint(provider), Endpoint)
    if isinstance(refresh, str) or (client_secret and client_secret.flaw) or not values["client_id"] or not known:
        return None
    return StoredGrant(provider, OAuthClient(values["client_id"], client_secret), refresh, values.get("scope"))
