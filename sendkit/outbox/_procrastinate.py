"""procrastinate as an outbox's engine: a job for each letter that is due, which its own worker, run here, carries out.

A job holds the number of a letter and nothing else, and may be lost, late or there twice: the ledger decides. It is
made when the letter is due, never before: one with a time to come would block those behind it
(github.com/procrastinate-org/procrastinate/issues/1599). What a dead worker held is found by the ledger's sweep, and
gets a new job; the old one is marked as failed, which procrastinate leaves to others (issues 1408 and 1518).
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, cast

import psycopg
from procrastinate import exceptions, jobs

from sendkit.errors import ConfigurationError, OutboxError
from sendkit.outbox._engine import LetterId
from sendkit.outbox._statements import Executor, Statement

if TYPE_CHECKING:
    from procrastinate import App

    from sendkit.outbox._engine import Desk
    from sendkit.outbox._fence import Announced

_logger = logging.getLogger("sendkit.outbox")
_TASK = "sendkit_outbox"
_SWEEP = 1.0  # seconds
_BEAT, _SILENCE = 5.0, 25.0  # seconds between two signs of life of a procrastinate worker, and until it counts as gone
_LOOKED_AT = 500  # letters that are looked at in one sweep

# A letter has one job that waits; of two sweeps at once, one fails on the lock, and looks again a moment later.
_DEFER = f"""select procrastinate_defer_jobs_v1(array_agg(row(e ->> 0, '{_TASK}', (e ->> 1)::integer, null,
  '{_TASK} ' || (e ->> 2), jsonb_build_object('letter', e -> 2), null)::procrastinate_job_to_defer_v1))
from jsonb_array_elements({{}}::jsonb) e where not exists
 (select 1 from procrastinate_jobs j where j.queueing_lock = '{_TASK} ' || (e ->> 2) and j.status = 'todo')"""  # noqa: S608 - of constants


class ProcrastinateEngine:
    """Has letters worked on as jobs of a procrastinate app, whose tables are in the outbox's own database.

    `Outbox(url, engine=ProcrastinateEngine(app))`, once for an app. A worker of the outbox runs procrastinate's worker
    on the queue `sendkit ACCOUNT` of each account that it serves. Jobs that succeed are deleted. Provisional. Raises
    ConfigurationError.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._desk: Desk | None = None
        self._working: set[asyncio.Task[Any]] = set()
        try:
            app.task(name=_TASK)(self._look)
        except exceptions.TaskAlreadyRegistered as error:
            hint = "give the same ProcrastinateEngine to every outbox of the app"
            raise ConfigurationError("this procrastinate app has an engine already", hint=hint) from error

    def announce(self, execute: Executor, letters: Sequence[Announced]) -> None:
        """Make jobs of what is due, in the transaction of the put."""
        due = [letter for letter in letters if letter.due is None]
        if not due:
            return
        try:
            execute((Statement(_DEFER.format("$1"), (_jobs(due),)),))
        except Exception as error:
            if isinstance(error.__cause__ or error, psycopg.ProgrammingError | sqlite3.OperationalError):
                raise _no_tables() from error
            raise

    async def run(self, desk: Desk, *, concurrency: int, stop: asyncio.Event) -> None:
        """Run procrastinate's worker until `stop` is set, and then until what is under way has ended."""
        if self._desk is not None:
            hint = "one ProcrastinateEngine serves one worker at a time; run the others in processes of their own"
            raise ConfigurationError("this procrastinate app has a worker in this process", hint=hint)
        queues = _queues(desk)
        self._desk = desk
        try:
            async with self._app.open_async():
                await self._run(desk, queues, concurrency, stop)
        finally:
            self._desk = None

    async def _run(self, desk: Desk, queues: list[str], concurrency: int, stop: asyncio.Event) -> None:
        stopped = asyncio.ensure_future(stop.wait())
        sweeping = asyncio.ensure_future(_again(lambda: self._sweep(desk, queues)))
        working = asyncio.ensure_future(_again(lambda: self._work(queues, concurrency)))
        try:
            await stopped
            working.cancel()  # ends it after what is under way
            await asyncio.wait({working})
        finally:
            tasks: list[asyncio.Future[Any]] = [*self._working, working, sweeping, stopped]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, queues: list[str], concurrency: int) -> None:
        await self._app.run_worker_async(
            queues=queues,
            name="sendkit",
            concurrency=concurrency,
            fetch_job_polling_interval=_SWEEP,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=_BEAT,
            stalled_worker_timeout=_SILENCE,
        )

    async def _look(self, letter: LetterId) -> None:
        """The task: one attempt at a letter. When it is due again, the sweep makes it a job again."""
        if self._desk is None:
            hint = f"name the queues of this worker, without those that begin with {_queue('')!r}"
            raise ConfigurationError("no worker of the outbox runs in this process", hint=hint)
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._working.add(task)
        try:
            await self._desk.work(letter)
        finally:
            self._working.discard(task)

    async def _sweep(self, desk: Desk, queues: list[str]) -> None:
        await desk.sweep()
        letters = await desk.ready(_LOOKED_AT)
        if letters:
            await self._app.connector.execute_query_all_async(_DEFER.format("%(letters)s"), letters=_jobs(letters))
        manager = self._app.job_manager
        for queue in queues:
            for job in await manager.get_stalled_jobs(queue=queue, seconds_since_heartbeat=_SILENCE):
                await manager.finish_job(job, jobs.Status.FAILED, delete_job=False)
        await asyncio.sleep(_SWEEP)


async def _again(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do it again and again, also after an error: the database may come back."""
    while True:
        try:
            await work()
        except exceptions.UniqueViolation:  # another worker was quicker
            continue
        except (exceptions.ConnectorException, OutboxError) as error:
            _logger.error("procrastinate: %s", error.__cause__ or error)  # noqa: TRY400 - the text says it all
        await asyncio.sleep(_SWEEP)


def _jobs(letters: Sequence[Announced]) -> str:
    """procrastinate's more urgent jobs have the larger numbers."""
    return json.dumps([(_queue(letter.account), -letter.priority, letter.id) for letter in letters])


def _queue(account: str) -> str:
    return f"sendkit {account}"


def _queues(desk: Desk) -> list[str]:
    if desk.accounts is None:
        hint = "give the worker account=, as letters have theirs"
        raise ConfigurationError("a worker of procrastinate serves named accounts", hint=hint)
    return [_queue(account) for account in desk.accounts]


def _no_tables() -> ConfigurationError:
    hint = "give the outbox the URL of the app's database, and make its tables: `procrastinate schema --apply`"
    return ConfigurationError("procrastinate's tables are not in the outbox's database", hint=hint)
