"""The authorization code grant in the browser of this machine, for providers whose device code grants no mail.

RFC 8252 section 7.3 (a redirect to loopback), RFC 7636 (PKCE), RFC 6749 section 4.1. One request to a port of loopback
is answered, and only with the state that we gave away. Must not know: how the browser is opened.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

from sendkit._credentials.authorization_server import AuthorizationServer
from sendkit._credentials.endpoint import read_endpoint
from sendkit._credentials.grants import OAuthClient, Token, ask_for_token
from sendkit._credentials.token_endpoint import Form, Refusal

BROWSER_LIMIT = 300.0
"""Seconds for the person to grant access."""

_MAX_REQUEST = 32_768
_PATIENCE = 10.0
_MOST = 50
_GET = re.compile(rb"GET ([!-~]+) HTTP/1\.[01]\r\n")
_HEADERS = b"Connection: close\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
_PAGE = b"<!doctype html><meta charset=utf-8><title>sendkit</title><p>You may close this window now."


async def by_browser(
    server: AuthorizationServer,
    client: OAuthClient,
    scope: str | None,
    show: Callable[[str, str], object],
    *,
    limit: float = BROWSER_LIMIT,
) -> Token | Refusal:
    """Run the grant to its end; `show` is given the address to open, and no code."""
    authorize = read_endpoint(server.authorize_url) if server.authorize_url else "is not named"
    if isinstance(authorize, str):
        return Refusal(f"this provider names no page where a person can grant access: its URL {authorize}")
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    redirect = _Redirect(state)
    listener = await asyncio.start_server(redirect.serve, "127.0.0.1", 0, limit=_MAX_REQUEST)
    try:
        back = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        proof = {"redirect_uri": back, "state": state, "code_challenge": _challenge(verifier)}
        show(_address(authorize.url, client, scope or server.scope, proof), "")
        said = await redirect.answer(limit)
    finally:
        listener.close()
        redirect.close()
    if said is None:
        return Refusal(f"access was not granted within {limit:g} s", "expired_token")
    if "code" not in said:
        word = "".join(c if c.isprintable() else " " for c in said.get("error", "no code came")[:100])
        return Refusal(f"access was not granted: {word}", said.get("error", ""))
    form = Form(client.fields(), grant_type="authorization_code", code=said["code"], redirect_uri=back)
    return await ask_for_token(server, Form(form, code_verifier=verifier))


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _address(url: str, client: OAuthClient, scope: str | None, proof: dict[str, str]) -> str:
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
    return f"{url}{'&' if '?' in url else '?'}{urlencode(question)}"


class _Redirect:
    """Waits for the redirect from the browser; a silent connection delays nothing."""

    def __init__(self, state: str) -> None:
        self._state = state.encode()
        self._answer: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self._talking: set[asyncio.Task[None]] = set()

    async def answer(self, limit: float) -> dict[str, str] | None:
        """What the browser brought back; None when it did not come within `limit` seconds."""
        done, _ = await asyncio.wait([self._answer], timeout=limit)
        return self._answer.result() if done else None

    def close(self) -> None:
        """Close the connections that are left."""
        for task in self._talking:
            task.cancel()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection, unless there are too many."""
        if len(self._talking) >= _MOST:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._talking.add(task)
        task.add_done_callback(self._talking.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                said = self._read(head)
                ours = said is not None
                page = _PAGE if ours else b""
                status = b"200 OK" if ours else b"404 Not Found"
                writer.write(b"HTTP/1.1 %s\r\nContent-Type: text/html\r\n%s\r\n" % (status, _HEADERS) + page)
                await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError):
            return  # a browser connects ahead, and goes again
        finally:
            writer.close()
        if said is not None and not self._answer.done():
            self._answer.set_result(said)

    def _read(self, head: bytes) -> dict[str, str] | None:
        """RFC 6749 section 4.1.2: what stands in the address, if our state does."""
        match = _GET.match(head)
        try:
            parts = urlsplit(match[1].decode("ascii")) if match else None
        except ValueError:
            return None
        said = {key: values[0] for key, values in parse_qs(parts.query).items()} if parts else {}
        return said if secrets.compare_digest(said.get("state", "").encode(), self._state) else None
