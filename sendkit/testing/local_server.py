"""A real submission server on this machine, for tests and for `sendkit demo`: STARTTLS, a login, and a CA of its own.

Knows: its thread and loop, its certificate, what it received, and its script. aiosmtpd speaks the SMTP
(`_local_session`), trustme issues the certificate; both come with the extra `demo`.
Must not know: sendkit's clients; an application may send through any other library.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import socket
import ssl
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from sendkit._delivery.diversion import local
from sendkit._server.server import Server
from sendkit._transport.script import Script
from sendkit.errors import ConfigurationError
from sendkit.results import TranscriptLine
from sendkit.testing._box import Box

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from types import TracebackType

    from sendkit._reading.caught import CaughtMessage
    from sendkit._reading.received import ReceivedMessage
    from sendkit.testing._local_session import Session

__all__ = ["LocalServer"]


class LocalServer(Script, Box):
    """A submission server on loopback; `with LocalServer() as server: Mailer(server.server, username=server.username)`.

    It demands STARTTLS and a login (PLAIN or LOGIN) with `username` and `password`, which is made up unless given; the
    `port` is any free one unless given. As a `Box` it has `messages`, `assert_sent(…)` and the like; with a `directory`
    each message is written there too, as `1.eml`, `2.eml` … `environment` tells a program of its own where the server
    is. `conversations` has the lines of each connection, with what the client said during AUTH masked and
    content left out.
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
    ) -> None:
        super().__init__()
        self.host, self.port = "127.0.0.1", port
        self.username, self.password = username, password or secrets.token_urlsafe(12)
        self.caught: list[CaughtMessage] = []
        self.refused: list[str] = []
        self.changed = threading.Condition()
        self.conversations: list[list[TranscriptLine]] = []
        self.directory = None if directory is None else Path(directory)
        self._sessions: list[Session] = []
        self._errors: list[BaseException] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        from_extra = _sessions()
        self._listener = _listening(self.host, self.port)
        self._folder = Path(tempfile.mkdtemp(prefix="sendkit-server-"))
        self._tls = _certified(self._folder, self.host)
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
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._errors and error is None:
            raise BaseExceptionGroup("the local server itself failed", self._errors)

    @property
    def messages(self) -> list[ReceivedMessage]:
        """Every message that was taken, in order."""
        return [*self.caught]

    @property
    def ca_file(self) -> Path:
        """The certificate (PEM) of the authority that clients must trust; it is gone when the server ends."""
        return self._folder / "ca.pem"

    @property
    def server(self) -> Server:
        """What a Mailer needs to know of it."""
        return Server(self.host, self.port, ca_file=self.ca_file)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a program of its own finds this server: sendkit's, and OpenSSL's SSL_CERT_FILE."""
        url = f"smtp+starttls://{quote(self.username, safe='')}@{self.host}:{self.port}"
        return {"SENDKIT_URL": url, "SENDKIT_PASSWORD": self.password, "SSL_CERT_FILE": str(self.ca_file)}

    def wait_for(self, count: int = 1, *, timeout: float = 10.0) -> list[ReceivedMessage]:
        """Wait until that many messages are there, and return all; for applications that send in the background.

        `timeout` is in seconds. Raises AssertionError when it runs out.
        """
        __tracebackhide__ = True
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.caught) >= count, timeout):
                raise AssertionError(self._nothing(f"{len(self.caught)} of {count} messages within {timeout:g} s"))
        return self.messages

    def clear(self) -> None:
        """Forget the messages and who was refused; what the script says stays."""
        with self.changed:
            self.caught.clear()
            self.refused.clear()
            self.changed.notify_all()

    def untaken(self) -> Sequence[str]:
        """Recipients who were refused, each with what it was answered."""
        return self.refused

    def opened(self, session: Session) -> int:
        """For sessions: note a new connection, and return its number."""
        self._sessions.append(session)
        self.conversations.append([])
        return len(self._sessions)

    def take(self, message: CaughtMessage) -> int:
        """For sessions: take responsibility for a message, and return its number."""
        with self.changed:
            self.caught.append(message)
            number = len(self.caught)
            self.changed.notify_all()
        if self.directory is not None:
            self.directory.mkdir(parents=True, exist_ok=True)
            (self.directory / f"{number}.eml").write_bytes(message.content)
        return number

    def failed(self, error: BaseException) -> None:
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
        for one in self._sessions:
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
            self.failed(error)


def _sessions() -> type[Session]:
    try:
        import trustme as trustme  # noqa: PLC0414, PLC0415 - both belong to an extra

        from sendkit.testing._local_session import Session  # noqa: PLC0415 - it brings aiosmtpd, an extra
    except ImportError as error:
        raise ConfigurationError(
            f"the local server needs {error.name}, which is not installed", hint="pip install 'sendkit-smtp[demo]'"
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


def _certified(folder: Path, host: str) -> ssl.SSLContext:
    import trustme  # noqa: PLC0415 - an extra

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host, "localhost", "::1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context
