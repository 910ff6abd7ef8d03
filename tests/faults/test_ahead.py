"""Many messages on one connection, written ahead on request: what breaks there is judged message by message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendkit import AsyncMailer, DeliveryResult, Outcome, RetryPolicy
from tests.sampling import one_in

from .checks import judge
from .stage import PASSWORD, USER, Evidence, letter, limits, observe, scripted, server_of
from .test_cancellation import dishonest
from .truth import B, Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.scripted import ScriptedServer

MESSAGES, AHEAD = 12, 5


def send_ahead(
    server: ScriptedServer,
    *,
    tries: int,
    connections: int = 1,
    deadline: float | None = None,
    short: tuple[str, ...] = (),
) -> tuple[Evidence, list[DeliveryResult]]:
    """Send some messages, several at a time on each connection."""
    results: list[DeliveryResult] = []

    async def act(_: Evidence) -> None:
        async with AsyncMailer(
            server_of(server, limits(*short)),
            username=USER,
            password=PASSWORD,
            retry=RetryPolicy(max_attempts=tries, wait=lambda _: 0),
            max_connections=connections,
            deadline=deadline,
        ) as used:
            messages = [letter(str(number)) for number in range(MESSAGES)]
            results.extend([result async for result in used.send_many(messages, in_flight=AHEAD)])

    return observe(server, act), results


FAULTS: dict[str, Callable[[ScriptedServer], object]] = {
    "nothing": lambda server: None,
    "FIN after the third data": lambda server: server.after_data(nth=3).drop(),
    "RST after the third data": lambda server: server.after_data(nth=3).drop(rst=True),
    "FIN at the fourth MAIL": lambda server: server.on_mail(nth=4).drop(),
    "421 at the fourth MAIL": lambda server: server.on_mail(nth=4).reply("421 4.7.0 enough"),
    "450 at the fourth MAIL": lambda server: server.on_mail(nth=4).reply("450 4.7.1 slow down"),
    "550 at the fourth MAIL": lambda server: server.on_mail(nth=4).reply("550 5.7.1 no"),
    "503 at the fourth MAIL": lambda server: server.on_mail(nth=4).reply("503 5.5.1 bad sequence"),
    "421 at the second RSET": lambda server: server.on_rset(nth=2).reply("421 4.4.2 closing"),
    "502 at each RSET": lambda server: server.on_rset().reply("502 5.5.1 what"),
    "550 for b, always": lambda server: server.on_rcpt(B).reply("550 5.1.1 no such user"),
    "451 for b, twice": lambda server: server.on_rcpt(B).reply("451 4.2.1 later", times=2),
    "503 for b, once": lambda server: server.on_rcpt(B, nth=3).reply("503 5.5.1 bad sequence"),
    "all refused, once": lambda server: server.on_rcpt().reply("550 5.1.1 no such user", times=3),
    "450 after the second data": lambda server: server.after_data(nth=2).reply("450 4.2.0 later"),
    "550 after the second data": lambda server: server.after_data(nth=2).reply("550 5.7.1 no"),
    "503 after the second data": lambda server: server.after_data(nth=2).reply("503 5.5.1 bad sequence"),
    "garbage after the second data": lambda server: server.after_data(nth=2).garbage(),
    "a second reply at the third MAIL": lambda server: server.on_mail(nth=3).stray(b"250 2.1.0 stray\r\n"),
    "a second reply, a no, at the third MAIL": lambda server: server.on_mail(nth=3).stray(b"550 5.1.0 stray\r\n"),
    "a second reply after the third data": lambda server: server.after_data(nth=3).stray(b"250 2.0.0 stray\r\n"),
    "a second reply, a no, after the third data": lambda server: server.after_data(nth=3).stray(b"550 5.0.0 stray\r\n"),
}


@pytest.mark.parametrize(("name", "tries", "connections"), one_in(3, FAULTS, [1, 3], [1, 2]))
def test_what_goes_wrong_with_one_message_tells_no_lie_about_another(name: str, tries: int, connections: int) -> None:
    server = scripted(Mode.CHUNKING, nested_mail_refused=True)
    FAULTS[name](server)
    evidence, results = send_ahead(server, tries=tries, connections=connections)
    assert judge(evidence) == []
    assert [words for result in results for words in dishonest(result, evidence)] == []
    assert sorted(result.index for result in results if result.index is not None) == list(range(MESSAGES))
    if name == "nothing":
        assert all(result.ok for result in results)
        assert len(evidence.connections) <= connections


@pytest.mark.parametrize("tries", [1, 2])
def test_a_connection_that_dies_leaves_in_doubt_no_more_than_was_written_ahead(tries: int) -> None:
    server = scripted(Mode.CHUNKING)
    server.after_data(nth=3).drop(accept=False)
    evidence, results = send_ahead(server, tries=tries)
    assert judge(evidence) == []
    assert [words for result in results for words in dishonest(result, evidence)] == []
    assert 1 <= sum(bool(result.in_doubt) for result in results) <= AHEAD


def test_silence_leaves_in_doubt_what_was_written_and_lets_the_rest_go_on() -> None:
    server = scripted(Mode.CHUNKING)
    server.after_data(nth=3).silence(times=1)
    evidence, results = send_ahead(server, tries=2, short=("end_of_data",))
    assert judge(evidence) == []
    assert [words for result in results for words in dishonest(result, evidence)] == []
    outcomes = [{told.outcome for told in result.recipients.values()} for result in results]
    assert 1 <= outcomes.count({Outcome.IN_DOUBT}) <= AHEAD
    assert outcomes.count({Outcome.ACCEPTED}) >= MESSAGES - AHEAD


@pytest.mark.parametrize("step", [293, pytest.param(61, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("direction", ["received", "sent"])
def test_a_connection_with_several_messages_cut_anywhere_tells_no_lie_about_any(direction: str, step: int) -> None:
    whole, _ = send_ahead(scripted(Mode.CHUNKING), tries=1)
    length = len(whole.connections[0].octets(direction))
    wrong = {}
    for octets in range(0, length, step):
        server = scripted(Mode.CHUNKING)
        received, sent = (octets, None) if direction == "received" else (None, octets)
        server.on_cut().on_connection(1).cut(received=received, sent=sent)
        evidence, results = send_ahead(server, tries=1 + octets % 2)
        lies = [words for result in results for words in dishonest(result, evidence)]
        if found := [*judge(evidence), *lies]:
            wrong[octets] = found
    assert wrong == {}
