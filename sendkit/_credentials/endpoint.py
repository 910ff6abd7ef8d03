"""Where an authorization server may be asked: the one place where its URLs are judged, before any use of them.

HTTPS with a valid host and port, in printable ASCII, without a user name; or plain HTTP to this machine. What an
https issuer names is https too (RFC 8414 section 2): else its refresh token would go to whatever listens on a port
here. Must not know: how it is asked, or for what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from sendkit._server.addresses import ip_address, is_loopback
from sendkit.errors import ConfigurationError

_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\.?$){_LABEL}(?:\.{_LABEL})*\.?")
_URL = re.compile(r"[!-~]{1,2048}")
_HINT = "write https://…, as the provider's documentation has it; secrets are sent there"


@dataclass(slots=True, frozen=True)
class Endpoint:
    """A URL that may be asked. `host` is in lower case, without a port; `local`: it is plain HTTP to this machine."""

    url: str
    host: str
    local: bool = False


def read_endpoint(url: object, issuer: Endpoint | None = None) -> Endpoint | str:
    """The endpoint that a URL names, for an https `issuer` an https one; or why it is none, without quoting it."""
    if not isinstance(url, str) or not _URL.fullmatch(url):
        return "is not a URL in printable ASCII characters"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "cannot be read"
    if "@" in parts.netloc or "\\" in url:
        return "has a user name in it"
    if not (ip_address(host) or _HOST.fullmatch(host)) or port == 0 or parts.netloc.endswith(":"):
        return "names no host and port that can be"
    local = parts.scheme == "http" and (issuer is None or issuer.local) and is_local(host)
    if parts.scheme != "https" and not local:
        return "must be https"
    netloc = (f"[{host}]" if ":" in host else host) + ("" if port is None else f":{port}")
    return Endpoint(parts._replace(netloc=netloc, fragment="").geturl(), host, local)


def check_url(url: str) -> str:
    """The URL itself. Raises ConfigurationError unless it is one of an authorization server that may be asked."""
    fault = read_endpoint(url)
    if isinstance(fault, str):
        del url
        raise ConfigurationError(f"the URL of an authorization server {fault}", hint=_HINT)
    return url


def is_local(host: str) -> bool:
    """Whether a host, in lower case, is named as this machine."""
    address = ip_address(host)
    return host == "localhost" if address is None else is_loopback(address)
