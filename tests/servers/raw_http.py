"""A server on loopback that answers HTTP requests with any octets at all, for endpoints that misbehave.

Knows no more of HTTP than where a request ends. Must not know: sendkit, or what the octets mean.
"""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

Answers = Callable[[str, str], bytes]
"""From the path and the body of a request to the octets of the answer."""


class RawHTTP:
    """Running in its context; `answer` is asked for each request, and `requests` keeps what came: a path, a body."""

    def __init__(self, answer: Answers, *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> None:
        self.answer, self._tls, self._address = answer, tls, address
        self.requests: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        self._server = _Server((self._address, 0), _handler(self))
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"https://localhost:{self.port}" if self._tls else f"http://{self._address}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """The client may go whenever it likes."""


def _handler(server: RawHTTP) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line, length = self.rfile.readline().decode("latin-1"), 0
            while (header := self.rfile.readline()).strip():
                if match := re.match(rb"content-length: *([0-9]+)", header, re.IGNORECASE):
                    length = int(match[1])
            body = self.rfile.read(length).decode()
            path = [*line.split(), "", ""][1]
            server.requests.append((path, body))
            self.wfile.write(server.answer(path, body))

    return Handler


def http(body: object, status: str = "200 OK") -> bytes:
    """A whole answer, with a body as JSON, or as octets."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status.encode(), len(octets)) + octets
