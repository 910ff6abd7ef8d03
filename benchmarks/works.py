"""The works: what is to be done, by whom, how often, and what sendkit wants to reach.

`python -m benchmarks --quick` does less of each, in about four minutes; its ratios are noisier, and are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

BASELINE = "aiosmtplib"
_CHUNKING = ("PIPELINING", "CHUNKING")
_MANY = ("sendkit send_many", "sendkit in_flight=32", "sendkit sync send_many", "sendkit sync in_flight=32")
_PEERS = ("aiosmtplib", "smtplib", "red-mail", "yagmail", "python-emails", "nodemailer")


class Measure(Enum):
    """What a work is about, and so which figures its table shows."""

    SPEED = "messages a second"
    ROUND_TRIPS = "round trips"
    VOLUME = "octets a second"
    BUILDING = "microseconds"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Goal:
    """At least so many times the baseline, at most so many round trips, at most so much memory (see `Measure`).

    `cpu_ratio` is the same of CPU time. `of` is another client of the same work, and how much of its speed is enough.
    """

    ratio: float | None = None
    cpu_ratio: float | None = None
    of: tuple[str, float] | None = None
    round_trips: float | None = None
    growth: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One work. `job` goes to the worker, with what `quick` replaces.

    `far` puts a link in between, over which a byte takes `one_way` seconds.

    `title` is a format of the job.
    """

    key: str
    title: str
    measure: Measure
    clients: tuple[str, ...]
    job: dict[str, Any]
    quick: dict[str, Any] = field(default_factory=dict)
    extensions: tuple[str, ...] = _CHUNKING
    far: bool = False
    one_way: float = 0.025
    rounds: int = 5
    baseline: str = BASELINE
    goals: dict[str, Goal] = field(default_factory=dict)
    silent: tuple[str, ...] = ()  # who sends nothing


ATTACHMENT_OCTETS = 20_000_000
# A synchronous mailer keeps up with the asynchronous one.
_KEEPS_UP = 0.9
_SYNCHRONOUS = {
    "sendkit sync send_many": Goal(of=("sendkit send_many", _KEEPS_UP)),
    "sendkit sync in_flight=32": Goal(of=("sendkit in_flight=32", _KEEPS_UP)),
}

WORKS = (
    Work(
        key="one",
        title="{messages:,} messages of 2 kB text and html, built and sent on one connection",
        measure=Measure.SPEED,
        clients=("sendkit", "sendkit sync", *_MANY, *_PEERS, "ceiling", "ceiling, 32 ahead"),
        job={"kind": "stream", "messages": 1000},
        quick={"messages": 300},
        goals={
            # Of CPU: 0.6 of what a message cost when it was 9.5 times as cheap as with aiosmtplib.
            "sendkit": Goal(ratio=12, cpu_ratio=15.8),
            "sendkit in_flight=32": Goal(ratio=30),
            "sendkit sync": Goal(of=("sendkit", _KEEPS_UP)),
            **_SYNCHRONOUS,
        },
    ),
    Work(
        key="outbox",
        title="{messages:,} of them put into an outbox on SQLite, and sent through it, beside the sends of smtplib",
        measure=Measure.SPEED,
        clients=("smtplib", "outbox put", "outbox put_many", "outbox delivered", "sendkit send_many"),
        job={"kind": "stream", "messages": 1000, "connections": 4},
        quick={"messages": 300},
        baseline="smtplib",
        goals={
            "outbox put": Goal(ratio=2),
            "outbox put_many": Goal(ratio=8),
            "outbox delivered": Goal(ratio=2.5),
        },
        silent=("outbox put", "outbox put_many"),
    ),
    Work(
        key="outbox-postgresql",
        title="{messages:,} of them through an outbox on PostgreSQL, whose commits are on the disk",
        measure=Measure.SPEED,
        clients=(
            "smtplib",
            "postgresql put",
            "postgresql put_many",
            "postgresql delivered",
            "postgresql, two workers",
            "procrastinate",
        ),
        job={"kind": "stream", "messages": 1000, "connections": 4},
        quick={"messages": 300},
        baseline="smtplib",
        goals={
            "postgresql put": Goal(ratio=2),
            "postgresql put_many": Goal(ratio=8),
            "postgresql delivered": Goal(ratio=1.3),
            "postgresql, two workers": Goal(of=("postgresql delivered", 1.3)),
        },
        silent=("postgresql put", "postgresql put_many"),
    ),
    Work(
        key="eight",
        title="the same on eight connections",
        measure=Measure.SPEED,
        clients=("sendkit", *_MANY, *_PEERS, "ceiling"),
        job={"kind": "stream", "messages": 1000, "connections": 8},
        quick={"messages": 300},
        goals={
            "sendkit": Goal(ratio=15),
            "sendkit send_many": Goal(ratio=10),
            "sendkit in_flight=32": Goal(ratio=30),
            **_SYNCHRONOUS,
        },
    ),
    Work(
        key="far",
        title="{messages:,} messages over a link of 50 ms on one connection, the server has CHUNKING",
        measure=Measure.ROUND_TRIPS,
        clients=("sendkit", "sendkit in_flight=32", "nodemailer", "aiosmtplib", "smtplib"),
        job={"kind": "stream", "messages": 200},
        quick={"messages": 20},
        far=True,
        rounds=1,
        goals={"sendkit": Goal(round_trips=1.15)},
    ),
    Work(
        key="far-pipelining",
        title="the same, the server has PIPELINING alone",
        measure=Measure.ROUND_TRIPS,
        clients=("sendkit", "nodemailer"),
        job={"kind": "stream", "messages": 200},
        quick={"messages": 20},
        extensions=("PIPELINING",),
        far=True,
        rounds=1,
        goals={"sendkit": Goal(round_trips=2.2)},
    ),
    Work(
        key="far-stepwise",
        title="the same, the server has neither",
        measure=Measure.ROUND_TRIPS,
        clients=("sendkit", "nodemailer"),
        job={"kind": "stream", "messages": 200},
        quick={"messages": 20},
        extensions=(),
        far=True,
        rounds=1,
        goals={"sendkit": Goal(round_trips=4.4)},
    ),
    Work(
        key="crowd",
        title="one message to {recipients:,} recipients over that link",
        measure=Measure.ROUND_TRIPS,
        clients=("sendkit", "nodemailer", "aiosmtplib"),
        job={"kind": "stream", "messages": 1, "recipients": 1000},
        quick={"recipients": 200},
        far=True,
        rounds=3,
        goals={"sendkit": Goal(round_trips=1.5)},
    ),
    Work(
        key="cold",
        title="connect, STARTTLS, AUTH, send, QUIT over that link",
        measure=Measure.ROUND_TRIPS,
        clients=("sendkit", "sendkit sync", "sendkit by HTTP proxy", "sendkit by SOCKS proxy", *_PEERS),
        job={"kind": "cold", "messages": 1},
        far=True,
        rounds=3,
        goals={
            "sendkit": Goal(round_trips=9),
            "sendkit by HTTP proxy": Goal(round_trips=10),
            "sendkit by SOCKS proxy": Goal(round_trips=11),
        },
    ),
    Work(
        key="attachment",
        title="a file of 20 MB, given as a path",
        measure=Measure.VOLUME,
        clients=("sendkit", *_PEERS, "ceiling"),
        job={"kind": "stream", "messages": 2, "attachment": "attachment.bin"},
        quick={"messages": 1},
        rounds=3,
        goals={"sendkit": Goal(ratio=8, growth=0.25)},
    ),
    Work(
        key="build",
        title="one message built and serialised, and not sent",
        measure=Measure.BUILDING,
        clients=("sendkit", "smtplib"),
        job={"kind": "build", "messages": 1000},
        quick={"messages": 300},
        baseline="smtplib",
        goals={"sendkit": Goal(ratio=20)},
    ),
    Work(
        key="merge",
        title="one message of a mail merge built and serialised: its subject and its recipient are its own",
        measure=Measure.BUILDING,
        clients=("sendkit merge", "sendkit", "smtplib"),
        job={"kind": "build", "messages": 1000},
        quick={"messages": 300},
        baseline="smtplib",
    ),
    Work(
        key="memory",
        title="{messages:,} messages from a generator through send_many on four connections",
        measure=Measure.MEMORY,
        clients=("sendkit send_many", "sendkit in_flight=32"),
        job={"kind": "stream", "messages": 100_000, "connections": 4, "settle": 1000},
        quick={"messages": 5_000},
        rounds=1,
        goals={"sendkit send_many": Goal(growth=20.0)},
    ),
    Work(
        key="late",
        title="{messages:,} messages on eight connections, each reply a second late",
        measure=Measure.MEMORY,
        clients=("sendkit in_flight=512",),
        job={"kind": "stream", "messages": 100_000, "connections": 8, "settle": 20_000},
        quick={"messages": 30_000},
        far=True,
        one_way=0.5,
        rounds=1,
        goals={"sendkit in_flight=512": Goal(growth=20.0)},
    ),
    Work(
        key="outbox-memory",
        title="{messages:,} messages from a generator put into an outbox on SQLite, and sent through it",
        measure=Measure.MEMORY,
        clients=("outbox put_many", "outbox delivered"),
        job={"kind": "stream", "messages": 20_000, "connections": 4, "settle": 2000},
        quick={"messages": 6_000},
        baseline="outbox put_many",
        rounds=1,
        goals={"outbox put_many": Goal(growth=20.0), "outbox delivered": Goal(growth=20.0)},
        silent=("outbox put_many",),
    ),
)
