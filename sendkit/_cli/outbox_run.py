"""`sendkit outbox run`: workers in the foreground, for systemd, containers and cron.

SIGTERM and Ctrl-C let what is in progress end, within a limit. The line that begins with "ready" comes when it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from sendkit import AsyncMailer
from sendkit._cli.console import complain, say
from sendkit._cli.exit_codes import ExitCode
from sendkit.outbox import AsyncOutbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendkit._cli.options import OutboxOptions
    from sendkit.outbox import WorkerSettings
    from sendkit.outbox._status import Counts


def run(options: OutboxOptions) -> ExitCode:
    """Send until told to end; with --once, try what is due."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("sendkit outbox: %(message)s"))
    logging.getLogger("sendkit.outbox").addHandler(handler)
    return asyncio.run(_run(options))


async def _run(options: OutboxOptions) -> ExitCode:
    async with AsyncExitStack() as stack:
        outbox = await stack.enter_async_context(AsyncOutbox(options.database, **_settings(options)))
        mailers: list[tuple[str | None, AsyncMailer]] = []
        for name in options.accounts or (None,):
            mailer = AsyncMailer.from_env() if name is None else AsyncMailer.from_config(name)
            mailers.append((name, await stack.enter_async_context(mailer)))
        if options.once:
            return await _once(outbox, mailers)
        return await _serve(outbox, mailers)


def _settings(options: OutboxOptions) -> WorkerSettings:
    return {
        "concurrency": options.concurrency,
        "in_doubt": "retry" if options.policy == "retry" else "hold",
        "report": options.report,
        "warn_after": options.warn_after,
        "stop_within": options.stop_within,
    }


async def _serve(outbox: AsyncOutbox, mailers: Sequence[tuple[str | None, AsyncMailer]]) -> ExitCode:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C is an exception there
            loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        names: list[str] = []
        for name, mailer in mailers:
            worker = await stack.enter_async_context(outbox.worker(mailer, account=name, finish=False))
            names += worker.accounts or ("every account",)
        say(f"ready: {outbox.place}, {', '.join(names)}")
        await stop.wait()
        complain("sendkit outbox: ending; what is in progress may end first")
    return ExitCode.ACCEPTED


async def _once(outbox: AsyncOutbox, mailers: Sequence[tuple[str | None, AsyncMailer]]) -> ExitCode:
    made = 0
    for name, mailer in mailers:
        made += await outbox.drain(mailer, account=name)
    counts = await outbox.counts()
    states = ", ".join(f"{count} {state}" for state, count in counts.letters.items() if count)
    say(f"{made} attempts made; {states or 'the outbox is empty'}")
    if counts.paused:
        complain(f"sendkit outbox: everything is paused: {counts.paused}; `sendkit outbox resume` goes on")
    return _code(counts)


def _code(counts: Counts) -> ExitCode:
    """The exit code of --once: first for what needs a person, then for what waits."""
    if counts.letters["held"]:
        return ExitCode.AUTHENTICATION
    if counts.in_doubt:
        return ExitCode.IN_DOUBT
    waiting = counts.letters["later"] + counts.letters["ready"] + counts.letters["working"]
    return ExitCode.DEFERRED if waiting else ExitCode.ACCEPTED
