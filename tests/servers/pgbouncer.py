"""A PgBouncer of the tests' own, in transaction pooling, on loopback before the tests' PostgreSQL.

With one session of the server for all of its clients, so that each transaction finds what the one before has left.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from .keeper import Command, Keeper
from .ports import free_ports
from .postgresql import PostgreSQL, unprivileged

_PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


class PgBouncer:
    """A pooler; `url` is that of a database of the server behind it."""

    def __init__(self, server: PostgreSQL) -> None:
        assert _PROGRAM is not None
        self._folder = Path(tempfile.mkdtemp(prefix="sendkit-pgbouncer-"))
        (self._port,) = free_ports(1)
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self._port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": 1,
        }
        user = urlsplit(server.url("postgres")).username
        lines = ["[databases]", f"* = host=127.0.0.1 port={server.port} user={user}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        file = self._folder / "pgbouncer.ini"
        file.write_text("\n".join([*lines, ""]))
        prefix: list[str] = []
        if as_user := unprivileged():
            shutil.chown(self._folder, as_user)
            prefix = ["setpriv", f"--reuid={as_user}", f"--regid={as_user}", "--clear-groups"]
        self._keeper = Keeper(self._folder, [Command([*prefix, _PROGRAM, file])])
        self._keeper.wait_until(lambda: server.answers(self.url(server.url("postgres"))))

    @staticmethod
    def missing() -> str | None:
        """Why it cannot be started here, and how to fix that; None when it can."""
        return None if _PROGRAM else "PgBouncer is not installed: apt-get install pgbouncer"

    def url(self, url: str) -> str:
        """The URL of the server's database, through the pooler."""
        parts = urlsplit(url)
        return parts._replace(netloc=f"{parts.username}@127.0.0.1:{self._port}").geturl()

    def close(self) -> None:
        """End it."""
        self._keeper.stop()
