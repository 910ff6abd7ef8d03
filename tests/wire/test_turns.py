"""On a session that several share, everybody writes and reads in the order of arrival, also when somebody gives up."""

from __future__ import annotations

import asyncio

import pytest

from sendkit._wire.turns import Turns


async def settle() -> None:
    """Let everything run that can run."""
    for _ in range(20):
        await asyncio.sleep(0)


def nothing() -> int:
    """No line of the server's waits to be read."""
    return 0


async def converse(turns: Turns, name: str, seen: list[str], answer: asyncio.Event | None = None) -> None:
    """Write, let the next one write, and read when the turn has come."""
    with await turns.next() as turn:
        seen.append(f"{name} writes")
        turn.written()
        await turn.come()
        if answer:
            await answer.wait()
        seen.append(f"{name} reads")


async def test_all_may_write_before_the_first_has_read() -> None:
    turns, seen, answer = Turns(nothing), list[str](), asyncio.Event()
    talking = [asyncio.create_task(converse(turns, name, seen, answer if name == "a" else None)) for name in "abc"]
    await settle()
    assert seen == ["a writes", "b writes", "c writes"]
    answer.set()
    await asyncio.gather(*talking)
    assert seen[3:] == ["a reads", "b reads", "c reads"]


async def test_who_keeps_the_right_to_write_keeps_the_others_waiting() -> None:
    turns, seen = Turns(nothing), list[str]()
    with await turns.next() as first:
        other = asyncio.create_task(converse(turns, "b", seen))
        await settle()
        assert seen == []
        assert (first.has_come, turns.is_last(first)) == (True, True)
    await other
    assert seen == ["b writes", "b reads"]


async def test_who_gives_up_before_its_turn_does_not_let_those_behind_it_read_too_early() -> None:
    turns, seen, answer = Turns(nothing), list[str](), asyncio.Event()
    first, second, third = (
        asyncio.create_task(converse(turns, name, seen, answer if name == "a" else None)) for name in "abc"
    )
    await settle()
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await settle()
    assert "c reads" not in seen
    answer.set()
    await asyncio.gather(first, third)
    assert seen[-2:] == ["a reads", "c reads"]


async def test_who_gives_up_while_it_waits_to_write_is_passed_over() -> None:
    turns, seen = Turns(nothing), list[str]()
    with await turns.next():
        second = asyncio.create_task(converse(turns, "b", seen))
        third = asyncio.create_task(converse(turns, "c", seen))
        await settle()
        second.cancel()
    await third
    assert seen == ["c writes", "c reads"]
    assert second.cancelled()


async def test_whoever_came_last_is_known() -> None:
    turns = Turns(nothing)
    with await turns.next() as first:
        first.written()
        assert turns.is_last(first)
        with await turns.next() as second:
            assert not turns.is_last(first)
            assert turns.is_last(second)
            assert not second.has_come


async def test_those_whose_answers_are_there_read_in_one_turn_of_the_loop() -> None:
    turns, seen, answer = Turns(lambda: 100), list[str](), asyncio.Event()
    talking = [asyncio.create_task(converse(turns, name, seen, answer if name == "a" else None)) for name in "abcd"]
    await settle()
    seen.clear()
    answer.set()
    await asyncio.sleep(0)
    assert seen == ["a reads"]
    await asyncio.sleep(0)
    assert seen == ["a reads", "b reads", "c reads", "d reads"]
    await asyncio.gather(*talking)


async def test_who_is_called_before_its_turn_waits_again() -> None:
    called: list[str] = []

    async def wait(name: str, lines: int) -> None:
        with await turns.next() as turn:
            turn.written(lines)
            await turn.come()
            called.append(name)
            await asyncio.sleep(0)  # nobody else may have read in the meantime

    turns = Turns(lambda: 8)
    with await turns.next() as first:
        first.written()
        talking = [asyncio.create_task(wait(name, 4)) for name in "abcd"]
        await settle()
    await asyncio.sleep(0)
    assert called == ["a"]
    await asyncio.gather(*talking)
    assert called == ["a", "b", "c", "d"]
