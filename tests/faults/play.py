"""Plays the scenarios of the matrix: from data to findings.

Knows: which time limit a silent place needs. Must not know: what the findings should be.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .checks import Count, Finding, judge
from .faults import PLACES
from .matrix import TRIES, Link, Persistence, Scenario, Way
from .stage import ECHOES, limits, play, scripted
from .truth import AGAIN, ONCE, A, Fates, Kind, Place, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendkit import Timeouts
    from tests.servers.scripted import ScriptedServer

    from .stage import Evidence

PROXY = "FAULTS_PROXY"  # the port of a SOCKS proxy, which every process of a run is told
_LIMITS = {
    Place.GREETING: "greeting",
    Place.DATA: "data",
    Place.BODY: "end_of_data",
    Place.END: "end_of_data",
    Place.QUIT: "quit",
}


def run(scenario: Scenario) -> list[Finding]:
    """Play one scenario, and say what is not as promised."""
    lmtp = scenario.way is Way.LMTP
    server = scripted(scenario.mode, implicit=scenario.link is Link.IMPLICIT, echoes=ECHOES, lmtp=lmtp)
    evidence = play(
        server,
        limits_of(scenario),
        tries=scenario.tries,
        large=scenario.large,
        reused=scenario.link is Link.REUSED,
        transcript=scenario.transcript,
        through=f"socks5://127.0.0.1:{os.environ[PROXY]}" if scenario.way is Way.SOCKS else None,
        script=lambda: write(scenario, server),
    )
    return [*judge(evidence, scenario.truth()), *_tries(scenario, evidence)]


def write(scenario: Scenario, server: ScriptedServer) -> None:
    """Put the fault of a scenario into the server's script."""
    times = None if scenario.persistence is Persistence.STAYS else 1
    scenario.fault.put(PLACES[scenario.place](server), times)
    if scenario.refusal is not None:
        text = "550 5.1.1 no such user" if scenario.refusal == 550 else "451 4.2.1 greylisted"
        server.on_rcpt(A).reply(text)


def limits_of(scenario: Scenario) -> Timeouts:
    """Time limits in which the fault of a scenario is seen soon."""
    if scenario.fault.kind is not Kind.SILENT:
        return limits()
    if scenario.place is Place.HANDSHAKE:
        return limits("greeting" if scenario.link is Link.IMPLICIT else "command")
    return limits(_LIMITS.get(scenario.place, "command"))


def _tries(scenario: Scenario, evidence: Evidence) -> Iterator[Finding]:
    """ "tried again by itself?": as often as said, and not once more."""
    if evidence.result is None or scenario.tries == 1:
        return
    first = _first(scenario)
    made = len(evidence.result.attempts)
    least = 2 if any(not fates - (AGAIN | ONCE) for fates in first) else 1
    most = TRIES if any(fates & (AGAIN | ONCE) for fates in first) else 1
    if not least <= made <= most:
        yield Finding(Count.WRONG, f"{made} tries, not {least} to {most}")


def _first(scenario: Scenario) -> list[Fates]:
    return list(truth(scenario.setting).values())
