"""A conversation that was recorded gives the same results when it is played, and holds nothing that is secret."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sendkit import (
    AsyncMailer,
    DeliveryResult,
    Mailer,
    MemoryTransport,
    Message,
    RetryPolicy,
    Security,
    Server,
    SubmissionOptions,
    errors,
)
from sendkit._smtp.reason import Reason
from sendkit.testing import LocalServer, Replay, assert_no_secret_leaks, record
from tests.accounts import EVA, LUIS, OPS, message
from tests.servers.authority import Authority
from tests.servers.scripted import BASE, ScriptedServer

USER, PASSWORD = "ana@example.com", "correct horse"
AUTH = "AUTH PLAIN LOGIN"
MODES = {
    "stepwise": ("8BITMIME", "SIZE", AUTH),
    "pipelining": ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", AUTH),
    "chunking": (*BASE, AUTH),
}
AT_ONCE = RetryPolicy(max_attempts=2, wait=lambda _: 0)
PLACES = ["on_connect", "on_ehlo", "on_auth", "on_mail", "on_rcpt", "on_data", "after_data"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the conversation is written."""
    return tmp_path / "dialogue.txt"


@pytest.fixture(params=MODES)
def server(request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    """A server on this machine, in each of the ways in which it can be spoken to."""
    with ScriptedServer(capabilities=MODES[request.param]) as server:
        yield server


def account(server: ScriptedServer, **settings: Any) -> AsyncMailer:
    """Ana's account there; every conversation is kept."""
    place = Server(server.host, server.port, Security.NONE)
    return AsyncMailer(place, username=USER, password=PASSWORD, transcript=True, retry=AT_ONCE, **settings)


def facts(result: DeliveryResult) -> dict[str, Any]:
    """A result without what is another time, another message, and what only the wire has: address, and secret."""
    told = result.model_dump(exclude={"message_id"})
    for one in (*told["recipients"].values(), *filter(None, (attempt["error"] for attempt in told["attempts"]))):
        if one["why"] is Reason.LOGIN_REFUSED:
            assert one.pop("hint")  # it names the place where the secret came from
    for attempt in told["attempts"]:
        for changing in ("started", "duration", "transcript", "peer"):
            del attempt[changing]
    return told


async def played(path: Path, *messages: Message, retry: RetryPolicy = AT_ONCE) -> list[DeliveryResult]:
    """What the same mailer is told by the recording."""
    async with AsyncMailer(transport=Replay(path), transcript=True, retry=retry) as mailer:
        return [await mailer.send(one, check=False) for one in messages]


async def recorded(server: ScriptedServer, path: Path, *messages: Message) -> list[DeliveryResult]:
    """Send these on one mailer, and write down what was said."""
    async with account(server) as mailer:
        results = [await mailer.send(one, check=False) for one in messages]
    record(path, *results)
    return results


async def check_the_same(server: ScriptedServer, path: Path, *messages: Message) -> None:
    """What the server said and what the recording says must come to the same."""
    wire = await recorded(server, path, *messages)
    again = await played(path, *messages)
    assert [facts(result) for result in again] == [facts(result) for result in wire]
    for one, other in zip(again, wire, strict=True):
        for replay, attempt in zip(one.attempts, other.attempts, strict=True):
            assert [line.text for line in replay.transcript or ()] == [line.text for line in attempt.transcript or ()]
            assert abs(replay.duration - attempt.duration) < 1


async def test_what_was_asked_for_beside_the_message_is_the_same(server: ScriptedServer, path: Path) -> None:
    """Also where one message needs several connections (RFC 9422 section 4.1)."""
    server.capabilities = [*server.capabilities, "DSN", "LIMITS RCPTMAX=1 MAILMAX=2"]
    options = SubmissionOptions(notify="failure", ret="full", envid="42")
    async with account(server) as mailer:
        wire = await mailer.send(message(LUIS, OPS, EVA), options=options)
    record(path, wire)
    async with AsyncMailer(transport=Replay(path), retry=AT_ONCE) as mailer:
        again = await mailer.send(message(LUIS, OPS, EVA), options=options)
    assert len(server.connections) == 2
    assert facts(again) == facts(wire)


async def test_what_was_taken_is_taken_again(server: ScriptedServer, path: Path) -> None:
    await check_the_same(server, path, message(LUIS, OPS), message(EVA), message(LUIS))


@pytest.mark.parametrize("code", [451, 554])
@pytest.mark.parametrize("place", PLACES)
async def test_a_refusal_is_the_same(server: ScriptedServer, path: Path, place: str, code: int) -> None:
    getattr(server, place)(nth=1).reply(f"{code}-not today\n{code} perhaps tomorrow")
    await check_the_same(server, path, message(LUIS, OPS), message(EVA))


@pytest.mark.parametrize("place", [*PLACES, "on_body"])
async def test_a_lost_connection_is_the_same(server: ScriptedServer, path: Path, place: str) -> None:
    getattr(server, place)(nth=1).drop()
    await check_the_same(server, path, message(LUIS, OPS), message(EVA))


async def test_refused_recipients_are_the_same(server: ScriptedServer, path: Path) -> None:
    server.on_rcpt(OPS).reply("550 5.1.1 no such user")
    server.on_rcpt(EVA).reply("450 4.2.0 greylisted", times=1)
    await check_the_same(server, path, message(LUIS, OPS, EVA), message(OPS))


async def test_what_was_known_before_asking_is_the_same(server: ScriptedServer, path: Path) -> None:
    server.capabilities = [*server.capabilities, "SIZE 2000"]
    large = message(LUIS, text="A line of the report.\n" * 1_000)
    await check_the_same(server, path, large, message(LUIS), large, message(EVA))


async def test_a_server_that_is_not_there_is_the_same(server: ScriptedServer, path: Path) -> None:
    server.on_connect().refuse()
    await check_the_same(server, path, message(LUIS))


async def test_a_server_of_before_esmtp_is_the_same(server: ScriptedServer, path: Path) -> None:
    server.on_ehlo(nth=1).reply("502 5.5.1 what is EHLO?")
    place = Server(server.host, server.port, Security.NONE)
    async with AsyncMailer(place, transcript=True) as mailer:
        result = await mailer.send(message())
    assert result.ok
    record(path, result)
    assert [facts(one) for one in await played(path, message())] == [facts(result)]


async def test_too_many_recipients_are_the_same(server: ScriptedServer, path: Path) -> None:
    server.max_recipients = 2
    await check_the_same(server, path, message(LUIS, OPS, EVA), message(LUIS))


@pytest.mark.parametrize("place", ["on_body", "after_data"])
async def test_a_large_message_is_the_same(server: ScriptedServer, path: Path, place: str) -> None:
    large = message(LUIS, text="A line of the report.\n" * 10_000)
    await check_the_same(server, path, large)
    getattr(server, place)(nth=1).drop()
    await check_the_same(server, path, large)


async def test_a_connection_that_died_while_it_was_idle_is_the_same(server: ScriptedServer, path: Path) -> None:
    server.on_mail().on_connection(1).reply("421 4.4.2 idle for too long", times=1)
    await check_the_same(server, path, message(LUIS), message(EVA))


async def test_a_recording_may_begin_on_a_connection_that_was_in_use(server: ScriptedServer, path: Path) -> None:
    async with account(server) as mailer:
        await mailer.send(message())
        result = await mailer.send(message(LUIS, OPS))
    record(path, result)
    assert [facts(one) for one in await played(path, message(LUIS, OPS))] == [facts(result)]


async def test_servers_with_tls_are_the_same(authority: Authority, path: Path) -> None:
    with ScriptedServer(tls=authority.server_context()) as server:
        place = Server(server.host, server.port, tls_context=authority.client_context())
        async with AsyncMailer(place, username=USER, password=PASSWORD, transcript=True) as mailer:
            result = await mailer.send(message())
            server.on_starttls().reply("502 5.5.1 not today")
            server.on_mail().drop(times=1)
            failed = await mailer.send(message(), check=False)
    record(path, result, failed)
    assert [facts(one) for one in await played(path, message(), message())] == [facts(result), facts(failed)]


def test_no_secret_stands_in_it(path: Path) -> None:
    with LocalServer() as server, assert_no_secret_leaks(server.password) as watch:
        with Mailer(server.server, username=server.username, password=server.password, transcript=True) as mailer:
            record(path, mailer.send(message(text="for Luis alone")))
        watch.look_at(path.read_bytes())
    text = path.read_text(encoding="utf-8")
    assert "for Luis alone" not in text
    assert re.search(r"^ +\d+\.\d+ C AUTH \S+ \*\*\*$", text, re.MULTILINE)
    assert re.search(r"^ +\d+\.\d+ S rcpt 250 2\.1\.5 recipient ok$", text, re.MULTILINE)


def test_what_an_error_holds_can_be_recorded_too(path: Path) -> None:
    transport = MemoryTransport()
    transport.on_rcpt(LUIS).reply("550 5.1.1 no such user")
    with Mailer(transport=transport, transcript=True) as mailer, pytest.raises(errors.RejectedError) as refused:
        mailer.send(message())
    record(path, refused.value)
    with Mailer(transport=Replay(path)) as mailer, pytest.raises(errors.RejectedError) as again:
        mailer.send(message())
    assert str(again.value) == str(refused.value)


async def test_it_is_about_those_recipients_and_comes_to_an_end(path: Path) -> None:
    with ScriptedServer(capabilities=MODES["chunking"]) as server:
        await recorded(server, path, message(LUIS))
    with pytest.raises(errors.ConfigurationError, match=rf"about {LUIS}, whom this message does not name"):
        await played(path, message(EVA))
    with pytest.raises(errors.ConfigurationError, match="holds no further attempt"):
        await played(path, message(LUIS), message(LUIS))


def test_a_file_that_was_cut_short_anywhere_comes_to_an_honest_end(server: ScriptedServer, path: Path) -> None:
    server.on_rcpt(OPS).reply("450 4.2.0 greylisted", times=1)
    server.on_mail(nth=3).drop()
    both = (message(LUIS, OPS), message(EVA))
    asyncio.run(recorded(server, path, *both))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for cut in range(1, len(lines)):
        path.write_text("".join(lines[:cut]), encoding="utf-8")
        results: list[DeliveryResult] = []
        with Mailer(transport=Replay(path), retry=AT_ONCE) as mailer, contextlib.suppress(errors.ConfigurationError):
            results.extend(mailer.send(one, check=False) for one in both)
        assert sum(len(result.accepted) for result in results) <= sum("S rcpt 250" in line for line in lines[:cut])
        assert sum(result.ok for result in results) <= sum("S end_of_data 250" in line for line in lines[:cut])


def test_a_result_without_a_conversation_cannot_be_recorded(path: Path) -> None:
    with Mailer(transport=MemoryTransport()) as mailer:
        result = mailer.send(message())
    with pytest.raises(errors.ConfigurationError, match="no conversation") as refused:
        record(path, result)
    assert "transcript=True" in refused.value.hint
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("Dear Luis,\n", 1),
        ("sendkit conversation 1\nattempt \n  0.0 S greeting 999 no\n", 2),
        ("sendkit conversation 1\nattempt memory now\n  0.0 S greeting 999 no\n", 3),
        ("sendkit conversation 1\nattempt memory now\n  0.0 S nowhere 250 ok\n", 3),
        ("sendkit conversation 1\nattempt memory now\nreached the end\n", 3),
        ("sendkit conversation 1\nattempt memory now\nfailed it did\n", 3),
        ("sendkit conversation 1\nattempt memory now\n\nwhat\n", 4),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(path: Path, text: str, line: int) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(errors.ConfigurationError, match=f"line {line}: "):
        Replay(path)
