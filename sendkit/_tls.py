"""How a TLS context of ours is made, and which key a server must have (RFC 8996, RFC 9325, RFC 7469 section 2.4).

Verified always, against the operating system's store: OpenSSL's own on Linux, by truststore on macOS and Windows, where
OpenSSL has none. Must not know: servers, connections, or what follows from a refusal.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ssl
import sys
from pathlib import Path
from typing import Protocol, cast

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_BY_TRUSTSTORE = ("darwin", "win32")


class InsecureTLSWarning(UserWarning):
    """Whoever is in between can read and change everything: certificates are not verified."""


def make_context(
    *,
    ca_file: Path | None = None,
    client_cert: Path | None = None,
    client_key: Path | None = None,
    minimum_tls: str = "1.2",
    verified: bool = True,
    platform: str = sys.platform,
) -> ssl.SSLContext:
    """Make a client context; takes 50 ms, so make one for many connections. Raises OSError for a file that is none."""
    context = _base(platform)
    context.minimum_version = VERSIONS[minimum_tls]
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    if client_cert is not None:
        context.load_cert_chain(client_cert, client_key, password=_no_password)
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _base(platform: str) -> ssl.SSLContext:
    if platform not in _BY_TRUSTSTORE:
        return ssl.create_default_context()
    import truststore  # noqa: PLC0415 - only these systems have it, and need it

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _no_password() -> str:
    # OpenSSL would else ask at the terminal, which a server has not got.
    raise OSError("the key is encrypted")


def read_pin(text: str) -> str:
    """A pin in its one form: base64 of 32 octets, `sha256/` in front or not. Raises ValueError."""
    pin = text.strip().removeprefix("sha256/").removeprefix("sha256:")
    try:
        octets = base64.b64decode(pin, validate=True)
    except binascii.Error:
        octets = b""
    if len(octets) != hashlib.sha256().digest_size:
        raise ValueError(f"not a SHA-256 in base64, such as sha256/{'A' * 43}=: {text!r}")
    return base64.b64encode(octets).decode()


def pin_of(certificate: bytes) -> str:
    """The pin of a certificate (DER): the SHA-256 of its subject's public key, in base64."""
    from asn1crypto import x509  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - few pin

    parsed = cast("_Certificates", x509.Certificate).load(certificate)
    return base64.b64encode(hashlib.sha256(parsed.public_key.dump()).digest()).decode()


class _Key(Protocol):
    def dump(self) -> bytes: ...


class _Certificate(Protocol):
    public_key: _Key


class _Certificates(Protocol):
    """What is used of asn1crypto, which has no types."""

    def load(self, encoded_data: bytes, /) -> _Certificate: ...
