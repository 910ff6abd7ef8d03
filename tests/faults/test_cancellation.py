"""A send that is cancelled anywhere says the truth so far, and leaves nothing that a later message could trip over."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from sendkit import AsyncMailer, DeliveryError, DeliveryResult, Outcome, errors
from tests.sampling import one_in

from .checks import Count, Finding, judge
from .stage import LIMIT, SKIPPED, Evidence, letter, limits, mailer, observe, scripted
from .steps import When, cancelled_at
from .truth import RECIPIENTS, YES, A, B, C, Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.servers.scripted import ScriptedServer

_HONEST = {
    Outcome.ACCEPTED: {1},
    Outcome.REJECTED: {0},
    Outcome.DEFERRED: {0},
    Outcome.IN_DOUBT: {0, 1},
}


def dishonest(result: DeliveryResult, evidence: Evidence) -> list[str]:
    """The recipients of whom the result says what the server's record does not bear out."""
    copies = {to: evidence.copies[str(result.message_id), to] for to in RECIPIENTS}
    told = result.recipients
    return [f"{told[to]}, {copies[to]} copies" for to in RECIPIENTS if copies[to] not in _HONEST[told[to].outcome]]


@dataclass
class Cancelled:
    """What became of a send that was cancelled, and of the message behind it."""

    evidence: Evidence
    result: DeliveryResult | None = None
    finished: bool = False
    swallowed: bool = False

    def findings(self) -> list[Finding]:
        """What is not as promised."""
        found = judge(self.evidence, None)
        if self.swallowed:
            found.append(Finding(Count.WRONG, "the cancellation was swallowed"))
        if self.result is None and not self.finished:
            found.append(Finding(Count.WRONG, "the CancelledError has no result"))
        if self.result is not None:
            found += [Finding(Count.WRONG, words) for words in dishonest(self.result, self.evidence)]
        after = self.evidence.result
        if after is None or not (after.accepted and after.in_doubt == after.deferred == ()):
            found.append(Finding(Count.WRONG, f"the message after it: {after and after.recipients}"))
        return found


def cancel(number: int, when: When, server: ScriptedServer, *, reused: bool = False, large: bool = False) -> Cancelled:
    """Cancel a send at its n-th wait, and send a second message with the same mailer."""
    cancelled = Cancelled(Evidence())

    async def act(evidence: Evidence) -> None:
        async with mailer(server, limits(), tries=3) as used:
            if reused:
                await used.send(letter("the one before"), check=False)
            await _cancel(cancelled, used.send(letter(large=large), check=False), number, when)
            evidence.result = await asyncio.wait_for(used.send(letter("the one after"), check=False), LIMIT)

    cancelled.evidence = observe(server, act)
    return cancelled


async def _cancel(cancelled: Cancelled, sending: Coroutine[Any, Any, DeliveryResult], number: int, when: When) -> None:
    asked = False

    async def work() -> DeliveryResult:
        return await cancelled_at(sending, number, when)

    task = asyncio.create_task(work())
    try:
        cancelled.result = await task
        cancelled.finished = True
        asked = bool(task.cancelling())
    except asyncio.CancelledError as error:
        # The plain one: a subclass of ours would be missed by those who compare types.
        cancelled.result = getattr(error, "result", None) if type(error) is asyncio.CancelledError else None
    cancelled.swallowed = cancelled.finished and asked


SCRIPTS: dict[str, Callable[[ScriptedServer], object]] = {
    "all goes well": lambda _: None,
    "b is tried twice": lambda server: server.on_rcpt(B).reply("451 4.2.1 later", times=1),
    "a is refused": lambda server: server.on_rcpt(A).reply("550 5.1.1 no such user", times=1),
}


@pytest.mark.parametrize(("when", "mode", "name", "reused"), one_in(5, When, Mode, SCRIPTS, [False, True]))
def test_a_cancellation_at_any_wait_tells_the_truth_and_harms_no_later_message(
    when: When, mode: Mode, name: str, reused: bool
) -> None:
    def one(number: int) -> Cancelled:
        server = scripted(mode)
        SCRIPTS[name](server)
        return cancel(number, when, server, reused=reused)

    assert wrong_at_any_wait(one) == {}


@pytest.mark.parametrize(("when", "mode"), one_in(2, When, Mode))
def test_a_cancellation_in_a_handshake_a_long_login_or_a_large_content_tells_the_truth_too(
    when: When, mode: Mode
) -> None:
    def one(number: int) -> Cancelled:
        server = scripted(mode, implicit=True)
        server.capabilities_in_tls[-1] = "AUTH SCRAM-SHA-256"
        return cancel(number, when, server, large=True)

    assert wrong_at_any_wait(one) == {}


def wrong_at_any_wait(one: Callable[[int], Cancelled]) -> dict[int, list[str]]:
    """What is not as promised, by the number of the wait, until there is none left to cancel."""
    wrong = {}
    for number in count():
        cancelled = one(number)
        if found := cancelled.findings():
            wrong[number] = [finding.words for finding in found]
        if cancelled.finished and not cancelled.swallowed:
            return wrong
    raise AssertionError("the waits never end")


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("when", When)
def test_a_stream_that_is_cancelled_at_any_wait_tells_no_lie_and_harms_no_later_message(when: When, mode: Mode) -> None:
    wrong = {}
    for number in count():
        found, finished = _stream(number, when, scripted(mode))
        if found:
            wrong[number] = found
        if finished:
            break
    assert wrong == {}


def _stream(number: int, when: When, server: ScriptedServer) -> tuple[list[object], bool]:
    """Cancel a stream at its n-th wait: what is not as promised, and whether there was no such wait any more."""
    results: list[DeliveryResult] = []
    tasks: list[asyncio.Task[None]] = []

    async def act(evidence: Evidence) -> None:
        async def work() -> None:
            async for result in used.send_many(map(letter, "123456"), in_flight=3):
                results.append(result)  # noqa: PERF401 - those before the cancellation count

        async with mailer(server, limits(), tries=2) as used:
            tasks.append(asyncio.ensure_future(cancelled_at(work(), number, when)))
            await asyncio.wait(tasks)
            evidence.result = await asyncio.wait_for(used.send(letter("the one after"), check=False), LIMIT)

    evidence = observe(server, act)
    lies = [words for result in results for words in dishonest(result, evidence)]
    swallowed = ["the cancellation was swallowed"] * (not tasks[0].cancelled() and bool(tasks[0].cancelling()))
    return [*judge(evidence, dict.fromkeys(RECIPIENTS, YES)), *lies, *swallowed], not tasks[0].cancelling()


def silent_at(place: str, mode: Mode, act: Callable[[AsyncMailer, Evidence], object]) -> Evidence:
    """Let a server fall silent there, and do something with a mailer that waits for it."""
    server = scripted(mode)
    getattr(server, place)().silence(times=1)

    async def play(evidence: Evidence) -> None:
        async with mailer(server, limits()) as used:
            await act(used, evidence)  # type: ignore[misc]

    return observe(server, play)


async def _in_timeout(used: AsyncMailer, evidence: Evidence) -> None:
    try:
        async with asyncio.timeout(SKIPPED):
            await used.send(letter())
    except TimeoutError as error:
        evidence.result = getattr(error.__cause__, "result", None)


async def _in_wait_for(used: AsyncMailer, evidence: Evidence) -> None:
    try:
        await asyncio.wait_for(used.send(letter()), SKIPPED)
    except TimeoutError as error:
        evidence.result = getattr(error.__cause__, "result", None)


async def _in_task_group(used: AsyncMailer, evidence: Evidence) -> None:
    async def send() -> None:
        try:
            await used.send(letter())
        except asyncio.CancelledError as error:
            evidence.result = vars(error)["result"]
            raise

    async def fail() -> None:
        async with asyncio.timeout(SKIPPED):
            await asyncio.Event().wait()

    with suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            group.create_task(fail())


_FRAMES = {"timeout": _in_timeout, "wait_for": _in_wait_for, "TaskGroup": _in_task_group}


@pytest.mark.parametrize("mode", [Mode.STEPWISE, Mode.PIPELINING])
@pytest.mark.parametrize(
    ("place", "outcome"),
    [("on_auth", Outcome.DEFERRED), ("on_data", Outcome.DEFERRED), ("after_data", Outcome.IN_DOUBT)],
)
@pytest.mark.parametrize("frame", _FRAMES)
def test_a_cancellation_from_around_carries_the_result_out(
    frame: str, place: str, outcome: Outcome, mode: Mode
) -> None:
    evidence = silent_at(place, mode, _FRAMES[frame])
    assert judge(evidence) == []
    assert evidence.result is not None
    assert {told.outcome for told in evidence.result.recipients.values()} == {outcome}


@pytest.mark.parametrize(
    ("place", "mode", "outcome"),
    [
        *(("on_connect", mode, Outcome.DEFERRED) for mode in Mode),
        *(("on_auth", mode, Outcome.DEFERRED) for mode in Mode),
        ("on_mail", Mode.STEPWISE, Outcome.DEFERRED),
        ("on_mail", Mode.PIPELINING, Outcome.DEFERRED),
        ("on_mail", Mode.CHUNKING, Outcome.IN_DOUBT),
        ("on_data", Mode.STEPWISE, Outcome.DEFERRED),
        *(("after_data", mode, Outcome.IN_DOUBT) for mode in Mode),
    ],
)
def test_a_deadline_defers_before_the_end_of_data_and_leaves_in_doubt_after_it(
    place: str, mode: Mode, outcome: Outcome
) -> None:
    async def act(used: AsyncMailer, evidence: Evidence) -> None:
        with pytest.raises(errors.InDoubtError if outcome is Outcome.IN_DOUBT else DeliveryError) as raised:
            await used.send(letter(), deadline=SKIPPED)
        evidence.result = raised.value.result

    evidence = silent_at(place, mode, act)
    assert judge(evidence) == []
    assert evidence.result is not None
    for told in evidence.result.recipients.values():
        assert (told.outcome, told.retryable) == (outcome, outcome is Outcome.DEFERRED)
        assert "deadline" in str(told.reason)


def test_a_deadline_stands_above_all_tries_together() -> None:
    server = scripted(Mode.STEPWISE)
    server.on_data().reply("451 4.3.0 later", times=3)
    server.on_data().silence()
    server.on_rcpt(A).reply("550 5.1.1 no such user")

    async def act(evidence: Evidence) -> None:
        async with mailer(server, limits(), tries=1_000_000) as used:
            evidence.result = await used.send(letter(), check=False, deadline=SKIPPED)

    evidence = observe(server, act)
    assert judge(evidence) == []
    assert evidence.result is not None
    assert [told.outcome for told in evidence.result.recipients.values()] == ["rejected", "deferred", "deferred"]
    assert len(evidence.result.attempts) == 4


def test_a_cancelled_message_that_was_answered_in_part_keeps_what_was_answered() -> None:
    server = scripted(Mode.PIPELINING)
    server.on_rcpt(A).reply("550 5.1.1 no such user")
    server.on_rcpt(B).reply("451 4.2.1 later", times=1)
    server.on_mail(nth=2).silence(times=1)

    async def act(evidence: Evidence) -> None:
        async with mailer(server, limits(), tries=2) as used:
            evidence.result = await used.send(letter(), check=False, deadline=SKIPPED)

    evidence = observe(server, act)
    assert judge(evidence) == []
    assert evidence.result is not None
    outcomes = {to: told.outcome for to, told in evidence.result.recipients.items()}
    assert outcomes == {A: Outcome.REJECTED, B: Outcome.DEFERRED, C: Outcome.ACCEPTED}


@pytest.mark.parametrize("mode", Mode)
def test_many_sends_cancelled_at_once_leave_nothing_open(mode: Mode) -> None:
    server = scripted(mode)
    server.after_data().silence()
    results: list[DeliveryResult] = []

    async def act(_: Evidence) -> None:
        async with mailer(server, limits()) as used:
            tasks = [asyncio.create_task(used.send(letter(str(number)))) for number in range(8)]
            await asyncio.to_thread(server.wait_for, lambda: len(server.accepted) == 4)
            for task in tasks:
                task.cancel()
            for task in tasks:
                with pytest.raises(asyncio.CancelledError) as raised:
                    await task
                results.append(vars(raised.value)["result"])

    evidence = observe(server, act)
    assert judge(evidence) == []
    assert [words for result in results for words in dishonest(result, evidence)] == []
    assert sum(bool(result.in_doubt) for result in results) == 4
