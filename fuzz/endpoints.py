"""Fuzzes what an authorization server says: its URLs, its metadata (RFC 8414) and its answers (RFC 6749 section 5).

The laws: an answer is a token or a refusal in printable words without the secret, a URL that may be asked is https to a
host, or http to this machine, and no exception leaves either.
"""

# ruff: noqa: S101, S105, SLF001 - an oracle asserts, and looks into rooms; its secret is none

from __future__ import annotations

import json
from urllib.parse import urlsplit

from fuzz.engine import Campaign, instrumented, main

endpoint, token_endpoint, grants, servers, device, redaction = instrumented(
    [
        "sendkit._credentials.endpoint",
        "sendkit._credentials.token_endpoint",
        "sendkit._credentials.grants",
        "sendkit._credentials.authorization_server",
        "sendkit._credentials.device",
        "sendkit._redaction",
    ]
)

SECRET = "s3cret/refresh+token"
_SHOWN = redaction.Redactor.of(SECRET)
_ISSUER = endpoint.Endpoint("https://id.example.com", "id.example.com")


def check(data: bytes) -> None:
    """Read the octets as an answer, as metadata and as a URL. Raises AssertionError."""
    for status in (200, 400, 503):
        answer = token_endpoint._read("id.example.com", token_endpoint._Response(status, data), _SHOWN)
        if isinstance(answer, token_endpoint.Refusal):
            assert answer.why.isprintable(), answer.why
            assert SECRET not in answer.why + answer.code
            continue
        token = grants.read_token(answer)
        assert isinstance(token, grants.Token | token_endpoint.Refusal)
        if isinstance(token, grants.Token):
            assert token.lifetime is None or 0 < token.lifetime < float("inf")
        server = servers._read(_ISSUER, answer)
        if isinstance(server, servers.AuthorizationServer):
            for url in filter(None, (server.token_url, server.device_url, server.authorize_url)):
                assert url.startswith("https://"), url
        shown = device._shown(answer, _ISSUER)
        assert shown is None or all(word.isascii() and word.isprintable() for word in shown)
    _check_url(data.decode("utf-8", "replace"))


def _check_url(url: str) -> None:
    read = endpoint.read_endpoint(url)
    if isinstance(read, str):
        return
    parts = urlsplit(read.url)
    assert parts.hostname == read.host
    assert "@" not in parts.netloc
    assert parts.scheme == "https" or (read.local and endpoint.is_local(read.host))
    assert endpoint.read_endpoint(read.url) == read, "what was read once is read otherwise now"


def _json(fields: dict[str, object]) -> bytes:
    return json.dumps(fields).encode()


SEEDS = (
    _json({"access_token": "abc", "token_type": "Bearer", "expires_in": 3600, "refresh_token": SECRET}),
    _json({"error": "invalid_grant", "error_description": f"{SECRET} was revoked"}),
    _json({"issuer": "https://id.example.com", "token_endpoint": "https://id.example.com/token"}),
    _json(
        {
            "issuer": "https://id.example.com/",
            "token_endpoint": "https://id.example.com:8443/t",
            "device_authorization_endpoint": "https://id.example.com/d",
            "authorization_endpoint": "https://a.example.com/a?b=c",
        }
    ),
    _json({"device_code": "x", "user_code": "A-B", "verification_uri": "https://id.example.com/d", "interval": 5}),
    b"https://id.example.com:443/token?x=y#z",
    b"http://localhost:8080/token",
    b"http://[::1]:8080/",
    b"https://user@id.example.com/",
)
TOKENS = (
    b'"error"', b'"access_token"', b"\\u0000", b"\\ud800", b"1e999", b"NaN", b"Infinity", b"-1", b"9" * 400, b"[" * 50,
    b"{", b"}", b"null", b"true", b"https://", b"http://", b"@", b":0", b":99999", b"[::1]", b"127.0.0.1", b"\\x1b[2J",
    b"\xe2\x80\xae", b"%2f", b"\\", SECRET.encode(), b"localhost",
)  # fmt: skip

if __name__ == "__main__":
    main(Campaign(["sendkit._credentials.endpoint", "sendkit._credentials.token_endpoint"], check, SEEDS, TOKENS))
