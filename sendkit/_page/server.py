"""Serves the page to this machine alone, from a thread of its own.

Knows the collection that is shown, and when a page must be told of a change. Must not know HTTP (`handler`) or SMTP.
"""

from __future__ import annotations

import secrets
import sys
import threading
from dataclasses import replace
from functools import lru_cache, partial
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Protocol, Self

from sendkit._page.handler import Handler
from sendkit._page.view import Summary, summary
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from sendkit._reading.caught import CaughtMessage
    from sendkit._reading.collection import Collection, News

_IDLE = 15.0  # seconds after which a stream shows that it is alive, and so finds out whether the page is
_GATHER = 0.1  # seconds in which what arrives is told at once
_PARSED = 4  # messages whose parts are kept: those that somebody looks at


class MessageSource(Protocol):
    """What the page shows."""

    host: str
    port: int
    username: str
    plain: bool
    lmtp: bool

    @property
    def collection(self) -> Collection:
        """The messages."""
        ...

    @property
    def ca_file(self) -> Path:
        """The certificate to trust."""
        ...


class PageServer:
    """`with PageServer(local_server) as page:` serves it at `page.url`. Port 0 is any free one."""

    def __init__(self, source: MessageSource, *, port: int = 0) -> None:
        self.source, self.port = source, port
        self.key = secrets.token_urlsafe(16)
        self._closing = threading.Event()
        self._summaries: dict[int, Summary] = {}
        self._parsed = lru_cache(maxsize=_PARSED)(replace)

    def __enter__(self) -> Self:
        try:
            self._server = _Server(("127.0.0.1", self.port), partial(Handler, self))
        except OSError as error:
            raise ConfigurationError(
                f"the page cannot have port {self.port}: {error.strerror}", hint="choose another one, or none"
            ) from error
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name=f"page-{self.port}")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._closing.set()
        with self._collection.changed:
            self._collection.changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the page is; who does not know it does not find it."""
        return f"http://127.0.0.1:{self.port}/{self.key}/"

    @property
    def closing(self) -> bool:
        """Whether streams are to end."""
        return self._closing.is_set()

    def wait(self, since: int) -> bool:
        """Wait for a change after that version, for a while; whether there is one."""
        collection = self._collection
        with collection.changed:
            collection.changed.wait_for(lambda: self.closing or collection.version != since, _IDLE)
            if collection.version == since:
                return False
        # What arrives in one burst is told in one piece, or a page would draw for each message of a thousand.
        self._closing.wait(_GATHER)
        return True

    def news(self, since: int | None) -> dict[str, object]:
        """What changed after a version, as JSON for the page."""
        news = self._collection.news(since)
        self._forget(news)
        return {
            "version": news.version,
            "reset": news.reset,
            "added": [line for number in news.added if (line := self._summary(number))],
            "removed": news.removed,
            "refusals": [
                {"time": one.when.isoformat(), "why": one.why, "hint": one.hint} for one in [*self._collection.refusals]
            ],
        }

    def message(self, number: int) -> CaughtMessage | None:
        """The message with that number, if it is still held."""
        found = self._collection.get(number)
        # A copy: what is read of it is kept as long as it is looked at, not as long as the message is held.
        return None if found is None else self._parsed(found)

    def remove(self, number: int) -> bool:
        """Forget one message; False when it is not there."""
        return self._collection.remove(number)

    def clear(self) -> None:
        """Forget all messages."""
        self._collection.clear()

    def _summary(self, number: int) -> Summary | None:
        if number not in self._summaries and (message := self._collection.get(number)):
            self._summaries[number] = summary(number, replace(message))
        return self._summaries.get(number)

    def _forget(self, news: News) -> None:
        for number in news.removed:
            self._summaries.pop(number, None)
        if news.removed or news.reset:
            self._parsed.cache_clear()

    @property
    def _collection(self) -> Collection:
        return self.source.collection


class _Server(ThreadingMixIn, TCPServer):
    # Not `http.server.HTTPServer`, which asks the DNS for its own name.
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Tell of a fault of ours; that a browser closes a connection whenever it likes is none."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
