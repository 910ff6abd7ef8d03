"""Serves the page to this machine alone, and tells it when a message arrives (Server-Sent Events: HTML section 9.2).

Every address begins with a key that nobody can guess, so that neither another user of the machine nor another page in
the browser finds a message; Host must be a name of this server, against DNS rebinding. Nothing can be changed by a
request: there is GET, and nothing else. Knows HTTP headers. Must not know SMTP.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import quote

from sendkit._page.assets import asset
from sendkit._page.markup import SANDBOX, document, policy
from sendkit._page.view import PICTURES, files_of, summary, view
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from sendkit._reading.caught import CaughtMessage

_STATIC = {
    "": ("page.html", "text/html"),
    "page.css": ("page.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
}
_OF_A_MESSAGE = re.compile(r"([1-9][0-9]{0,8})(\.json|/html|/source|/(?:file|picture)/[0-9]{1,4})")
_IDLE = 15.0  # seconds after which a stream shows that it is alive, and so finds out whether the page is


class Source(Protocol):
    """What the page shows; `changed` is notified when a message arrives."""

    host: str
    port: int
    username: str
    changed: threading.Condition

    @property
    def caught(self) -> Sequence[CaughtMessage]:
        """All messages, the oldest first; it grows."""
        ...

    @property
    def ca_file(self) -> Path:
        """The authority to trust."""
        ...


class PageServer:
    """`with PageServer(local_server) as page:` serves it at `page.url`. Port 0 is any free one."""

    def __init__(self, source: Source, *, port: int = 0) -> None:
        self.source, self.port = source, port
        self.key = secrets.token_urlsafe(16)
        self.closing = False

    def __enter__(self) -> Self:
        try:
            self._server = _Server(("127.0.0.1", self.port), partial(_Handler, self))
        except OSError as error:
            raise ConfigurationError(
                f"the page cannot have port {self.port}: {error.strerror}", hint="choose another one, or none"
            ) from error
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name=f"page-{self.port}")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.closing = True
        with self.source.changed:
            self.source.changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the page is; who does not know it does not find it."""
        return f"http://127.0.0.1:{self.port}/{self.key}/"

    def wait(self, seen: int) -> int:
        """How many messages there are; comes back when there are others than `seen`, or after a while."""
        with self.source.changed:
            self.source.changed.wait_for(lambda: self.closing or len(self.source.caught) != seen, _IDLE)
        return len(self.source.caught)


class _Server(ThreadingMixIn, TCPServer):
    # Not `http.server.HTTPServer`, which asks the DNS for its own name.
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Tell of a fault of ours; that a browser closes a connection whenever it likes is none."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class _Handler(BaseHTTPRequestHandler):
    server_version, sys_version = "sendkit", ""
    error_message_format, error_content_type = "%(code)d %(message)s\n", "text/plain; charset=utf-8"
    timeout = 30

    def __init__(self, page: PageServer, *arguments: object) -> None:
        self._page = page
        super().__init__(*arguments)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - passed on

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Nothing: standard error belongs to the command."""

    def do_GET(self) -> None:
        if self.headers.get("Host") not in {f"127.0.0.1:{self._page.port}", f"localhost:{self._page.port}"}:
            self.send_error(421, "this is not the server that you think it is")
            return
        path = self.path.partition("?")[0]
        base = f"/{self._page.key}/"
        if not secrets.compare_digest(path[: len(base)].encode(), base.encode()):
            self.send_error(404, "open the address that the terminal shows")
            return
        self._answer(path[len(base) :])

    def _answer(self, path: str) -> None:
        if found := _STATIC.get(path):
            self._send(asset(found[0]).encode(), found[1], self._page_policy() if not path else "default-src 'none'")
        elif path == "messages.json":
            self._send_json(self._list())
        elif path == "events":
            self._stream()
        elif (found_message := _OF_A_MESSAGE.fullmatch(path)) and int(found_message[1]) <= len(self._messages):
            self._answer_about(int(found_message[1]), found_message[2])
        else:
            self.send_error(404, "there is no such thing here")

    def _answer_about(self, number: int, what: str) -> None:
        message = self._messages[number - 1]
        if what == ".json":
            shown = view(number, message, lambda index, part: f"{number}/file/{index}")
            for index, file in enumerate(shown["files"]):
                file["picture"] = f"{number}/picture/{index}" if file["picture"] else ""
            self._send_json({**shown, "download": f"{number}/source"})
        elif what == "/html":
            self._send_html(number, message)
        elif what == "/source":
            self._download(message.content, f"{number}.eml")
        else:
            self._send_file(message, *what[1:].split("/"))

    def _send_html(self, number: int, message: CaughtMessage) -> None:
        files, base = files_of(message), f"http://{self.headers['Host']}/{self._page.key}/{number}/picture/"
        pictures = {
            part.content_id: f"picture/{index}"
            for index, part in enumerate(files)
            if part.content_id and part.content_type in PICTURES
        }
        shown = document(message.html, pictures, base)
        restrictions = f"{policy(base)}; frame-ancestors 'self'; sandbox {SANDBOX}"
        self._send(shown.encode(), "text/html", restrictions)

    def _send_file(self, message: CaughtMessage, how: str, index: str) -> None:
        files = files_of(message)
        if int(index) >= len(files) or (how == "picture" and files[int(index)].content_type not in PICTURES):
            self.send_error(404, "there is no such file in the message")
            return
        part = files[int(index)]
        if how == "picture":
            self._send(part.data, part.content_type, "default-src 'none'; style-src 'unsafe-inline'; sandbox")
        else:
            self._download(part.data, part.filename or f"part-{index}")

    def _download(self, octets: bytes, name: str) -> None:
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        more = {"Content-Disposition": disposition}
        self._send(octets, "application/octet-stream", "default-src 'none'; sandbox", more)

    def _send_json(self, data: object) -> None:
        self._send(json.dumps(data).encode(), "application/json", "default-src 'none'")

    def _send(self, octets: bytes, kind: str, restrictions: str, more: dict[str, str] | None = None) -> None:
        self._begin(kind, restrictions, {"Content-Length": str(len(octets)), **(more or {})})
        self.wfile.write(octets)

    def _begin(self, kind: str, restrictions: str, more: dict[str, str]) -> None:
        self.send_response(200)
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        headers = {
            "Content-Type": kind + charset,
            "Content-Security-Policy": restrictions,
            "X-Content-Type-Options": "nosniff",
            "X-DNS-Prefetch-Control": "off",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-store",
            **more,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self) -> None:
        self._begin("text/event-stream", "default-src 'none'", {})
        seen = -1
        while not self._page.closing:
            count = self._page.wait(seen)
            self.wfile.write(b":\n\n" if count == seen else f"data: {count}\n\n".encode())
            seen = count

    def _list(self) -> dict[str, object]:
        source = self._page.source
        server = {"host": source.host, "port": source.port, "username": source.username, "ca_file": str(source.ca_file)}
        return {"server": server, "messages": [summary(n, one) for n, one in enumerate(self._messages, 1)]}

    def _page_policy(self) -> str:
        base = f"http://{self.headers['Host']}/{self._page.key}/"
        return (
            f"default-src 'none'; script-src {base}page.js; style-src {base}page.css; connect-src {base}; "
            f"img-src {base}; frame-src {base}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    @property
    def _messages(self) -> Sequence[CaughtMessage]:
        return self._page.source.caught
