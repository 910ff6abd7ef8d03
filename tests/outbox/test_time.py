"""Days pass in a moment: the schedule, the last try, and what a clock that jumps may do."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise

import pytest

import sendkit
from sendkit import Mailer, Message, Outbox
from sendkit.errors import ConfigurationError
from sendkit.outbox import Event, LetterNotFound, LetterState, RecipientState
from sendkit.outbox._schedule import Waits
from sendkit.testing import MemoryMailbox, MemoryOutbox

MINUTE, HOUR = 60.0, 3600.0


def message(subject: str = "Hola") -> Message:
    return Message(sender="ana@example.com", to="luis@example.com", subject=subject, text="x")


def test_five_days_of_a_dead_server(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    """The schedule, a last try at the very end, then expired and told of."""
    mailbox.on_connect().refuse()
    told: list[Event] = []
    began = outbox.now
    receipt = outbox.put(message())
    made = outbox.advance(timedelta(days=6))
    found = outbox.status(receipt)
    outbox.drain(on_event=told.append)
    after = [(record.at - began).total_seconds() for record in found.history]
    waits = [later - sooner for sooner, later in pairwise(after)]
    wanted = [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, *[12 * HOUR] * (len(waits) - 6)]
    assert all(0.89 < wait / want < 1.11 for wait, want in zip(waits[:-1], wanted, strict=True))
    assert after[-1] == pytest.approx(timedelta(days=5).total_seconds(), abs=1)
    assert made == len(after) == found.attempts
    assert (found.state, found.recipients[0].state) == (LetterState.SETTLED, RecipientState.EXPIRED)
    assert [event.kind for event in told] == ["expired"]


def fails(attempts: int) -> float:
    raise ZeroDivisionError


@pytest.mark.parametrize("schedule", [fails, lambda attempts: None, lambda attempts: -1])
def test_a_schedule_that_fails_loses_no_verdict(
    mailbox: MemoryMailbox, schedule: Callable[[int], float], caplog: pytest.LogCaptureFixture
) -> None:
    """What a server said is written down, and the usual wait is taken."""
    outbox = MemoryOutbox(schedule=schedule)
    mailbox.on_rcpt().reply("450 4.2.0 greylisted", times=1)
    first, second = outbox.put(message()), outbox.put(message())
    with Mailer(transport=mailbox) as mailer:
        outbox.drain(mailer, concurrency=1)
        assert {str(outbox.status(one).recipients[0].state) for one in (first, second)} == {"waiting", "accepted"}
        outbox.advance(timedelta(minutes=2), mailer)
    assert all(outbox.status(one).ok for one in (first, second))
    assert "schedule= gave no wait after attempt 1" in caplog.text


def test_a_server_that_comes_back_gets_the_mail(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    mailbox.on_connect().refuse(times=4)
    receipt = outbox.put(message())
    outbox.advance(timedelta(days=1))
    assert outbox.status(receipt).ok
    mailbox.assert_sent(to="luis@example.com", times=1)


def test_send_at_is_when_it_is_sent_and_its_date(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    when = (outbox.now + timedelta(days=2)).replace(microsecond=0)
    outbox.put(message(), send_at=when)
    outbox.advance(timedelta(days=1))
    mailbox.assert_nothing_sent()
    outbox.advance(timedelta(days=1, seconds=1))
    sent = mailbox.assert_sent(to="luis@example.com")
    assert parsedate_to_datetime(str(sent.message["Date"])) == when


def test_a_moment_without_a_zone_is_refused(outbox: MemoryOutbox) -> None:
    with pytest.raises(ConfigurationError, match="no time zone"):
        outbox.put(message(), send_at=datetime(2030, 1, 1))  # noqa: DTZ001 - that is what is refused


MADE_BEFORE_ANY_TEST = Outbox()


def test_an_outbox_of_the_program_is_the_one_of_the_test(mailbox: MemoryMailbox) -> None:
    """Whenever it was made; nothing of a test comes into the file of the user."""
    MADE_BEFORE_ANY_TEST.put(message("before"))
    Outbox().put(message("within"))
    mailbox.assert_nothing_sent()
    mailbox.outbox.drain()
    mailbox.assert_sent(subject="before")
    mailbox.assert_sent(subject="within")


def test_a_program_that_drains_by_itself_does_so_into_the_mailbox(mailbox: MemoryMailbox) -> None:
    outbox = Outbox()
    outbox.put(message())
    with Mailer.from_env() as mailer, outbox.worker(mailer):
        pass
    mailbox.assert_sent(to="luis@example.com")
    sendkit.send(message("directly"))
    mailbox.assert_sent(subject="directly")


def test_a_clock_that_is_ten_days_ahead_expires_nothing_that_was_not_tried(
    mailbox: MemoryMailbox, outbox: MemoryOutbox
) -> None:
    receipt = outbox.put(message())
    outbox._clock.advance(timedelta(days=10).total_seconds())
    outbox.drain()
    assert outbox.status(receipt).ok


def test_a_clock_that_was_set_back_holds_up_nothing_that_is_due_now(
    mailbox: MemoryMailbox, outbox: MemoryOutbox
) -> None:
    outbox.put(message())
    outbox._clock._passed -= timedelta(days=10).total_seconds()
    assert outbox.drain() == 1


def test_a_clock_that_was_set_back_holds_up_no_retry_longer_than_the_longest_wait(
    mailbox: MemoryMailbox, outbox: MemoryOutbox
) -> None:
    mailbox.on_connect().refuse(times=1)
    receipt = outbox.put(message())
    later = outbox.put(message(), send_at=outbox.now + timedelta(days=3))
    outbox.drain()
    outbox._clock._passed -= timedelta(days=10).total_seconds()
    outbox.advance(timedelta(hours=14))
    assert outbox.status(receipt).ok
    assert outbox.status(later).state is LetterState.LATER


def test_what_is_ready_and_may_not_go_holds_up_nothing_else(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    outbox.put(message(), lane="paused")
    outbox.pause("paused")
    mailbox.on_connect().refuse(times=1)
    receipt = outbox.put(message())
    outbox.advance(timedelta(hours=1))
    assert outbox.status(receipt).ok


def test_what_is_kept_no_longer_is_purged_by_workers(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    receipt = outbox.put(message())
    outbox.drain()
    outbox.advance(timedelta(days=20))
    assert outbox.status(receipt).ok
    outbox.advance(timedelta(days=11))
    assert outbox.purge().letters + sum(outbox.counts().letters.values()) <= 1
    with pytest.raises(LetterNotFound):
        outbox.status(receipt)


def test_what_is_in_doubt_is_never_purged(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    mailbox.after_data().drop(times=1)
    receipt = outbox.put(message())
    outbox.drain()
    outbox.advance(timedelta(days=99))
    outbox.purge()
    outbox.retry(receipt)
    outbox.drain()
    assert outbox.status(receipt).ok


@pytest.mark.parametrize("schedule", [[], [0], [timedelta(0)], ["soon"], [float("nan")], [True]])
def test_a_schedule_that_is_none_is_refused(schedule: list[object]) -> None:
    with pytest.raises(ConfigurationError):
        MemoryOutbox(schedule=schedule)  # type: ignore[arg-type]  # that is what is refused


def test_a_schedule_may_be_a_function_of_the_attempts() -> None:
    waits = Waits(lambda attempts: timedelta(minutes=attempts), spread=lambda low, high: 1.0)
    assert [waits.next(n, 0.0, 1e9) for n in (1, 2, 3)] == [60.0, 120.0, 180.0]


def test_a_try_is_never_behind_the_last_moment() -> None:
    waits = Waits([HOUR], spread=lambda low, high: high)
    assert waits.next(1, 100.0, 200.0) == 200.0
    assert waits.next(1, 300.0, 200.0) > 300.0


def test_the_clock_of_a_memory_outbox_stands_still(outbox: MemoryOutbox) -> None:
    before = outbox.now
    assert time.monotonic() >= 0
    assert outbox.now == before
    assert before.tzinfo is UTC
