"""The tables: a version in `sendkit_meta`, forward only, changed under a lock; and whether the database is a copy.

A restored or copied database holds letters that may have been sent since: it starts paused, and a person resumes it. A
copy is another file; a backup that was written over the file has counted fewer signs of life than stand beside it.
"""

from __future__ import annotations

from typing import Protocol

from sendkit.errors import ConfigurationError
from sendkit.outbox._ledger import Database
from sendkit.outbox._statements import Batch, Rows, Statement, Texts, Work, ask


class Speaker(Protocol):
    """Anything that executes statements."""

    @property
    def texts(self) -> Texts:
        """The statements in its words."""
        ...

    def execute(self, batch: Batch) -> list[Rows]:
        """Carry out a batch."""
        ...


VERSION, PAUSED, IDENTITY, BEATS = "version", "paused", "identity", "beats"


def prepare(database: Database) -> None:
    """Bring the tables to the version of this program. Raises ConfigurationError for those of a newer one."""
    with database.snapshot():
        found = version_in(database)
    check_version(found, database.texts)
    if found < len(database.texts.schema):
        with database.transaction():
            database.execute((Statement(database.texts.lock_schema),))
            database.execute(migration(database.texts, version_in(database)))
    _compare_identity(database)


def version_in(database: Speaker) -> int:
    """The version of the tables; 0 where there are none."""
    if not _ask(database, database.texts.has_meta):
        return 0
    rows = _ask(database, database.texts.meta, VERSION)
    return int(rows[0][0]) if rows else 0


def preparation(texts: Texts) -> Work[None]:
    """Make the tables within a transaction of a program's, where there are none, or older ones."""
    found = 0
    if (yield from ask(texts.has_meta)):
        rows = yield from ask(texts.meta, VERSION)
        # Without a row they were made by a commit that came after the transaction's snapshot.
        found = int(rows[0][0]) if rows else len(texts.schema)
    check_version(found, texts)
    if found < len(texts.schema):
        yield from ask(texts.lock_schema)
        yield migration(texts, found)


def check_version(found: int, texts: Texts) -> None:
    """Raise ConfigurationError for tables of a newer program."""
    if found > len(texts.schema):
        hint = "update sendkit here too; an older one would not know what the newer one wrote"
        raise ConfigurationError(
            f"the outbox has tables of version {found}, and this sendkit knows {len(texts.schema)}", hint=hint
        )


def migration(texts: Texts, found: int) -> Batch:
    """The statements from this version of the tables to the newest."""
    steps = [Statement(sql) for version in texts.schema[found:] for sql in version]
    return (Statement(texts.create_meta), *steps, Statement(texts.set_meta, (VERSION, str(len(texts.schema)))))


def migration_sql(texts: Texts) -> str:
    """All statements that make the tables, version by version, for those who may not run them through a program."""
    newest = f"('{VERSION}', '{len(texts.schema)}') on conflict (k) do update set v = excluded.v"
    known = f"insert into sendkit_meta (k, v) values {newest};"  # noqa: S608 - constants
    lines = ["-- Leave out the versions that the database has already.", f"{texts.create_meta};"]
    for version, step in enumerate(texts.schema, 1):
        lines += [f"-- version {version}", *(f"{sql};" for sql in step)]
    return "\n".join([*lines, known])


def _compare_identity(database: Database) -> None:
    identity = database.identity()
    if identity is None:
        return
    beats = database.beats()  # before the database is read: a worker counts there first
    with database.snapshot():
        known = _ask(database, database.texts.meta, IDENTITY)
        counted = _ask(database, database.texts.meta, BEATS)
    behind = (int(counted[0][0]) if counted else 0) < beats
    if known and known[0][0] == identity and not behind:
        return
    with database.transaction():
        database.execute((Statement(database.texts.set_meta, (IDENTITY, identity)),))
        if behind:
            database.execute((Statement(database.texts.set_meta, (BEATS, str(beats))),))
        if known:
            how = "a copy" if known[0][0] != identity else "a backup that was put in its place"
            why = f"the database is {how} ({known[0][0]} before, {identity} now): its letters may have been sent since"
            database.execute((Statement(database.texts.set_meta, (PAUSED, why)),))


def _ask(database: Speaker, sql: str, *arguments: object) -> Rows:
    return database.execute((Statement(sql, arguments),))[0]
