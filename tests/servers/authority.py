"""A certificate authority of our own, and the certificates that a client must take or refuse (RFC 8314, RFC 9525).

It knows names, dates and signatures. It knows neither a server nor a client, and no test framework.
"""

from __future__ import annotations

import datetime
import ssl
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAMES = ("localhost", "127.0.0.1", "::1")
_DAY = datetime.timedelta(days=1)


class Certificate(StrEnum):
    """What is right or wrong with a server's certificate; all but the first must be refused."""

    GOOD = "good"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    SELF_SIGNED = "self-signed"
    WRONG_HOST = "wrong-host"
    UNKNOWN_CA = "unknown-ca"


class Authority:
    """A certificate authority that lives as long as this object, and writes what it issues into `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self._contexts: dict[Certificate, ssl.SSLContext] = {}

    @cached_property
    def ca_file(self) -> Path:
        """The authority's own certificate (PEM): what a client is told to trust."""
        path = self._folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(path))
        return path

    def client_context(self) -> ssl.SSLContext:
        """A new client context that trusts this authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def server_context(self, kind: Certificate = Certificate.GOOD) -> ssl.SSLContext:
        """The server context with a certificate of this kind; the same object each time."""
        if kind not in self._contexts:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.pem(kind))
            self._contexts[kind] = context
        return self._contexts[kind]

    def pem(self, kind: Certificate = Certificate.GOOD) -> Path:
        """The key and the chain of a certificate of this kind: one PEM file, key first, readable by its owner only."""
        path = self._folder / f"{kind}.pem"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(self._issue(kind))
        return path

    def _issue(self, kind: Certificate) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        match kind:
            case Certificate.GOOD:
                leaf = self._ca.issue_cert(*NAMES)
            case Certificate.EXPIRED:
                leaf = self._ca.issue_cert(*NAMES, not_before=now - 9 * _DAY, not_after=now - _DAY)
            case Certificate.NOT_YET_VALID:
                leaf = self._ca.issue_cert(*NAMES, not_before=now + _DAY, not_after=now + 9 * _DAY)
            case Certificate.WRONG_HOST:
                leaf = self._ca.issue_cert("other.example.test")
            case Certificate.UNKNOWN_CA:
                leaf = trustme.CA().issue_cert(*NAMES)
            case Certificate.SELF_SIGNED:
                return _self_signed(now)
        return leaf.private_key_and_cert_chain_pem.bytes()


def _self_signed(now: datetime.datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), *(x509.IPAddress(ip_address(address)) for address in NAMES[1:])]
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
