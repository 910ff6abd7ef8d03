"""The double tells the same truth as the wire: the scenarios that a script can play, against the same table."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import product

import pytest

from sendkit import AsyncMailer, MemoryTransport, RetryPolicy

from .checks import judge
from .faults import BY_NAME, PLACES
from .matrix import Link, Persistence, Scenario
from .stage import Evidence, letter
from .truth import A, Mode, Place

_PLACES = [place for place in Place if place not in (Place.EHLO_IN_TLS, Place.RSET, Place.QUIT)]
_REPLIES = ("451", "450", "554", "552", "421", "530", "538", "503", "500", "354", "252")
_FAULTS = (*_REPLIES, "fin", "silence")


def can_happen(place: Place, fault: str) -> bool:
    """As in the matrix, and without what only a wire has."""
    if place in (Place.HANDSHAKE, Place.BODY):
        return fault in ("fin", "silence")
    if fault == "252":
        return place not in (Place.MAIL, Place.RCPT_B, Place.END)
    return (place, fault) != (Place.DATA, "354")


def play(scenario: Scenario) -> Evidence:
    """Send one message through the double."""
    transport = MemoryTransport()
    times = None if scenario.persistence is Persistence.STAYS else 1
    scenario.fault.put(PLACES[scenario.place](transport), times)  # type: ignore[arg-type]
    if scenario.refusal:
        transport.on_rcpt(A).reply(f"{scenario.refusal} no")
    retry = RetryPolicy(max_attempts=scenario.tries, max_elapsed=10_000, wait=lambda _: 60)
    used = AsyncMailer(transport=transport, retry=retry)
    result = asyncio.run(used.send(letter(), check=False))
    copies = Counter(
        (str(sent.message["Message-ID"]), to) for sent in transport.sent for to in sent.envelope.recipients
    )
    return Evidence(result, copies=copies)


@pytest.mark.parametrize("place", _PLACES)
def test_the_double_answers_as_the_wire_does(place: Place) -> None:
    wrong = {}
    for fault, persistence, refusal in product(_FAULTS, Persistence, (None, 550, 451)):
        # In the double the body is what comes before its end, as a large one is on the wire.
        large = place is Place.BODY
        scenario = Scenario(place, fault, Mode.STEPWISE, Link.STARTTLS, persistence, large, refusal)
        if can_happen(place, fault) and (found := judge(play(scenario), scenario.truth())):
            wrong[str(scenario)] = [finding.words for finding in found]
    assert wrong == {}


def test_every_fault_that_is_played_here_is_one_of_the_matrix() -> None:
    assert set(_FAULTS) <= set(BY_NAME)
