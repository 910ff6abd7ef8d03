"""Where an outbox is: a file, a PostgreSQL database by URL, or the memory of a test; and what each needs."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import SplitResult, unquote, urlsplit

from sendkit._distribution import installing
from sendkit._server.folders import expanded, state_folder
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit.outbox._borrowed import Lender
    from sendkit.outbox._ledger import Database, Writer
    from sendkit.outbox._liveness import Liveness
    from sendkit.outbox._statements import Texts

MEMORY = "memory:"
_SCHEME = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9.-]+)(\+\w+)?:(?P<slashes>/{0,2})")
_SETTINGS = re.compile(r"\s*(host|hostaddr|port|dbname|user|password|service|passfile)\s*=")
_HINT = "write a path, sqlite:///PATH, postgresql://HOST/NAME, or memory: for a test"


@dataclass(slots=True, frozen=True)
class Place:
    """A place by the name that people know it by; how to open its database, and how its workers are known to live.

    `now` is the clock of the database, to be read on any thread; `lend` takes a connection of its driver's as one that
    lends its transaction (for SQLite see `_borrowed`). `writer`: one that several outboxes share, in a test's memory;
    `account`: that of letters which have no other. `listen` calls back for every put of other processes, until what it
    returns is called.
    """

    name: str
    open: Callable[[], Database]
    liveness: Liveness
    now: Callable[[], float]
    texts: Texts
    path: Path | None = None
    lend: Callable[[object], Lender] | None = None
    writer: Writer | None = None
    account: str | None = None
    listen: Callable[[Callable[[], None]], Callable[[], None]] | None = None


def place_of(url_or_path: str | os.PathLike[str] | Place | None, now: Callable[[], float] | None = None) -> Place:
    """The place for what a caller says; by default SENDKIT_OUTBOX, or else the user's own file.

    Raises ConfigurationError for a URL of an unknown kind.
    """
    if isinstance(url_or_path, Place):
        return url_or_path
    told = url_or_path if url_or_path is not None else os.environ.get("SENDKIT_OUTBOX") or default_file()
    told = _as_text(told)
    if told in (MEMORY, ":memory:", "sqlite://", "sqlite:///:memory:"):
        return _memory(now)
    if _SETTINGS.match(told):
        raise ConfigurationError("an outbox cannot be at settings of PostgreSQL's client library", hint=_HINT)
    scheme = _SCHEME.match(told)
    if scheme is None:
        return _sqlite(Path(told), now)
    kind, _, rest = told.partition(":")
    if scheme["slashes"] == "//" and scheme["name"].lower() == "sqlite":
        return _sqlite(_path_in(told), now)
    if scheme["slashes"] == "//" and scheme["name"].lower() in ("postgres", "postgresql"):
        return _postgres(f"{kind.lower()}:{rest}")
    hint = f"{_HINT}; for a file of that name, write ./ in front of it"
    raise ConfigurationError(f"an outbox cannot be at a URL of the kind {kind!r}", hint=hint)


def _as_text(told: object) -> str:
    try:
        text = os.fspath(cast("str", told))
    except TypeError:
        text = None
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ConfigurationError(f"an outbox cannot be at {told!r}", hint=_HINT)
    return text


def url_parts(url: str) -> SplitResult:
    """The parts of a URL. Raises ConfigurationError, which does not repeat it: it may hold a password."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(f"the URL of the outbox cannot be read: {error}", hint=_HINT) from None


def _path_in(url: str) -> Path:
    parts = url_parts(url)
    if parts.netloc or parts.query or parts.fragment or parts.path in ("", "/"):
        hint = "write sqlite:///PATH, or sqlite:////PATH for one that begins with /, or the path alone"
        raise ConfigurationError(f"the URL {url!r} of an outbox is not sqlite:///PATH", hint=hint)
    return Path(unquote(parts.path.removeprefix("/")))


def check_no_password(url: str) -> None:
    """Raise ConfigurationError for a URL with a password: everybody on this machine could read it."""
    parts = url_parts(url) if "://" in url else None
    if parts is not None and (parts.password is not None or "password=" in unquote(parts.query)):
        hint = "use a passfile (PGPASSFILE) or a service file, or put the URL into SENDKIT_OUTBOX"
        raise ConfigurationError("a password in the database's URL is refused here", hint=hint)


def default_file(environ: Mapping[str, str] = os.environ) -> Path:
    """outbox.db in the folder of what must last. Raises ConfigurationError where there is no home."""
    return state_folder(environ) / "outbox.db"


def _sqlite(path: Path, now: Callable[[], float] | None) -> Place:
    from sendkit.outbox._liveness import FileLiveness, folder_of  # noqa: PLC0415 - a name alone needs no locks
    from sendkit.outbox._sqlite import SQLiteDatabase  # noqa: PLC0415 - nor a database
    from sendkit.outbox._sqlite_texts import SQLITE  # noqa: PLC0415 - nor its words

    where = expanded(path).absolute()
    clock = now or time.time
    liveness = FileLiveness(folder_of(where))
    return Place(str(where), lambda: SQLiteDatabase(where, clock), liveness, clock, SQLITE, where)


def _memory(now: Callable[[], float] | None) -> Place:
    from sendkit.outbox._ledger import Writer  # noqa: PLC0415 - as above
    from sendkit.outbox._liveness import ProcessLiveness  # noqa: PLC0415 - as above
    from sendkit.outbox._schema import prepare  # noqa: PLC0415 - as above
    from sendkit.outbox._sqlite import SQLiteDatabase  # noqa: PLC0415 - as above
    from sendkit.outbox._sqlite_texts import SQLITE  # noqa: PLC0415 - as above

    clock = now or time.time

    def opened() -> SQLiteDatabase:
        return SQLiteDatabase(None, clock)

    return Place(MEMORY, opened, ProcessLiveness(), clock, SQLITE, writer=Writer(opened, prepare), account="test")


def _postgres(url: str) -> Place:
    from importlib import import_module  # noqa: PLC0415 - it belongs to an extra

    url_parts(url)
    try:
        opener = import_module("sendkit.outbox._postgres_place").place
    except ImportError as error:
        hint = installing(extra="postgres")
        raise ConfigurationError("an outbox in PostgreSQL needs psycopg 3", hint=hint) from error
    return cast("Callable[[str], Place]", opener)(url)
