"""Events: whoever was given up is told of, at least once, in order, and only after it is on the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sendkit import AsyncMailer, AsyncOutbox, Mailer, MemoryTransport, Message, Outbox
from sendkit.outbox import Event
from sendkit.outbox._events import Teller
from sendkit.testing import LocalServer


def message(to: str = "luis@example.com") -> Message:
    return Message(sender="ana@example.com", to=to, subject="Hola", text="x")


@pytest.fixture
def outbox(where: Path | str) -> Iterator[Outbox]:
    with Outbox(where, account="test") as outbox:
        yield outbox


def test_a_refused_recipient_is_told_of_with_the_reply(outbox: Outbox) -> None:
    transport, told = MemoryTransport(), list[Event]()
    transport.on_rcpt("mia@example.com").reply("550 5.1.1 no such user")
    receipt = outbox.put(Message(sender="ana@example.com", to=["luis@example.com", "mia@example.com"]), key="k")
    with Mailer(transport=transport) as mailer:
        outbox.drain(mailer, on_event=told.append)
    (event,) = told
    assert (event.kind, event.letter, event.key) == ("rejected", receipt.id, "k")
    assert [(one.address, one.reply) for one in event.recipients] == [("mia@example.com", "550 5.1.1 no such user")]


def test_events_are_kept_until_somebody_is_told(outbox: Outbox) -> None:
    transport, told = MemoryTransport(), list[str]()
    transport.on_rcpt().reply("550 5.1.1 no such user")
    for n in range(3):
        outbox.put(message(f"u{n}@example.com"))
    with Mailer(transport=transport) as mailer:
        outbox.drain(mailer)
        outbox.drain(mailer, on_event=lambda event: told.append(event.recipients[0].address))
        outbox.drain(mailer, on_event=lambda event: told.append("again"))
    assert told == ["u0@example.com", "u1@example.com", "u2@example.com"]


async def test_an_event_that_a_program_fails_on_is_told_again(
    where: Path | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendkit.outbox._events._FIRST_WAIT", 0.001)
    transport, told = MemoryTransport(), list[Event]()
    transport.on_rcpt().reply("550 5.1.1 no such user")

    async def on_event(event: Event) -> None:
        told.append(event)
        if len(told) < 3:
            raise ConnectionError("the program's own server is away")

    async with AsyncOutbox(where, account="test") as outbox, AsyncMailer(transport=transport) as mailer:
        await outbox.put(message())
        await outbox.drain(mailer, on_event=on_event)
    assert [event.id for event in told] == [told[0].id] * 3


def test_a_program_that_always_fails_does_not_keep_a_drain_from_ending(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event stays, with those behind it, for the next worker."""
    monkeypatch.setattr("sendkit.outbox._events._FIRST_WAIT", 0.001)
    transport, told = MemoryTransport(), list[str]()
    transport.on_rcpt().reply("550 5.1.1 no such user")
    for n in range(2):
        outbox.put(message(f"u{n}@example.com"))

    def fails(event: Event) -> None:
        told.append(event.recipients[0].address)
        raise RuntimeError("a bug")

    with Mailer(transport=transport) as mailer:
        outbox.drain(mailer, on_event=fails)
        assert set(told) == {"u0@example.com"}
        told.clear()
        outbox.drain(mailer, on_event=lambda event: told.append(event.recipients[0].address))
    assert told == ["u0@example.com", "u1@example.com"]


async def test_what_one_listener_raises_keeps_no_event_from_the_other(where: Path | str) -> None:
    """The event does not depend on the report, nor the report on the program."""
    transport, told = MemoryTransport(), list[Event]()
    transport.on_rcpt().reply("550 5.1.1 no such user")

    async def fails(event: Event) -> None:
        raise RuntimeError("a bug")

    async with AsyncOutbox(where, account="test") as outbox, AsyncMailer(transport=transport) as mailer:
        await outbox.put(message())
        await outbox.drain(mailer)
        teller = Teller(outbox._core.writer, "w", [fails, told.append])
        assert not await teller.tell_all(tries=1)
    assert [event.kind for event in told] == ["rejected"]


async def test_an_event_is_not_told_twice_when_a_worker_ends_while_it_is_told(where: Path | str) -> None:
    transport, told = MemoryTransport(), list[int]()
    transport.on_rcpt().reply("550 5.1.1 no such user")

    async def slow(event: Event) -> None:
        told.append(event.id)
        await asyncio.sleep(0.01)

    async with AsyncOutbox(where, account="test") as outbox, AsyncMailer(transport=transport) as mailer:
        for n in range(3):
            await outbox.put(message(f"u{n}@example.com"))
        await outbox.drain(mailer)
        teller = Teller(outbox._core.writer, "w", [slow])
        await asyncio.gather(teller.tell_all(), teller.tell_all())
    assert told == sorted(set(told))
    assert len(told) == 3


def test_a_delay_is_told_of_when_it_is_wanted(outbox: Outbox) -> None:
    transport, told = MemoryTransport(), list[str]()
    transport.on_mail().reply("451 4.3.0 later")
    outbox.put(message())
    with Mailer(transport=transport) as mailer:
        outbox.drain(mailer, on_event=lambda event: told.append(event.kind), warn_after=timedelta(0))
    assert told == ["delayed"]


def test_an_account_that_cannot_log_in_holds_its_letters_and_says_so_once(outbox: Outbox) -> None:
    transport, told = MemoryTransport(), list[Event]()
    transport.on_auth().reply("535 5.7.8 wrong password", times=1)
    receipts = [outbox.put(message(f"u{n}@example.com")) for n in range(5)]
    with Mailer(transport=transport) as mailer:
        outbox.drain(mailer, on_event=told.append, concurrency=1)
        assert [(event.kind, event.account) for event in told] == [("held", "test")]
        assert outbox.counts().letters["held"] == 5
        assert "535" in str(outbox.status(receipts[4]).reason)
        assert outbox.drain(mailer) == 0  # not before its time
        outbox.flush()
        outbox.drain(mailer)
    assert all(outbox.status(receipt).ok for receipt in receipts)


def test_a_new_secret_is_found_without_a_restart_and_the_old_one_is_sent_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place of the secret is asked again, while the server hears nothing of the refused one."""
    monkeypatch.setattr("sendkit.outbox._desk.PROBE", 0.05)
    monkeypatch.setattr("sendkit.outbox._attempt.PROBE", 0.05)
    secrets = ["wrong"]
    with LocalServer(username="ana@example.com") as server, Outbox(tmp_path / "o.db", account="test") as outbox:
        settings = {"username": server.username, "credentials": lambda host, username: secrets[-1]}
        with Mailer(server.server, **settings) as mailer, outbox.worker(mailer, account="test", schedule=[0.05]):
            receipt = outbox.put(message())
            held = until(lambda: outbox.counts().letters["held"] == 1)
            refused = sum(line.who == "C" and "AUTH" in line.text for one in server.conversations for line in one)
            secrets.append(server.password)
            found = outbox.wait(receipt, timeout=200)
    assert held
    assert refused == 1
    assert found.ok
    assert found.attempts <= 2


def until(ready: Callable[[], bool], limit: float = 300.0) -> bool:
    """Look until it is so, for a generous time."""
    end = time.monotonic() + limit
    while not ready() and time.monotonic() < end:
        time.sleep(0.01)
    return ready()
