"""A PostgreSQL of the tests' own: started once for a run on loopback, with a new database for each test that asks.

Knows initdb, the server's settings and its user (the server refuses to run as root). Must not know the outbox.
"""

from __future__ import annotations

import getpass
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from .keeper import Command, Keeper
from .ports import free_ports

_HOW = "apt-get install postgresql"
_MEMORY = Path("/dev/shm")
_ENOUGH = 4 << 30  # octets; a run makes some 170 databases of 8 MB, and keeps them


@cache
def _programs() -> Path | None:
    """The folder of the newest server's programs."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
    return folders[-1] if folders else Path(found).parent if found else None


class PostgreSQL:
    """A server; `new_database()` gives the URL of an empty one. Only a `durable` one outlives its machine."""

    def __init__(self, *, durable: bool = False) -> None:
        programs = _programs()
        assert programs is not None
        self._folder = Path(tempfile.mkdtemp(prefix="sendkit-postgresql-", dir=None if durable else _place()))
        data = self._folder / "data"
        as_user = unprivileged()
        if as_user:
            shutil.chown(self._folder, as_user)
        prefix = ["setpriv", f"--reuid={as_user}", f"--regid={as_user}", "--clear-groups"] if as_user else []
        self._user = as_user or getpass.getuser()
        initdb = [*prefix, programs / "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run([*initdb, "--pgdata", data], check=True, capture_output=True)
        (self.port,) = free_ports(1)
        # The tests kill workers, never the server's machine: what is written need not reach a disk.
        fsync = "on" if durable else "off"
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": fsync}
        settings["dynamic_shared_memory_type"] = "mmap"  # what a killed server leaves goes with its folder
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._keeper = Keeper(self._folder, [Command([*prefix, programs / "postgres", "-D", data, *options])])
        self._keeper.wait_until(lambda: self.answers(self.url("postgres")))

    @staticmethod
    def missing() -> str | None:
        """Why it cannot be started here, and how to fix that; None when it can."""
        if _programs() is None:
            return f"PostgreSQL is not installed: {_HOW}"
        if os.geteuid() == 0 and unprivileged() is None:
            return f"PostgreSQL does not run as root, and there is no user for it: {_HOW}"
        return None

    def url(self, database: str) -> str:
        """The URL of a database."""
        return f"postgresql://{self._user}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        import psycopg  # noqa: PLC0415 - an extra

        name = f"t{secrets.token_hex(8)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        return self.url(name)

    def close(self) -> None:
        """End the server."""
        self._keeper.stop()

    @staticmethod
    def answers(url: str) -> bool:
        """Whether a server lets one in there."""
        import psycopg  # noqa: PLC0415 - an extra

        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


def _place() -> Path | None:
    """In memory, where there is room: on a disk, the 300 files of each database cost more than its tests."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH else None


def unprivileged() -> str | None:
    """Whom the server runs as where the tests run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None
