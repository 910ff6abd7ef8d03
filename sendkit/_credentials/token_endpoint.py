"""One question to an authorization server over HTTP, off the event loop, and its answer as a value.

RFC 6749 section 5 (answers and errors), RFC 8414 (metadata). HTTPS with a verified certificate, or plain HTTP to this
very machine; no redirect is followed, since what is posted is secret. Whatever an endpoint does comes back as a
`Refusal`, without frames that hold the form, and what it says without the secrets that it was told.
Must not know: grants, or what is done with a token.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast
from urllib.parse import urlencode

from sendkit._credentials.endpoint import Endpoint, read_endpoint
from sendkit._lifetime import threads
from sendkit._redaction import Redactor, everywhere
from sendkit._server.addresses import is_here

if TYPE_CHECKING:
    import http.client
    import urllib.request

LIMIT = 30.0
"""Seconds for one question, its answer included."""

LATER = "try again later; if this machine reaches the web only through a proxy, set HTTPS_PROXY=http://HOST:PORT"
"""What to do where a server gave no useful answer for now."""

_MAX_ANSWER = 1 << 20
_MAX_WORDS = 300
_SECRET_FIELDS = ("client_secret", "refresh_token", "device_code", "code", "code_verifier")

Fields: TypeAlias = "Mapping[str, object]"


@dataclass(slots=True, frozen=True)
class Refusal:
    """No useful answer: why in words, the error code of RFC 6749 section 5.2 if any, and whether to try later.

    `cause` is the kind of error of the program's own function, where one was asked.
    """

    why: str
    code: str = ""
    transient: bool = False
    cause: BaseException | None = None


class Form(dict[str, str]):
    """What is posted. Its repr names the fields, and none of their values."""

    def __repr__(self) -> str:
        return f"<form of {', '.join(self)}>"


@dataclass(slots=True, frozen=True)
class _Response:
    """What came over HTTP; its repr says nothing of it."""

    status: int
    body: bytes

    def __repr__(self) -> str:
        return f"<HTTP status {self.status}>"


async def ask(url: str, form: Mapping[str, str] | None = None, *, limit: float = LIMIT) -> Fields | Refusal:
    """Post the form, or get the URL where there is none, and return the JSON object that is the answer."""
    endpoint = read_endpoint(url)
    if isinstance(endpoint, str):
        return Refusal(f"the URL of the authorization server {endpoint}")
    future = threads.start(lambda: _exchange(endpoint, form, limit))
    try:
        async with asyncio.timeout(limit):
            return await asyncio.wrap_future(future)
    except TimeoutError:
        pass  # raised from here on, an error would carry the frames of what was waited for
    return Refusal(f"{endpoint.host} gave no answer within {limit:g} s", transient=True)


def _exchange(endpoint: Endpoint, form: Mapping[str, str] | None, limit: float) -> Fields | Refusal:
    answer = _answered(endpoint, form, limit)
    if isinstance(answer, Refusal):
        return answer
    told = [form[name] for name in _SECRET_FIELDS if name in form] if form else []
    return _read(endpoint.host, answer, Redactor.joined((everywhere(), Redactor.of(*told))))


def _answered(endpoint: Endpoint, form: Mapping[str, str] | None, limit: float) -> _Response | Refusal:
    """Send it, and turn every error, expected or not, into a Refusal."""
    try:
        return _send(endpoint, form, limit)
    except Exception as error:  # noqa: BLE001 - its frames hold the form: they end here
        reason = getattr(error, "reason", error)
        words = getattr(reason, "strerror", None) or getattr(reason, "verify_message", None) or type(reason).__name__
        return Refusal(f"{endpoint.host} was not reached, or gave no answer in HTTP ({words})", transient=True)


def _send(endpoint: Endpoint, form: Mapping[str, str] | None, limit: float) -> _Response:
    import urllib.error  # noqa: PLC0415 - most programs log in with a password
    import urllib.request  # noqa: PLC0415 - only tokens need it

    data = None if form is None else urlencode(form).encode()
    request = urllib.request.Request(endpoint.url, data, {"Accept": "application/json"})  # noqa: S310 - see `endpoint`
    try:
        with _opener(endpoint).open(request, timeout=limit) as answer:
            return _Response(int(answer.status), answer.read(_MAX_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            return _Response(error.code, error.read(_MAX_ANSWER))


def _opener(endpoint: Endpoint) -> urllib.request.OpenerDirector:
    import ssl  # noqa: PLC0415 - as above
    import urllib.request  # noqa: PLC0415 - only tokens need it

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def http_error_302(self, *_: object, **__: object) -> None:
            """Leave it as the answer that it is."""

        http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    handlers: list[urllib.request.BaseHandler] = [NoRedirect()]
    if endpoint.local:
        handlers += [urllib.request.ProxyHandler({}), _to_this_machine()]
    else:
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    return urllib.request.build_opener(*handlers)


def _to_this_machine() -> urllib.request.BaseHandler:
    """Plain HTTP, but only when the peer is this machine, whatever a resolver says of its name."""
    import http.client  # noqa: PLC0415 - as above
    import urllib.request  # noqa: PLC0415 - as above

    class Local(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            if not is_here(self.sock.getpeername()[0]):
                self.close()
                raise ConnectionRefusedError(0, "the name is not that of this machine")

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Local, req)

    return Handler()


def _read(host: str, came: _Response, shown: Redactor) -> Fields | Refusal:
    try:
        answer: object = json.loads(came.body)
    except (ValueError, RecursionError):
        answer = None
    fields = cast("Fields", answer) if isinstance(answer, Mapping) else None
    if came.status == 200 and fields is not None and "error" not in fields:
        return fields
    code, words = (_word((fields or {}).get(key), shown) for key in ("error", "error_description"))
    said = ": ".join(filter(None, (code, words))) or f"HTTP status {came.status}, without an answer that can be read"
    transient = came.status >= 500 or came.status == 429 or code in ("temporarily_unavailable", "server_error")
    return Refusal(f"{host} said {said}", code, transient)


def _word(value: object, shown: Redactor) -> str:
    """Bounded, and in one line; what a server says is shown to people."""
    if not isinstance(value, str):
        return ""
    text = shown(value[:_MAX_ANSWER])[:_MAX_WORDS]
    return "".join(c if c.isprintable() else " " for c in text)
