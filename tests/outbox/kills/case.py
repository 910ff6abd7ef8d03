"""One kill: letters are put, a worker is killed at its moment, another one takes over, and both sides are compared."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sendkit import Mailer, Message, Outbox, RetryPolicy, Security, Server
from sendkit.outbox import RecipientState
from tests import preloaded
from tests.outbox.kills.server import STAGES, KillingServer, Mode
from tests.outbox.kills.worker import FAULTS
from tests.outbox.kinds import Kind, engine

CONNECTIONS = 2
# Commits carry several letters, so that there are few of them: which one of so many kills.
_OFTEN = {fault: 2 if "claim" in fault else 4 for fault in FAULTS}
_LIMIT = 60
_FLAVOUR = preloaded.Flavour(
    (("PATH", os.defpath), ("PYTHONPATH", str(preloaded.ROOT))), loads="import tests.outbox.kills.worker"
)


@dataclass(frozen=True)
class Case:
    """Where the worker is killed: at the nth time that a stage or a commit is reached."""

    mode: Mode
    several: bool
    stage: str
    nth: int

    def __str__(self) -> str:
        return f"{self.mode}-{'several' if self.several else 'one'}-{self.stage}-{self.nth}"


@dataclass
class Finding:
    """What both sides say afterwards."""

    killed: bool
    states: Counter[str] = field(default_factory=Counter[str])
    lost: list[str] = field(default_factory=list[str])
    twice: list[str] = field(default_factory=list[str])
    in_doubt: int = 0

    @property
    def good(self) -> bool:
        """Nothing lost, nothing twice, and doubt for no more letters than there were connections."""
        return self.killed and not self.lost and not self.twice and self.in_doubt <= CONNECTIONS


def cases(repeats: int) -> Iterator[Case]:
    """Every stage and commit in every mode, for one recipient and for several, so many times."""
    for nth in range(1, repeats + 1):
        for mode in Mode:
            for several in (False, True):
                for stage in (*STAGES, *FAULTS):
                    if mode is not Mode.CHUNKING or stage not in ("data", "body"):
                        yield Case(mode, several, stage, (nth - 1) % _OFTEN.get(stage, nth) + 1)


def messages(case: Case, count: int = 10) -> list[Message]:
    """The letters of a case: to one recipient, or to several of whom one is refused."""
    return [
        Message(
            sender="ana@example.com",
            to=[f"a{n}@example.com", f"gone{n}@example.com", f"b{n}@example.com"]
            if case.several
            else f"a{n}@example.com",
            subject=f"letter {n}",
            text="A line of text.\n" * 20,
        )
        for n in range(count)
    ]


def play(case: Case, where: str, kind: Kind = Kind.SQLITE) -> Finding:
    """Kill a worker, let another one take over, and compare."""
    with KillingServer(case.mode) as server, Outbox(where, account="test", engine=engine(kind, where)) as outbox:
        receipts = list(outbox.put_many(messages(case)))
        killed = _kill(case, where, kind, server)
        place = Server(host="127.0.0.1", port=server.port, security=Security.NONE)
        with Mailer(place, retry=RetryPolicy(max_attempts=1)) as mailer, outbox.worker(mailer, account="test"):
            letters = [outbox.wait(receipt, timeout=_LIMIT) for receipt in receipts]
        found = Finding(killed)
        for letter in letters:
            found.in_doubt += any(one.state is RecipientState.IN_DOUBT for one in letter.recipients)
            for one in letter.recipients:
                found.states[one.state] += 1
                copies = server.copies[str(letter.message_id).lower(), one.address]
                if copies > 1:
                    found.twice.append(one.address)
                if not _accounted_for(one.address, one.state, copies):
                    found.lost.append(f"{one.address}: {one.state}, {copies} copies")
        return found


def _accounted_for(address: str, state: RecipientState, copies: int) -> bool:
    if state is RecipientState.IN_DOUBT:
        return True
    if address.startswith("gone"):
        return state is RecipientState.REJECTED and copies == 0
    return state is RecipientState.ACCEPTED and copies == 1


def _kill(case: Case, where: str, kind: Kind, server: KillingServer) -> bool:
    fault = case.stage if case.stage in FAULTS else "-"
    arguments = (kind, where, str(server.port), fault, str(case.nth))
    with preloaded.started(_FLAVOUR, "from tests.outbox.kills.worker import run; run()", *arguments) as worker:
        if fault == "-":
            server.kill_at(case.stage, case.nth, lambda: worker.pid)
        _, complaints = worker.communicate(timeout=_LIMIT)
        if worker.returncode not in (-9, 0):
            raise AssertionError(complaints)
        return worker.returncode == -9
