"""The certificate of a local server: a leaf for this machine, signed by an authority whose key is never written.

So whoever trusts `ca.pem` trusts this one certificate, and nobody gets a root that could sign for other hosts. Knows
trustme, files and their permissions. Must not know sockets or SMTP.
"""

from __future__ import annotations

import os
import secrets
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sendkit.errors import ConfigurationError

__all__ = ["server_context"]

_NAMES = ("localhost", "127.0.0.1", "::1")
_VALID = timedelta(days=365)
_RENEW = timedelta(days=14)
_AUTHORITY, _LEAF = "ca.pem", "server.pem"


def server_context(folder: Path, *, lasting: bool = False) -> ssl.SSLContext:
    """A context with a certificate whose authority is in `ca.pem` of this folder; a lasting one is used for a year.

    Raises ConfigurationError where the folder cannot be written to.
    """
    if lasting and (kept := _kept(folder)) is not None:
        return kept
    _issue(folder)
    return _loaded(folder)


def _kept(folder: Path) -> ssl.SSLContext | None:
    from cryptography import x509  # noqa: PLC0415 - it comes with trustme, an extra

    try:
        octets = (folder / _LEAF).read_bytes()
        certificate = x509.load_pem_x509_certificate(octets[octets.index(b"-----BEGIN CERTIFICATE") :])
        if certificate.not_valid_after_utc - datetime.now(UTC) < _RENEW or not (folder / _AUTHORITY).exists():
            return None
        return _loaded(folder)
    except (OSError, ValueError):  # none there yet, or one that cannot be used: a new one takes its place
        return None


def _issue(folder: Path) -> None:
    import trustme  # noqa: PLC0415 - an extra

    authority = trustme.CA()
    leaf = authority.issue_cert(*_NAMES, not_after=datetime.now(UTC) + _VALID)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder / _LEAF, leaf.private_key_and_cert_chain_pem.bytes())
        _write(folder / _AUTHORITY, authority.cert_pem.bytes())
    except OSError as error:
        hint = "set XDG_STATE_HOME to a folder that this user may write to"
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}", hint=hint) from None


def _write(path: Path, octets: bytes) -> None:
    """Whole or not at all, and never readable by others in between."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
    new.replace(path)


def _loaded(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / _LEAF)
    return context
