"""Plays one message against the scripted server, and brings back all that can be known of it from both sides.

Knows: how to set up server, mailer and message, and how to look for what was left behind. Must not know: what should
have come of it (`truth`, `checks`).
"""

from __future__ import annotations

import asyncio
import base64
import gc
import logging
import sys
import tempfile
import threading
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sendkit import AsyncMailer, DeliveryError, Message, RetryPolicy, Security, Server, Timeouts
from sendkit.testing import assert_no_secret_leaks
from tests.servers.authority import Authority
from tests.servers.scripted import AUTH, BASE, ScriptedServer
from tests.servers.skipping import SkippingLoop

from .truth import RECIPIENTS, Mode

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Iterator

    from sendkit import DeliveryResult
    from sendkit.testing import SecretWatch
    from tests.servers.scripted_records import Connection

USER, PASSWORD = "ana@example.com", "correct horse"
# What a server says in each reply that likes to repeat what it was told.
ECHOES = (
    PASSWORD,
    f"5.7.1 you said {PASSWORD}",
    base64.b64encode(PASSWORD.encode()).decode(),
    "AUTH PLAIN " + base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode(),
    quote(PASSWORD),
)
LIMIT = 240.0
PATIENT, SHORT = 3600.0, 0.25
SKIPPED = 4.0  # seconds that no test sits out: a server that falls silent moves the clock on by so much
_LACKING = {
    Mode.STEPWISE: {"PIPELINING", "CHUNKING"},
    Mode.PIPELINING: {"CHUNKING"},
    Mode.CHUNKING: set[str](),
}
_LARGE = "A line of a large message, long enough to be none of the short ones.\n" * 3000


@dataclass(slots=True)
class Evidence:
    """What came of one message: the mailer's answer, the server's record, and what was left behind.

    `error` is what `send` raised although it may raise nothing of the sort; `hung`: it did not end in time.
    """

    result: DeliveryResult | None = None
    error: BaseException | None = None
    hung: bool = False
    copies: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    connections: list[Connection] = field(default_factory=list["Connection"])
    left: list[str] = field(default_factory=list[str])

    def copies_for(self, recipient: str) -> int:
        """How many copies of this message the server took for that recipient."""
        return self.copies[self.result.message_id or "", recipient] if self.result else 0


@cache
def authority() -> Authority:
    """One certificate authority for this process; its folder goes when the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="sendkit-faults-")
    made = Authority(Path(folder.name))
    vars(made)["folder"] = folder
    return made


@cache
def client_context() -> ssl.SSLContext:
    """One client context for this process, as one mailer would have."""
    return authority().client_context()


def scripted(mode: Mode, *, implicit: bool = False, tls: bool = True, **settings: object) -> ScriptedServer:
    """A server that announces what the mode needs."""
    base = [capability for capability in BASE if capability not in _LACKING[mode]]
    return ScriptedServer(
        tls=authority().server_context() if tls else None,
        implicit_tls=implicit,
        capabilities=[*base, "STARTTLS" if tls else AUTH],
        capabilities_in_tls=[*base, AUTH],
        **settings,  # type: ignore[arg-type]
    )


def limits(*short: str, soon: float = SKIPPED) -> Timeouts:
    """Time limits that nothing but a silent server runs into; those of the named phases are over soon."""
    names = ("connect", "greeting", "command", "data", "body", "end_of_data", "quit")
    return Timeouts(**{name: soon if name in short else PATIENT for name in names})


def server_of(server: ScriptedServer, timeouts: Timeouts, *, tls: bool = True, through: str | None = None) -> Server:
    """The scripted server, as a mailer is told about it; `through` a proxy."""
    security = Security.IMPLICIT_TLS if server.implicit_tls else Security.STARTTLS if tls else Security.NONE
    context = client_context() if tls else None
    protocol = "lmtp" if server.lmtp else "smtp"
    place = Server(server.host, server.port, security, protocol=protocol, tls_context=context, timeouts=timeouts)
    return place if through is None else place.model_copy(update={"proxy": through})


def mailer(
    server: ScriptedServer,
    timeouts: Timeouts,
    *,
    tries: int = 1,
    tls: bool = True,
    transcript: bool = True,
    through: str | None = None,
) -> AsyncMailer:
    """A mailer that logs in, does not wait between its tries, and keeps what was said unless told not to."""
    retry = RetryPolicy(max_attempts=tries, wait=lambda _: 0)
    place = server_of(server, timeouts, tls=tls, through=through)
    return AsyncMailer(place, username=USER, password=PASSWORD, retry=retry, transcript=transcript)


def letter(subject: str = "the one in question", *, large: bool = False) -> Message:
    """A message to the three recipients, with a dot where it hurts."""
    text = ".\n..\nHola.\n" + (_LARGE if large else "")
    return Message(sender=USER, to=RECIPIENTS, subject=subject, text=text)


def play(
    server: ScriptedServer,
    timeouts: Timeouts,
    *,
    tries: int = 1,
    large: bool = False,
    reused: bool = False,
    tls: bool = True,
    transcript: bool = True,
    through: str | None = None,
    script: Callable[[], object] = lambda: None,
) -> Evidence:
    """Send one message to a server that is not started yet. `script` is called when only the fault is missing.

    Without a `transcript` nobody listens at all, as in most programs: the log is not at DEBUG then either.
    """

    async def act(evidence: Evidence) -> None:
        with _log_level(logging.NOTSET if transcript else logging.INFO):
            async with mailer(server, timeouts, tries=tries, tls=tls, transcript=transcript, through=through) as used:
                if reused:
                    await used.send(letter("the one before"))
                script()
                await send(evidence, used, letter(large=large))

    return observe(server, act)


def observe(server: ScriptedServer, act: Callable[[Evidence], Coroutine[Any, Any, None]]) -> Evidence:
    """Start the server, do what is to be done on an event loop of its own, and write down all that came of it.

    Everything that can be seen of it is searched for the password, log records at DEBUG and transcripts too.
    """
    evidence = Evidence()

    async def watched() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: evidence.left.append(f"loop: {context}"))
        await act(evidence)
        evidence.left += [f"task: {task!r}" for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    with _no_secret(evidence) as watch, _watched(evidence), server:
        with asyncio.Runner(loop_factory=lambda: SkippingLoop(SKIPPED)) as runner:
            loop = runner.get_loop()
            assert isinstance(loop, SkippingLoop)
            server.silence = loop.silence
            runner.run(watched())
        _settle(evidence, server)
    if leak := watch.leaks([evidence.result, evidence.error, _raised(evidence.result)]):
        evidence.left.append(f"secret: {leak}")
    evidence.copies, evidence.connections = server.copies(), server.connections
    return evidence


@contextmanager
def _no_secret(evidence: Evidence) -> Iterator[SecretWatch]:
    """Note a secret that leaks, and let pass what anything else raises."""
    failed: list[BaseException] = []
    watch = assert_no_secret_leaks(PASSWORD)
    try:
        with watch:
            try:
                yield watch
            except BaseException as error:
                failed.append(error)
                raise
    except AssertionError as leak:
        if leak not in failed:
            evidence.left.append(f"secret: {leak}")
        if failed:
            raise failed[0] from None


@contextmanager
def _log_level(level: int) -> Iterator[None]:
    """What the log of the conversations takes meanwhile."""
    logger = logging.getLogger("sendkit.smtp")
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)


def _raised(result: DeliveryResult | None) -> DeliveryError | None:
    try:
        if result is not None:
            result.raise_for_failure()
    except DeliveryError as error:
        return error
    return None


async def send(evidence: Evidence, used: AsyncMailer, message: Message) -> None:
    """Send a message, and write down what the mailer says of it."""
    task = asyncio.create_task(used.send(message, check=False))
    done, _ = await asyncio.wait({task}, timeout=LIMIT)
    if not done:
        evidence.hung = True
        task.cancel()
        await asyncio.wait({task})
    elif error := task.exception():
        evidence.error = error
    else:
        evidence.result = task.result()


def _settle(evidence: Evidence, server: ScriptedServer) -> None:
    """Wait until the server knows of each connection that it is over, so that its record is complete."""
    try:
        server.wait_for(lambda: all(connection.ended for connection in server.connections), LIMIT)
    except TimeoutError:
        evidence.left.append("socket: a connection is still open although the mailer is closed")


@contextmanager
def _watched(evidence: Evidence) -> Iterator[None]:
    """Note threads, file descriptors and warnings that outlive the message."""
    threads, descriptors, hook = set(threading.enumerate()), _descriptors(), sys.unraisablehook
    sys.unraisablehook = lambda raised: evidence.left.append(f"unraisable: {raised.exc_value!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            yield
            gc.collect()
    finally:
        sys.unraisablehook = hook
    more = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in more:
        if thread.name == "sendkit-worker":  # nobody waits for a call that was given up; it ends by itself
            thread.join(20)
    evidence.left += [f"thread: {thread.name}" for thread in more if thread.is_alive()]
    if (more := _descriptors() - descriptors) > 0:
        evidence.left.append(f"socket: {more} file descriptors more than before")


def _descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0
