"""A real SMTP server on loopback that does to its clients what it is told to, octet by octet, and records everything.

Knows: its thread, its loop, its listening socket, and the records that tests read. Faults: scripted_faults; SMTP:
scripted_session and scripted_mail; octets and TLS: scripted_wire.
Must not know: sendkit's clients. Sync and async tests use it alike, since it runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from typing import TYPE_CHECKING, Self

from sendkit._transport.rules import ActionKind

from .scripted_faults import Ending, WireAction, WireScript
from .scripted_mail import MailSession
from .scripted_records import Accepted, Connection
from .scripted_sasl import Accounts
from .scripted_wire import Gone, Wire

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

__all__ = ["Accepted", "Connection", "Ending", "ScriptedServer"]

BASE = ("PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING")
AUTH = "AUTH PLAIN LOGIN"
_PATIENCE = 300.0


class ScriptedServer(WireScript):
    """An SMTP server for fault tests; `with ScriptedServer(tls=context) as server:` and `server.on_mail().drop()`.

    `tls` with `implicit_tls=False` is STARTTLS. `capabilities` are announced in the clear and `capabilities_in_tls`
    inside TLS; both may be set while it runs. By default AUTH is offered only inside TLS, or where there is no TLS.
    `nested_mail_refused`: a refused end of data leaves the transaction open, as with Postfix. `refuses_pipelining`: as
    OpenSMTPD does, when PIPELINING is not announced. `host` is a name or an address of loopback; with a `path` it
    listens at a unix socket there. `lmtp`: it speaks LMTP (RFC 2033). `echoes` are lines that stand in every reply of
    more. Leaving the context ends every connection and the thread.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        capabilities: Iterable[str] | None = None,
        capabilities_in_tls: Iterable[str] | None = None,
        users: Mapping[str, str] | None = None,
        auth_required: bool = False,
        nested_mail_refused: bool = False,
        refuses_pipelining: bool = False,
        max_recipients: int | None = None,
        host: str = "127.0.0.1",
        path: Path | None = None,
        lmtp: bool = False,
        echoes: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self.echoes = tuple(echoes)
        self.tls, self.implicit_tls = tls, implicit_tls
        clear = (*BASE, AUTH if tls is None else "STARTTLS")
        self.capabilities = list(clear if capabilities is None else capabilities)
        self.capabilities_in_tls = list((*BASE, AUTH) if capabilities_in_tls is None else capabilities_in_tls)
        self.users = dict(users or {"ana@example.com": "correct horse"})
        self.accounts = Accounts(self.users)
        self.auth_required = auth_required
        self.deaf_to_initial = False  # what comes with AUTH is not read, but asked for
        self.nested_mail_refused = nested_mail_refused
        self.refuses_pipelining = refuses_pipelining
        self.max_recipients = max_recipients
        self.usual = WireAction(ActionKind.REPLY)
        self.silence: Callable[[], Callable[[], None]] = lambda: lambda: None  # called when it falls silent, and after
        self.host, self.port = host if path is None else f"unix://{path}", 0
        self._path, self.lmtp = path, lmtp
        self.connections: list[Connection] = []
        self.accepted: list[Accepted] = []
        self.auth_commands = 0
        self._change = threading.Condition()
        self._errors: list[BaseException] = []
        self._sessions: dict[int, MailSession] = {}

    def __enter__(self) -> Self:
        self._listener = self._listening()
        self._listener.setblocking(False)
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name=f"scripted-smtp-{self.port}")
        self._thread.start()
        started.wait()
        return self

    def _listening(self) -> socket.socket:
        if self._path is not None:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._path))
            listener.listen(128)
            return listener
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.create_server((self.host, 0), family=family, backlog=128)
        self.port = listener.getsockname()[1]
        return listener

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            raise RuntimeError("the scripted server does not end")
        if self._errors and error is None:
            raise BaseExceptionGroup("the scripted server itself failed", self._errors)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self.host, self.port

    def copies(self) -> Counter[tuple[str, str]]:
        """How many copies each recipient got of each message: (Message-ID, recipient) and a count."""
        return Counter((message.message_id, to) for message in self.accepted for to in message.recipients)

    def lines(self) -> list[str]:
        """The commands of all connections, in order."""
        return [line.text for connection in self.connections for line in connection.lines]

    def say(self, data: bytes, *, connection: int | None = None, ending: Ending = Ending.STAY) -> None:
        """Write these octets now on each open connection, or on one, whatever it is busy with, and then end it so."""
        self._call(self._say(data, connection, ending))

    def drop(self, *, connection: int | None = None, rst: bool = False) -> None:
        """End each open connection, or one, now."""
        self._call(self._say(b"", connection, Ending.RST if rst else Ending.FIN))

    def release(self) -> None:
        """Let go what `.hold()` holds, now and from now on."""
        self._loop.call_soon_threadsafe(self._release.set)

    def wait_for(self, condition: Callable[[], bool], seconds: float = _PATIENCE) -> None:
        """Return as soon as the condition holds, as in `server.wait_for(lambda: len(server.accepted) == 2)`."""
        with self._change:
            if not self._change.wait_for(condition, seconds):
                raise TimeoutError(f"not so after {seconds} s; the server saw {self.lines()}")

    def changed(self) -> None:
        """For sessions: a record has grown."""
        with self._change:
            self._change.notify_all()

    def accept(self, message: Accepted) -> None:
        """For sessions: responsibility for a message is taken."""
        self.accepted.append(message)
        self.changed()

    async def released(self) -> None:
        """For sessions: wait for `release()`."""
        await self._release.wait()

    def _call(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    async def _say(self, data: bytes, connection: int | None, ending: Ending) -> None:
        for number, session in list(self._sessions.items()):
            if connection in (None, number):
                # A client that went meanwhile hears nothing.
                with contextlib.suppress(Gone):
                    await session.wire.write(data)
                if ending is not Ending.STAY:
                    session.leave(ending)

    def _run(self, started: threading.Event) -> None:
        with self._listener, asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._main(started))

    async def _main(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._release = asyncio.Event(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()
        # Not sock_accept: a connection that comes while that is cancelled belongs to nobody, and stays open.
        self._loop.add_reader(self._listener, self._accept, tasks)
        started.set()
        await self._stop.wait()
        self._loop.remove_reader(self._listener)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _accept(self, tasks: set[asyncio.Task[None]]) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:  # whoever came has gone
            return
        sock.setblocking(False)
        record = Connection(len(self.connections) + 1)
        self.connections.append(record)
        self.changed()
        task = asyncio.create_task(self._serve(sock, record))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: sock.close())  # one that is cancelled before it began has not closed it

    async def _serve(self, sock: socket.socket, record: Connection) -> None:
        with sock:
            session = MailSession(self, Wire(sock, record, self.changed), record)
            self._sessions[record.number] = session
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await session.run()
            except Exception as error:  # noqa: BLE001 (a fault of this server itself; __exit__ raises it)
                self._errors.append(error)
            finally:
                del self._sessions[record.number]
