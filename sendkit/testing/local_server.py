"""A real submission server on this machine, for tests and for `sendkit demo`: STARTTLS, a login, and a CA of its own.

Knows: its thread and loop, what it received, and its script. aiosmtpd speaks the SMTP (`_local_session`), trustme
issues the certificate (`_certificate`); both come with the extra `demo`.
Must not know: sendkit's clients; an application may send through any other library.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import tempfile
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote

from sendkit._delivery.diversion import local
from sendkit._distribution import installing
from sendkit._reading.collection import Collection
from sendkit._server.server import Server
from sendkit._transport.script import Script
from sendkit.errors import ConfigurationError
from sendkit.results import TranscriptLine
from sendkit.testing._box import Box
from sendkit.testing._certificate import server_context

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from sendkit._reading.caught import CaughtMessage
    from sendkit._reading.collection import Refusal
    from sendkit._reading.received import ReceivedMessage
    from sendkit.testing._local_session import Session

__all__ = ["LocalServer"]

_LONGEST_HOLD = timedelta(days=7)
_MOST_OCTETS = 512 * 1024 * 1024  # of content, beside the number of messages that `limit` allows


class LocalServer(Script, Box):
    """A submission server on loopback; `with LocalServer() as server: Mailer(server.server, username=server.username)`.

    It demands STARTTLS and a login (PLAIN or LOGIN) with `username` and `password`, which is made up unless given; with
    `plain=True` it takes clients on this machine without either, and with `lmtp=True` it speaks LMTP (RFC 2033),
    without either too, and has a message of its own for each recipient. The `port` is any free one unless given. As a
    `Box` it has `messages`, `assert_sent(…)` and the like; with a `directory` each message is written there too, as
    `1.eml`, `2.eml` … At most `limit` messages are held; the oldest are dropped first. `certificate` is a folder for a
    certificate that is used for a year, in place of a new one each time. `environment` tells a program of its own where
    the server is. `conversations` has the lines of each connection, with what the client said during AUTH masked and
    content left out. `extensions` are announced at EHLO beside the usual ones, and may be changed: what a message asks
    for by them is in its `options`, and nothing else comes of it.
    `on_rcpt(…).reply(…)` and the like say what it answers instead: the language of `MemoryTransport`. Raises
    ConfigurationError when the extra `demo` is not installed, or the port is taken. RFC 6409, RFC 3207, RFC 4954.
    """

    def __init__(
        self,
        *,
        username: str = "ana@example.com",
        password: str | None = None,
        directory: str | os.PathLike[str] | None = None,
        port: int = 0,
        plain: bool = False,
        lmtp: bool = False,
        certificate: Path | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__()
        self.host: str = "127.0.0.1"
        self.port: int = port
        self.plain: bool = plain or lmtp
        self.lmtp: bool = lmtp
        self.username: str = username
        self.password: str = password or secrets.token_urlsafe(12)
        self.collection: Final = Collection(limit=limit, octets=None if limit is None else _MOST_OCTETS)
        self.refused: list[str] = []
        self.conversations: list[list[TranscriptLine]] = []
        self.directory: Path | None = None if directory is None else Path(directory)
        until = datetime.now(UTC) + _LONGEST_HOLD
        hold = f"FUTURERELEASE {_LONGEST_HOLD.total_seconds():.0f} {until:%Y-%m-%dT%H:%M:%SZ}"
        self.extensions: list[str] = ["DSN", "REQUIRETLS", hold]
        self._certificate = certificate
        self._opened = 0
        self._sessions: dict[Session, list[TranscriptLine]] = {}
        self._errors: list[BaseException] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        from_extra = _sessions()
        if self._certificate is not None:
            self._folder = self._certificate
            self._tls = server_context(self._folder, lasting=True)
            self._listener = _listening(self.host, self.port)
        else:
            self._listener = _listening(self.host, self.port)
            self._folder = Path(tempfile.mkdtemp(prefix="sendkit-server-"))
            self._tls = server_context(self._folder, lasting=False)
        self.port = self._listener.getsockname()[1]
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(from_extra, started), name=f"local-smtp-{self.port}")
        self._thread.start()
        started.wait()
        self._open.enter_context(local(self.server))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._open.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._certificate is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._errors and error is None:
            raise BaseExceptionGroup("the local server itself failed", self._errors)

    @property
    def caught(self) -> list[CaughtMessage]:
        """Every message that was taken, in order, with the replies to each recipient."""
        return self.collection.messages

    @property
    def messages(self) -> list[ReceivedMessage]:
        """Every received message, in order."""
        return [*self.caught]

    @property
    def ca_file(self) -> Path:
        """The authority (PEM) that clients must trust; without `certificate=` it is gone when the server ends."""
        return self._folder / "ca.pem"

    @property
    def server(self) -> Server:
        """What a Mailer needs to know of it."""
        if self.lmtp:
            return Server(self.host, self.port, protocol="lmtp")
        return Server(self.host, self.port, ca_file=self.ca_file)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a program of its own finds this server: sendkit's, and OpenSSL's SSL_CERT_FILE."""
        if self.lmtp:
            return {"SENDKIT_URL": f"smtp+none://{self.host}:{self.port}?protocol=lmtp"}
        url = f"smtp+starttls://{quote(self.username, safe='')}@{self.host}:{self.port}"
        return {"SENDKIT_URL": url, "SENDKIT_PASSWORD": self.password, "SSL_CERT_FILE": str(self.ca_file)}

    def wait_for(self, count: int = 1, *, timeout: float = 10.0) -> list[ReceivedMessage]:
        """Wait until `count` messages are there, and return all; for applications that send in the background.

        `timeout` is in seconds. Raises AssertionError when it runs out.
        """
        __tracebackhide__ = True
        changed = self.collection.changed
        with changed:
            if not changed.wait_for(lambda: len(self.collection) >= count, timeout):
                raise AssertionError(self._nothing(f"{len(self.caught)} of {count} messages within {timeout:g} s"))
        return self.messages

    def wait_until_quiet(self, *, timeout: float = 10.0) -> None:
        """Wait until no client is connected. `timeout` is in seconds. Raises AssertionError when it runs out."""
        __tracebackhide__ = True
        changed = self.collection.changed
        with changed:
            if not changed.wait_for(lambda: not self._sessions, timeout):
                raise AssertionError(f"{len(self._sessions)} clients are still connected after {timeout:g} s")

    def clear(self) -> None:
        """Forget the messages, who was refused, and the connections that have ended; what the script says stays."""
        self.collection.clear()
        self.refused.clear()
        self.conversations[:] = self._sessions.values()

    def untaken(self) -> Sequence[str]:
        """Recipients who were refused, each with what it was answered."""
        return self.refused

    def _begin_session(self, session: Session, lines: list[TranscriptLine]) -> int:
        """For sessions: note a new connection and what will be said on it, and return its number."""
        self._opened += 1
        self._sessions[session] = lines
        self.conversations.append(lines)
        return self._opened

    def _end_session(self, session: Session, refusal: Refusal | None) -> None:
        """For sessions: a connection is over; `refusal` says why it brought no message, where that was our doing."""
        lines = self._sessions.pop(session, None)
        if lines is not None and self.collection.limit is not None:
            self.conversations.remove(lines)  # whoever wants a limit runs for days
        if refusal is not None:
            self.collection.refuse(refusal)
        with self.collection.changed:
            self.collection.changed.notify_all()

    def _take(self, message: CaughtMessage) -> int:
        """For sessions: take responsibility for a message, and return its number."""
        number = self.collection.add(message)
        if self.directory is not None:
            _keep(self.directory, f"{number}.eml", message.content)
        return number

    def _failed(self, error: BaseException) -> None:
        """For sessions: note a fault of the server itself, which leaving the `with` block raises."""
        self._errors.append(error)

    def _run(self, session: type[Session], started: threading.Event) -> None:
        try:
            with self._listener, asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._main(session, started))
        finally:
            started.set()

    async def _main(self, session: type[Session], started: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(self._stray)
        beginnings: set[asyncio.Task[object]] = set()
        self._loop.add_reader(self._listener, self._accept, session, beginnings)
        started.set()
        await self._stop.wait()
        self._loop.remove_reader(self._listener)
        await asyncio.gather(*beginnings)
        for one in [*self._sessions]:
            one.abort()
            await one.ended.wait()

    def _accept(self, session: type[Session], beginnings: set[asyncio.Task[object]]) -> None:
        # By hand: asyncio's own server leaves a connection open that it is just accepting when it is closed.
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):  # the client has gone again
            sock, _ = self._listener.accept()
            beginning = self._loop.connect_accepted_socket(lambda: session(self, self._tls, self._loop), sock)
            beginnings.add(task := self._loop.create_task(beginning))
            task.add_done_callback(beginnings.discard)

    def _stray(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        # A client may go at any moment, and aiosmtpd lets the loss of its connection out of the session's task.
        if isinstance(error, BaseException) and not isinstance(error, ConnectionError):
            self._failed(error)


def _keep(folder: Path, name: str, content: bytes) -> None:
    """Put a message into a folder: whole or not at all, for this user alone, and through no link that lies there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, path = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)  # 0600, whatever the umask
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(path).replace(folder / name)
    finally:
        Path(path).unlink(missing_ok=True)


def _sessions() -> type[Session]:
    try:
        import trustme as trustme  # noqa: PLC0414, PLC0415 - both belong to an extra

        from sendkit.testing._local_session import Session  # noqa: PLC0415 - it brings aiosmtpd, an extra
    except ImportError as error:
        raise ConfigurationError(
            f"the local server needs {error.name}, which is not installed", hint=installing(extra="demo")
        ) from error
    return Session


def _listening(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise ConfigurationError(
            f"the local server cannot have port {port}: {error.strerror}", hint="choose another one, or none"
        ) from error
    listener.setblocking(False)
    return listener
