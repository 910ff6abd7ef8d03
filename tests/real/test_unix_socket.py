"""Submission to a real Postfix over a unix socket: a login without TLS, since nobody is in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendkit import Mailer, Message, RetryPolicy, errors

if TYPE_CHECKING:
    from tests.servers.postfix import Postfix

ANA, LUIS = "ana@example.test", "luis@example.test"


def test_mail_with_a_login_arrives(postfix: Postfix) -> None:
    large = "A line of many.\n" * 20_000
    with Mailer(postfix.unix_socket, username=ANA, password=postfix.users[ANA]) as mailer:
        for text in ("x", large):
            assert mailer.send(Message(sender=ANA, to=LUIS, subject="by socket", text=text)).ok
        assert mailer.diagnose(to=LUIS).ok
    assert [message["Subject"] for message in postfix.mailbox(LUIS)] == ["by socket"] * 2


def test_a_wrong_password_is_refused(postfix: Postfix) -> None:
    once = RetryPolicy(max_attempts=1)
    with (
        Mailer(postfix.unix_socket, username=ANA, password="another one", retry=once) as mailer,
        pytest.raises(errors.AuthenticationError) as failure,
    ):
        mailer.send(Message(sender=ANA, to=LUIS, text="x"))
    assert postfix.unix_socket in str(failure.value)
