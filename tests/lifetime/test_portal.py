"""Who runs the loop of a portal changes from call to call, and no caller waits for a change that is over."""

# pyright: reportPrivateUsage=false
# What the threads do to each other is not seen from outside.

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from sendkit._lifetime import portal as rooms
from sendkit._lifetime.portal import Portal
from sendkit.errors import ConfigurationError


async def nothing() -> None:
    await asyncio.sleep(0)


@pytest.fixture
def portal() -> Iterator[Portal]:
    """One whose keeper runs the loop, as it does between two calls."""
    made = Portal(nothing, nothing)
    made.call(nothing())
    wait_for_keeper(made)
    yield made
    made.close()


def wait_for_keeper(portal: Portal) -> None:
    late = time.monotonic() + 60
    while portal._runs is not rooms._KEEPER:
        assert time.monotonic() < late
        time.sleep(0.005)


class TestACallerThatIsNotScheduledInTime:
    """As on a machine with much to do: it is told, and notices only when the loop is in other hands again."""

    def test_has_its_call_when_the_keeper_runs_the_loop_again(
        self, portal: Portal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tell, told = portal._freed.notify_all, list[object]()

        def lost_at_first() -> None:
            if told:
                tell()
            told.append(None)

        monkeypatch.setattr(portal._freed, "notify_all", lost_at_first)
        caller = threading.Thread(target=portal.call, args=(nothing(),), daemon=True)
        caller.start()
        caller.join(300)
        assert not caller.is_alive()

    def test_is_refused_when_another_thread_has_closed(self, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
        ended = list[object]()
        monkeypatch.setattr(portal._freed, "notify_all", lambda: None)
        monkeypatch.setattr(rooms, "_LINGER", 2.0)

        def call() -> None:
            work = nothing()
            try:
                portal.call(work)
            except ConfigurationError as error:
                ended.append(error.message)
            finally:
                work.close()

        portal._calls = -5
        caller = threading.Thread(target=call, daemon=True)
        caller.start()
        late = time.monotonic() + 60
        while portal._calls == -5 and time.monotonic() < late:
            time.sleep(0.005)
        monkeypatch.undo()
        portal.close()
        caller.join(300)
        assert ended == ["this mailer is closed"]
