"""A connection that is cut: behind the end of data nobody can know, before it nothing was taken (RFC 1047).

A scripted server cuts it, at the octet that a test names; a real one cannot be told to. Each in the three ways of
writing: one command at a time, PIPELINING, CHUNKING.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sendkit import AsyncMailer, DeliveryResult, Mailer, Message, Outcome, RetryPolicy
from sendkit.errors import InDoubtError
from tests.servers.scripted import AUTH, BASE, ScriptedServer

from .post import at_once, outcomes, run, starttls_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.authority import Authority

USER, PASSWORD = "ana@example.com", "correct horse"
A, B = "a@example.net", "b@example.net"
SMALL, LARGE = "Todo bien.\n", "Todo bien, y bastante más.\n" * 10_000
# More than the kernels on both sides take before anybody reads: what they hold has left us, the end of data with it.
HUGE = "One more line of a report that has no end in sight, as some reports have it.\n" * 100_000
LACKING = {"stepwise": {"PIPELINING", "CHUNKING"}, "pipelining": {"CHUNKING"}, "chunking": set[str]()}
POLICIES = [
    RetryPolicy(max_attempts=1),
    RetryPolicy(max_attempts=20, max_elapsed=3600, wait=lambda _: 0),
]


@pytest.fixture(params=LACKING)
def server(request: pytest.FixtureRequest, authority: Authority) -> Iterator[ScriptedServer]:
    capabilities = [name for name in (*BASE, AUTH) if name not in LACKING[request.param]]
    with ScriptedServer(tls=authority.server_context(), capabilities_in_tls=capabilities) as server:
        yield server


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def message(request: pytest.FixtureRequest) -> Message:
    return Message(sender=USER, to=[A, B], subject="Informe", text=request.param)


def sent(
    server: ScriptedServer, authority: Authority, message: Message, retry: RetryPolicy | None = None
) -> DeliveryResult:
    account = starttls_to(server, authority)
    with Mailer(account, username=USER, password=PASSWORD, retry=retry or at_once()) as mailer:
        return mailer.send(message, check=False)


@pytest.mark.parametrize("policy", POLICIES, ids=["one try", "twenty tries"])
@pytest.mark.parametrize("rst", [False, True], ids=["fin", "rst"])
def test_cut_behind_the_end_of_data_is_in_doubt_and_no_second_copy(
    server: ScriptedServer, authority: Authority, message: Message, policy: RetryPolicy, rst: bool
) -> None:
    server.after_data().drop(rst=rst)
    result = sent(server, authority, message, policy)
    assert outcomes(result) == {A: Outcome.IN_DOUBT, B: Outcome.IN_DOUBT}
    assert server.copies() == {(message.message_id, A): 1, (message.message_id, B): 1}
    assert len(result.attempts) == len(server.connections) == 1
    assert result.unsettled() is None
    with pytest.raises(InDoubtError) as doubt:
        result.raise_for_failure()
    assert doubt.value.hint
    assert not doubt.value.transient


def test_what_the_server_lost_is_in_doubt_all_the_same(
    server: ScriptedServer, authority: Authority, message: Message
) -> None:
    server.after_data().drop(accept=False)
    result = sent(server, authority, message)
    assert outcomes(result) == {A: Outcome.IN_DOUBT, B: Outcome.IN_DOUBT}
    assert server.copies() == {}


def test_who_was_refused_before_the_cut_is_not_in_doubt(
    server: ScriptedServer, authority: Authority, message: Message
) -> None:
    server.on_rcpt(B).reply("550 5.1.1 no such user")
    server.after_data().drop()
    result = sent(server, authority, message)
    assert outcomes(result) == {A: Outcome.IN_DOUBT, B: Outcome.REJECTED}
    assert server.copies() == {(message.message_id, A): 1}


def test_who_was_deferred_before_the_cut_is_tried_again_alone(
    server: ScriptedServer, authority: Authority, message: Message
) -> None:
    server.on_rcpt(B).reply("450 4.2.0 greylisted", times=1)
    server.after_data().drop(times=1)
    result = sent(server, authority, message)
    assert outcomes(result) == {A: Outcome.IN_DOUBT, B: Outcome.ACCEPTED}
    assert server.copies() == {(message.message_id, A): 1, (message.message_id, B): 1}
    first, second = server.accepted
    assert first.content == second.content


def test_only_who_asks_for_it_gets_a_second_copy(
    server: ScriptedServer, authority: Authority, message: Message
) -> None:
    server.after_data().drop(times=1)
    policy = RetryPolicy(max_attempts=2, wait=lambda _: 0, retry_in_doubt=True)
    result = sent(server, authority, message, policy)
    assert outcomes(result) == {A: Outcome.ACCEPTED, B: Outcome.ACCEPTED}
    assert server.copies() == {(message.message_id, A): 2, (message.message_id, B): 2}


@pytest.mark.parametrize("rst", [False, True], ids=["fin", "rst"])
def test_cut_in_the_middle_of_the_body_is_one_copy_after_the_retry(
    server: ScriptedServer, authority: Authority, rst: bool
) -> None:
    message = Message(sender=USER, to=[A, B], subject="Informe", text=HUGE)
    server.on_cut().cut(received=1_000_000, rst=rst, times=1)
    result = sent(server, authority, message)
    assert result.ok
    assert [one.attempts for one in result.recipients.values()] == [2, 2]
    assert server.copies() == {(message.message_id, A): 1, (message.message_id, B): 1}


@pytest.mark.parametrize("place", ["connect", "ehlo", "starttls", "tls", "ehlo_in_tls", "auth"])
@pytest.mark.parametrize("server", ["chunking"], indirect=True)
def test_cut_before_the_transaction_is_one_copy_after_the_retry(
    server: ScriptedServer, authority: Authority, place: str
) -> None:
    message = Message(sender=USER, to=[A, B], subject="Informe", text=SMALL)
    getattr(server, f"on_{place}")().drop(times=1)
    result = sent(server, authority, message)
    assert result.ok
    assert len(result.attempts) == len(server.connections) == 2
    assert server.copies() == {(message.message_id, A): 1, (message.message_id, B): 1}


@pytest.mark.parametrize("place", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("server", ["stepwise", "pipelining"], indirect=True)
def test_cut_before_the_content_began_is_one_copy_after_the_retry(
    server: ScriptedServer, authority: Authority, message: Message, place: str
) -> None:
    getattr(server, f"on_{place}")().drop(times=1)
    result = sent(server, authority, message)
    assert result.ok
    assert server.copies() == {(message.message_id, A): 1, (message.message_id, B): 1}
    assert len({one.content for one in server.accepted}) == 1


@pytest.mark.parametrize("place", ["mail", "rcpt"])
@pytest.mark.parametrize("server", ["chunking"], indirect=True)
def test_cut_while_a_whole_transaction_is_on_its_way_is_never_two_copies(
    server: ScriptedServer, authority: Authority, message: Message, place: str
) -> None:
    """A small message left in one write with its envelope, so nobody can know; the end of a large one is still here."""
    getattr(server, f"on_{place}")().drop(times=1)
    result = sent(server, authority, message)
    if message.text == SMALL:
        assert outcomes(result) == {A: Outcome.IN_DOUBT, B: Outcome.IN_DOUBT}
        assert server.copies() == {}
    else:
        assert result.ok
        assert server.copies() == {(message.message_id, A): 1, (message.message_id, B): 1}


def test_the_command_ends_with_76_and_says_not_to_run_it_again(server: ScriptedServer, authority: Authority) -> None:
    server.after_data().drop()
    account = ("--host", f"{server.host}:{server.port}", "--user", USER, "--ca-file", str(authority.ca_file))
    message = ("--from", USER, "--to", A, "--subject", "Informe", "--text", SMALL)
    done = run("send", *account, *message, "--json", SENDKIT_PASSWORD=PASSWORD)
    assert done.returncode == 76
    result = DeliveryResult.model_validate_json(done.stdout)
    assert outcomes(result) == {A: Outcome.IN_DOUBT}
    assert result.message_id
    assert result.message_id in done.stderr
    assert server.copies() == {(result.message_id, A): 1}


def test_a_cancellation_behind_the_end_of_data_says_that_it_is_in_doubt(
    server: ScriptedServer, authority: Authority
) -> None:
    server.after_data().hold()
    message = Message(sender=USER, to=[A], subject="Informe", text=SMALL)

    async def send() -> DeliveryResult:
        account = starttls_to(server, authority)
        async with AsyncMailer(account, username=USER, password=PASSWORD, retry=at_once()) as mailer:
            sending = asyncio.create_task(mailer.send(message, check=False))
            await asyncio.to_thread(server.wait_for, lambda: bool(server.accepted))
            sending.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await sending
            so_far: DeliveryResult = cancelled.value.result  # type: ignore[attr-defined]
            return so_far

    assert outcomes(asyncio.run(send())) == {A: Outcome.IN_DOUBT}
