"""The same answers where real servers ask: Postfix with Dovecot's SASL, and a Secret Service that is locked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sendkit import Attachment, Mailer, Message, RetryPolicy, Server
from tests.servers.authority import Authority
from tests.servers.postfix import Postfix
from tests.servers.postfix_config import MESSAGE_SIZE_LIMIT
from tests.servers.secretservice import SecretService

from .questions import QUESTIONS
from .stage import Stage, bare

ANA, LUIS = "ana@example.test", "luis@example.test"
ONCE = RetryPolicy(max_attempts=1)
HOLDS = {question.number: question for question in QUESTIONS}


class Asking:
    """Ana, in a program and at a command line."""

    def __init__(self, stage: Stage, postfix: Postfix) -> None:
        self._stage, self._postfix = stage, postfix

    def sends(self, message: Message, password: str | None = None, *more: str | Path) -> str:
        """All that both tell of this message."""
        secret = password or self._postfix.users[ANA]
        server = Server(self._postfix.host, self._postfix.starttls_port, ca_file=self._postfix.ca_file)
        with Mailer(server, username=ANA, password=secret, retry=ONCE) as mailer:
            self._stage.program(lambda: mailer.send(message))
        ready = self._stage.folder / "ready.eml"
        ready.write_bytes(message.as_bytes())
        address = f"{self._postfix.host}:{self._postfix.starttls_port}"
        place = ("--host", address, "--ca-file", self._postfix.ca_file, "--user", ANA, "--retries", "0")
        self._stage.command("send", *place, "--message", ready, *more, SENDKIT_PASSWORD=secret)
        return bare("\n".join([*self._stage.python, *self._stage.shell]))


@pytest.fixture
def asking(tmp_path: Path, authority: Authority, postfix: Postfix) -> Asking:
    return Asking(Stage(tmp_path, authority), postfix)


def letter(**fields: object) -> Message:
    given = {"sender": ANA, "to": LUIS, "subject": "Hola", "text": "¿Qué tal?", **fields}
    return Message(**given)  # type: ignore[arg-type]


def test_a_wrong_password(asking: Asking) -> None:
    told = asking.sends(letter(), "wrong horse")
    assert re.search(r"535 5\.7\.8", told)
    assert "check the username and the password" in told or "app password" in told
    assert "wrong horse" not in told


def test_a_recipient_that_is_not_there(asking: Asking) -> None:
    told = asking.sends(letter(to=[LUIS, "nobody@example.test"]))
    assert "1 of 2 recipients not accepted" in told
    assert re.search(r"nobody@example\.test.*550 5\.1\.1", told)
    assert "check the spelling of the address" in told


def test_greylisting_says_when_to_try_again(asking: Asking) -> None:
    told = asking.sends(letter(to="grey-9-who@example.test"))
    assert re.search(r"450 4\.2\.0", told)
    assert "unsettled" in told or "sent again" in told


def test_a_message_that_is_too_big(asking: Asking) -> None:
    plan = Attachment.from_bytes(bytes(MESSAGE_SIZE_LIMIT), filename="plan.bin")
    told = asking.sends(letter(attachments=[plan]))
    assert "'plan.bin'" in told
    assert re.search(r"at most \d+\.\d MB", told)


def test_a_sender_that_is_not_the_account(asking: Asking) -> None:
    told = asking.sends(letter(sender="ops@example.net"))
    assert "553" in told
    for address in (ANA, "ops@example.net"):
        assert address in told


def test_a_secret_service_that_is_locked(
    secret_service: SecretService, postfix: Postfix, tmp_path: Path, authority: Authority
) -> None:
    stage = Stage(tmp_path, authority)
    secret_service.set(f"sendkit:{postfix.host}", ANA, postfix.users[ANA])
    secret_service.lock()
    server = Server(postfix.host, postfix.starttls_port, ca_file=postfix.ca_file)
    with Mailer(server, username=ANA, retry=ONCE) as mailer:
        stage.program(lambda: mailer.send(letter()))
    address = f"{postfix.host}:{postfix.starttls_port}"
    stage.command("send", "--host", address, "--ca-file", postfix.ca_file, "--user", ANA, "-f", ANA, "-t", LUIS,
                  "-s", "Hola", "--text", "Hola")  # fmt: skip
    for told in (*stage.python, *stage.shell):
        missing = [words for words in HOLDS[9].must if not re.search(words, bare(told))]
        assert not missing, told
