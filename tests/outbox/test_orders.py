"""Orders: what a person says of a letter, a lane, or all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sendkit import Mailer, MemoryTransport, Message, Outbox
from sendkit.errors import ConfigurationError
from sendkit.outbox import Letter, LetterNotFound, LetterState, RecipientState


def message(to: str = "luis@example.com") -> Message:
    return Message(sender="ana@example.com", to=to, subject="Hola", text="x")


@pytest.fixture
def outbox(where: Path | str) -> Iterator[Outbox]:
    with Outbox(where, account="test", schedule=[3600]) as outbox:
        yield outbox


def test_a_cancelled_letter_goes_to_nobody(outbox: Outbox, mailer: Mailer, transport: MemoryTransport) -> None:
    receipt = outbox.put(message())
    assert outbox.cancel(receipt)
    assert not outbox.cancel(receipt)
    outbox.drain(mailer)
    assert transport.sent == []
    found = outbox.status(receipt)
    assert (found.state, found.recipients[0].state) == (LetterState.SETTLED, RecipientState.CANCELLED)


def test_a_held_letter_waits_until_it_is_released(outbox: Outbox, mailer: Mailer, transport: MemoryTransport) -> None:
    receipt = outbox.put(message())
    assert outbox.hold(receipt)
    assert outbox.drain(mailer) == 0
    assert outbox.status(receipt).state is LetterState.HELD
    assert outbox.release(receipt)
    assert outbox.drain(mailer) == 1
    assert outbox.status(receipt).ok


def test_what_is_in_doubt_is_sent_again_when_a_person_says_retry(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport
) -> None:
    transport.after_data().drop(times=1)
    receipt = outbox.put(message())
    outbox.drain(mailer)
    assert [letter.id for letter in outbox.letters(recipient_state="in_doubt")] == [receipt.id]
    assert outbox.retry(receipt)
    outbox.drain(mailer)
    found = outbox.status(receipt)
    assert found.ok
    assert [record.note for record in found.history] == [None, "a person said: retry", None]


def test_what_is_in_doubt_may_be_forgotten(outbox: Outbox, mailer: Mailer, transport: MemoryTransport) -> None:
    transport.after_data().drop(times=1)
    receipt = outbox.put(message())
    outbox.drain(mailer)
    assert outbox.forget(receipt)
    found = outbox.status(receipt).recipients[0]
    assert found.state is RecipientState.FORGOTTEN
    assert found.reason
    assert outbox.counts().in_doubt == 0


def test_flush_tries_now_what_waits(outbox: Outbox, mailer: Mailer, transport: MemoryTransport) -> None:
    transport.on_mail().reply("451 4.3.0 later", times=1)
    receipt = outbox.put(message())
    assert outbox.drain(mailer) == 1
    assert outbox.drain(mailer) == 0
    assert outbox.flush() == 1
    assert outbox.drain(mailer) == 1
    assert outbox.status(receipt).ok


def test_a_paused_lane_rests_and_the_others_go_on(outbox: Outbox, mailer: Mailer, transport: MemoryTransport) -> None:
    slow, usual = outbox.put(message(), lane="news"), outbox.put(message())
    outbox.pause("news")
    assert outbox.drain(mailer) == 1
    assert outbox.status(usual).ok
    assert outbox.health().paused_lanes == {"news": 1}
    assert "the lane news is paused, and 1 letters wait in it" in outbox.health().problems[0]
    outbox.resume("news")
    assert outbox.health().paused_lanes == {}
    assert outbox.drain(mailer) == 1
    assert outbox.status(slow).ok


@pytest.mark.parametrize("rests", ["paused", "slow"])
def test_lanes_that_may_send_nothing_keep_nobody_from_sending(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport, rests: str
) -> None:
    """Also where a worker has no room for a letter of each lane."""
    for n in range(4):
        outbox.put(message(), lane=f"lane {n}")
        outbox.pause(f"lane {n}") if rests == "paused" else outbox.rate(f"lane {n}", "1/day")
    if rests == "slow":
        assert outbox.drain(mailer) == 4
        list(outbox.put_many(Letter(message(), lane=f"lane {n}") for n in range(4)))
    receipts = [outbox.put(message(), lane=name) for name in ("a", "lane 1x", "z") for _ in range(2)]
    assert outbox.drain(mailer, concurrency=1) == 6
    assert all(outbox.status(receipt).ok for receipt in receipts)
    assert outbox.counts().letters["ready"] == 4


def test_a_paused_outbox_sends_nothing_and_says_so(outbox: Outbox, mailer: Mailer) -> None:
    outbox.put(message())
    outbox.pause()
    assert outbox.drain(mailer) == 0
    assert outbox.counts().paused
    outbox.resume()
    assert outbox.drain(mailer) == 1


def test_a_lane_with_a_rate_sends_no_faster(outbox: Outbox, mailer: Mailer) -> None:
    outbox.rate("news", "1/hour")
    for _ in range(3):
        outbox.put(message(), lane="news")
    assert outbox.drain(mailer) == 1
    with pytest.raises(ConfigurationError, match="not a rate"):
        outbox.rate("news", "fast")


def test_nobody_starves_behind_a_long_lane(outbox: Outbox, mailer: Mailer, transport: MemoryTransport) -> None:
    list(outbox.put_many([message(f"n{n}@example.com") for n in range(200)]))
    late = outbox.put(message("late@example.com"), lane="other")
    with outbox.worker(mailer):
        outbox.wait(late, timeout=200)
    places = [sent.envelope.recipients[0] for sent in transport.sent]
    assert places.index("late@example.com") < 64


def test_smaller_priorities_are_sooner_within_a_lane(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport
) -> None:
    for priority in (5, 0, -3):
        outbox.put(message(f"p{priority}@example.com"), priority=priority)
    outbox.drain(mailer, concurrency=1)
    assert [sent.envelope.recipients[0] for sent in transport.sent] == [
        "p-3@example.com",
        "p0@example.com",
        "p5@example.com",
    ]


def test_the_beginning_of_an_id_will_do(outbox: Outbox) -> None:
    receipt = outbox.put(message())
    assert outbox.cancel(receipt.id[:8])
    with pytest.raises(LetterNotFound):
        outbox.cancel(receipt.id[:3])


def test_a_message_that_is_held_while_it_is_worked_on_is_not_tried_again(
    outbox: Outbox, transport: MemoryTransport, mailer: Mailer
) -> None:
    """The order comes in the middle of the attempt, from the transport itself."""
    transport.on_mail().reply("451 4.3.0 later")
    receipt = outbox.put(message())
    carry = transport.deliver

    async def deliver(letter: object, log: object) -> None:
        outbox.hold(receipt)
        await carry(letter, log)  # type: ignore[arg-type]  # what it was given

    transport.deliver = deliver  # type: ignore[assignment,method-assign]  # the seam of a test's own double
    outbox.drain(mailer)
    assert outbox.status(receipt).state is LetterState.HELD
