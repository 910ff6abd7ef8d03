"""The answers to the page over HTTP (RFC 9110), and the policy that keeps a message from doing harm in the browser.

Every address begins with a key that nobody can guess, so that neither another user of the machine nor another page in
the browser finds a message; Host must be a name of this server, against DNS rebinding. Messages can be deleted, by
DELETE alone and from the page itself; nothing else can be changed. New messages are told by Server-Sent Events (HTML
section 9.2). Must not know where messages come from.
"""

from __future__ import annotations

import json
import re
import secrets
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from sendkit._page.assets import asset
from sendkit._page.markup import SANDBOX, document, policy
from sendkit._page.names import file_name
from sendkit._page.view import PICTURES, files_of, view

if TYPE_CHECKING:
    from sendkit._page.server import PageServer
    from sendkit._reading.caught import CaughtMessage

_STATIC = {
    "": ("page.html", "text/html"),
    "page.css": ("page.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
}
_OF_A_MESSAGE = re.compile(r"([1-9][0-9]{0,8})(\.json|/html|/source|/(?:file|picture)/[0-9]{1,4})")
_A_MESSAGE = re.compile(r"[1-9][0-9]{0,8}")
_NOTHING_HERE = "there is no such thing here"


class Handler(BaseHTTPRequestHandler):
    """One request of the page."""

    server_version, sys_version = "sendkit", ""
    error_message_format, error_content_type = "%(code)d %(message)s\n", "text/plain; charset=utf-8"
    timeout = 30

    def __init__(self, page: PageServer, *arguments: object) -> None:
        self._page = page
        super().__init__(*arguments)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - passed on

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Nothing: standard error belongs to the command."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if (found := self._behind_key(path)) is not None:
            self._answer(found, query)

    def do_DELETE(self) -> None:
        path = self._behind_key(self.path)
        if path is None:
            return
        if self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin" or not self._own_origin():
            self.send_error(403, "only the page itself may delete")
        elif path == "messages":
            self._page.clear()
            self._nothing()
        elif _A_MESSAGE.fullmatch(path) and self._page.remove(int(path)):
            self._nothing()
        else:
            self.send_error(404, _NOTHING_HERE)

    def _behind_key(self, path: str) -> str | None:
        """What comes behind the key; None, and the refusal is sent, where somebody does not know it."""
        if self.headers.get("Host") not in self._names():
            self.send_error(421, "this is not the server that you think it is")
            return None
        base = f"/{self._page.key}/"
        if not secrets.compare_digest(path[: len(base)].encode(), base.encode()):
            self.send_error(404, "open the address that the terminal shows")
            return None
        return path[len(base) :]

    def _names(self) -> set[str]:
        return {f"127.0.0.1:{self._page.port}", f"localhost:{self._page.port}"}

    def _own_origin(self) -> bool:
        origin = self.headers.get("Origin")
        return origin is None or origin.removeprefix("http://") in self._names()

    def _answer(self, path: str, query: str) -> None:
        if found := _STATIC.get(path):
            self._send(asset(found[0]).encode(), found[1], self._page_policy() if not path else "default-src 'none'")
        elif path == "messages.json":
            self._send_json({"server": self._server_facts(), **self._page.news(None)})
        elif path == "events":
            self._stream(query)
        elif asked := _OF_A_MESSAGE.fullmatch(path):
            self._answer_about(int(asked[1]), asked[2])
        else:
            self.send_error(404, _NOTHING_HERE)

    def _answer_about(self, number: int, what: str) -> None:
        message = self._page.message(number)
        if message is None:
            self.send_error(404, _NOTHING_HERE)
        elif what == ".json":
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
            self._download(part.data, file_name(part.filename, f"part-{index}"))

    def _download(self, octets: bytes, name: str) -> None:
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        more = {"Content-Disposition": disposition}
        self._send(octets, "application/octet-stream", "default-src 'none'; sandbox", more)

    def _send_json(self, data: object) -> None:
        self._send(json.dumps(data).encode(), "application/json", "default-src 'none'")

    def _send(self, octets: bytes, kind: str, restrictions: str, more: dict[str, str] | None = None) -> None:
        self._begin(kind, restrictions, {"Content-Length": str(len(octets)), **(more or {})})
        self.wfile.write(octets)

    def _nothing(self) -> None:
        self.send_response(204)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

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

    def _stream(self, query: str) -> None:
        self._begin("text/event-stream", "default-src 'none'", {})
        # A browser that lost the connection says itself how far it got (HTML section 9.2.4).
        said = self.headers.get("Last-Event-ID") or parse_qs(query).get("since", ["0"])[0]
        seen = int(said) if said.isascii() and said.isdigit() else 0
        while not self._page.closing:
            if not self._page.wait(seen):
                self.wfile.write(b":\n\n")
                continue
            news = self._page.news(seen)
            seen = int(str(news["version"]))
            self.wfile.write(f"id: {seen}\ndata: {json.dumps(news)}\n\n".encode())

    def _server_facts(self) -> dict[str, str]:
        source = self._page.source
        return {
            "address": f"{source.host}:{source.port}",
            "security": "none (LMTP)" if source.lmtp else "none, or STARTTLS" if source.plain else "STARTTLS",
            "username": source.username,
            "ca_file": str(source.ca_file),
        }

    def _page_policy(self) -> str:
        base = f"http://{self.headers['Host']}/{self._page.key}/"
        return (
            f"default-src 'none'; script-src {base}page.js; style-src {base}page.css; connect-src {base}; "
            f"img-src {base}; frame-src {base}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
