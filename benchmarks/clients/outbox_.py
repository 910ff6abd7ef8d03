"""sendkit's outbox on SQLite: putting alone, and delivering through it, from the put to the last server's answer."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.clients.base import Client, Target
from benchmarks.clients.sendkit_ import message, settings
from sendkit import Mailer, Outbox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.letter import Letter


class Put(Client):
    """`put`, one after the other: each is on the disk when it returns. Nothing is sent."""

    def open(self, target: Target, connections: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._outbox = Outbox(Path(self._folder.name) / "outbox.db", account="benchmark")
        self._mailer = Mailer(**settings(target, connections))

    def send_all(self, letters: Iterable[Letter]) -> None:
        for letter in letters:
            self._outbox.put(message(letter))

    def close(self) -> None:
        self._mailer.close()
        self._outbox.close()
        self._folder.cleanup()


class PutMany(Put):
    """`put_many`, in commits of 500."""

    def send_all(self, letters: Iterable[Letter]) -> None:
        for _ in self._outbox.put_many(map(message, letters)):
            pass


class Delivered(PutMany):
    """`put_many`, and a worker that sends them, marked and settled on the disk."""

    def send_all(self, letters: Iterable[Letter]) -> None:
        with self._outbox.worker(self._mailer, account="benchmark"):
            super().send_all(letters)
            while self._unsettled():
                time.sleep(0.05)

    def _unsettled(self) -> int:
        letters = self._outbox.counts().letters
        return sum(count for state, count in letters.items() if state != "settled")
