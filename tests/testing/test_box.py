"""An assertion says what was expected, and shows the message that comes nearest with the fields that differ."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import sendkit
from sendkit import Attachment, Message
from sendkit.testing import MemoryMailbox

APP, LUIS, EVA, OPS = "app@example.com", "luis@example.com", "eva@example.com", "ops@example.net"


@pytest.fixture
def mailbox() -> Iterator[MemoryMailbox]:
    """The mailbox of a run that has no plugin."""
    with MemoryMailbox() as mailbox:
        yield mailbox


def send(*to: str, subject: str = "Welcome", text: str = "Hello!", **more: object) -> None:
    """Send as an application does: through the account of the environment."""
    message = Message(sender=f"App <{APP}>", to=to or [LUIS], subject=subject, text=text, **more)  # type: ignore[arg-type]
    sendkit.send(message, check=False)


def failure(failed: pytest.ExceptionInfo[AssertionError]) -> list[str]:
    """The lines of what an assertion says."""
    return str(failed.value).splitlines()


def test_what_fits_is_returned(mailbox: MemoryMailbox) -> None:
    send(subject="first")
    send(subject="second")
    assert mailbox.assert_sent(to=LUIS).subject == "second"
    assert mailbox.assert_sent(subject="first") is mailbox.messages[0]
    assert mailbox.last is mailbox.messages[1]


def test_every_field_can_be_expected(mailbox: MemoryMailbox) -> None:
    send(
        f"Luis <{LUIS}>",
        text="See https://example.com/start.",
        html='<a href="https://example.com/go">Go</a>',
        cc=EVA,
        bcc=OPS,
        attachments=[Attachment.from_bytes(b"a", filename="a.csv"), Attachment.from_bytes(b"b", filename="b.csv")],
        headers={"X-Report": "42"},
    )
    mailbox.assert_sent(
        to=[LUIS, EVA, re.compile("^ops@")],
        cc=EVA,
        bcc=OPS,
        sender=APP,
        subject=re.compile("^Wel"),
        text_contains=["See", re.compile(r"https://\S+")],
        html_contains="Go",
        link="https://example.com/start",
        attachment=["b.csv", re.compile(r"^a\.")],
        headers={"X-Report": "42"},
        times=1,
    )
    mailbox.assert_sent(sender=f"App <{APP}>", link="https://example.com/go")


DIFFERENT: list[dict[str, object]] = [
    {"to": EVA},
    {"to": [LUIS, EVA]},
    {"cc": LUIS},
    {"bcc": LUIS},
    {"sender": LUIS},
    {"subject": "Wel"},
    {"subject": re.compile("^elcome")},
    {"text_contains": "Later"},
    {"html_contains": "Hello"},
    {"link": "https://example.com"},
    {"attachment": "report.pdf"},
    {"headers": {"X-Report": "42"}},
]


@pytest.mark.parametrize("expected", DIFFERENT, ids=str)
def test_every_field_can_differ(mailbox: MemoryMailbox, expected: dict[str, object]) -> None:
    send()
    with pytest.raises(AssertionError, match=r"^no message like this was sent; the nearest of 1"):
        mailbox.assert_sent(**expected)  # type: ignore[arg-type]
    mailbox.assert_not_sent(**expected)  # type: ignore[arg-type]


def test_recipients_are_those_who_got_it_whatever_the_headers_say(mailbox: MemoryMailbox) -> None:
    mailbox.on_rcpt(EVA).reply("550 5.1.1 no such user")
    send(LUIS, EVA)
    mailbox.assert_sent(to=LUIS)
    mailbox.assert_not_sent(to=EVA)


def test_domains_are_compared_in_any_case_and_spelling(mailbox: MemoryMailbox) -> None:
    send("luis@Müller.example")
    mailbox.assert_sent(to="luis@xn--mller-kva.EXAMPLE")
    mailbox.assert_not_sent(to="Luis@müller.example")
    assert len(mailbox.to("luis@müller.example")) == 1


def test_the_nearest_message_is_shown_with_the_fields_that_differ(mailbox: MemoryMailbox) -> None:
    send(EVA, subject="Invoice 7")
    send(LUIS, subject="Wellcome", text="Hello Luis!")
    send(OPS, subject="Report")
    with pytest.raises(AssertionError) as failed:
        mailbox.assert_sent(to=LUIS, subject="Welcome", text_contains="Dear Luis", attachment="report.pdf")
    assert failure(failed) == [
        "no message like this was sent; the nearest of 3 is message 2, 'Wellcome' to luis@example.com",
        "  to             as expected: 'luis@example.com'",
        "  subject        expected 'Welcome'",
        "                 found    'Wellcome'",
        "  text_contains  expected 'Dear Luis'",
        "                 found    'Hello Luis!\\n'",
        "  attachment     expected 'report.pdf'",
        "                 found    nothing",
    ]


def test_of_two_that_differ_in_one_field_the_one_that_is_more_alike_is_nearer(mailbox: MemoryMailbox) -> None:
    send(subject="Welcome to the club")
    send(subject="Your invoice")
    with pytest.raises(AssertionError, match="is message 1, 'Welcome to the club'"):
        mailbox.assert_sent(to=LUIS, subject="Welcome to our club")


def test_where_nothing_was_sent_it_says_so_and_who_was_refused(mailbox: MemoryMailbox) -> None:
    mailbox.on_rcpt(LUIS).reply("550 5.1.1 no such user")
    send()
    with pytest.raises(AssertionError) as failed:
        mailbox.assert_sent(to=LUIS)
    assert failure(failed) == [
        "no message like this was sent, nor any other:",
        "  to: 'luis@example.com'",
        "refused were:",
        "  luis@example.com: rejected (550 5.1.1 no such user)",
    ]
    with pytest.raises(AssertionError, match="no message was sent\nrefused were:"):
        assert mailbox.last


def test_another_count_than_expected_lists_what_fits(mailbox: MemoryMailbox) -> None:
    send()
    send()
    mailbox.assert_sent(to=LUIS, times=2)
    with pytest.raises(AssertionError) as failed:
        mailbox.assert_sent(subject=re.compile("Wel"), times=1)
    assert failure(failed) == [
        "1 message like this expected, but 2 sent:",
        "  subject: matching /Wel/",
        "  message 1, 'Welcome' to luis@example.com",
        "  message 2, 'Welcome' to luis@example.com",
    ]


def test_what_was_sent_and_should_not_be_is_shown(mailbox: MemoryMailbox) -> None:
    mailbox.assert_nothing_sent()
    send()
    with pytest.raises(AssertionError, match="no message expected, but 1 sent:\n  message 1, 'Welcome' to luis"):
        mailbox.assert_nothing_sent()
    with pytest.raises(AssertionError, match=r"no message like this expected, but 1 sent:\n  to: 'luis"):
        mailbox.assert_not_sent(to=LUIS)


def test_a_long_text_is_cut(mailbox: MemoryMailbox) -> None:
    send(text="long " * 10_000)
    with pytest.raises(AssertionError) as failed:
        mailbox.assert_sent(text_contains="short")
    assert len(str(failed.value)) < 1_000


def test_a_field_that_no_message_has_is_a_type_error(mailbox: MemoryMailbox) -> None:
    with pytest.raises(TypeError, match="nothing can be expected of body; there are to, cc"):
        mailbox.assert_sent(body="x")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="assert_not_sent"):
        mailbox.assert_sent(to=LUIS, times=0)


def test_cleared_it_is_empty_and_the_script_stays(mailbox: MemoryMailbox) -> None:
    mailbox.on_rcpt(EVA).reply("550 5.1.1 no such user")
    send()
    mailbox.clear()
    mailbox.assert_nothing_sent()
    send(EVA)
    assert (mailbox.sent, mailbox.messages) == ([], [])


def test_a_snapshot_is_the_same_on_every_run(mailbox: MemoryMailbox) -> None:
    for _ in range(2):
        send(html="<p>Hello</p>", attachments=[Attachment.from_bytes(b"a", filename="a.csv")])
    first, second = mailbox.messages
    assert first.raw != second.raw
    assert first.snapshot() == second.snapshot()
    lines = first.snapshot().splitlines()
    assert {"Message-ID: <message-id>", "Date: <date>", "--boundary-1", "--boundary-2--", "Subject: Welcome"} <= set(
        lines
    )
    assert "=_" not in first.snapshot()
