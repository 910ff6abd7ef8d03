"""How a TLS context of ours is made, and which key a server must have (RFC 8996, RFC 9325, RFC 7469 section 2.4).

Verified always, against the operating system's store: OpenSSL's own on Linux, by truststore on macOS and Windows, where
OpenSSL has none. Must not know: servers, connections, or what follows from a refusal.
"""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar, cast

from sendkit._trusted_file import check_trusted
from sendkit.errors import ConfigurationError

_Value = TypeVar("_Value")

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
_BY_TRUSTSTORE = ("darwin", "win32")
_CA_FILE = "ca_file= is a PEM file with the certificates of further authorities"


class InsecureTLSWarning(UserWarning):
    """Certificates are not verified: an attacker in between can read and change everything."""


def make_context(
    *,
    ca_file: Path | None = None,
    client_cert: Path | None = None,
    client_key: Path | None = None,
    minimum_tls: str = "1.2",
    verified: bool = True,
    platform: str = sys.platform,
) -> ssl.SSLContext:
    """Make a client context; takes 50 ms, so make one for many connections.

    Raises ConfigurationError for a file that cannot be used, and OSError where no descriptor is free to read it.
    """
    context = _base(platform)
    context.minimum_version = VERSIONS[minimum_tls]
    if ca_file is not None:
        trust(context, ca_file)
    if client_cert is not None:
        _identify(context, client_cert, client_key)
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def trust(context: ssl.SSLContext, ca_file: Path) -> None:
    """Trust the authorities of a PEM file too; raises as `make_context` does."""
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        if error.errno in NO_DESCRIPTOR:
            raise  # it says nothing of the setting
        why = "no such file" if isinstance(error, FileNotFoundError) else "no certificates in PEM could be read"
        raise ConfigurationError(f"Server: ca_file: {why}: {ca_file}", hint=_CA_FILE) from None


def check_authorities(ca_file: Path) -> None:
    """What `trust` would raise; a pipe is refused, since to read it may take forever, and works once."""
    if ca_file.exists() and not ca_file.is_file():
        raise ConfigurationError(f"Server: ca_file: not a regular file: {ca_file}", hint=_CA_FILE)
    trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ca_file)


def check_identity(certificate: Path, key: Path | None) -> None:
    """What a context with this certificate would raise."""
    _identify(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key)


def _identify(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        check_trusted(key or certificate)
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # a path with a NUL or a lone surrogate in it
        if isinstance(error, OSError) and error.errno in NO_DESCRIPTOR:
            raise
        hint = "client_cert= is a PEM file with the certificate (and its chain), client_key= one with the open key"
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        raise ConfigurationError(f"Server: client_cert: it cannot be used: {why}", hint=hint) from None


def _base(platform: str) -> ssl.SSLContext:
    if platform not in _BY_TRUSTSTORE:
        return _by_openssl()
    import truststore  # noqa: PLC0415 - only these systems have it, and need it

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _by_openssl() -> ssl.SSLContext:
    """Raises OSError where no descriptor is free to read the store: such a context would trust nobody forever."""
    context, file = ssl.create_default_context(), ssl.get_default_verify_paths().cafile
    if file and not context.cert_store_stats()["x509_ca"]:
        try:
            context.load_verify_locations(file)  # says why, where OpenSSL has said nothing
        except OSError as error:
            if error.errno in NO_DESCRIPTOR:
                raise
    return context


def trusts_anybody(context: ssl.SSLContext) -> bool:
    """Whether there are certificates of authorities to verify with; a folder of them is only read when it is needed."""
    paths = ssl.get_default_verify_paths()
    return bool(context.cert_store_stats()["x509_ca"] or (paths.capath and any(Path(paths.capath).iterdir())))


def handshaking(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context that makes the handshakes: truststore's hands them to one of its own, and verifies behind them."""
    inner = getattr(context, "_ctx", None)
    return inner if isinstance(inner, ssl.SSLContext) else context


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
    """The pin of a certificate (DER): the SHA-256 of its subject's public key, in base64. Raises ValueError."""
    key = _read(lambda: _key_of(certificate))
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


@dataclass(slots=True, frozen=True)
class CertificateFacts:
    """Whom a certificate is for, who issued it, and until when it is valid (RFC 5280 section 4.1.2, RFC 9525)."""

    names: tuple[str, ...]
    issuer: str
    begins: datetime
    ends: datetime


def facts_of(certificate: bytes) -> CertificateFacts:
    """What stands in a certificate (DER), whether it is to be trusted or not. Raises ValueError for what is none."""
    return _read(lambda: _facts(_parsed(certificate)))


def _read(ask: Callable[[], _Value]) -> _Value:
    """What asn1crypto reads lazily; one changed octet makes it raise errors of all kinds, at any attribute."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - TypeError, KeyError, OverflowError …: it has no list of them
        fault = type(error).__name__
    raise ValueError(f"no certificate that can be read ({fault})")


def _facts(parsed: _Certificate) -> CertificateFacts:
    names = (*parsed.valid_domains, *parsed.valid_ips)
    issuer = [parsed.issuer.native.get(part) for part in ("organization_name", "common_name")]
    by = ", ".join(str(part) for part in issuer if part) or parsed.issuer.human_friendly
    return CertificateFacts(names, by, parsed.not_valid_before, parsed.not_valid_after)


def _key_of(certificate: bytes) -> bytes:
    return _parsed(certificate).public_key.dump()


def _parsed(certificate: bytes) -> _Certificate:
    from asn1crypto import x509  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - few need it

    return cast("_Certificates", x509.Certificate).load(certificate)


class _Key(Protocol):
    def dump(self) -> bytes: ...


class _Name(Protocol):
    human_friendly: str
    native: dict[str, object]


class _Certificate(Protocol):
    public_key: _Key
    issuer: _Name
    valid_domains: list[str]
    valid_ips: list[str]
    not_valid_before: datetime
    not_valid_after: datetime


class _Certificates(Protocol):
    """What is used of asn1crypto, which has no types."""

    def load(self, encoded_data: bytes, /) -> _Certificate: ...
