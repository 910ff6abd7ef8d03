"""The scenarios as data: every place, every fault, over STARTTLS, implicit TLS and a reused connection, in three modes.

Knows: which combinations can happen at all, and what the truth is after all tries. Must not know: how they are played.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, product
from typing import TYPE_CHECKING

from .faults import BY_NAME, FAULTS, Fault
from .truth import AGAIN, FIX, ONCE, RECIPIENTS, YES, Fates, Kind, Mode, Place, Setting, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

TRIES = 3
_CLEAR = {Place.STARTTLS, Place.EHLO_IN_TLS}
_SESSION = {Place.GREETING, Place.EHLO, Place.STARTTLS, Place.HANDSHAKE, Place.EHLO_IN_TLS, Place.AUTH}
_MAIL = (Place.MAIL, Place.RCPT_B, Place.DATA, Place.BODY, Place.END)
_WITHOUT_REPLY = {Place.HANDSHAKE, Place.BODY}
_REFUSALS = (None, 550, 451)
_FAILING = {Kind.LOST, Kind.SILENT, Kind.MALFORMED}


class Link(StrEnum):
    """How the connection came about."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    REUSED = "reused"


class Way(StrEnum):
    """The way to the server, and what is spoken there."""

    DIRECT = "direct"
    SOCKS = "through a SOCKS proxy"
    LMTP = "LMTP"


class Persistence(StrEnum):
    """Whether there are retries, and whether the fault is still there then."""

    NO_RETRY = "no retry"
    PASSES = "passes"
    STAYS = "stays"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way for one message to go wrong. `refusal` is what RCPT answers for the first recipient, always."""

    place: Place
    fault_name: str
    mode: Mode
    link: Link
    persistence: Persistence
    large: bool = False
    refusal: int | None = None
    way: Way = Way.DIRECT

    def __str__(self) -> str:
        more = [f"a refused by {self.refusal}"] * bool(self.refusal) + ["large"] * self.large
        more += [self.way] * (self.way is not Way.DIRECT)
        return ", ".join((self.place, self.fault_name, self.mode, self.link, self.persistence, *more))

    @property
    def fault(self) -> Fault:
        """The fault itself; a scenario holds its name, so that it can travel to another process."""
        return BY_NAME[self.fault_name]

    @property
    def setting(self) -> Setting:
        """What of this the truth of a try depends on."""
        fault = self.fault
        reused = self.link is Link.REUSED
        # A proxy closes both sides at once, so that what had arrived there may be lost as by a reset.
        reset = fault.reset or self.way is Way.SOCKS
        lmtp = self.way is Way.LMTP
        return Setting(self.place, fault.kind, self.mode, self.large, reused, self.refusal, reset, lmtp)

    @property
    def tries(self) -> int:
        """How many tries the retry policy allows."""
        return 1 if self.persistence is Persistence.NO_RETRY else TRIES

    @property
    def transcript(self) -> bool:
        """Whether a transcript is kept: as the squares of a chessboard, so that neighbours in a dimension differ."""
        kinds = ((Place, self.place), (Mode, self.mode), (Link, self.link), (Persistence, self.persistence))
        ranks = [list(kind).index(value) for kind, value in kinds]
        return sum((*ranks, FAULTS.index(self.fault), _REFUSALS.index(self.refusal), self.large)) % 2 == 0

    def truth(self) -> dict[str, Fates]:
        """The fates allowed each recipient after all tries."""
        fates = truth(self.setting)
        for _ in range(self.tries - 1):
            later = self._next_try()
            fates = {to: _after(fates[to], later[to]) for to in RECIPIENTS}
        return fates

    def _next_try(self) -> dict[str, Fates]:
        # A new connection has nothing to reset.
        if self.persistence is Persistence.STAYS and self.place is not Place.RSET:
            return truth(replace(self.setting, reused=False))
        usual = dict.fromkeys(RECIPIENTS, YES)
        return usual | truth(replace(self.setting, place=Place.QUIT, kind=Kind.LATER)) if self.refusal else usual


def _after(fates: Fates, later: Fates) -> Fates:
    again = fates & (AGAIN | ONCE)
    if not again:
        return fates
    settled = (fates - again) | later
    # "once, one command at a time": whoever is deferred by it twice is left to a person, or to the next run.
    return settled | FIX if later >= ONCE else settled


def scenarios(way: Way = Way.DIRECT) -> Iterator[Scenario]:
    """The whole matrix, on one way to the server."""
    for scenario in chain(_session(), _transaction()):
        if _can_happen(one := replace(scenario, way=way)):
            yield one


def _session() -> Iterator[Scenario]:
    links = (Link.STARTTLS, Link.IMPLICIT)
    for place, fault, link, persistence in product(sorted(_SESSION), FAULTS, links, Persistence):
        yield Scenario(place, fault.name, Mode.CHUNKING, link, persistence)


def _transaction() -> Iterator[Scenario]:
    for place, fault, mode, link, persistence in product(_MAIL, FAULTS, Mode, Link, Persistence):
        yield Scenario(place, fault.name, mode, link, persistence)
        yield Scenario(place, fault.name, mode, link, persistence, refusal=550)
        # The rest says something new only once, on a new connection.
        if link is Link.STARTTLS and persistence is not Persistence.STAYS:
            yield Scenario(place, fault.name, mode, link, persistence, refusal=451)
            yield Scenario(place, fault.name, mode, link, persistence, large=True, refusal=550)
    for fault, mode, persistence in product(FAULTS, Mode, Persistence):
        yield Scenario(Place.RSET, fault.name, mode, Link.REUSED, persistence)
    for fault, mode, link in product(FAULTS, Mode, Link):
        yield Scenario(Place.QUIT, fault.name, mode, link, Persistence.NO_RETRY)


def _can_happen(scenario: Scenario) -> bool:
    place, fault, mode = scenario.place, scenario.fault, scenario.mode
    if place in _CLEAR and scenario.link is not Link.STARTTLS:
        return False
    if place is Place.DATA and (mode is Mode.CHUNKING or fault.name == "354"):
        return False
    if place is Place.RSET and (scenario.link is not Link.REUSED or mode is Mode.STEPWISE):
        return False
    if scenario.way is Way.LMTP and place is Place.END and fault.kind in (Kind.STRAY_YES, Kind.STRAY_NO):
        return False  # among the replies of several recipients, nothing tells one that nobody is meant by
    if place in _WITHOUT_REPLY:
        return fault.kind in _FAILING and fault.name != "drip"
    # 252 is a yes from MAIL on, and one at RCPT; before, it is none of the codes that are due.
    return fault.name != "252" or place in {*_SESSION, Place.DATA}
