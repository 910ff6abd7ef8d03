"""Every fault at every place of a first server, with a healthy second one behind it: what came of it over both.

The sample of `test_matrix` again. What the first server leaves deferred the second takes; what it rejected, accepted or
may have accepted, the second never hears of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count

import pytest

from sendkit import AsyncMailer, DeliveryResult, Outcome, RetryPolicy, Timeouts
from tests.servers.scripted import ScriptedServer

from .checks import Count, Finding, judge
from .matrix import Link, Persistence, Scenario, scenarios
from .play import limits_of, write
from .stage import PASSWORD, SKIPPED, USER, Evidence, letter, limits, observe, scripted, send, server_of
from .steps import When, cancelled_at
from .test_cancellation import dishonest
from .truth import AGAIN, FIX, ONCE, RECIPIENTS, YES, A, B, C, Fates, Kind, Mode, Place, truth

_STEP = 31
_ONE_TRY = (scenario for scenario in scenarios() if scenario.persistence is Persistence.NO_RETRY)
_SAMPLE = [scenario for number, scenario in enumerate(_ONE_TRY) if number % _STEP == 0]
_LEFT = AGAIN | ONCE | FIX


def over_both(first: ScriptedServer, second: ScriptedServer, timeouts: Timeouts, scenario: Scenario) -> Evidence:
    """Play one scenario with the second server behind the first; the copies of both count."""

    async def act(evidence: Evidence) -> None:
        servers = [server_of(first, timeouts), server_of(second, limits())]
        async with AsyncMailer(servers, username=USER, password=PASSWORD, retry=RetryPolicy(max_attempts=1)) as used:
            if scenario.link is Link.REUSED:
                await used.send(letter("the one before"))
            write(scenario, first)
            await send(evidence, used, letter(large=scenario.large))
        second.wait_for(lambda: all(connection.ended for connection in second.connections))

    with second:
        evidence = observe(first, act)
    evidence.copies += second.copies()
    evidence.connections = [*evidence.connections, *second.connections]
    return evidence


def findings(scenario: Scenario, again: bool = False) -> list[str]:
    """What is not as promised."""
    first = scripted(scenario.mode, implicit=scenario.link is Link.IMPLICIT)
    second = scripted(Mode.CHUNKING)
    evidence = over_both(first, second, limits_of(scenario), scenario)
    fates = {to: _with_a_second_server(fates) for to, fates in truth(scenario.setting).items()}
    found = [*judge(evidence, fates), *_asked_for_nothing(evidence, first, second)]
    if found and not again and scenario.fault.kind is Kind.SILENT:
        return findings(scenario, again=True)
    return [f"{finding.count}: {finding.words}" for finding in found]


def _with_a_second_server(fates: Fates) -> Fates:
    return (fates - _LEFT) | YES if fates & _LEFT else fates


def _asked_for_nothing(evidence: Evidence, first: ScriptedServer, second: ScriptedServer) -> Iterator[Finding]:
    """Whoever the first server settled, or may have settled, is not named to the second one."""
    for to in RECIPIENTS if evidence.result else ():
        assert evidence.result is not None
        told = evidence.result.recipients[to]
        settled = told.server == f"{first.host}:{first.port}" and told.outcome is not Outcome.DEFERRED
        if settled and any(f"<{to}>" in line for line in second.lines()):
            yield Finding(Count.DUPLICATES, f"{to} was {told.outcome.value} at the first server, and asked for again")


@pytest.mark.parametrize("place", Place)
def test_a_fault_of_the_first_server_makes_no_second_copy_and_loses_none(place: Place) -> None:
    found = {str(scenario): findings(scenario) for scenario in _SAMPLE if scenario.place is place}
    assert {name: what for name, what in found.items() if what} == {}


def played(place: Place, fault: str, *, refusal: int | None = None) -> tuple[Evidence, ScriptedServer, ScriptedServer]:
    """One scenario, and both servers."""
    scenario = Scenario(place, fault, Mode.CHUNKING, Link.STARTTLS, Persistence.NO_RETRY, refusal=refusal)
    first, second = scripted(Mode.CHUNKING), scripted(Mode.CHUNKING)
    return over_both(first, second, limits_of(scenario), scenario), first, second


def test_the_first_down_and_the_second_up_is_one_copy_at_the_second() -> None:
    evidence, first, second = played(Place.GREETING, "fin")
    assert evidence.result is not None
    assert evidence.result.ok
    assert [evidence.copies_for(to) for to in RECIPIENTS] == [1, 1, 1]
    assert (first.accepted, len(second.accepted)) == ([], 1)
    assert {one.server for one in evidence.result.recipients.values()} == {f"{second.host}:{second.port}"}


def test_one_recipient_refused_for_now_goes_alone_to_the_second() -> None:
    evidence, first, second = played(Place.RCPT_B, "451")
    assert evidence.result is not None
    assert evidence.result.ok
    assert [message.recipients for message in first.accepted] == [(A, C)]
    assert [message.recipients for message in second.accepted] == [(B,)]
    assert first.accepted[0].content == second.accepted[0].content


def test_the_first_lost_after_the_end_of_data_is_in_doubt_and_the_second_gets_nothing() -> None:
    evidence, _, second = played(Place.END, "fin", refusal=451)
    assert evidence.result is not None
    assert [one.address for one in evidence.result.in_doubt] == [B, C]
    assert [message.recipients for message in second.accepted] == [(A,)]
    assert not any(f"<{to}>" in line for to in (B, C) for line in second.lines())


@pytest.mark.parametrize("when", When)
def test_a_cancellation_at_any_wait_is_told_truly_over_both(when: When) -> None:
    """The first server takes one of the three, and the second the others."""
    for number in count():
        finished, told, evidence = cancelled_over_both(number, when)
        assert dishonest(told, evidence) == [], f"cancelled at wait {number}"
        assert evidence.left == [], f"cancelled at wait {number}"
        if finished:
            break
    assert told.ok
    assert number > 20


def cancelled_over_both(number: int, when: When) -> tuple[bool, DeliveryResult, Evidence]:
    """Whether a send was over before its n-th wait, where it is cancelled, what it says, and what both servers took."""
    first, second = scripted(Mode.STEPWISE), scripted(Mode.PIPELINING)
    first.on_rcpt(B).reply("451 4.2.1 later")
    first.on_rcpt(C).reply("450 4.2.1 later")
    finished: list[DeliveryResult] = []
    cut_off: list[DeliveryResult] = []

    async def act(_: Evidence) -> None:
        servers = [server_of(first, limits()), server_of(second, limits())]
        async with AsyncMailer(servers, username=USER, password=PASSWORD, retry=RetryPolicy(max_attempts=1)) as used:
            try:
                finished.append(await asyncio.create_task(cancelled(used)))
            except asyncio.CancelledError as error:
                cut_off.append(vars(error)["result"])
        second.wait_for(lambda: all(connection.ended for connection in second.connections))

    async def cancelled(used: AsyncMailer) -> DeliveryResult:
        return await cancelled_at(used.send(letter(), check=False), number, when)

    with second:
        evidence = observe(first, act)
    evidence.copies += second.copies()
    (told,) = finished + cut_off
    return bool(finished), told, evidence


def test_a_silent_first_server_leaves_the_second_its_share_of_the_deadline() -> None:
    first, second = scripted(Mode.CHUNKING), scripted(Mode.CHUNKING)
    first.on_connect().silence()

    async def act(evidence: Evidence) -> None:
        servers = [server_of(first, limits()), server_of(second, limits())]
        async with AsyncMailer(servers, username=USER, password=PASSWORD, deadline=1.9 * SKIPPED) as used:
            await send(evidence, used, letter())

    with second:
        evidence = observe(first, act)
    assert evidence.result is not None
    assert evidence.result.ok
    assert [len(second.accepted), len(evidence.result.attempts)] == [1, 2]
