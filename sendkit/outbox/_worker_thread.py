"""The worker of a synchronous outbox: a thread on which the same coroutines run, on the loop of its mailer.

Must not know the ledger, or what a letter is.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sendkit.outbox._checks import check_mailer
from sendkit.outbox._ledger import started

if TYPE_CHECKING:
    from sendkit._sync import Mailer
    from sendkit.outbox._core import Core
    from sendkit.outbox._policy import WorkerSettings
    from sendkit.outbox._worker import AsyncWorker


class Worker:
    """A worker in the background of a synchronous program: a thread, on which it waits for the mailer's loop."""

    def __init__(self, core: Core, mailer: Mailer, account: str | None, settings: WorkerSettings) -> None:
        check_mailer(mailer, type_of_mailer(), "AsyncOutbox")
        self._core = core
        self._mailer = mailer
        self._account = account
        self._settings = settings
        self._began = threading.Event()
        self._work: AsyncWorker | None = None
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start, and return when it has started. Raises what prevented that."""
        self._thread = started(self._run, "sendkit-outbox-worker")
        self._began.wait()
        if self._work is None:
            self.join()

    def stop(self, *, finish: bool = False) -> None:
        """Let what is in progress end, with `finish` try what is due, and return then."""
        if self._work is not None:
            self._work.stop_soon(finish=finish)
        self.join()

    def join(self) -> None:
        """Wait for its end. Raises what ended it."""
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self) -> None:
        try:
            self._mailer._portal.call(self._working())  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - one house
        except BaseException as error:  # noqa: BLE001 - whoever joins is told
            self._error = error
        finally:
            self._began.set()

    async def _working(self) -> None:
        work = self._core.work(self._mailer._core, self._account, self._settings)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - one house
        await work.begin()
        self._work = work
        self._core.works.add(work)
        self._began.set()
        try:
            await work.run()
        finally:
            self._core.works.discard(work)


def type_of_mailer() -> type[Mailer]:
    """The class, which who only puts need not load."""
    from sendkit._sync import Mailer  # noqa: PLC0415 - as said

    return Mailer


def mailer_for(account: str | None) -> Mailer:
    """The mailer of an account of the config, or of the environment. Raises ConfigurationError."""
    kind = type_of_mailer()
    return kind.from_env() if account is None else kind.from_config(account)


async def drained(core: Core, mailer: Mailer, account: str | None, settings: WorkerSettings) -> int:
    """Work until nothing is due, and answer how many letters were worked on."""
    work = core.work(mailer._core, account, settings)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - one house
    await work.begin()
    try:
        return await work.drain()
    finally:
        await work.end()
