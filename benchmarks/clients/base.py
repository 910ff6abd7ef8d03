"""What a client under test must be able to do; and a blocking one with several connections, a thread for each."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.letter import Letter

Connection = TypeVar("Connection")

HOST = "127.0.0.1"
USERNAME, PASSWORD = "ana@example.com", "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send: the server's port, and a TLS context, made before, that trusts it."""

    port: int
    context: ssl.SSLContext


class Unable(Exception):
    """This client, or this version of it, cannot do that work."""


class Client(ABC):
    """A client under test. Letters are built while they are sent."""

    @abstractmethod
    def open(self, target: Target, connections: int) -> None:
        """Get ready to send on that many connections; who connects lazily may leave it at that. Raises Unable."""

    def prepare(self, letter: Letter) -> None:  # noqa: B027 - a real client builds when it sends
        """What no client but the ceiling may do before the clock runs."""

    @abstractmethod
    def send_all(self, letters: Iterable[Letter]) -> None:
        """Build and send all of them; raises what goes wrong."""

    @abstractmethod
    def close(self) -> None:
        """Say QUIT on every connection."""

    def build(self, letter: Letter) -> bytes:
        """Build one message and serialise it, without sending it. Raises Unable."""
        raise Unable


class BlockingClient(Client, Generic[Connection]):
    """A client whose connections block: with several, each has a thread, and takes the next letter when it is free."""

    @abstractmethod
    def connect(self, target: Target) -> Connection:
        """One connection, logged in."""

    @abstractmethod
    def send(self, connection: Connection, letter: Letter) -> None:
        """Build and send one letter."""

    @abstractmethod
    def quit(self, connection: Connection) -> None:
        """Close one connection."""

    def open(self, target: Target, connections: int) -> None:
        self._connections = [self.connect(target) for _ in range(connections)]

    def send_all(self, letters: Iterable[Letter]) -> None:
        if len(self._connections) == 1:
            for letter in letters:
                self.send(self._connections[0], letter)
            return
        take = _shared(iter(letters))
        with ThreadPoolExecutor(len(self._connections)) as threads:
            list(threads.map(lambda connection: self._work(connection, take), self._connections))

    def _work(self, connection: Connection, take: Callable[[], Letter | None]) -> None:
        while (letter := take()) is not None:
            self.send(connection, letter)

    def close(self) -> None:
        for connection in self._connections:
            self.quit(connection)


def _shared(letters: Iterator[Letter]) -> Callable[[], Letter | None]:
    lock = threading.Lock()

    def take() -> Letter | None:
        with lock:
            return next(letters, None)

    return take
