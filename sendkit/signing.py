"""DKIM keys: where they come from, and what signs with them. The extra `sign` brings `cryptography`.

Knows PEM, files that only their owner may read, the environment and the keyring. A key is shown by no repr and held in
no pickle. Must not know messages.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Never, cast

from sendkit._distribution import installing
from sendkit._lifetime import threads
from sendkit._message.dkim import Signer
from sendkit._message.portable import base64_of, octets_of
from sendkit._trusted_file import trusted_file
from sendkit.errors import ConfigurationError, CredentialsNotFound, SendkitError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


__all__ = ["DKIM"]

KEY, KEY_FILE = "SENDKIT_DKIM_KEY", "SENDKIT_DKIM_KEY_FILE"
_LABELS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")
_SMALLEST = 1024  # bits, RFC 8301 section 3.2
_LOOKUP_LIMIT = 10.0


class DKIM:
    """A key that signs the mail of a domain: `Mailer(dkim=DKIM(domain="example.com", selector="s1", key=Path(…)))`.

    `key` is a private key in PEM, as text, octets or the path of a file that only its owner may read (mode 0600), or an
    object of `cryptography`; RSA of 1,024 bits at least, or Ed25519. Without it, SENDKIT_DKIM_KEY,
    SENDKIT_DKIM_KEY_FILE and the keyring (service `sendkit:SELECTOR._domainkey.DOMAIN`, user `dkim`) are asked.
    The domain must be that of the From address, or one above it, for DMARC to count it. To sign with two keys, give a
    mailer two of these, each with a selector of its own. Raises ConfigurationError. Format: RFC 6376, RFC 8463.
    """

    __slots__ = ("_key", "domain", "selector")

    domain: str
    selector: str

    def __init__(
        self,
        *,
        domain: str,
        selector: str,
        key: str | bytes | os.PathLike[str] | RSAPrivateKey | Ed25519PrivateKey | None = None,
    ) -> None:
        self.domain = _name("domain", _a_labels(domain)).lower()
        self.selector = _name("selector", selector)
        self._key = _private_key(_found(self.record) if key is None else key)
        del key

    @property
    def record(self) -> str:
        """The name in the DNS under which readers look for the public key."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def public(self) -> str:
        """What stands under that name: the TXT record to publish (RFC 6376 section 3.6.1)."""
        return f"v=DKIM1; k={self._key.kind}; p={base64_of(self._key.public())}"

    @property
    def _signer(self) -> Signer:
        """What signs octets with this key."""
        return Signer(self.domain, self.selector, f"{self._key.kind}-sha256", self._key.sign, self.public)

    def __repr__(self) -> str:
        return f"DKIM(domain={self.domain!r}, selector={self.selector!r}, key=***)"

    def __reduce__(self) -> Never:
        raise TypeError("a DKIM key is not pickled: it would leave the process; make it again where it is needed")


def signers_of(keys: object) -> tuple[Signer, ...]:
    """What signs with these keys: one DKIM, or several, each of its own selector. Raises ConfigurationError."""
    listed = list(cast("list[object]", keys)) if isinstance(keys, list | tuple) else [keys]
    found = [key for key in listed if isinstance(key, DKIM)]
    if len(found) < len(listed) or len({key.record for key in found}) < len(found):
        hint = "give DKIM(domain=…, selector=…, key=…), or a list of them, each with a selector of its own"
        raise ConfigurationError(f"dkim={keys!r} is not a key of DKIM", hint=hint)
    return tuple(key._signer for key in found)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - one file


def _name(field: str, text: str) -> str:
    if not isinstance(cast("object", text), str) or _LABELS.fullmatch(text) is None or len(text) > 200:
        raise ConfigurationError(
            f"{field}={str(text)[:80]!r} is not a name in the DNS", hint='such as "example.com", and "s1"'
        )
    return text


def _a_labels(domain: str) -> str:
    if not isinstance(cast("object", domain), str) or domain.isascii():
        return domain
    from sendkit._smtp.address import parse_address  # noqa: PLC0415 - most domains are ASCII

    return parse_address(f"x@{domain}").domain


def _found(record: str) -> str | bytes | Path:
    if text := os.environ.get(KEY):
        return text
    if path := os.environ.get(KEY_FILE):
        return Path(path)
    found = _in_keyring(record)
    if isinstance(found, SendkitError):
        hint = f"give key=, set {KEY} or {KEY_FILE}, or store it in the keyring: service sendkit:{record}, user dkim"
        raise ConfigurationError(f"no DKIM key for {record}: {found.message}", hint=hint)
    return found


def _in_keyring(record: str) -> str | SendkitError:
    """What the keyring holds. Its own way to it is asynchronous, and a loop may be running here."""
    from sendkit._credentials.os_keyring import Keyring  # noqa: PLC0415 - few keys are there
    from sendkit._credentials.source import Found as FoundHere  # noqa: PLC0415 - as above

    try:
        visit = threads.start(lambda: asyncio.run(Keyring().find(host=record, username="dkim")))
        answer = visit.result(_LOOKUP_LIMIT)
    except TimeoutError:
        return CredentialsNotFound("the keyring did not answer")
    except threads.NoThread as error:
        return CredentialsNotFound(f"the keyring cannot be asked: {error.strerror}")
    return answer.secret.reveal() if isinstance(answer, FoundHere) else CredentialsNotFound(answer.why)


class _RSA:
    kind = "rsa"

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    def sign(self, octets: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - an extra

        return self._key.sign(octets, PKCS1v15(), SHA256())

    def public(self) -> bytes:
        from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415 - an extra

        return self._key.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)


class _Ed25519:
    kind = "ed25519"

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, octets: bytes) -> bytes:
        return self._key.sign(hashlib.sha256(octets).digest())  # RFC 8463 section 3

    def public(self) -> bytes:
        from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415 - an extra

        return self._key.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)


def _private_key(key: object) -> _RSA | _Ed25519:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415 - an extra
    except ImportError as error:
        hint = installing(extra="sign")
        raise ConfigurationError("DKIM needs the extra `sign`", hint=hint) from error
    if isinstance(key, str | bytes | os.PathLike):
        key = _parsed(_octets(cast("str | bytes | os.PathLike[str]", key)))
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _SMALLEST:
        return _RSA(key)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return _Ed25519(key)
    raise ConfigurationError("key= is neither an RSA key of at least 1,024 bits nor an Ed25519 key", hint=_MAKE_ONE)


_MAKE_ONE = (
    "make one: openssl genpkey -algorithm ed25519 -out dkim.pem (or -algorithm rsa -pkeyopt rsa_keygen_bits:2048)"
)


def _octets(key: str | bytes | os.PathLike[str]) -> bytes:
    if not isinstance(key, os.PathLike):
        return key.encode("utf-8", "replace") if isinstance(key, str) else key
    path = Path(key)
    try:
        with trusted_file(path, secret=True) as file:
            return file.read()
    except OSError as error:
        hint = "give the path of a private key in PEM"
        raise ConfigurationError(f"{str(path)!r} cannot be read: {error.strerror}", hint=hint) from error


def _parsed(octets: bytes) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - an extra
        load_der_private_key,
        load_pem_private_key,
    )

    try:
        if b"-----BEGIN" in octets:
            return load_pem_private_key(octets, password=None)
        return load_der_private_key(octets_of("key", octets.decode("ascii").strip()), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass  # what it says may hold octets of the key, and so may its frames
    raise ConfigurationError("key= is not a private key in PEM, or it has a passphrase", hint=_MAKE_ONE)
