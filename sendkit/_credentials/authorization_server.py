"""Which authorization server: the known ones by name, others by their issuer's URL and the metadata that they publish.

RFC 8414 section 3 and OpenID Connect Discovery 1.0 section 4. The endpoints of the known ones are those of their
documentation (read in November 2026). Must not know: grants, clients, or secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sendkit._credentials.token_endpoint import Fields, Refusal, ask, check_url
from sendkit.errors import ConfigurationError, CredentialsError


@dataclass(slots=True, frozen=True)
class AuthorizationServer:
    """Where tokens come from. `scope` is what sending mail needs there; `machine_scope` without a person."""

    token_url: str
    device_url: str | None = None
    authorize_url: str | None = None
    scope: str | None = None
    machine_scope: str | None = None


# https://developers.google.com/identity/protocols/oauth2/native-app
# Its device flow grants no scope of mail (…/oauth2/limited-input-device#allowedscopes), so that it is not named here.
_GOOGLE = AuthorizationServer(
    token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    scope="https://mail.google.com/",
)


def _microsoft(tenant: str) -> AuthorizationServer:
    """Entra ID: learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-…-by-using-oauth."""
    base = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
    return AuthorizationServer(
        token_url=f"{base}/token",
        device_url=f"{base}/devicecode",
        authorize_url=f"{base}/authorize",
        scope="offline_access https://outlook.office.com/SMTP.Send",
        machine_scope="https://outlook.office365.com/.default",
    )


def check_provider(provider: str) -> str:
    """The provider itself. Raises ConfigurationError for what is neither a known name nor a URL."""
    if provider == "google" or provider.partition(":")[0] == "microsoft":
        tenant = provider.partition(":")[2]
        if all(character.isalnum() or character in ".-" for character in tenant):
            return provider
    elif "://" in provider:
        return check_url(provider)
    hint = "write google, microsoft, microsoft:TENANT, or the https URL of the issuer"
    raise ConfigurationError(f"unknown provider of OAuth 2 tokens: {provider!r}", hint=hint)


async def find_server(provider: str) -> AuthorizationServer:
    """The endpoints of a provider. Raises CredentialsError when its metadata cannot be had."""
    if provider == "google":
        return _GOOGLE
    if provider.partition(":")[0] == "microsoft" and "://" not in provider:
        return _microsoft(provider.partition(":")[2] or "common")
    return await _discover(provider.rstrip("/"))


async def _discover(issuer: str) -> AuthorizationServer:
    parts = urlsplit(issuer)
    places = (
        f"{issuer}/.well-known/openid-configuration",
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}",
    )
    refusal = Refusal("")
    for place in places:
        answer = await ask(place)
        if not isinstance(answer, Refusal):
            return _read(issuer, answer)
        refusal = answer
    error = CredentialsError(
        f"{issuer} publishes no metadata (RFC 8414): {refusal.why}",
        hint="give the URL of the issuer itself, from which its endpoints can be read",
    )
    error.transient = refusal.transient
    raise error


def _read(issuer: str, metadata: Fields) -> AuthorizationServer:
    # RFC 8414 section 3.3: else one server could answer in the name of another.
    if str(metadata.get("issuer")).rstrip("/") != issuer:
        raise CredentialsError(f"the metadata of {issuer} is that of another issuer", hint="check the URL")
    token, device, authorize = (
        check_url(value) if isinstance(value, str) else None
        for value in map(metadata.get, ("token_endpoint", "device_authorization_endpoint", "authorization_endpoint"))
    )
    if token is None:
        raise CredentialsError(f"the metadata of {issuer} names no token endpoint", hint="check the URL")
    return AuthorizationServer(token, device, authorize)
