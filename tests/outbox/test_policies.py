"""What a worker is told: doubt that is tried again, accounts with a mailer each, an account that cannot log in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from sendkit import Mailer, MemoryTransport, Message, Outbox
from sendkit.outbox import LetterState, RecipientState
from sendkit.outbox._liveness import HeartbeatLiveness
from sendkit.testing import MemoryMailbox, MemoryOutbox
from sendkit.transports import AttemptLog, Transport
from sendkit.transports import Letter as MailLetter

HOUR, DAY = 3600.0, 86400.0


def message(to: str = "luis@example.com") -> Message:
    return Message(sender="ana@example.com", to=to, subject="Hola", text="x")


def test_what_is_in_doubt_is_sent_again_by_itself_where_the_policy_says_so(where: Path | str) -> None:
    transport = MemoryTransport()
    transport.after_data().drop(times=1)
    with Outbox(where, account="test") as outbox, Mailer(transport=transport) as mailer:
        held, sent = outbox.put(message("a@example.com")), outbox.put(message("b@example.com"))
        outbox.cancel(sent)
        outbox.drain(mailer)
        assert outbox.status(held).recipients[0].state is RecipientState.IN_DOUBT
        transport.after_data().drop(times=1)
        again = outbox.put(message("c@example.com"))
        outbox.drain(mailer, in_doubt="retry", schedule=[timedelta(microseconds=1)])
        while outbox.status(again).state is not LetterState.SETTLED:
            outbox.drain(mailer, in_doubt="retry")
        assert outbox.status(again).ok
        assert outbox.status(held).recipients[0].state is RecipientState.IN_DOUBT  # the policy came later


def test_each_account_has_its_mailer(where: Path | str) -> None:
    transports = {account: MemoryTransport() for account in ("shop", "news")}
    with Outbox(where) as outbox:
        receipts = [
            outbox.put(message(f"{account}{n}@example.com"), account=account)
            for account in transports
            for n in range(5)
        ]
        with (
            Mailer(transport=transports["shop"]) as shop,
            Mailer(transport=transports["news"]) as news,
            outbox.worker(shop, account="shop"),
            outbox.worker(news, account="news"),
        ):
            assert all(outbox.wait(receipt, timeout=200).ok for receipt in receipts)
    for account, transport in transports.items():
        assert sorted(r for sent in transport.sent for r in sent.envelope.recipients) == [
            f"{account}{n}@example.com" for n in range(5)
        ]


class Silent(Transport):
    """A transport that does not say when the end of data is about to leave."""

    def __init__(self, look: Callable[[], object]) -> None:
        self.look = look
        self.seen: list[object] = []

    async def deliver(self, letter: MailLetter, log: AttemptLog) -> None:
        self.seen.append(self.look())
        raise SystemError("this transport is broken")


def test_a_transport_that_does_not_tell_of_the_end_of_data_is_marked_before_it_begins(tmp_path: Path) -> None:
    """So that whatever happens in it is in doubt, and never sent twice."""
    with Outbox(tmp_path / "outbox.db", account="test") as outbox:
        receipt = outbox.put(message())
        with Outbox(tmp_path / "outbox.db") as other:
            transport = Silent(lambda: other.status(receipt).recipients[0].state)
            with Mailer(transport=transport) as mailer, pytest.raises(SystemError):
                outbox.drain(mailer)
        assert transport.seen == [RecipientState.SENDING]
        assert outbox.status(receipt).recipients[0].state is RecipientState.IN_DOUBT


@pytest.mark.parametrize("hours", [16, pytest.param(80, marks=pytest.mark.nightly)])
def test_an_account_that_stays_refused_is_tried_after_an_hour_and_then_twice_as_long_up_to_a_day(
    mailbox: MemoryMailbox, outbox: MemoryOutbox, hours: int
) -> None:
    mailbox.on_auth().reply("535 5.7.8 wrong password")
    outbox.put(message(), expires_in=timedelta(days=30))
    began, probes = outbox.now, list[float]()
    for _ in range(hours):
        outbox.advance(timedelta(hours=1))
        (held,) = outbox.health().held
        probe = (held.next_try - began).total_seconds()
        if probe not in probes:
            probes.append(probe)
    waits = [later - sooner for sooner, later in pairwise(probes)]
    assert waits[:3] == pytest.approx([2 * HOUR, 4 * HOUR, 8 * HOUR], abs=HOUR)
    if hours > 48:
        assert waits[-2:] == pytest.approx([DAY, DAY], abs=HOUR)


def test_a_worker_that_died_is_taken_over_within_half_a_minute_and_one_that_is_slow_is_not() -> None:
    liveness = HeartbeatLiveness()
    assert liveness.beat is not None
    slowest_look = 2 * liveness.beat
    assert liveness.has_ended("worker", 30 - 1)
    assert not liveness.has_ended("worker", slowest_look)
