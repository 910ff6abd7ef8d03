"""Real logins at Dovecot through Postfix, by every mechanism that both speak, with the AUTH commands that are due."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sendkit import Mailer, OAuth2, errors
from tests.servers.postfix import Postfix

from .post import ANA, LUIS, at_once, auth_commands, letter, starttls

TOKENS = ["OAUTHBEARER", "XOAUTH2"]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5", None])
def test_a_password_logs_in_by_each_mechanism_with_one_auth_command(postfix: Postfix, mechanism: str | None) -> None:
    with Mailer(
        starttls(postfix), username=ANA, password=postfix.users[ANA], mechanism=mechanism, transcript=True
    ) as mailer:
        result = mailer.send(letter(LUIS))
    (attempt,) = result.attempts
    said = [line.text for line in attempt.transcript or () if line.text.startswith("AUTH ") and line.who == "C"]
    assert said == [f"AUTH {mechanism or 'SCRAM-SHA-256'} ***"]
    assert (auth_commands(postfix), len(postfix.mailbox(LUIS))) == (1, 1)


@pytest.mark.parametrize("user", ["luis@example.test", "ops@example.test"])
def test_a_password_with_letters_and_signs_of_every_kind_is_proved_by_scram(postfix: Postfix, user: str) -> None:
    with Mailer(starttls(postfix), username=user, password=postfix.users[user], mechanism="SCRAM-SHA-256") as mailer:
        assert mailer.send(letter(LUIS), envelope_from=user).ok


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_wrong_password_is_one_auth_command_by_each_mechanism(postfix: Postfix, mechanism: str) -> None:
    with (
        Mailer(starttls(postfix), username=ANA, password="wrong", mechanism=mechanism, retry=at_once()) as mailer,
        pytest.raises(errors.AuthenticationError, match=r"535 5\.7\.8"),
    ):
        mailer.send(letter(LUIS))
    assert auth_commands(postfix) == 1


@pytest.mark.parametrize("mechanism", TOKENS)
def test_a_token_logs_in(postfix: Postfix, mechanism: str) -> None:
    tokens = OAuth2(lambda: postfix.signer.token(ANA))
    with Mailer(starttls(postfix), username=ANA, credentials=tokens, mechanism=mechanism) as mailer:
        assert mailer.send(letter(LUIS)).ok
    assert (auth_commands(postfix), len(postfix.mailbox(LUIS))) == (1, 1)


@pytest.mark.parametrize("mechanism", TOKENS)
def test_a_refused_token_is_two_auth_commands_with_two_tokens_and_the_reason(postfix: Postfix, mechanism: str) -> None:
    """The forced refresh gives another token, and it is refused as well: then no third one goes out."""
    tokens = OAuth2(lambda: {"access_token": postfix.signer.token(ANA, key=bytes(32)), "expires_in": 3600})
    with Mailer(starttls(postfix), username=ANA, credentials=tokens, mechanism=mechanism, retry=at_once()) as mailer:
        results = [mailer.send(letter(LUIS), check=False) for _ in range(3)]
    assert auth_commands(postfix) == 2
    for result in results:
        (recipient,) = result.recipients.values()
        assert recipient.reply is not None
        assert recipient.reply.code == 535
        assert not recipient.retryable
        assert "the token was refused: status" in (recipient.reason or "")


def test_a_token_that_expires_in_between_is_one_more_login_with_a_new_one(postfix: Postfix) -> None:
    asked: list[str] = []

    def provide() -> Mapping[str, object]:
        """The first one has expired, whatever is said of it, as when clocks differ."""
        asked.append(postfix.signer.token(ANA, lifetime=-60 if not asked else 3600))
        return {"access_token": asked[-1], "expires_in": 3600}

    with Mailer(starttls(postfix), username=ANA, credentials=OAuth2(provide), retry=at_once()) as mailer:
        result = mailer.send(letter(LUIS))
        assert mailer.send(letter(LUIS)).ok
    assert [len(asked), auth_commands(postfix), len(postfix.mailbox(LUIS)), len(result.attempts)] == [2, 2, 2, 1]
    assert [session.tried.get("auth") for session in postfix.sessions()] == [1, 1]


def test_a_token_whose_time_is_up_is_replaced_before_it_is_sent(postfix: Postfix) -> None:
    now, asked = [1000.0], [0]

    def provide() -> Mapping[str, object]:
        asked[0] += 1
        return {"access_token": postfix.signer.token(ANA), "expires_in": 3600}

    tokens = OAuth2(provide, clock=lambda: now[0])
    for expected in (1, 1, 2):
        with Mailer(starttls(postfix), username=ANA, credentials=tokens) as mailer:
            assert mailer.send(letter(LUIS)).ok
        assert asked == [expected]
        now[0] += 1800
    assert auth_commands(postfix) == 3
    assert sum(session.accepted.get("auth", 0) for session in postfix.sessions()) == 3


def test_four_connections_share_one_token(postfix: Postfix) -> None:
    asked = [0]

    def provide() -> Mapping[str, object]:
        asked[0] += 1
        return {"access_token": postfix.signer.token(ANA), "expires_in": 3600}

    with Mailer(starttls(postfix), username=ANA, credentials=OAuth2(provide)) as mailer:
        assert all(result.ok for result in mailer.send_many([letter(LUIS) for _ in range(12)]))
    assert asked == [1]
