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
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sendkit._result import TranscriptLine
from sendkit._settings import Server
from sendkit._transport.memory import Sent
from sendkit._transport.script import Script
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    import os
    from types import TracebackType

    from sendkit.testing._local_session import Session

__all__ = ["LocalServer"]


class LocalServer(Script):
    """A submission server on loopback; `with LocalServer() as server: Mailer(server.server, username=server.username)`.

    It demands STARTTLS and a login (PLAIN or LOGIN) with `username` and `password`, which is made up unless given.
    `messages` holds what it took, in order; with a `directory` each is written there too, as `1.eml`, `2.eml` …
    `conversations` has the lines of each connection, with what the client said during AUTH masked and content left out.
    `on_rcpt(…).reply(…)` and the like say what it answers instead: the language of `MemoryTransport`. Raises
    ConfigurationError when the extra `demo` is not installed. RFC 6409, RFC 3207, RFC 4954.
    """

    def __init__(
        self,
        *,
        username: str = "ana@example.com",
        password: str | None = None,
        directory: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        self.host, self.port = "127.0.0.1", 0
        self.username, self.password = username, password or secrets.token_urlsafe(12)
        self.messages: list[Sent] = []
        self.conversations: list[list[TranscriptLine]] = []
        self.directory = None if directory is None else Path(directory)
        self._sessions: list[Session] = []
        self._errors: list[BaseException] = []

    def __enter__(self) -> Self:
        from_extra = _sessions()
        self._folder = Path(tempfile.mkdtemp(prefix="sendkit-server-"))
        self._tls = _certified(self._folder, self.host)
        self._listener = socket.create_server((self.host, 0))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(from_extra, started), name=f"local-smtp-{self.port}")
        self._thread.start()
        started.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._errors and error is None:
            raise BaseExceptionGroup("the local server itself failed", self._errors)

    @property
    def ca_file(self) -> Path:
        """The certificate (PEM) of the authority that clients must trust; it is gone when the server ends."""
        return self._folder / "ca.pem"

    @property
    def server(self) -> Server:
        """What a Mailer needs to know of it."""
        return Server(self.host, self.port, ca_file=self.ca_file)

    def opened(self, session: Session) -> int:
        """For sessions: note a new connection, and return its number."""
        self._sessions.append(session)
        self.conversations.append([])
        return len(self._sessions)

    def take(self, message: Sent) -> int:
        """For sessions: take responsibility for a message, and return its number."""
        self.messages.append(message)
        number = len(self.messages)
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

        from sendkit.testing._local_session import Session  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            f"the local server needs {error.name}, which is not installed", hint="pip install 'sendkit-smtp[demo]'"
        ) from error
    return Session


def _certified(folder: Path, host: str) -> ssl.SSLContext:
    import trustme  # noqa: PLC0415

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host, "localhost", "::1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context
