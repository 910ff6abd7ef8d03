"""One question to an authorization server over HTTP, off the event loop, and its answer as a value.

RFC 6749 section 5 (answers and errors), RFC 8414 (metadata). HTTPS with a verified certificate, or plain HTTP to this
very machine; no redirect is followed, since what is posted is secret. Whatever fails comes back as a `Refusal`, without
frames that hold the form. Must not know: grants, or what is done with a token.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast
from urllib.parse import urlencode, urlsplit

from sendkit._credentials import daemon
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from urllib.request import OpenerDirector, Request

LIMIT = 30.0
"""Seconds for one question, its answer included."""

_MAX_ANSWER = 1 << 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

Fields: TypeAlias = "Mapping[str, object]"


@dataclass(slots=True, frozen=True)
class Refusal:
    """No useful answer: why in words, the error code of RFC 6749 section 5.2 if any, and whether to try later.

    `cause` is the error of the program's own function, where one was asked.
    """

    why: str
    code: str = ""
    transient: bool = False
    cause: Exception | None = None


def check_url(url: str) -> str:
    """The URL itself. Raises ConfigurationError unless it is https, or http to this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if host and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        return url
    hint = "write https://…, as the provider's documentation has it; secrets are sent there"
    raise ConfigurationError("the URL of an authorization server must be https", hint=hint)


async def ask(url: str, form: Mapping[str, str] | None = None, *, limit: float = LIMIT) -> Fields | Refusal:
    """Post the form, or get the URL where there is none, and return the JSON object that is the answer."""
    future = daemon.start(lambda: _exchange(url, form, limit), name="sendkit-oauth")
    try:
        async with asyncio.timeout(limit):
            return await asyncio.wrap_future(future)
    except TimeoutError:
        return Refusal(f"{urlsplit(url).hostname} gave no answer within {limit:g} s", transient=True)


def _exchange(url: str, form: Mapping[str, str] | None, limit: float) -> Fields | Refusal:
    import http.client  # noqa: PLC0415 - most programs log in with a password
    import urllib.error  # noqa: PLC0415 - only tokens need it
    import urllib.request  # noqa: PLC0415 - only tokens need it

    data = None if form is None else urlencode(form).encode()
    request = urllib.request.Request(url, data, {"Accept": "application/json"})  # noqa: S310 - see check_url
    try:
        status, body = _send(request, limit)
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read(_MAX_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        words = getattr(reason, "strerror", None) or getattr(reason, "verify_message", None) or type(reason).__name__
        return Refusal(f"{request.host} was not reached ({words})", transient=True)
    return _read(request.host, status, body)


def _send(request: Request, limit: float) -> tuple[int, bytes]:
    with _opener(request.host).open(request, timeout=limit) as answer:
        body: bytes = answer.read(_MAX_ANSWER)
        return int(answer.status), body


def _opener(host: str) -> OpenerDirector:
    import ssl  # noqa: PLC0415 - as above
    import urllib.request  # noqa: PLC0415 - only tokens need it

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def http_error_302(self, *_: object, **__: object) -> None:
            """Leave it as the answer that it is."""

        http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    handlers: list[urllib.request.BaseHandler] = [
        NoRedirect(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
    ]
    if host.rpartition(":")[0].strip("[]") in _LOOPBACK or host in _LOOPBACK:
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def _read(host: str, status: int, body: bytes) -> Fields | Refusal:
    try:
        answer: object = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    fields = cast("Fields", answer) if isinstance(answer, Mapping) else None
    if status == 200 and fields is not None and "error" not in fields:
        return fields
    code, words = (_word((fields or {}).get(key)) for key in ("error", "error_description"))
    said = ": ".join(filter(None, (code, words))) or f"HTTP status {status}, without an answer that can be read"
    transient = status >= 500 or status == 429 or code in ("temporarily_unavailable", "server_error")
    return Refusal(f"{host} said {said}", code, transient)


def _word(value: object) -> str:
    """Bounded, and in one line; what a server says is shown to people."""
    return "".join(c if c.isprintable() else " " for c in value[:300]) if isinstance(value, str) else ""
