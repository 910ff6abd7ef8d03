"""What stands in for every server while a test runs, so that nothing of it reaches a network by accident.

One place for the whole process, since an application sends from any thread, task or loop; it is asked when a letter is
about to leave, since its mailer may be older than the test. Mail of a mailer that was told its server by name (by the
environment, a file or a table) goes to the stand-in; one that was made for a server itself is refused.
Must not know: tests, doubles, or who sets it.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit.errors import ConfigurationError


@dataclass(slots=True, eq=False)
class Diversion:
    """The transport that stands in for all others, and the hosts for which it does so even where a program names them.

    `what` says in an error whose doing this is.
    """

    transport: Transport
    what: str
    hosts: set[str] = field(default_factory=set[str])

    def takes(self, host: str) -> bool:
        """Whether mail for this server may go to the stand-in, although the program itself names it."""
        return host.lower() in self.hosts


class StandIn(Transport):
    """The transport of a mailer that was made while mail was diverted, and so needed no server of its own."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Raise ConfigurationError: as long as anything stands in, nobody asks this one."""
        raise ConfigurationError(
            "this mailer was made in a test that had a mailbox, which is over",
            hint="make a new one outside of that test, or ask for the fixture `mailbox` here too",
        )

    async def aclose(self) -> None:
        """Say good-bye there: a mailer that is closed ends its connection."""
        if (diversion := current()) is not None:
            await diversion.transport.aclose()


_lock = threading.Lock()
_diversions: list[Diversion] = []
_by_name: ContextVar[bool] = ContextVar("sendkit_by_name", default=False)


def current() -> Diversion | None:
    """What diverts mail now; the newest counts."""
    newest = _diversions[-1:]  # at once: another thread may end it meanwhile
    return newest[0] if newest else None


@contextmanager
def divert(diversion: Diversion) -> Generator[None]:
    """Divert the mail of the whole process for the length of the block."""
    with _lock:
        _diversions.append(diversion)
    try:
        yield
    finally:
        with _lock:
            _diversions.remove(diversion)


@contextmanager
def by_name() -> Generator[Transport | None]:
    """A mailer made in this block is one whose server was named, and may be diverted.

    Gives the transport to make it with while mail is diverted, when it needs no server of its own.
    """
    token = _by_name.set(True)
    try:
        yield StandIn() if current() else None
    finally:
        _by_name.reset(token)


def is_by_name() -> bool:
    """Whether the mailer that is being made was told its server by name."""
    return _by_name.get()


def instead_of(transport: Transport, *, named: bool) -> Transport:
    """The transport, or what stands in for it now; `named` as `is_by_name` said when its mailer was made.

    One that reaches no server is itself a double. Raises ConfigurationError for one that reaches a server which nothing
    stands for.
    """
    diversion = current()
    if diversion is None or diversion.transport is transport:
        return transport
    if not named:
        for host in transport.hosts:
            check(host)
    return diversion.transport if named or transport.hosts else transport


def check(host: str, transport: Transport | None = None) -> None:
    """Whether a mailer may be made for this server, or mail be handed to it. Raises ConfigurationError.

    `transport` is the one that is about to carry a letter there; the stand-in itself may.
    """
    diversion = current()
    if diversion is None or diversion.transport is transport:
        return
    if transport is None and (is_by_name() or diversion.takes(host)):
        return
    raise ConfigurationError(
        f"{host} is a real server, and {diversion.what} stands in for all of them",
        hint="make the mailer by Mailer.from_env(), or with transport=mailbox, or say "
        f'mailbox.stands_for("{host}") before it is made',
    )
