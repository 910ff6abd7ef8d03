"""sendkit's outbox on PostgreSQL: putting, and delivering with one worker, with two processes, and with procrastinate.

Each client starts a server of its own, whose commits are on the disk.
"""

from __future__ import annotations

import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.clients.base import Target, Unable
from benchmarks.clients.outbox_ import Delivered as _Delivered
from benchmarks.clients.sendkit_ import message, settings
from sendkit import Mailer, Outbox
from tests.outbox.kinds import Kind, engine, prepared
from tests.servers.postgresql import PostgreSQL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.letter import Letter

_WORKER = """
import ssl, sys
from benchmarks.clients.base import Target
from benchmarks.clients.sendkit_ import settings
from sendkit import Mailer, Outbox
url, port, authority, connections = sys.argv[1:]
target = Target(int(port), ssl.create_default_context(cadata=authority))
with Outbox(url, account="benchmark") as outbox, Mailer(**settings(target, int(connections))) as mailer:
    with outbox.worker(mailer, account="benchmark", finish=False):
        print("begun", flush=True)
        sys.stdin.readline()
"""


class _OnPostgreSQL(_Delivered):
    kind = Kind.POSTGRESQL

    def open(self, target: Target, connections: int) -> None:
        if (why := PostgreSQL.missing()) is not None:
            raise Unable(why)
        self._server = PostgreSQL(durable=True)
        self._url = prepared(self.kind, self._server.new_database())
        self._outbox = Outbox(self._url, account="benchmark", engine=engine(self.kind, self._url))
        self._mailer = Mailer(**settings(target, connections))

    def close(self) -> None:
        self._mailer.close()
        self._outbox.close()
        self._server.close()


class Delivered(_OnPostgreSQL):
    """`put_many`, and a worker in the same process."""


class Procrastinate(_OnPostgreSQL):
    """The same, with a job of procrastinate for each letter."""

    kind = Kind.PROCRASTINATE


class PutMany(_OnPostgreSQL):
    """`put_many` alone."""

    def send_all(self, letters: Iterable[Letter]) -> None:
        for _ in self._outbox.put_many(map(message, letters)):
            pass


class Put(_OnPostgreSQL):
    """`put`, one after the other."""

    def send_all(self, letters: Iterable[Letter]) -> None:
        for letter in letters:
            self._outbox.put(message(letter))


class TwoWorkers(_OnPostgreSQL):
    """`put_many` and a worker in the same process, and a second worker in another one."""

    def open(self, target: Target, connections: int) -> None:
        super().open(target, connections)
        (authority,) = target.context.get_ca_certs(binary_form=True)
        place = (self._url, str(target.port), ssl.DER_cert_to_PEM_cert(authority), str(connections))
        self._second = subprocess.Popen(
            [sys.executable, "-c", _WORKER, *place], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._second.stdout is not None
        if not self._second.stdout.readline():
            raise Unable("the second worker did not begin")

    def close(self) -> None:
        self._second.communicate(b"\n")
        super().close()
