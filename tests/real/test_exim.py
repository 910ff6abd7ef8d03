"""The same promises through a real Exim: other replies without enhanced codes, other rules after a refusal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sendkit import Attachment, DeliveryResult, Mailer, MemoryTransport, Message, Outcome, Security, Server
from sendkit.errors import AuthenticationError

from .post import accepted, at_once, contents, copies, letter, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .exim import Exim

LUIS, GREY, NOBODY = (f"{name}@example.test" for name in ("luis", "grey-luis", "nobody"))
BOXES = [f"box-{number}@example.test" for number in range(5)]


@pytest.fixture
def mailer(exim: Exim) -> Iterator[Mailer]:
    with Mailer(
        _server(exim), username=exim.user, password=exim.password, retry=at_once(), max_connections=2
    ) as mailer:
        yield mailer


def _server(exim: Exim) -> Server:
    return Server(exim.host, exim.port, Security.STARTTLS, ca_file=exim.ca_file)


def _by_index(results: list[DeliveryResult]) -> dict[int, DeliveryResult]:
    found = {result.index: result for result in results if result.index is not None}
    assert len(found) == len(results)
    return found


def test_three_recipients_get_three_answers_and_each_mailbox_one_copy(exim: Exim, mailer: Mailer) -> None:
    result = mailer.send(letter(LUIS, GREY, NOBODY), check=False)
    assert outcomes(result) == {LUIS: Outcome.ACCEPTED, GREY: Outcome.ACCEPTED, NOBODY: Outcome.REJECTED}
    assert [one.attempts for one in result.recipients.values()] == [1, 2, 1]
    assert copies(exim, [LUIS, GREY, NOBODY]) == accepted([result])
    assert contents(exim, LUIS) == contents(exim, GREY)


@pytest.mark.parametrize("in_flight", [1, 32])
def test_refusals_in_the_middle_of_a_window_move_nobodys_mail(exim: Exim, mailer: Mailer, in_flight: int) -> None:
    """Unknown (550) and greylisted (451) recipients, and ends of data refused permanently (550) and for now (451)."""
    to = [[BOXES[n % 5], *[NOBODY] * (n % 6 == 1), *[f"grey-{n}@example.test"] * (n % 7 == 2)] for n in range(64)]
    to[33] = [NOBODY, "nobody-else@example.test"]
    subjects = [("never" if n % 11 == 3 else "later" if n % 13 == 4 else "Informe") + f" {n}" for n in range(64)]
    messages = [letter(*who, subject=subject) for who, subject in zip(to, subjects, strict=True)]
    results = _by_index(list(mailer.send_many(messages, in_flight=in_flight)))
    wanted = Counter[tuple[str, str]]()
    for number, message in enumerate(messages):
        taken = [] if "never" in message.subject else [one for one in to[number] if not one.startswith("nobody")]
        expected = {one: Outcome.ACCEPTED if one in taken else Outcome.REJECTED for one in to[number]}
        assert outcomes(results[number]) == expected
        wanted.update((message.message_id, one) for one in taken)
    mailboxes = {one for who in to for one in who}
    assert copies(exim, mailboxes) == accepted(results.values()) == wanted


def test_a_wrong_password_is_one_auth_command(exim: Exim) -> None:
    with Mailer(_server(exim), username=exim.user, password="not-what-ana-likes", retry=at_once(5)) as mailer:
        for _ in range(2):
            with pytest.raises(AuthenticationError, match="535") as refused:
                mailer.send(letter(LUIS))
            assert refused.value.hint
    assert exim.log().count("authenticator failed") == 1
    assert exim.raw_mailbox(LUIS) == []


def test_a_large_message_and_one_of_dots_arrive_octet_for_octet(exim: Exim, mailer: Mailer) -> None:
    data = bytes(range(256)) * 2_800
    messages = [
        Message(
            sender=exim.user, to=LUIS, subject="日本 🚀", attachments=[Attachment.from_bytes(data, filename="ñ.bin")]
        ),
        letter(LUIS, text=".\n..\n.\nQUIT\n"),
    ]
    double = MemoryTransport()
    with Mailer(transport=double) as other:
        for message in messages:
            other.send(message)
            mailer.send(message)
    assert sorted(contents(exim, LUIS)) == sorted(sent.content.replace(b"\r\n", b"\n") for sent in double.sent)


def test_a_message_over_exims_size_is_rejected_before_it_is_sent(exim: Exim, mailer: Mailer) -> None:
    """Exim would read what goes over its limit as commands."""
    large = Attachment.from_bytes(bytes(900_000), filename="informe.pdf")
    result = mailer.send(Message(sender=exim.user, to=LUIS, subject="Grande", attachments=[large]), check=False)
    assert outcomes(result) == {LUIS: Outcome.REJECTED}
    assert result.recipients[LUIS].reply is None
    assert mailer.send(letter(LUIS)).ok
    assert len(exim.raw_mailbox(LUIS)) == 1
