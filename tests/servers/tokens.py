"""Access tokens that Dovecot checks by itself: JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256 (RFC 7515).

Knows a key and how a token is written; must not know who asks for one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import secrets
import time

_serial = itertools.count()


class Signer:
    """Makes tokens for a user, good for so many seconds; a negative number is one that has expired."""

    def __init__(self) -> None:
        self.key = secrets.token_bytes(32)

    def token(self, user: str, *, lifetime: float = 3600, key: bytes | None = None) -> str:
        """A token that is different each time."""
        now = int(time.time())
        claims = {
            "sub": user,
            "iat": now - 10_000,
            "exp": now + int(lifetime),
            "jti": str(next(_serial)),
        }
        signed = f"{_part({'typ': 'JWT', 'alg': 'HS256'})}.{_part(claims)}"
        return f"{signed}.{_base64url(hmac.digest(key or self.key, signed.encode(), hashlib.sha256))}"


def _part(fields: dict[str, object]) -> str:
    return _base64url(json.dumps(fields).encode())


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
