"""An event loop of ours: how it is made, run for others, and closed. Knows nothing of who waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import Coroutine
from typing import Any

from sendkit._lifetime import logs
from sendkit._lifetime.calls import GLANCE
from sendkit._lifetime.green import RealSelector, patched_by_gevent
from sendkit._lifetime.interrupts import on_the_main_thread
from sendkit.errors import SendkitError

# Seconds for tasks that nobody waits for, when the loop is given up.
_GRACE = 5.0


class _Selector(selectors.DefaultSelector):
    """One that lets `_thread.interrupt_main()` work: it makes the handler of SIGINT run, and wakes nobody.

    Where there is something to do at once, as to begin a call, it looks only each second time.
    """

    _passed = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._passed = timeout == 0 and not self._passed
        if self._passed:
            return []
        if (timeout is None or timeout > GLANCE) and on_the_main_thread():
            timeout = GLANCE
        return super().select(timeout)


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose finalizer is silent if it could not be made, for lack of file descriptors."""

    whole = False

    def is_closed(self) -> bool:
        return not self.whole or super().is_closed()


def made_loop() -> asyncio.AbstractEventLoop:
    """A new loop. Raises SendkitError where the system gives no descriptors."""
    held = logs.hold()  # asyncio logs which selector it uses: a handler may wait for us, and no user asks for this loop
    try:
        made = _Loop(RealSelector() if patched_by_gevent() else _Selector())
    except OSError as error:
        hint = "raise the limit (ulimit -n), or close what is not needed"
        raise SendkitError(f"cannot create an event loop: {error.strerror}", hint=hint) from error
    finally:
        if held:
            logs.release()
    made.whole = True
    made.set_debug(False)  # its debug mode logs while others wait
    return made


def run_on(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop for others, until it is stopped; a SystemExit in one of their tasks is theirs."""
    with contextlib.suppress(SystemExit, KeyboardInterrupt):
        loop.run_forever()


def stop_soon(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop stop, from any thread; one that somebody has closed meanwhile needs nothing."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(loop.stop)


def close_loop(loop: asyncio.AbstractEventLoop, before: Coroutine[Any, Any, None] | None = None) -> None:
    """Do what comes before, whatever it raises, cancel what nobody waits for, and close the loop."""
    # `run_until_complete` is an error where somebody has asked the loop to stop.
    closing = loop.create_task(_end_all(before))
    closing.add_done_callback(lambda _: loop.stop())
    while not closing.done():
        run_on(loop)
    loop.close()


async def _end_all(before: Coroutine[Any, Any, None] | None) -> None:
    if before is not None:
        with contextlib.suppress(Exception):
            await before
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_GRACE)
    await asyncio.get_running_loop().shutdown_asyncgens()
