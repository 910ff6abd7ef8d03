"""Which authorization server: the known ones by name, others by their issuer's URL and the metadata that they publish.

RFC 8414 section 3 and OpenID Connect Discovery 1.0 section 4. The endpoints of the known ones are those of their
documentation (read in November 2026). Must not know: grants, clients, or secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sendkit._credentials.endpoint import Endpoint, check_url, read_endpoint
from sendkit._credentials.token_endpoint import LATER, Fields, Refusal, ask
from sendkit.errors import ConfigurationError, CredentialsError

_LOGIN_AGAIN = "write it again: sendkit login --oauth https://ISSUER HOST USER"


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
    if is_known(provider):
        return provider
    if "://" in provider:
        return check_url(provider)
    hint = "write google, microsoft, microsoft:TENANT, or the https URL of the issuer"
    raise ConfigurationError(f"unknown provider of OAuth 2 tokens: {provider!r}", hint=hint)


def is_known(provider: str) -> bool:
    """Whether this provider's endpoints are known by its name."""
    name, _, tenant = provider.partition(":")
    ours = provider == "google" or (name == "microsoft" and "://" not in provider)
    return ours and all(character.isascii() and (character.isalnum() or character in ".-") for character in tenant)


async def find_server(provider: str) -> AuthorizationServer:
    """The endpoints of a provider, which is judged here too, since it may have been stored.

    Raises CredentialsError when its metadata cannot be read or used.
    """
    if provider == "google":
        return _GOOGLE
    if is_known(provider):
        return _microsoft(provider.partition(":")[2] or "common")
    issuer = read_endpoint(provider.rstrip("/"))
    if isinstance(issuer, str):
        raise CredentialsError(f"the URL of the authorization server {issuer}", hint=_LOGIN_AGAIN)
    found = await _discover(issuer)
    if isinstance(found, AuthorizationServer):
        return found
    hint = LATER if found.transient else "give the URL of the issuer itself, from which its endpoints can be read"
    error = CredentialsError(found.why, hint=hint)
    error.transient = found.transient
    raise error


async def _discover(issuer: Endpoint) -> AuthorizationServer | Refusal:
    parts = urlsplit(issuer.url)
    endpoints = (
        f"{issuer.url}/.well-known/openid-configuration",
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}",
    )
    refusal = Refusal("")
    for endpoint in endpoints:
        answer = await ask(endpoint)
        if not isinstance(answer, Refusal):
            return _read(issuer, answer)
        refusal = answer
    return Refusal(f"{issuer.url} publishes no metadata (RFC 8414): {refusal.why}", transient=refusal.transient)


def _read(issuer: Endpoint, metadata: Fields) -> AuthorizationServer | Refusal:
    # RFC 8414 section 3.3: else one server could answer in the name of another.
    named = read_endpoint(metadata.get("issuer"))
    if isinstance(named, str) or named.url.rstrip("/") != issuer.url:
        return Refusal(f"the metadata of {issuer.url} is that of another issuer")
    urls: list[str | None] = []
    for name in ("token_endpoint", "device_authorization_endpoint", "authorization_endpoint"):
        url = metadata.get(name)
        endpoint = None if url is None else read_endpoint(url, issuer)
        if isinstance(endpoint, str):
            return Refusal(f"the metadata of {issuer.url} cannot be used: its {name} {endpoint}")
        urls.append(None if endpoint is None else endpoint.url)
    token, device, authorize = urls
    if token is None:
        return Refusal(f"the metadata of {issuer.url} names no token endpoint")
    return AuthorizationServer(token, device, authorize)
