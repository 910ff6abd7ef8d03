"""An authorization server on loopback that speaks the real grants (RFC 6749, 7636, 8414, 8628), over HTTP or TLS.

Knows one client, its secret, and who may have tokens; what it was asked is kept for tests to read. Access tokens come
from `make`, and refresh tokens may be good for one use. Must not know: sendkit, or any mail server.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

CLIENT, CLIENT_SECRET = "sendkit-tests", "client-secret-of-the-tests"
Answer = tuple[int, dict[str, object]]


class TokenServer:
    """Running in its context. `issuer` is what a client is given; `asked` are the forms that were posted, in order.

    `granted` says what the person does: nothing yet (None), or yes, or no. `one_use`: each refresh gives a new refresh
    token and ends the old one. `answers` are said first, in place of what is due at the token endpoint.
    """

    def __init__(self, make: Callable[[], str] | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self._serial = itertools.count(1)
        self.make = make or (lambda: f"access-token-{next(self._serial)}")
        self.lifetime: object = 3600
        self.one_use = False
        self.granted: bool | None = True
        self.device_codes = True
        self.scopes: set[str] = set()
        self.refresh_tokens = {"refresh-token-of-ana"}
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[dict[str, str]] = []
        self.issuer_claimed: str | None = None
        self._codes: dict[str, dict[str, str]] = {}
        self._tls = tls

    def __enter__(self) -> Self:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if self._tls:
            self._http.socket = self._tls.wrap_socket(self._http.socket, server_side=True)
        scheme, host = ("https", "localhost") if self._tls else ("http", "127.0.0.1")
        self.issuer = f"{scheme}://{host}:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def grants(self, kind: str) -> Iterator[dict[str, str]]:
        """The forms of one grant that came to the token endpoint."""
        return (form for form in self.asked if form.get("grant_type", "").endswith(kind))

    def get(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, object], str | None]:
        """Metadata, or the page where a person says yes or no: a status, a JSON object, and where to go next."""
        if path == "/.well-known/oauth-authorization-server":
            device = {"device_authorization_endpoint": f"{self.issuer}/device"} if self.device_codes else {}
            places = {"token_endpoint": f"{self.issuer}/token", "authorization_endpoint": f"{self.issuer}/authorize"}
            return 200, {"issuer": self.issuer_claimed or self.issuer, **places, **device}, None
        if path == "/authorize":
            self.asked.append(query)
            said = {"code": self._new_code(query)} if self.granted else {"error": "access_denied"}
            return 302, {}, f"{query['redirect_uri']}/?{urlencode({**said, 'state': query['state']})}"
        return 404, {"error": "not_found"}, None

    def post(self, path: str, form: dict[str, str]) -> Answer:
        """The device authorization endpoint and the token endpoint."""
        self.asked.append(form)
        if form.get("client_id") != CLIENT or form.get("client_secret", CLIENT_SECRET) != CLIENT_SECRET:
            return 401, {"error": "invalid_client"}
        if self.scopes and not set(form.get("scope", "").split()) <= self.scopes:
            return 400, {"error": "invalid_scope", "error_description": "not for you"}
        if path == "/device":
            code = self._new_code(form)
            where = {"verification_uri": f"{self.issuer}/activate", "user_code": "WDJB-MJHT"}
            return 200, {"device_code": code, "expires_in": 30, "interval": 5, **where}
        return self._token(form) if path == "/token" else (404, {"error": "not_found"})

    def _token(self, form: dict[str, str]) -> Answer:
        match form.get("grant_type"):
            case "refresh_token" if form.get("refresh_token") in self.refresh_tokens:
                if not self.one_use:
                    return self._issued()
                self.refresh_tokens.remove(form["refresh_token"])
                return self._issued(refresh=True)
            case "client_credentials" if "client_secret" in form:
                return self._issued()
            case "urn:ietf:params:oauth:grant-type:device_code" if form.get("device_code") in self._codes:
                if self.granted is None:
                    return 400, {"error": "authorization_pending"}
                return self._issued(refresh=True) if self.granted else (400, {"error": "access_denied"})
            case "authorization_code" if (begun := self._codes.pop(form.get("code", ""), None)) is not None:
                digest = hashlib.sha256(form["code_verifier"].encode()).digest()
                proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                same = proof == begun["code_challenge"] and form["redirect_uri"] == begun["redirect_uri"]
                return self._issued(refresh=True) if same else (400, {"error": "invalid_grant"})
            case _:
                return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}

    def _issued(self, *, refresh: bool = False) -> Answer:
        token: dict[str, object] = {"access_token": self.make(), "token_type": "Bearer", "expires_in": self.lifetime}
        if refresh:
            token["refresh_token"] = f"refresh-token-{next(self._serial)}"
            self.refresh_tokens.add(str(token["refresh_token"]))
        return 200, token

    def _new_code(self, begun: dict[str, str]) -> str:
        code = f"code-{next(self._serial)}"
        self._codes[code] = begun
        return code

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                status, body, onward = server.get(parts.path, _single(parts.query))
                self._say(status, json.dumps(body).encode(), onward)

            def do_POST(self) -> None:
                form = _single(self.rfile.read(int(self.headers["Content-Length"])).decode())
                status, body = server.post(self.path, form)
                if server.answers and self.path == "/token":
                    self._say(*server.answers.pop(0))
                else:
                    self._say(status, json.dumps(body).encode())

            def _say(self, status: int, body: bytes, onward: str | None = None) -> None:
                self.send_response(status)
                if onward:
                    self.send_header("Location", onward)
                self.send_header("Content-Length", str(len(body)))
                with contextlib.suppress(ConnectionError):  # who asked may have gone
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        return Handler


def _single(query: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(query).items()}
