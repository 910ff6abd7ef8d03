"""The reply is found in whatever a person pastes, and nothing is taken for one that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit import Reply
from sendkit._smtp.pasted import find_reply


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("535 5.7.8 no", Reply(535, "5.7.8", "no")),
        ("  535-5.7.8 one\n535 5.7.8 two  \n", Reply(535, "5.7.8", "one\ntwo")),
        ("535-5.7.8 one\r\n535 5.7.8 two", Reply(535, "5.7.8", "one\ntwo")),
        (
            "smtplib.SMTPAuthenticationError: (535, b'5.7.8 one\\n5.7.8 two - gsmtp')",
            Reply(535, "5.7.8", "one\ntwo - gsmtp"),
        ),
        ("aiosmtplib.errors.SMTPAuthenticationError: (535, '5.7.8 no')", Reply(535, "5.7.8", "no")),
        (
            "smtplib.SMTPSenderRefused: (530, b'5.7.0 login first', 'ana@example.com')",
            Reply(530, "5.7.0", "login first"),
        ),
        ("{'a@b.c': (550, b'5.1.1 no user'), 'd@e.f': (450, b'4.2.0 later')}", Reply(550, "5.1.1", "no user")),
        ("Error: Invalid login: 535-5.7.8 one\n535 5.7.8 two", Reply(535, "5.7.8", "one\ntwo")),
        (
            (
                "postfix/smtp[28]: to=<luis@example.com>, relay=mx.example.com[192.0.2.25]:25, dsn=5.1.1, "
                "status=bounced (host mx.example.com[192.0.2.25] said: 550 5.1.1 no such user)"
            ),
            Reply(550, "5.1.1", "no such user)"),
        ),
        ("The system said: 452 too many\n    recipients received", Reply(452, None, "too many\nrecipients received")),
        ("5.7.139", Reply(550, "5.7.139", "")),
        ("Remote server returned '4.4.7 Message expired'", Reply(450, "4.4.7", "Message expired'")),
        ("#5.1.1 no such user", Reply(550, "5.1.1", "no such user")),
        ("250", Reply(250, None, "")),
    ],
)
def test_the_reply_is_found(text: str, reply: Reply) -> None:
    assert find_reply(text) == reply


@pytest.mark.parametrize("text", ["", "hello", "in 2026 or 1999", "port 587", "192.0.2.250", "999 no", "1.2.3"])
def test_nothing_is_made_up(text: str) -> None:
    assert find_reply(text) is None


@given(st.text())
def test_any_text_may_be_pasted(text: str) -> None:
    assert find_reply(text) is None or isinstance(find_reply(text), Reply)
