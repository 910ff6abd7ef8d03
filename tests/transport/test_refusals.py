"""A secret that was refused once is not sent again by any mailer of the process, until it has changed."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sendkit import AsyncMailer, DeliveryResult, Mailer, RetryPolicy, Security, Server
from sendkit._credentials import explicit
from sendkit._lifetime.one_at_a_time import OneAtATime
from sendkit._seam.limits import Limits
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import judge_refusal
from sendkit._transport.refusals import REFUSALS, Refusals, Trial
from sendkit._transport.smtp import SMTPTransport
from tests.accounts import message
from tests.servers.authority import Authority
from tests.servers.scripted import BASE, ScriptedServer

USER, PASSWORD = "ana@example.com", "correct horse"
VERDICT = judge_refusal(Phase.AUTH, Reply.build(535, "5.7.8 no"))
Make = Callable[..., AsyncMailer]


@pytest.fixture
def server(authority: Authority) -> object:
    with ScriptedServer(tls=authority.server_context()) as server:
        yield server


@pytest.fixture
def place(server: ScriptedServer, authority: Authority) -> Server:
    return Server(server.host, server.port, Security.STARTTLS, tls_context=authority.client_context())


async def send(place: Server, **settings: object) -> DeliveryResult:
    """Send one message with a mailer of its own."""
    async with AsyncMailer(
        place, username=USER, retry=RetryPolicy(max_attempts=3, wait=lambda _: 0), **settings
    ) as mailer:  # type: ignore[arg-type]
        return await mailer.send(message(), check=False)


async def test_a_second_mailer_does_not_send_what_the_first_was_refused(server: ScriptedServer, place: Server) -> None:
    first, second = [await send(place, password="wrong horse") for _ in range(2)]
    assert server.auth_commands == 1
    assert (first.ok, second.ok) == (False, False)
    assert [str(result.recipients["luis@example.com"].reply) for result in (first, second)] == [
        "535 5.7.8 Authentication credentials invalid"
    ] * 2


async def test_a_thousand_access_tokens_leave_no_more_behind_than_one(server: ScriptedServer, place: Server) -> None:
    tokens = itertools.count()

    def next_token(host: str, username: str) -> str:
        server.users[username] = f"token {next(tokens)}"
        return server.users[username]

    transport = SMTPTransport(place, username=USER, credentials=explicit(None, next_token), limits=Limits(1, letters=1))
    async with AsyncMailer(transport=transport) as mailer:
        sizes: list[int] = []
        for _ in range(4):
            assert (await mailer.send(message())).ok
            kept = [value for value in vars(transport).values() if isinstance(value, set | dict | list)]
            sizes.append(sum(map(len, kept)))
    assert next(tokens) == 4
    assert sizes == [0] * 4


async def test_another_secret_and_another_user_are_not_held_back(server: ScriptedServer, place: Server) -> None:
    server.users["luis@example.com"] = "wrong horse"
    await send(place, password="wrong horse")
    assert (await send(place, password=PASSWORD)).ok
    async with AsyncMailer(place, username="luis@example.com", password="wrong horse") as mailer:
        assert (await mailer.send(message())).ok
    assert server.auth_commands == 3


async def test_the_same_secret_is_not_sent_by_a_second_mechanism(server: ScriptedServer, place: Server) -> None:
    await send(place, password="wrong horse")
    await send(place, password="wrong horse", mechanism="LOGIN")
    assert server.auth_commands == 1


async def test_mailers_at_the_same_time_send_a_wrong_secret_once(server: ScriptedServer, place: Server) -> None:
    await asyncio.gather(*(send(place, password="wrong horse") for _ in range(6)))
    assert server.auth_commands == 1


def test_mailers_on_several_threads_send_a_wrong_secret_once(server: ScriptedServer, place: Server) -> None:
    def deliver(_: int) -> bool:
        with Mailer(place, username=USER, password="wrong horse", retry=RetryPolicy(max_attempts=1)) as mailer:
            return mailer.send(message(), check=False).ok

    with ThreadPoolExecutor(6) as pool:
        assert not any(pool.map(deliver, range(6)))
    assert server.auth_commands == 1


async def test_what_fails_for_now_is_no_refusal(server: ScriptedServer, place: Server) -> None:
    server.on_auth().reply("454 4.7.0 not now", times=2)
    assert (await send(place, password=PASSWORD)).ok
    assert server.auth_commands == 3


async def test_a_changed_source_is_one_more_login_with_the_new_secret(
    server: ScriptedServer, place: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.touch(mode=0o600)
    file.write_text("wrong horse")
    monkeypatch.setenv("SENDKIT_PASSWORD_FILE", str(file))
    async with AsyncMailer(place, username=USER) as mailer:
        refused = await mailer.send(message(), check=False)
        file.write_text(PASSWORD)
        server.drop()
        accepted = await mailer.send(message(), check=False)
    assert (refused.ok, accepted.ok, server.auth_commands) == (False, True, 2)
    assert f"the secret came from SENDKIT_PASSWORD_FILE ({file})" in str(refused.recipients["luis@example.com"].reason)


async def test_two_wrong_secrets_are_two_auth_commands_on_two_connections_and_no_third(
    server: ScriptedServer, place: Server
) -> None:
    answers = iter(["wrong horse", "worse horse", "worst horse"])
    await send(place, credentials=lambda host, user: next(answers))
    assert [connection.commands.count("AUTH") for connection in server.connections] == [1, 1]


async def test_a_source_that_fails_the_second_time_leaves_the_refusal_as_the_error(
    server: ScriptedServer, place: Server
) -> None:
    answers = iter(["wrong horse", None])
    result = await send(place, credentials=lambda host, user: next(answers))
    assert result.recipients["luis@example.com"].reply == Reply.build(535, "5.7.8 Authentication credentials invalid")
    assert server.auth_commands == 1


def test_the_memory_is_bounded_and_the_oldest_goes_first() -> None:
    refusals = Refusals()
    trials = [Trial("localhost:587", USER, b"%d" % number) for number in range(1025)]
    for trial in trials:
        refusals.refused(trial, VERDICT)
    assert refusals.refusal(trials[0]) is None
    assert all(refusals.refusal(trial) is VERDICT for trial in trials[1:])


def test_a_refused_secret_rests_for_an_hour_and_twice_as_long_after_each_further_refusal_up_to_a_day() -> None:
    now = [0.0]
    refusals, trial = Refusals(lambda: now[0]), Trial("localhost:587", USER, b"1")
    for hours in (1, 2, 4, 8, 16, 24, 24):
        refusals.refused(trial, VERDICT)
        now[0] += hours * 3600 - 1
        assert refusals.refusal(trial) is VERDICT
        now[0] += 1
        assert refusals.refusal(trial) is None
    refusals.proved_good(trial)
    refusals.refused(trial, VERDICT)
    now[0] += 3600
    assert refusals.refusal(trial) is None


async def test_after_its_rest_the_same_secret_gets_one_more_login(
    server: ScriptedServer, place: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(REFUSALS, "_now", lambda: now[0])
    async with AsyncMailer(place, username=USER, password="late horse", login_rest=900) as mailer:
        for seconds in (0, 899, 900):
            now[0] = seconds
            assert not (await mailer.send(message(), check=False)).ok
        assert server.auth_commands == 2
        server.users[USER] = "late horse"
        now[0] = 900 + 1800
        assert (await mailer.send(message())).ok


SAYS_NOTHING = [
    "500 5.5.2 unrecognised command",
    "501 5.5.2 cannot decode",
    "502 5.5.1 not implemented",
    "503 5.5.1 bad sequence",
    "504 5.5.4 unrecognised mechanism",
    "530 5.7.0 authentication required",
    "535 5.7.0 authentication failed: backend unavailable",
    "535 5.7.8 Error: authentication failed: Connection lost to authentication server",
    "535 5.7.8 Temporary authentication failure",
    "535 5.3.0 authentication failed",
]


@pytest.mark.parametrize("said", SAYS_NOTHING)
async def test_a_reply_that_says_nothing_of_the_secret_does_not_condemn_it(
    server: ScriptedServer, place: Server, said: str
) -> None:
    server.on_auth().reply(said, times=1)
    refused = await send(place, password=PASSWORD)
    assert (refused.ok, server.auth_commands, len(refused.attempts)) == (False, 1, 1)
    assert (await send(place, password=PASSWORD)).ok


@pytest.mark.parametrize(
    "said",
    [
        "535 5.7.8 bad username or password",
        "535 incorrect authentication data",
        "534 5.7.9 application-specific password required",
        "538 5.7.11 encryption required",
        "535 5.7.0 account temporarily locked",
        "550 5.7.1 authentication failed",
        "535 5.7.8 Error: authentication failed: (reason unavailable)",  # Postfix, of a wrong password
    ],
)
async def test_a_reply_that_condemns_the_secret_keeps_it_from_being_sent_again(
    server: ScriptedServer, place: Server, said: str
) -> None:
    server.on_auth().reply(said, times=1)
    for _ in range(2):
        assert not (await send(place, password=PASSWORD)).ok
    assert server.auth_commands == 1


@pytest.mark.parametrize("said", ["501 5.5.4 no parameter", "504 5.5.4 not here", "535 5.7.8 no"])
async def test_a_server_that_refuses_before_it_has_heard_the_secret_condemns_nothing(
    server: ScriptedServer, place: Server, said: str
) -> None:
    server.on_challenge().reply(said, times=1)
    server.capabilities_in_tls = [*BASE, "AUTH LOGIN"]
    refused = await send(place, password=PASSWORD)
    assert (refused.ok, server.auth_commands) == (False, 1)
    assert (await send(place, password=PASSWORD)).ok


def test_what_is_forgotten_may_be_sent_again() -> None:
    trial = Trial("localhost:587", USER, b"1")
    REFUSALS.refused(trial, VERDICT)
    REFUSALS.forget()
    assert REFUSALS.refusal(trial) is None


async def test_turns_come_one_after_the_other_and_a_cancelled_waiter_takes_none() -> None:
    turns: OneAtATime[str] = OneAtATime()
    inside: list[str] = []

    async def go(name: str) -> None:
        async with turns.turn("key"):
            inside.append(name)
            await asyncio.sleep(0)
            assert inside[-1] == name

    async with turns.turn("key"):
        tasks = [asyncio.create_task(go(name)) for name in "abc"]
        await asyncio.sleep(0)
        tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(inside) == ["a", "c"]
    assert tasks[1].cancelled()


def test_turns_hold_between_the_loops_of_several_threads() -> None:
    turns: OneAtATime[int] = OneAtATime()
    inside, most, lock = [0], [0], threading.Lock()

    async def go() -> None:
        async with turns.turn(1):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            await asyncio.sleep(0)
            with lock:
                inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: asyncio.run(go()), range(40)))
    assert most == [1]
