"""Returned mail: the sender reads what became of it, in a report as RFC 3464 has it, and never in two."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit import Mailer, MemoryTransport, Message
from sendkit.errors import ConfigurationError
from sendkit.outbox import Event, EventKind, LetterState, RecipientState
from sendkit.outbox._report import Sides, report
from sendkit.outbox._status import LetterStatus, RecipientStatus
from sendkit.testing import MemoryMailbox, MemoryOutbox

ANA, MIA, LUIS = "ana@example.com", "mia@example.com", "luis@example.com"


def message(to: str | list[str] = MIA, subject: str = "Größe und Gewicht") -> Message:
    return Message(sender=f"Ana <{ANA}>", to=to, subject=subject, text="x")


def facts(found: EmailMessage) -> list[dict[str, str]]:
    """The groups of message/delivery-status."""
    part = next(part for part in found.walk() if part.get_content_type() == "message/delivery-status")
    return [{name: str(value) for name, value in group.items()} for group in part.get_payload()]  # type: ignore[union-attr]  # a list, for this type


def test_a_refused_recipient_is_returned_to_the_sender(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    mailbox.on_rcpt(MIA).reply("550 5.1.1 no such user")
    receipt = outbox.put(message([MIA, LUIS]))
    outbox.drain(report="sender")
    sent = mailbox.assert_sent(to=ANA, times=1)
    found = sent.message
    assert (sent.envelope.reverse_path, sent.envelope.recipients) == ("", (ANA,))
    assert found.get_content_type() == "multipart/report"
    assert found.get_param("report-type") == "delivery-status"
    assert found["Subject"] == "Not delivered: Größe und Gewicht"
    assert (found["Auto-Submitted"], found["In-Reply-To"]) == ("auto-replied", receipt.message_id)
    about, mia = facts(found)
    assert about["Reporting-MTA"].startswith("dns; ")
    assert mia["Final-Recipient"] == f"rfc822; {MIA}"
    assert (mia["Action"], mia["Status"]) == ("failed", "5.1.1")
    assert mia["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user"
    words = found.get_body(("plain",))
    assert words is not None
    text = words.get_content()
    assert MIA in text
    assert LUIS not in text.partition("The message:")[0].partition("What was tried")[0]
    assert "550 5.1.1 no such user" in text
    assert "What to do:" in text
    (head,) = (part for part in found.walk() if part.get_content_type() == "text/rfc822-headers")
    assert receipt.message_id in head.get_payload()


def test_five_days_of_a_dead_server_come_back_with_the_whole_history(
    mailbox: MemoryMailbox, outbox: MemoryOutbox
) -> None:
    mailbox.on_connect().refuse()
    receipt = outbox.put(message())
    outbox.advance(timedelta(days=5, hours=1))
    assert outbox.status(receipt).recipients[0].state is RecipientState.EXPIRED
    mailbox.clear()
    mailbox.on_connect().reply("220 welcome back")
    outbox.drain(report="sender")
    found = mailbox.last.message
    (_, mia) = facts(found)
    assert (mia["Action"], mia["Status"]) == ("failed", "4.4.7")
    words = found.get_body(("plain",))
    assert words is not None
    assert words.get_content().count("the connection was refused") >= outbox.status(receipt).attempts


@pytest.mark.skipif(shutil.which("s-nail") is None, reason="s-nail is not installed: apt-get install s-nail")
def test_a_mail_reader_shows_it_as_a_report(mailbox: MemoryMailbox, outbox: MemoryOutbox, tmp_path: Path) -> None:
    mailbox.on_connect().refuse()
    outbox.put(message())
    outbox.advance(timedelta(days=5, hours=1))
    mailbox.clear()
    mailbox.on_connect().reply("220 welcome back")
    outbox.drain(report="sender")
    box = tmp_path / "box"
    octets = mailbox.last.content.replace(b"\r\n", b"\n")
    box.write_bytes(b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n" + octets + b"\n")
    as_text = "pipe-message/delivery-status=?t"
    reader = ["s-nail", "-#", "-n", "-R", "-S", as_text, "-f", box]
    environ = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    shown = subprocess.run(reader, input="type 1\n", env=environ, capture_output=True, encoding="utf-8", check=True)
    lines = shown.stdout.splitlines()
    assert "Subject: Not delivered: Größe und Gewicht" in lines
    assert [line.split(";")[0] for line in lines if line.startswith("Content-Type: ")][:4] == [
        "Content-Type: multipart/report",
        "Content-Type: text/plain",
        "Content-Type: message/delivery-status",
        "Content-Type: text/rfc822-headers",
    ]
    words, _, status = shown.stdout.partition("Content-Type: message/delivery-status")
    assert "It was tried for 5 days" in words
    assert all(
        line in status.splitlines() for line in (f"Final-Recipient: rfc822; {MIA}", "Action: failed", "Status: 4.4.7")
    )


def test_a_delay_is_told_of_with_the_time_until_which_it_is_tried(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    mailbox.on_rcpt(MIA).reply("450 4.2.0 greylisted")
    outbox.put(message())
    outbox.drain(report="sender", warn_after=timedelta(0))
    found = mailbox.last.message
    (_, mia) = facts(found)
    assert (mia["Action"], mia["Status"]) == ("delayed", "4.2.0")
    assert mia["Will-Retry-Until"]
    assert str(found["Subject"]).startswith("Delayed: ")
    outbox.advance(timedelta(hours=3))
    mailbox.assert_sent(to=ANA, times=1)


def test_a_report_tells_what_was_tried_for_its_own_recipients(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    mailbox.on_rcpt(LUIS).reply("550 5.1.1 no such user", times=1)
    mailbox.on_rcpt(MIA).reply("450 4.2.0 greylisted")
    outbox.put(message([LUIS, MIA]), expires_in=timedelta(minutes=10))
    outbox.advance(timedelta(hours=1))
    mailbox.clear()
    outbox.drain(report=ANA)
    luis, mia = (found.text.partition("What was tried:")[2] for found in mailbox.messages)
    assert "rcpt: 550 5.1.1" in luis
    assert "rcpt: 550" not in mia
    assert "rcpt: 450 4.2.0 greylisted" in mia


def test_a_report_tells_for_whom_the_content_was_refused(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    mailbox.on_rcpt(LUIS).reply("550 5.1.1 no such user", times=1)
    mailbox.on_data().reply("451 4.3.0 out of space", times=1)
    outbox.put(message([LUIS, MIA]), expires_in=timedelta(seconds=1))
    outbox._clock.advance(2)
    outbox.drain(report=ANA)
    (mia,) = (found.text for found in mailbox.messages if "the mail server refused" not in found.text.lower())
    assert "data: 451 4.3.0 out of space" in mia
    assert "rcpt: 550" not in mia


@pytest.mark.parametrize(
    ("lifetime", "words"),
    [
        (timedelta(days=5), "5 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=10), "10 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=90), "a minute"),
        (timedelta(seconds=20), "less than a minute"),
    ],
)
def test_a_report_says_how_long_it_was_tried_from_the_first_attempt_on(
    mailbox: MemoryMailbox, outbox: MemoryOutbox, lifetime: timedelta, words: str
) -> None:
    mailbox.on_rcpt(MIA).reply("450 4.2.0 greylisted")
    outbox.put(message(), send_at=outbox.now + timedelta(days=3), expires_in=lifetime)
    outbox.advance(timedelta(days=9))
    outbox.drain(report=ANA)
    assert f"It was tried for {words}, and is not tried any more." in mailbox.last.text


def test_a_delay_is_told_of_at_its_time_after_the_first_attempt(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    told = list[Event]()
    waiting = MemoryOutbox(warn_after=timedelta(hours=4), on_event=told.append)
    mailbox.on_rcpt(MIA).reply("450 4.2.0 greylisted")
    began = waiting.now + timedelta(days=1)
    waiting.put(message(), send_at=began)
    with Mailer(transport=mailbox) as mailer:
        waiting.advance(timedelta(days=1, hours=3), mailer)
        assert told == []
        waiting.advance(timedelta(days=2), mailer)
    (event,) = told
    assert event.kind is EventKind.DELAYED
    assert abs(event.at - began - timedelta(hours=4)) < timedelta(seconds=1)


def test_a_report_never_causes_another(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    mailbox.on_rcpt().reply("550 5.1.1 no such user")
    outbox.put(message())
    for _ in range(3):
        outbox.drain(report="sender")
    assert outbox.counts().letters["settled"] == 2


def test_where_the_null_reverse_path_is_refused_it_goes_once_more_from_the_accounts_own(outbox: MemoryOutbox) -> None:
    transport = _NoNullPath()
    transport.on_rcpt(MIA).reply("550 5.1.1 no such user")
    outbox.put(message())
    with Mailer(transport=transport) as mailer:
        outbox.drain(mailer, report="sender")
    assert [(sent.envelope.reverse_path, sent.message["Auto-Submitted"]) for sent in transport.sent] == [
        (ANA, "auto-replied")
    ]


class _NoNullPath(MemoryTransport):
    """A server that wants a sender, as some submission servers do."""

    async def deliver(self, letter: object, log: object) -> None:
        if letter.reverse_path is None:  # type: ignore[attr-defined]  # a letter
            self.on_mail().reply("550 5.7.1 no sender", times=1)
        await super().deliver(letter, log)  # type: ignore[arg-type]  # as above


def test_an_address_of_its_own_may_get_all_reports(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    mailbox.on_rcpt(MIA).reply("550 5.1.1 no such user")
    outbox.put(message())
    outbox.drain(report="ops@example.com")
    mailbox.assert_sent(to="ops@example.com", times=1)
    with pytest.raises(ConfigurationError, match="report="):
        outbox.drain(report="nobody")


def test_the_event_does_not_depend_on_the_report(mailbox: MemoryMailbox, outbox: MemoryOutbox) -> None:
    mailbox.on_rcpt(MIA).reply("550 5.1.1 no such user")
    told: list[Event] = []
    outbox.put(message(), envelope_from="")  # nobody to report to
    outbox.drain(report="sender", on_event=told.append)
    assert [event.kind for event in told] == ["rejected"]
    mailbox.assert_nothing_sent()


def _letter() -> LetterStatus:
    return LetterStatus(
        id="a" * 32, state=LetterState.SETTLED, key=None, account="a", lane="", priority=0, kind="letter",
        reverse_path=ANA, message_id="<1@example.com>", size=1, created=_AT, due=None, expires=_AT, settled=_AT,
        attempts=1, worker=None, reason=None,
    )  # fmt: skip


_AT = MemoryOutbox().now
ADDRESSES = st.one_of(
    st.emails(), st.sampled_from(["josé@exämple.com", '"odd name"@example.com', "a=b+c@example.com", "日本@例え.jp"])
)


@given(address=ADDRESSES, reply=st.text(max_size=2000), reason=st.text(max_size=300), subject=st.text(max_size=200))
def test_whatever_a_server_says_the_report_can_be_read(address: str, reply: str, reason: str, subject: str) -> None:
    """Three parts, one group for the recipient, ASCII fields, and no line that a server would cut."""
    one = RecipientStatus(address=address, state=RecipientState.REJECTED, reply=f"550 5.1.1 {reply}", reason=reason)
    event = Event(id=1, letter="a", key=None, message_id=None, kind=EventKind.REJECTED, at=_AT, recipients=(one,))
    head = f"Subject: {' '.join(subject.split())}\r\n".encode("utf-8", "replace")
    octets = report(_letter(), event, head, Sides(ANA, ANA, "mail host"))
    found = message_from_bytes(octets, policy=policy.default)
    assert [part.get_content_type() for part in found.iter_parts()][:2] == ["text/plain", "message/delivery-status"]
    assert len(facts(found)) == 2
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert b"\n" not in octets.replace(b"\r\n", b"")
