"""Workers on PostgreSQL that are killed at random, servers with faults, and every letter accounted for.

`python -m tests.outbox.soak` is 5,000 letters, three workers and two minutes; the suite runs a sample. The ledger is
compared with what the servers took: whoever has `accepted` has one copy, whoever is in doubt at most one, and whoever
was rejected none.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

from sendkit import Mailer, Message, Outbox, RetryPolicy, Security, Server
from sendkit.outbox import LetterState, RecipientState
from sendkit.testing import LocalServer
from tests.outbox.kinds import Kind, engine, prepared, soon_taken_over
from tests.preloaded import ROOT
from tests.servers.postgresql import PostgreSQL

_WORKERS = 3
_FAULTS = 0.05  # of all letters
_LIMIT = 600.0  # seconds for what is left when the kills are over


@dataclass
class Tally:
    """What both sides say at the end."""

    letters: int
    kills: int = 0
    states: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])

    @property
    def good(self) -> bool:
        """Whether every letter is accounted for."""
        return not self.wrong and self.states.total() == self.letters

    def __str__(self) -> str:
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        return f"{self.letters} letters, {self.kills} kills: {states}; {len(self.wrong)} wrong {self.wrong[:5]}"


def soak(url: str, kind: Kind, *, letters: int, seconds: float, seed: int) -> Tally:
    """Send letters while workers are killed for so many seconds, then let one worker end it, and compare."""
    chance = random.Random(seed)
    tally = Tally(letters)
    with ExitStack() as stack:
        servers = [stack.enter_context(LocalServer(plain=True)) for _ in range(_WORKERS)]
        for server in servers:
            _script(server, letters, chance)
        outbox = stack.enter_context(Outbox(url, account="test", engine=engine(kind, url)))
        for _ in outbox.put_many(map(_message, range(letters))):
            pass
        tally.kills = _killing(url, kind, servers, seconds, chance)
        _finish(outbox, servers[0])
        _compare(outbox, servers, tally)
    return tally


def _message(number: int) -> Message:
    return Message(sender="ana@example.com", to=_address(number), subject=f"letter {number}", text="A line.\n" * 20)


def _address(number: int) -> str:
    return f"u{number}@example.com"


def _script(server: LocalServer, letters: int, chance: random.Random) -> None:
    """Faults for one letter in twenty: refused for now, refused permanently, a lost connection, a lost answer."""
    faulty = chance.sample(range(letters), int(letters * _FAULTS))
    quarter = len(faulty) // 4
    for place, number in enumerate(faulty):
        if place < quarter:
            server.on_rcpt(_address(number)).reply("450 4.2.0 later", times=1)
        elif place < 2 * quarter:
            server.on_rcpt(_address(number)).reply("550 5.1.1 nobody")
        elif place < 3 * quarter:
            server.on_rcpt(_address(number)).drop(times=1)
        else:
            server.after_data(nth=1 + number).drop() if place % 2 else server.after_data(nth=1 + number).reply(
                "451 4.3.0 later"
            )


def _killing(url: str, kind: Kind, servers: list[LocalServer], seconds: float, chance: random.Random) -> int:
    """Keep a worker for each server, and kill one now and then; how many were killed."""
    kills = 0
    workers = [_worker(url, kind, server) for server in servers]
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(chance.uniform(0.5, 4))
            victim = chance.randrange(len(workers))
            workers[victim].kill()
            kills += workers[victim].wait() == -9
            workers[victim] = _worker(url, kind, servers[victim])
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    return kills + len(workers)


def _worker(url: str, kind: Kind, server: LocalServer) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.outbox.kills.worker", kind, url, str(server.port), "-", "0"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _finish(outbox: Outbox, server: LocalServer) -> None:
    place = Server(host=server.host, port=server.port, security=Security.NONE)
    until = time.monotonic() + _LIMIT
    with (
        soon_taken_over(),
        Mailer(place, retry=RetryPolicy(max_attempts=1)) as mailer,
        outbox.worker(mailer, account="test", schedule=[0.2]),
    ):
        while any(count for state, count in outbox.counts().letters.items() if state != LetterState.SETTLED):
            if time.monotonic() > until:
                raise TimeoutError(f"after {_LIMIT:g} s: {outbox.counts()}")
            time.sleep(0.1)


def _compare(outbox: Outbox, servers: list[LocalServer], tally: Tally) -> None:
    copies = Counter(
        recipient for server in servers for caught in server.caught for recipient in caught.envelope.recipients
    )
    most = {RecipientState.ACCEPTED: (1, 1), RecipientState.IN_DOUBT: (0, 1), RecipientState.REJECTED: (0, 0)}
    for letter in outbox.letters(limit=tally.letters + 1):
        (one,) = letter.recipients
        tally.states[one.state] += 1
        low, high = most.get(one.state, (1, 0))
        if not low <= copies[one.address] <= high:
            tally.wrong.append(f"{one.address} is {one.state} and has {copies[one.address]} copies")


def main() -> int:
    """Run it whole, on a PostgreSQL of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.outbox.soak")
    parser.add_argument("--letters", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--on", type=Kind, choices=[Kind.POSTGRESQL, Kind.PROCRASTINATE], default=Kind.POSTGRESQL)
    options = parser.parse_args()
    if (why := PostgreSQL.missing()) is not None:
        sys.exit(why)
    server = PostgreSQL()
    try:
        url = prepared(options.on, server.new_database())
        found = soak(url, options.on, letters=options.letters, seconds=options.seconds, seed=options.seed)
    finally:
        server.close()
    print(f"{options.on}, seed {options.seed}: {found}")
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
