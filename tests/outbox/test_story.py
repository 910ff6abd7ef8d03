"""Put, worker, settle: the whole way of a letter through an outbox on SQLite, with the double and with real servers."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from random import Random

import pytest

from sendkit import AsyncMailer, AsyncOutbox, Mailer, MemoryTransport, Message, Outbox
from sendkit.outbox import Letter, LetterNotFound, LetterState, RecipientState


def message(to: str = "luis@example.com", subject: str = "Hola") -> Message:
    return Message(sender="ana@example.com", to=to, subject=subject, text="¿Qué tal?")


def test_a_letter_survives_the_program_and_is_sent_by_another(where: Path | str) -> None:
    with Outbox(where, account="test") as outbox:
        receipt = outbox.put(message())
    transport = MemoryTransport()
    with Outbox(where) as later, Mailer(transport=transport) as mailer, later.worker(mailer):
        found = later.wait(receipt, timeout=200)
    assert [one.state for one in found.recipients] == [RecipientState.ACCEPTED]
    assert [sent.message["Message-ID"] for sent in transport.sent] == [receipt.message_id]


async def test_the_same_asynchronously(where: Path | str) -> None:
    transport = MemoryTransport()
    async with AsyncOutbox(where, account="test") as outbox, AsyncMailer(transport=transport) as mailer:
        async with outbox.worker(mailer):
            receipt = await outbox.put(message())
            found = await outbox.wait(receipt, timeout=200)
        assert found.ok
        assert (await outbox.counts()).letters["settled"] == 1
        waiting = await outbox.put(message())
        with pytest.raises(TimeoutError, match=f"the letter {waiting.id} is not settled after 0 s, but ready"):
            await outbox.wait(waiting, timeout=0)


def test_the_same_key_twice_is_one_mail(where: Path | str) -> None:
    with Outbox(where, account="test") as outbox:
        first = outbox.put(message(), key="order-7")
        again = Outbox(where, account="test").put(message(), key="order-7")
    assert (again.id, again.duplicate, again.message_id) == (first.id, True, first.message_id)
    assert not first.duplicate


def test_put_many_may_be_run_again(where: Path | str) -> None:
    rows = [Letter(message(f"u{n}@example.com"), key=f"row-{n}") for n in range(1200)]
    with Outbox(where, account="test") as outbox:
        for receipt, _ in zip(outbox.put_many(rows), range(700), strict=False):
            assert not receipt.duplicate
        receipts = list(outbox.put_many(rows))
        assert outbox.counts().letters["ready"] == 1200
    assert sum(receipt.duplicate for receipt in receipts) == 1000


def test_a_recipient_that_is_refused_for_now_is_tried_again_alone(where: Path | str) -> None:
    transport = MemoryTransport()
    transport.on_rcpt("mia@example.com").reply("450 4.2.0 greylisted", times=1)
    with Outbox(where, account="test") as outbox, Mailer(transport=transport) as mailer:
        receipt = outbox.put(Message(sender="ana@example.com", to=["luis@example.com", "mia@example.com"]))
        with outbox.worker(mailer, schedule=[0.01]):
            found = outbox.wait(receipt, timeout=200)
    assert found.ok
    assert [sent.envelope.recipients for sent in transport.sent] == [("luis@example.com",), ("mia@example.com",)]
    assert len(found.history) == 2


def test_a_worker_takes_only_letters_of_its_account(where: Path | str) -> None:
    transport = MemoryTransport()
    with Outbox(where) as outbox, Mailer(transport=transport) as mailer:
        other = outbox.put(message(), account="other")
        mine = outbox.put(message(), account="mine")
        assert outbox.drain(mailer, account="mine") == 1
        assert outbox.status(mine).ok
        assert outbox.status(other).state is LetterState.READY
        with outbox.worker(mailer, account="mine"):
            health = outbox.health()
            assert (health.unserved, health.workers[0].accounts) == ({"other": 1}, ("mine",))
            assert "the account other, which no worker serves; those that run serve mine" in health.problems[0]


def test_what_was_put_just_before_the_end_of_a_worker_is_sent_before_it_ends(where: Path | str) -> None:
    transport = MemoryTransport()
    with Outbox(where, account="test") as outbox, Mailer(transport=transport) as mailer:
        with outbox.worker(mailer):
            outbox.put(message())
        assert len(transport.sent) == 1


def test_an_unknown_letter_is_a_lookup_error(where: Path | str) -> None:
    with Outbox(where) as outbox, pytest.raises(LetterNotFound) as caught:
        outbox.status("nobody")
    assert isinstance(caught.value, LookupError)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_the_files_are_closed_to_others(tmp_path: Path) -> None:
    where = tmp_path / "state" / "outbox.db"
    with Outbox(where, account="test") as outbox:
        outbox.put(message())
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in where.parent.iterdir()}
        assert modes == {"outbox.db": 0o600, "outbox.db-wal": 0o600, "outbox.db-shm": 0o600}
        assert stat.S_IMODE(where.parent.stat().st_mode) == 0o700


def test_a_large_attachment_is_kept_once_for_all_that_share_it(tmp_path: Path) -> None:
    where = tmp_path / "outbox.db"
    octets = Random(1).randbytes(600_000)
    template = Message.template(
        sender="ana@example.com", subject="Hi $name", text="x", attachments=[_file(tmp_path, octets)]
    )
    transport = MemoryTransport()
    with Outbox(where, account="test") as outbox, Mailer(transport=transport) as mailer:
        list(outbox.put_many(template.merge(name=f"n{n}", to=f"u{n}@example.com") for n in range(20)))
        assert where.stat().st_size + Path(f"{where}-wal").stat().st_size < 6_000_000
        (tmp_path / "large.bin").unlink()  # it is stored, and not the path
        outbox.drain(mailer)
    attached = [next(sent.message.iter_attachments()).get_content() for sent in transport.sent]
    assert attached == [octets] * 20


def _file(folder: Path, octets: bytes) -> Path:
    path = folder / "large.bin"
    path.write_bytes(octets)
    return path


def test_what_a_diversion_took_is_not_accepted_and_says_so(where: Path) -> None:
    transport = MemoryTransport()
    with Outbox(where, account="test") as outbox:
        receipt = outbox.put(message())
        with Mailer(transport=transport, redirect_all_to="staging@example.com") as mailer:
            outbox.drain(mailer)
        found = outbox.status(receipt)
    assert [sent.envelope.recipients for sent in transport.sent] == [("staging@example.com",)]
    assert [one.state for one in found.recipients] == [RecipientState.DIVERTED]
    assert "elsewhere" in str(found.history[-1].note)
    assert not found.ok
