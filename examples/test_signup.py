"""A sign-up that welcomes new users by mail, and its tests with the fixture `mailbox`: `pytest test_signup.py`.

The tests have no server, patch nothing and wait for nothing; the messages and the results in them are real ones. The
same code signs up real people:

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=app@example.com \
    python test_signup.py luis@example.com
"""

from __future__ import annotations

import sys
from enum import StrEnum

import pytest

from sendkit import DeliveryError, Mailer, Message, RetryPolicy, errors
from sendkit.testing import MemoryMailbox

# ----- the application


class Standing(StrEnum):
    """What the application tells a new user."""

    WELCOME = "look into your mailbox"
    LATER = "we write to you within the hour"
    UNKNOWN_ADDRESS = "this address does not take mail: is it right?"
    MAYBE = "no mail after ten minutes? Then press `send again`"


def sign_up(mailer: Mailer, address: str) -> Standing:
    """Welcome a new user, and say how that went."""
    message = Message(sender="app@example.com", to=address, subject="Welcome!", text="Good that you are here.")
    try:
        mailer.send(message)
    except errors.InDoubtError:
        return Standing.MAYBE
    except DeliveryError as error:
        return Standing.LATER if error.transient else Standing.UNKNOWN_ADDRESS
    return Standing.WELCOME


# ----- its tests


@pytest.fixture
def mailer(mailbox: MemoryMailbox) -> Mailer:
    """The application's mailer, with the double in place of the wire."""
    return Mailer(transport=mailbox, retry=RetryPolicy(max_attempts=3))


def test_a_new_user_is_welcomed(mailer: Mailer, mailbox: MemoryMailbox) -> None:
    assert sign_up(mailer, "luis@example.com") is Standing.WELCOME
    mailbox.assert_sent(to="luis@example.com", subject="Welcome!", text_contains="Good that you are here.", times=1)


def test_a_greylisted_user_is_welcomed_all_the_same(mailer: Mailer, mailbox: MemoryMailbox) -> None:
    mailbox.on_rcpt("luis@example.com").reply("450 4.2.0 greylisted", times=2)
    assert sign_up(mailer, "luis@example.com") is Standing.WELCOME
    mailbox.assert_sent(to="luis@example.com", times=1)


def test_a_user_of_a_server_that_is_busy_for_long_hears_later(mailer: Mailer, mailbox: MemoryMailbox) -> None:
    mailbox.on_rcpt("luis@example.com").reply("450 4.2.0 greylisted")
    assert sign_up(mailer, "luis@example.com") is Standing.LATER
    mailbox.assert_nothing_sent()


def test_an_address_that_is_refused_is_asked_for_again(mailer: Mailer, mailbox: MemoryMailbox) -> None:
    mailbox.on_rcpt("lius@example.com").reply("550 5.1.1 no such user")
    assert sign_up(mailer, "lius@example.com") is Standing.UNKNOWN_ADDRESS


def test_a_mail_in_doubt_is_not_sent_twice(mailer: Mailer, mailbox: MemoryMailbox) -> None:
    mailbox.after_data().drop()
    assert sign_up(mailer, "luis@example.com") is Standing.MAYBE
    mailbox.assert_sent(times=1)


if __name__ == "__main__":
    with Mailer.from_env() as wire:
        for newcomer in sys.argv[1:]:
            print(f"{newcomer}: {sign_up(wire, newcomer)}")
