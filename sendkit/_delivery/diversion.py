"""What stands in for every server while a test runs, so that nothing of it reaches a network by accident.

One place for the whole process, since an application sends from any thread, task or loop; it is asked when a letter is
about to leave, since its mailer may be older than the test. Mail of a mailer that was told its server by name (by the
environment, a file or a table) goes to the stand-in; one that was made for a server itself is refused.
Must not know: tests, doubles, or who sets it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sendkit._lifetime.forks import Lock
from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._server.server import Server


@dataclass(slots=True, eq=False)
class Diversion:
    """The transport that stands in for all others, and the hosts for which it does so even where a program names them.

    `what` says in an error whose doing this is; `outbox` gives the place of outboxes that were told none.
    """

    transport: Transport
    what: str
    outbox: Callable[[], object] | None = None
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
        """Close the connection there: a mailer that is closed does that."""
        if (diversion := current()) is not None:
            await diversion.transport.aclose()


_lock = Lock()
_diversions: list[Diversion] = []
_local: set[str] = set()


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
def local(server: Server) -> Generator[None]:
    """A server of a test, on this machine: for the length of the block, mail for it goes there and not elsewhere."""
    with _lock:
        _local.add(server.address)
    try:
        yield
    finally:
        with _lock:
            _local.discard(server.address)


def is_local(server: Server) -> bool:
    """Whether this is the server of a test that runs now."""
    return server.address in _local


def instead_of(transport: Transport, hosts: Iterable[str] = (), *, by_name: bool) -> Transport:
    """The transport, or what stands in for it now.

    `by_name`: the mailer was told its server by name. `hosts` are servers that it was made for and does not reach. A
    mailer without any server has a double of its own. Raises ConfigurationError for a server that nothing stands for.
    """
    if not _diversions:  # as always outside of tests
        return transport
    diversion = current()
    if diversion is None or diversion.transport is transport:
        return transport
    reached = (*transport.hosts, *hosts)
    if not by_name:
        for host in reached:
            check(host)
    return diversion.transport if by_name or reached else transport


def check(host: str) -> None:
    """Whether the program itself may name this server now. Raises ConfigurationError."""
    diversion = current()
    if diversion is None or diversion.takes(host):
        return
    raise ConfigurationError(
        f"{host} is a real server, and {diversion.what} replaces all servers",
        hint="make the mailer by Mailer.from_env(), or with transport=mailbox, or say "
        f'mailbox.stands_for("{host}") before it is made',
    )
