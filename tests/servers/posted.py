"""An HTTP server on loopback that takes what is posted to it.

Knows no more of HTTP than a POST. Must not know: sendkit, or what the octets mean.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Receiver(ThreadingHTTPServer):
    """Running in its context, at `url`; a subclass says with `take` what becomes of a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes] | None:
        """The status and the body of the answer; None hangs up."""
        raise NotImplementedError


class _Request(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.take(self.path, self.headers, body)
        if answer is not None:
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
