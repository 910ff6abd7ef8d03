"""Servers as they are (FACTS.md 1): each oddity costs no copy, no lost mail, and no truth."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from sendkit import AsyncMailer, DeliveryResult, Outcome, RetryPolicy, errors
from tests.servers.scripted import AUTH, BASE, Ending, ScriptedServer

from .checks import judge
from .stage import PASSWORD, USER, Evidence, letter, limits, mailer, observe, play, scripted, server_of
from .test_cancellation import dishonest
from .truth import AGAIN, DOUBT, NO, RECIPIENTS, YES, A, B, C, Fates, Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendkit import Message

ALL_YES: dict[str, Fates] = dict.fromkeys(RECIPIENTS, YES)


def send_in_turn(
    server: ScriptedServer,
    *messages: Message,
    tries: int = 1,
    between: Callable[[], object] = lambda: None,
) -> tuple[Evidence, list[DeliveryResult]]:
    """One message after the other with one mailer; the evidence is of the last. `between` is called before that one."""
    results: list[DeliveryResult] = []

    async def act(evidence: Evidence) -> None:
        async with mailer(server, limits(), tries=tries) as used:
            for message in messages:
                if message is messages[-1]:
                    # On a thread, so that the loop sees what comes meanwhile.
                    await asyncio.to_thread(between)
                results.append(await used.send(message, check=False))
            evidence.result = results[-1]

    evidence = observe(server, act)
    return evidence, results


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("code", ["450 4.2.0", "550 5.7.1"])
def test_after_a_refused_end_of_data_the_next_message_does_not_go_into_the_old_transaction(
    mode: Mode, code: str
) -> None:
    server = scripted(mode, nested_mail_refused=True)
    server.after_data().reply(f"{code} no", times=1)
    evidence, (first, second) = send_in_turn(server, letter("first"), letter("second"))
    assert judge(evidence, ALL_YES) == []
    assert dishonest(first, evidence) == []
    assert not first.accepted
    (accepted,) = server.accepted
    assert (accepted.message_id, accepted.recipients) == (second.message_id, RECIPIENTS)


@pytest.mark.parametrize("mode", Mode)
def test_after_a_transaction_without_recipients_the_next_message_has_its_own_sender(mode: Mode) -> None:
    server = scripted(mode, nested_mail_refused=True)
    server.on_rcpt().reply("550 5.1.1 no such user", times=3)
    first, second = letter("first"), letter("second").model_copy(update={"sender": "eva@example.com"})
    evidence, (refused, _) = send_in_turn(server, first, second)
    assert judge(evidence, ALL_YES) == []
    assert [told.outcome for told in refused.recipients.values()] == [Outcome.REJECTED] * 3
    (accepted,) = server.accepted
    assert (accepted.reverse_path, accepted.recipients) == ("eva@example.com", RECIPIENTS)


def test_a_354_although_every_recipient_was_refused_is_answered_by_a_lone_dot() -> None:
    server = scripted(Mode.PIPELINING)
    server.on_rcpt().reply("550 5.1.1 no such user")
    server.on_data().raw(b"354 go ahead\r\n")
    evidence = play(server, limits())
    assert judge(evidence, dict.fromkeys(RECIPIENTS, NO)) == []
    assert b"\r\nDATA\r\n.\r\n" in evidence.connections[0].octets()


def test_a_server_that_does_not_announce_pipelining_never_sees_two_commands_at_once() -> None:
    server = scripted(Mode.STEPWISE, refuses_pipelining=True)
    evidence, results = send_in_turn(server, letter("first"), letter("second"))
    assert judge(evidence, ALL_YES) == []
    assert all(result.ok for result in results)
    assert len(evidence.connections) == 1


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("most", [1, 2])
def test_too_many_recipients_go_into_further_transactions_of_the_same_try(mode: Mode, most: int) -> None:
    server = scripted(mode, max_recipients=most)
    evidence = play(server, limits())
    assert judge(evidence, ALL_YES) == []
    assert evidence.result is not None
    assert len(evidence.result.attempts) == len(evidence.connections) == 1
    assert len(server.accepted) == -(-3 // most)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "reply", ["452 4.5.3 too many", "451 4.5.3 too many", "552 5.5.3 too many", "452 too many", "552 too many"]
)
def test_every_way_to_say_too_many_is_understood(reply: str, mode: Mode) -> None:
    server = scripted(mode)
    server.on_rcpt(C).reply(reply, times=1)
    evidence = play(server, limits())
    assert judge(evidence, ALL_YES) == []
    assert evidence.result is not None
    assert len(evidence.result.attempts) == 1


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(("reply", "fates"), [("452 4.5.3 too many", AGAIN), ("552 5.5.3 too many", AGAIN | NO)])
def test_too_many_without_any_progress_comes_to_an_end(reply: str, fates: Fates, mode: Mode) -> None:
    server = scripted(mode)
    server.on_rcpt(C).reply(reply)
    evidence = play(server, limits())
    assert judge(evidence, ALL_YES | {C: fates}) == []
    assert sum(connection.commands.count("MAIL") for connection in evidence.connections) == 2


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("reply", ["421 4.7.0 enough", "450 4.7.1 too many messages", "452 4.3.1 100 messages"])
def test_a_mail_limit_for_each_connection_is_answered_by_a_new_one(reply: str, mode: Mode) -> None:
    server = scripted(mode)
    for number in range(1, 9):
        server.on_mail(nth=2).on_connection(number).reply(reply, times=100)
    evidence, results = send_in_turn(server, *(letter(str(number)) for number in range(4)), tries=2)
    assert judge(evidence, ALL_YES) == []
    assert all(result.ok for result in results)
    assert set(server.copies().values()) == {1}


@pytest.mark.parametrize("mode", [Mode.PIPELINING, Mode.CHUNKING])
@pytest.mark.parametrize("reply", ["500 5.5.0 Pipelining not supported", "502 5.5.1 what", "503 5.5.1 bad sequence"])
@pytest.mark.parametrize("place", ["on_mail", "on_rcpt"])
def test_a_server_that_breaks_under_pipelining_is_spoken_to_one_command_at_a_time_from_then_on(
    place: str, reply: str, mode: Mode
) -> None:
    server = scripted(mode)
    getattr(server, place)().on_connection(1).reply(reply)
    evidence, results = send_in_turn(server, letter("first"), letter("second"), tries=3)
    assert judge(evidence, ALL_YES) == []
    assert [len(result.attempts) for result in results] == [2, 1]
    _, stepwise = evidence.connections
    # What came in one piece had one command in it, or none that another follows.
    assert [
        piece.data for piece in stepwise.received if piece.data.startswith(b"MAIL") and piece.data.count(b"\r\n") > 1
    ] == []


def test_stepping_down_happens_once() -> None:
    server = scripted(Mode.CHUNKING)
    server.on_mail().reply("503 5.5.1 bad sequence")
    evidence = play(server, limits(), tries=9)
    assert evidence.result is not None
    assert len(evidence.result.attempts) == 2
    with pytest.raises(errors.ProtocolError):
        evidence.result.raise_for_failure()


@pytest.mark.parametrize("mode", Mode)
def test_a_yes_to_the_data_of_a_refused_mail_leaves_nobody_accepted(mode: Mode) -> None:
    server = scripted(mode)
    server.on_mail().reply("550 5.7.1 no")
    server.on_data().raw(b"354 go ahead\r\n")
    server.after_data().raw(b"250 2.0.0 queued\r\n", accept=False)
    evidence = play(server, limits(), tries=3)
    assert judge(evidence, dict.fromkeys(RECIPIENTS, DOUBT if mode is Mode.CHUNKING else NO)) == []
    assert len(evidence.connections) == 1


@pytest.mark.parametrize("closing", [b"421 4.3.2 closing\r\n", b"421-4.3.2 closing\r\n421 4.3.2 soon\r\n"])
def test_a_server_that_says_421_and_goes_on_may_have_taken_the_message(closing: bytes) -> None:
    server = scripted(Mode.CHUNKING)
    server.on_rcpt(B).raw(closing, times=1)
    server.after_data().raw(b"250\xa0queued\r\n", ending=Ending.FIN, times=1)
    evidence = play(server, limits(), tries=2)
    assert judge(evidence, {A: DOUBT, B: YES, C: DOUBT}) == []


@pytest.mark.parametrize("mode", Mode)
def test_a_second_reply_without_an_enhanced_code_never_turns_a_refusal_into_an_acceptance(mode: Mode) -> None:
    wrong = []
    for _ in range(20):
        server = scripted(mode)
        server.capabilities_in_tls.remove("ENHANCEDSTATUSCODES")
        server.on_mail().stray(b"250 stray\r\n")
        server.after_data().reply("554 no")
        wrong += judge(play(server, limits()))
    assert wrong == []


@pytest.mark.parametrize("mode", Mode)
def test_a_second_reply_never_turns_a_refusal_into_an_acceptance(mode: Mode) -> None:
    server = scripted(mode)
    server.on_mail().stray(b"250 2.1.0 stray\r\n")
    server.after_data().reply("554 5.3.0 no")
    assert judge(play(server, limits())) == []


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("later", "fates"), [("250 2.0.0 Ok", YES), ("550 5.7.1 no", DOUBT), ("450 4.2.0 later", DOUBT)]
)
def test_a_doubt_that_is_tried_again_on_request_is_settled_by_an_acceptance_alone(
    later: str, fates: Fates, mode: Mode
) -> None:
    server = scripted(mode)
    server.after_data().drop(accept=False, times=1)
    server.after_data().reply(later)

    async def act(evidence: Evidence) -> None:
        retry = RetryPolicy(max_attempts=2, wait=lambda _: 0, retry_in_doubt=True)
        async with AsyncMailer(server_of(server, limits()), username=USER, password=PASSWORD, retry=retry) as used:
            evidence.result = await used.send(letter(), check=False)

    evidence = observe(server, act)
    assert judge(evidence, dict.fromkeys(RECIPIENTS, fates)) == []
    assert evidence.result is not None
    assert len(evidence.result.attempts) == 2


_IDLE_ENDS: dict[str, Callable[[ScriptedServer], object]] = {
    "421 and FIN": lambda server: server.say(b"421 4.4.2 idle\r\n", ending=Ending.FIN),
    "421 and a TLS close": lambda server: server.say(b"421 4.4.2 idle\r\n", ending=Ending.CLOSE),
    "TLS close": lambda server: server.say(b"", ending=Ending.CLOSE),
    "FIN": lambda server: server.drop(),
    "RST": lambda server: server.drop(rst=True),
    "421, and it stays": lambda server: server.say(b"421 4.4.2 idle\r\n"),
    "a reply that nobody asked for": lambda server: server.say(b"250 2.0.0 Ok\r\n"),
    "half a reply": lambda server: server.say(b"250-2.0.0"),
    "garbage": lambda server: server.say(b"\xff\x00"),
}
_GONE = ("421 and FIN", "421 and a TLS close", "TLS close", "FIN", "RST")


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("name", _IDLE_ENDS)
def test_an_idle_connection_that_ended_or_spoke_unasked_is_replaced_and_costs_no_try(name: str, mode: Mode) -> None:
    server = scripted(mode)

    def end() -> None:
        _IDLE_ENDS[name](server)
        if name in _GONE:
            server.wait_for(lambda: server.connections[0].ended)

    evidence, (first, second) = send_in_turn(server, letter("first"), letter("second"), between=end)
    assert judge(evidence, ALL_YES) == []
    assert first.ok
    assert len(second.attempts) == 1
    assert len(evidence.connections) == 2


def test_a_message_larger_than_the_server_takes_is_rejected_unasked() -> None:
    server = scripted(Mode.CHUNKING)
    server.capabilities_in_tls = ["PIPELINING", "CHUNKING", "SIZE 100", AUTH]
    evidence = play(server, limits(), tries=3)
    assert judge(evidence, dict.fromkeys(RECIPIENTS, NO)) == []
    assert evidence.result is not None
    assert [(told.reply, bool(told.reason)) for told in evidence.result.rejected] == [(None, True)] * 3
    assert "MAIL" not in evidence.connections[0].commands


@pytest.mark.parametrize("limit", ["SIZE", "SIZE 0"])
def test_a_size_without_a_limit_is_none(limit: str) -> None:
    server = scripted(Mode.CHUNKING)
    server.capabilities_in_tls = [*(name for name in BASE if not name.startswith("SIZE")), limit, AUTH]
    assert judge(play(server, limits()), ALL_YES) == []


@pytest.mark.parametrize("place", ["on_connect", "on_ehlo_in_tls", "on_auth", "on_mail", "after_data"])
@pytest.mark.parametrize("fault", ["endless_line", "endless_reply"])
def test_an_endless_reply_costs_bounded_memory(fault: str, place: str) -> None:
    server = scripted(Mode.STEPWISE)
    getattr(getattr(server, place)(), fault)()
    play(scripted(Mode.STEPWISE), limits())
    tracemalloc.start()
    try:
        evidence = play(server, limits())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert judge(evidence, dict.fromkeys(RECIPIENTS, AGAIN | DOUBT)) == []
    # Twice what may lie unread, and as much again for this server and its records.
    assert peak < 8_000_000


def test_the_reverse_path_and_the_recipients_are_those_of_the_message_in_every_copy() -> None:
    server = scripted(Mode.CHUNKING)
    evidence, _ = send_in_turn(server, *(letter(str(number)) for number in range(5)))
    assert judge(evidence, ALL_YES) == []
    assert {(message.reverse_path, message.recipients) for message in server.accepted} == {(USER, (A, B, C))}
