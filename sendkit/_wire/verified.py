"""Checks a server's identity after the TLS handshake, before anything else is sent: its key against the pins, if any.

RFC 7469 section 2.6: a server whose key is none of the pinned ones is not the one that was meant, however valid its
certificate. Nothing has been sent to it then but EHLO and STARTTLS.
"""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

from sendkit._lifetime import logs
from sendkit._smtp.phase import Phase
from sendkit._smtp.verdict import Reason, not_accepted
from sendkit._tls import pin_of
from sendkit._wire.failure import SessionFailed
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._server.server import Server

_logger = logging.getLogger("sendkit.smtp")


def check_verified(server: Server) -> None:
    """Refuse REQUIRETLS by way of a server that nobody verifies (RFC 8689 section 4). Raises ConfigurationError."""
    unverified = server.dangerously_skip_certificate_verification or (
        server.tls_context is not None and server.tls_context.verify_mode is ssl.CERT_NONE
    )
    if unverified and not server.pins:
        hint = (
            "verify it: ca_file= takes a certificate of your own authority, pins= the server's key; "
            "or send without require_tls"
        )
        raise ConfigurationError(f"{server.address}: require_tls and an unverified server", hint=hint)


def vouched(server: Server, tls: ssl.SSLObject) -> str:
    """In words, how this server was verified. Raises SessionFailed when it has none of the pinned keys."""
    if server.pins:
        certificate = tls.getpeercert(binary_form=True)
        if certificate is None or _pin_of(certificate) not in server.pins:
            words = "the server's key is none of those in pins="
            raise SessionFailed(not_accepted(Phase.TLS, Reason.KEY_NOT_PINNED, words))
        return "with a server whose key is pinned"
    if server.dangerously_skip_certificate_verification:
        logs.log(_logger, logging.WARNING, "%s: the certificate was not verified", server.address)
        return "with an unverified server"
    return "with an unverified server" if tls.context.verify_mode is ssl.CERT_NONE else "with a verified server"


def _pin_of(certificate: bytes) -> str | None:
    try:
        return pin_of(certificate)
    except ValueError:  # OpenSSL reads what others do not
        return None
