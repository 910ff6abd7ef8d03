"""The authorization code grant in the browser of this machine, for providers whose device code grants no mail.

RFC 8252 section 7.3 (a redirect to loopback), RFC 7636 (PKCE), RFC 6749 section 4.1. One request to a port of loopback
is answered, and only with the state that we gave away. Must not know: how the browser is opened.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from sendkit._credentials import daemon
from sendkit._credentials.authorization_server import AuthorizationServer
from sendkit._credentials.grants import Client, Token, ask_for_token
from sendkit._credentials.token_endpoint import Refusal

if TYPE_CHECKING:
    from http.server import HTTPServer

BROWSER_LIMIT = 300.0
"""Seconds for the person to grant access."""

_PAGE = b"<!doctype html><meta charset=utf-8><title>sendkit</title><p>You may close this window now."


async def by_browser(
    server: AuthorizationServer,
    client: Client,
    scope: str | None,
    show: Callable[[str, str], object],
    *,
    limit: float = BROWSER_LIMIT,
) -> Token | Refusal:
    """Run the grant to its end; `show` is given the address to open, and no code."""
    if server.authorize_url is None:
        return Refusal("this provider names no place where a person can grant access")
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    answer: Future[dict[str, str]] = Future()
    listener = _listener(answer, state)
    redirect = f"http://127.0.0.1:{listener.server_address[1]}"
    daemon.start(lambda: listener.serve_forever(poll_interval=0.05), name="sendkit-oauth-redirect")
    try:
        proof = {"redirect_uri": redirect, "state": state, "code_challenge": _challenge(verifier)}
        show(_address(server, client, scope or server.scope, proof), "")
        async with asyncio.timeout(limit):
            said = await asyncio.wrap_future(answer)
    except TimeoutError:
        return Refusal(f"nobody granted access within {limit:g} s", "expired_token")
    finally:
        listener.shutdown()
        listener.server_close()
    if "code" not in said:
        return Refusal(f"access was not granted: {said.get('error', 'no code came')[:100]!a}", said.get("error", ""))
    form = {"grant_type": "authorization_code", "code": said["code"], "redirect_uri": redirect}
    return await ask_for_token(server, {**form, "code_verifier": verifier, **client.fields()})


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _address(server: AuthorizationServer, client: Client, scope: str | None, proof: dict[str, str]) -> str:
    question = {
        "response_type": "code",
        "client_id": client.id,
        **proof,
        "code_challenge_method": "S256",
        # Google gives a refresh token only when asked in these words; others pass over them.
        "access_type": "offline",
        "prompt": "consent",
        **({"scope": scope} if scope else {}),
    }
    return f"{server.authorize_url}?{urlencode(question)}"


def _listener(answer: Future[dict[str, str]], state: str) -> HTTPServer:
    import http.server  # noqa: PLC0415 - only who logs in with a browser needs it

    class Handler(http.server.BaseHTTPRequestHandler):
        """Takes the redirect, and whatever else a browser asks for."""

        def do_GET(self) -> None:
            """RFC 6749 section 4.1.2."""
            said = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
            ours = secrets.compare_digest(said.get("state", "").encode(), state.encode())
            self.send_response(200 if ours else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(_PAGE if ours else b"")
            if ours and not answer.done():
                answer.set_result(said)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
            """Say nothing: the line holds the code."""

    return http.server.HTTPServer(("127.0.0.1", 0), Handler)
