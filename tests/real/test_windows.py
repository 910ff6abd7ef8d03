"""Transactions written ahead across messages (`in_flight=32`): a refusal in the middle of a window moves nobody's mail.

Postfix takes BDAT behind BDAT (RFC 3030) and refuses for real: recipients with 550 and 450, and the end of data with
554 where a message has been through more than 50 servers (`hopcount_limit`). Every mailbox is counted.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sendkit import DeliveryResult, Mailer, Message, Outcome, ReadyMessage
from tests.servers.scripted import ScriptedServer

from .post import (
    ANA,
    LUIS,
    NOBODY,
    accepted,
    at_once,
    contents,
    copies,
    letter,
    outcomes,
    starttls,
    starttls_to,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.servers.authority import Authority
    from tests.servers.postfix import Postfix
    from tests.servers.secretservice import SecretService

WINDOW = 32
HOPS = 60
BOXES = [f"box-{number}@example.test" for number in range(5)]


def travelled(*to: str, subject: str) -> ReadyMessage:
    """A message that no server takes any more: it has passed too many of them, as in a loop."""
    received = "".join(
        f"Received: from a.example by b.example; Mon, 2 Nov 2026 10:00:{n % 60:02} +0000\r\n" for n in range(HOPS)
    )
    head = f"From: {ANA}\r\nTo: {', '.join(to)}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@loop.example>\r\n"
    return Message.from_bytes(f"{received}{head}\r\nTodo bien.\r\n".encode())


def sent(
    postfix: Postfix, messages: Iterable[Message | ReadyMessage], *, connections: int = 1
) -> dict[int, DeliveryResult]:
    with Mailer(starttls(postfix), username=ANA, retry=at_once(), max_connections=connections) as mailer:
        results = list(mailer.send_many(messages, in_flight=WINDOW))
    by_index = {result.index: result for result in results if result.index is not None}
    assert len(by_index) == len(results)
    return by_index


def test_refused_recipients_in_a_window_take_nobody_with_them(postfix: Postfix, in_keyring: SecretService) -> None:
    to = [[BOXES[n % 5], *([NOBODY] * (n % 3 == 0)), *([f"no-{n}@example.test"] * (n % 4 == 0))] for n in range(64)]
    messages = [letter(*recipients, subject=f"Informe {n}") for n, recipients in enumerate(to)]
    results = sent(postfix, messages)
    for number, recipients in enumerate(to):
        assert outcomes(results[number]) == {
            one: Outcome.ACCEPTED if one in BOXES else Outcome.REJECTED for one in recipients
        }
    wanted = Counter((message.message_id, recipients[0]) for message, recipients in zip(messages, to, strict=True))
    assert copies(postfix, BOXES) == accepted(results.values()) == wanted


def test_a_message_whose_recipients_are_all_refused_leaves_its_neighbours_alone(
    postfix: Postfix, in_keyring: SecretService
) -> None:
    messages = [letter(NOBODY if n % 8 == 3 else BOXES[n % 5], subject=f"Informe {n}") for n in range(64)]
    results = sent(postfix, messages)
    assert {n for n, result in results.items() if not result.ok} == set(range(3, 64, 8))
    assert all(outcomes(results[n]) == {NOBODY: Outcome.REJECTED} for n in range(3, 64, 8))
    wanted = Counter((one.message_id, BOXES[n % 5]) for n, one in enumerate(messages) if n % 8 != 3)
    assert copies(postfix, BOXES) == accepted(results.values()) == wanted


def test_greylisted_recipients_in_a_window_get_one_copy_from_a_retry(
    postfix: Postfix, in_keyring: SecretService
) -> None:
    grey = {n: f"grey-{n % 2 + 1}-w{n}@example.test" for n in range(0, 64, 5)}
    to = [[BOXES[n % 5], *([grey[n]] if n in grey else [])] for n in range(64)]
    messages = [letter(*recipients, subject=f"Informe {n}") for n, recipients in enumerate(to)]
    results = sent(postfix, messages)
    assert all(result.ok for result in results.values())
    assert {n: results[n].recipients[address].attempts for n, address in grey.items()} == {n: n % 2 + 2 for n in grey}
    wanted = Counter((message.message_id, one) for message, all_ in zip(messages, to, strict=True) for one in all_)
    assert copies(postfix, [*BOXES, *grey.values()]) == accepted(results.values()) == wanted
    assert sum(
        envelope.recipients == (address,) for envelope in postfix.envelopes() for address in grey.values()
    ) == sum(n % 2 + 1 for n in grey)


@pytest.mark.parametrize("connections", [1, 4])
def test_a_refused_end_of_data_in_a_window_is_that_messages_own(
    postfix: Postfix, in_keyring: SecretService, connections: int
) -> None:
    refused = {5, 6, 17, 40}
    messages = [
        travelled(BOXES[n % 5], LUIS, subject=f"bucle-{n}")
        if n in refused
        else letter(BOXES[n % 5], subject=f"Informe {n}")
        for n in range(64)
    ]
    results = sent(postfix, messages, connections=connections)
    for number, result in results.items():
        if number in refused:
            assert outcomes(result) == {BOXES[number % 5]: Outcome.REJECTED, LUIS: Outcome.REJECTED}
            assert {one.reply.code for one in result.rejected if one.reply} == {554}
        else:
            assert outcomes(result) == {BOXES[number % 5]: Outcome.ACCEPTED}
    wanted = Counter((results[n].message_id, BOXES[n % 5]) for n in range(64) if n not in refused)
    assert copies(postfix, [*BOXES, LUIS]) == accepted(results.values()) == wanted


def test_everything_that_can_be_refused_at_once(postfix: Postfix, in_keyring: SecretService) -> None:
    """A window in no order: accepted, unknown, greylisted, of another's sender, too large, and going in circles."""
    draw = random.Random(4)
    kinds = [draw.choice(["fine", "unknown", "grey", "stranger", "huge", "loop"]) for _ in range(120)]
    large = "x" * 76 + "\n"
    makers = {
        "fine": lambda n: letter(BOXES[n % 5], subject=f"Informe {n}"),
        "unknown": lambda n: letter(NOBODY, BOXES[n % 5], subject=f"Informe {n}"),
        "grey": lambda n: letter(BOXES[n % 5], f"grey-1-e{n}@example.test", subject=f"Informe {n}"),
        "stranger": lambda n: Message(sender=LUIS, to=BOXES[n % 5], subject=f"Informe {n}", text="No soy yo."),
        "huge": lambda n: letter(BOXES[n % 5], subject=f"Informe {n}", text=large * 15_000),
        "loop": lambda n: travelled(BOXES[n % 5], subject=f"bucle-{n}"),
    }
    results = sent(postfix, (makers[kind](n) for n, kind in enumerate(kinds)), connections=2)
    assert set(results) == set(range(120))
    wanted = Counter[tuple[str, str]]()
    for number, kind in enumerate(kinds):
        result, box = results[number], BOXES[number % 5]
        assert not result.deferred
        assert not result.in_doubt
        assert (box in [one.address for one in result.accepted]) is (kind in ("fine", "unknown", "grey"))
        assert (NOBODY in [one.address for one in result.rejected]) is (kind == "unknown")
        wanted.update((str(result.message_id), one.address) for one in result.accepted)
    greys = [f"grey-1-e{n}@example.test" for n, kind in enumerate(kinds) if kind == "grey"]
    assert copies(postfix, [*BOXES, *greys]) == accepted(results.values()) == wanted
    assert all(
        (results[n].message_id, f"grey-1-e{n}@example.test") in wanted for n, kind in enumerate(kinds) if kind == "grey"
    )


def test_a_large_message_in_a_window_of_small_ones_arrives_whole(postfix: Postfix, in_keyring: SecretService) -> None:
    lines = "".join(f"Línea {n} de un informe muy largo.\n" for n in range(12_000))
    messages = [
        letter(BOXES[n % 5], subject=f"Informe {n}", text=lines if n % 16 == 7 else "Poco.\n") for n in range(64)
    ]
    results = sent(postfix, messages)
    assert all(result.ok for result in results.values())
    wanted = Counter((message.message_id, BOXES[n % 5]) for n, message in enumerate(messages))
    assert copies(postfix, BOXES) == wanted
    texts = Counter(one.get_content() for box in BOXES for one in postfix.mailbox(box))
    assert texts == {lines: 4, "Poco.\n": 60}


def test_the_messages_of_a_window_arrive_octet_for_octet(postfix: Postfix, in_keyring: SecretService) -> None:
    messages = [letter(LUIS, subject=f"Informe {n}", text=f".\n..\n{n}\n.\n" * (n + 1)) for n in range(WINDOW)]
    sent(postfix, messages)
    arrived = {one["Subject"]: one.get_content() for one in postfix.mailbox(LUIS)}
    assert arrived == {message.subject: message.text for message in messages}
    assert len(contents(postfix, LUIS)) == WINDOW


USER, PASSWORD = "ana@example.com", "correct horse"


def _through(server: ScriptedServer, authority: Authority, messages: list[Message]) -> dict[int | None, DeliveryResult]:
    account = starttls_to(server, authority)
    with Mailer(account, username=USER, password=PASSWORD, retry=at_once(), max_connections=1) as mailer:
        results = list(mailer.send_many(messages, in_flight=WINDOW))
    assert len(results) == len(messages)
    return {result.index: result for result in results}


@pytest.fixture
def window() -> list[Message]:
    return [Message(sender=USER, to=[f"b{n}@example.net"], subject=f"{n}", text="Todo bien.") for n in range(WINDOW)]


@pytest.mark.parametrize("nested", [False, True], ids=["forgets", "as Postfix does"])
@pytest.mark.parametrize(
    ("reply", "outcome"), [("451 4.3.0 disk", Outcome.ACCEPTED), ("554 5.7.1 no", Outcome.REJECTED)]
)
def test_an_end_of_data_refused_in_the_middle_is_counted_at_the_server(
    authority: Authority, window: list[Message], nested: bool, reply: str, outcome: Outcome
) -> None:
    with ScriptedServer(tls=authority.server_context(), nested_mail_refused=nested) as server:
        server.after_data(nth=12).reply(reply)
        results = _through(server, authority, window)
        assert Counter(next(iter(outcomes(one).values())) for one in results.values()) == Counter(
            [Outcome.ACCEPTED] * (WINDOW - 1) + [outcome]
        )
        assert server.copies() == accepted(results.values())


@pytest.mark.parametrize("rst", [False, True], ids=["fin", "rst"])
def test_a_cut_in_the_middle_of_a_window_makes_no_second_copy_and_is_told_honestly(
    authority: Authority, window: list[Message], rst: bool
) -> None:
    with ScriptedServer(tls=authority.server_context()) as server:
        server.after_data(nth=12).drop(rst=rst)
        results = _through(server, authority, window)
        copied = server.copies()
        assert max(copied.values()) == 1
        for message, result in zip(window, (results[n] for n in range(WINDOW)), strict=True):
            (one,) = result.recipients.values()
            taken = copied[message.message_id, one.address]
            assert one.outcome in (Outcome.ACCEPTED, Outcome.IN_DOUBT)
            assert taken == 1 or one.outcome is Outcome.IN_DOUBT
        assert results[11].in_doubt
