"""What waits for the work in progress waits for all that it was asked for, and for nothing else."""

from __future__ import annotations

import asyncio

from sendkit._lifetime.progress import Progress, Work


async def carry_out(work: Work, until: asyncio.Event) -> str:
    with work:
        await until.wait()
    return "closed" if work.closed else "ended"


class TestOver:
    async def test_the_end_of_the_interpreter_waits_only_for_what_began_before(self) -> None:
        progress, first, second = Progress(), asyncio.Event(), asyncio.Event()
        before = asyncio.create_task(carry_out(progress.work(), first))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(progress.over_so_far(None))
        await asyncio.sleep(0)
        after = asyncio.create_task(carry_out(progress.work(), second))
        await asyncio.sleep(0)
        assert not waiting.done()
        first.set()
        await waiting  # this never ends, if it waited for the second too
        assert (before.done(), after.done()) == (True, False)
        second.set()
        assert await after == "ended"

    async def test_it_cuts_only_that_short(self) -> None:
        progress, never, later = Progress(), asyncio.Event(), asyncio.Event()
        before = asyncio.create_task(carry_out(progress.work(), never))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(progress.over_so_far(0))
        after = asyncio.create_task(carry_out(progress.work(), later))
        await waiting
        later.set()
        assert (await before, await after) == ("closed", "ended")

    async def test_two_who_wait_at_once_are_both_told(self) -> None:
        progress, until = Progress(), asyncio.Event()
        work = asyncio.create_task(carry_out(progress.work(), until))
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(progress.over(None)) for _ in range(2)]
        await asyncio.sleep(0)
        until.set()
        await asyncio.gather(work, *waiting)

    async def test_one_who_waits_and_is_cancelled_disturbs_no_other(self) -> None:
        progress, until = Progress(), asyncio.Event()
        work = asyncio.create_task(carry_out(progress.work(), until))
        await asyncio.sleep(0)
        given_up, waiting = (asyncio.create_task(progress.over(None)) for _ in range(2))
        await asyncio.sleep(0)
        given_up.cancel()
        until.set()
        await asyncio.gather(work, waiting)
