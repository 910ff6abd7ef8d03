"""A server that answers at random, from a seed: octets, lines that are almost replies, and replies that fit nothing.

Knows: how to make up an answer. The law is only this: no exception of anybody else's, and `accepted` only where the
server has the message, once (`checks`, without a truth).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.scripted_faults import Ending

from .checks import Finding, judge
from .faults import PLACES
from .stage import SHORT, limits, play, scripted
from .truth import Mode, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.scripted import ScriptedServer

_BEFORE_MAIL = (Place.GREETING, Place.EHLO, Place.EHLO_IN_TLS, Place.STARTTLS, Place.AUTH)
_AFTER = (Place.RSET, Place.MAIL, Place.RCPT_B, Place.RCPT_B, Place.DATA, Place.END, Place.END, Place.END, Place.QUIT)
_ALMOST = (
    b"25 ok",
    b"-25 ok",
    b"+250 ok",
    b" 250 ok",
    b"2500 ok",
    b"250_ok",
    b"250\xa0ok",
    b"2\xd9\xa50 ok",
    b"199 early",
    b"600 late",
    b"000",
    b"250-never ends",
    b"250-one\r\n550 two",
    b"550-one\r\n250 two",
    b"250 \r 550 no",
    b"",
    b"\x00",
)
# Split, since as lists they would fill two pages.
_CODES = "200 211 220 221 235 250 251 252 299 334 354 399 421 450 451 452 499 500 503 530 535 550 552 599".split()  # noqa: SIM905 - easier to read
_WORDS = "2.0.0 ok|2.1.5 ok|4.7.0 later|5.5.3 too many|4.5.3 too many|9.9.9||no|ñ|\x1b[2J|%s|{}".split("|")  # noqa: SIM905 - easier to read
_EXTENSIONS = (  # noqa: SIM905 - easier to read
    "PIPELINING|CHUNKING|8BITMIME|SMTPUTF8|SIZE|SIZE 0|SIZE -1|SIZE x|SIZE 10|SIZE 99999999999999999999999999999"
    "|AUTH|AUTH=PLAIN|AUTH PLAIN LOGIN|AUTH XOAUTH2 CRAM-MD5|auth plain|STARTTLS|STARTTLS x|=| |é|XCLIENT \x7f"
    "|LIMITS RCPTMAX=0|LIMITS RCPTMAX=-1|LIMITS RCPTMAX=1|LIMITS RCPTMAX=x MAILMAX=0|LIMITS ="
    "|LIMITS MAILMAX=1|LIMITS MAILMAX=1 RCPTMAX=1 RCPTDOMAINMAX=1|DSN|REQUIRETLS x|FUTURERELEASE|FUTURERELEASE x y"
).split("|")


@dataclass(frozen=True, slots=True)
class Noise:
    """One session with a random server; the seed says everything."""

    seed: int

    def __str__(self) -> str:
        return f"noise, seed {self.seed}"


def noises(count: int = 10_000) -> Iterator[Noise]:
    """So many of them, always the same."""
    return (Noise(seed) for seed in range(count))


def run(noise: Noise, slack: float = 1) -> list[Finding]:
    """Play one session, and say what is not as promised."""
    dice = random.Random(noise.seed)
    mode = dice.choice(list(Mode))
    tls = dice.random() < 0.2
    server = scripted(mode, tls=tls)
    for place in _places(dice):
        _write(server, place, mode, dice)
    short = limits("greeting", "command", "data", "end_of_data", "quit", soon=slack * SHORT)
    evidence = play(server, short, tries=dice.randint(1, 2), tls=tls, transcript=noise.seed % 2 == 0)
    return judge(evidence, tls=tls)


def _places(dice: random.Random) -> list[Place]:
    places = _BEFORE_MAIL if dice.random() < 0.2 else _AFTER
    return [dice.choice(places) for _ in range(dice.randint(1, 3))]


def _write(server: ScriptedServer, place: Place, mode: Mode, dice: random.Random) -> None:
    rule = PLACES[place](server)
    grouped = mode is Mode.CHUNKING and place in (Place.RSET, Place.MAIL, Place.RCPT_B)
    whole, octets = _answer(place, dice, several=not grouped)
    # A line that never comes to its end would else be waited for, each time.
    stays = whole or dice.random() < 0.1
    rule.raw(octets, ending=Ending.STAY if stays else Ending.FIN, times=1)


def _answer(place: Place, dice: random.Random, *, several: bool) -> tuple[bool, bytes]:
    """Whether it can be taken for whole replies, and the octets.

    `several`: a second reply may follow. In a group that ends with BDAT nothing tells to which command a reply belongs,
    so that a server which answers twice there can make anybody believe anything.
    """
    sort = dice.random()
    if sort < 0.2:
        return False, dice.randbytes(dice.randint(0, 60)).replace(b"2", b"\xff") + dice.choice([b"", b"\r\n", b"\n"])
    if sort < 0.4:
        return False, dice.choice(_ALMOST) + b"\r\n"
    if sort < 0.6 and place in (Place.EHLO, Place.EHLO_IN_TLS):
        lines = ["here", *dice.choices(_EXTENSIONS, k=dice.randint(0, 6))]
        return True, _reply("250", lines)
    replies = dice.randint(1, 3) if several and dice.random() < 0.2 else 1
    return True, b"".join(_random_reply(dice) for _ in range(replies))


def _random_reply(dice: random.Random) -> bytes:
    lines = dice.choices(_WORDS, k=dice.choice([1, 1, 1, 2, 5]))
    return _reply(dice.choice(_CODES), lines)


def _reply(code: str, lines: list[str]) -> bytes:
    *firsts, last = lines
    return "".join([*(f"{code}-{line}\r\n" for line in firsts), f"{code} {last}\r\n"]).encode()
