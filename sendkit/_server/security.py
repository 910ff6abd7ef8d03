"""How a connection is protected, on which port, and how people write where a server is.

RFC 8314 (implicit TLS on 465), RFC 6409 (submission on 587).
"""

from __future__ import annotations

import re
from enum import StrEnum

from sendkit._redaction import quoted
from sendkit._server.addresses import ip_address
from sendkit._server.route import LMTP_PORT
from sendkit._server.unix_socket import is_unix
from sendkit.errors import ConfigurationError

IMPLICIT_TLS_PORT = 465
SUBMISSION_PORT = 587


class Security(StrEnum):
    """How the connection is protected. NONE sends no password, except to this machine."""

    STARTTLS = "starttls"
    IMPLICIT_TLS = "implicit_tls"
    NONE = "none"


def host_and_port(text: str) -> tuple[str, int | None]:
    """Read `host`, `host:port` or `[v6]:port`. Raises ConfigurationError."""
    match = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::([0-9]{1,5}))?", text.strip())
    if match is None:
        hint = (
            "write smtp.example.com, smtp.example.com:587 or [2001:db8::1]:587; a URL goes to from_url(), or to --url"
        )
        raise ConfigurationError(f"not a host, nor host:port: {quoted(text)}", hint=hint)
    literal, name, port = match.groups()
    if literal is not None and not (":" in literal and ip_address(literal)):
        raise ConfigurationError(f"not an IPv6 address in brackets: {quoted(text)}", hint="write [2001:db8::1]:587")
    return literal or name or "", int(port) if port else None


def port_and_security(
    host: str, port: int | None, security: Security | str | None, protocol: str
) -> tuple[int, Security]:
    """The port and the security that follow from each other and from `host`. Raises ConfigurationError."""
    if isinstance(security, str):
        security = _security(security)
    if is_unix(host):
        if port:
            raise ConfigurationError("Server: a unix socket has no port", hint="leave port= out")
        return 0, security or Security.NONE
    if protocol == "lmtp":
        return LMTP_PORT if port is None else port, security or Security.NONE
    if security is None:
        security = Security.IMPLICIT_TLS if port == IMPLICIT_TLS_PORT else Security.STARTTLS
    if port is None:
        port = IMPLICIT_TLS_PORT if security is Security.IMPLICIT_TLS else SUBMISSION_PORT
    if not port:
        raise ConfigurationError("Server: 0 is not a port", hint="a number from 1 to 65535, usually 587 or 465")
    return port, security


_SPELLINGS = {"tls": Security.IMPLICIT_TLS, "ssl": Security.IMPLICIT_TLS, "implicit": Security.IMPLICIT_TLS}


def spelt(text: str) -> str:
    """The word as it is written here, where another one is usual elsewhere."""
    word = text.strip().lower().replace("-", "_")
    return _SPELLINGS.get(word, word)


def _security(text: str) -> Security:
    try:
        return Security(spelt(text))
    except ValueError:
        choices = ", ".join(Security)
        raise ConfigurationError(f"unknown security: {text!r}", hint=f"choose one of {choices}") from None
