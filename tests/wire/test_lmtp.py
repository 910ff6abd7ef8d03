"""LMTP on the wire: LHLO, on this machine alone, and a verdict for each recipient wherever the connection ends."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sendkit import AsyncMailer, Mailer, Message, Outcome, RetryPolicy, Security, Server, Timeouts, errors
from sendkit._wire import pool
from tests.accounts import message
from tests.servers.scripted import BASE, ScriptedServer
from tests.waiting import GROWING

from .conftest import PASSWORD, USER, Start

ONCE = RetryPolicy(max_attempts=1)
LUIS, OPS, EVA = TO = ("luis@example.com", "ops@example.net", "eva@example.org")
LETTER = Message(sender=USER, to=TO, subject="x", text="Hola.\n.\n..\n")
MODES = {"one by one": ("8BITMIME",), "PIPELINING": ("PIPELINING",), "CHUNKING": BASE}


@pytest.fixture
def at_socket(tmp_path: Path) -> Iterator[ScriptedServer]:
    """A server for LMTP at a unix socket."""
    with ScriptedServer(path=tmp_path / "lmtp.sock", lmtp=True) as server:
        yield server


def place(server: ScriptedServer, **more: Any) -> Server:
    return Server(server.host, server.port or None, protocol="lmtp", **more)


def outcomes(result: Any) -> list[str]:
    return [result.recipients[one].outcome.value for one in TO]


@pytest.mark.parametrize("offered", MODES)
@pytest.mark.parametrize("large", [False, True])
async def test_each_recipient_has_a_verdict_of_its_own(at_socket: ScriptedServer, offered: str, large: bool) -> None:
    at_socket.capabilities = [*MODES[offered]]
    at_socket.after_data(OPS).reply("452 4.2.2 over quota", times=1)
    at_socket.after_data(EVA).reply("550 5.7.1 not for me")
    text = "A line of a large message.\n" * 20_000 if large else "Hola.\n.\n"
    retry = RetryPolicy(max_attempts=2, wait=lambda _: 0)
    async with AsyncMailer(place(at_socket), retry=retry) as mailer:
        result = await mailer.send(Message(sender=USER, to=TO, text=text), check=False)
    assert outcomes(result) == ["accepted", "accepted", "rejected"]
    assert [attempt.protocol for attempt in result.attempts] == ["lmtp", "lmtp"]
    assert '"protocol":"lmtp"' in result.model_dump_json()
    assert [(taken.recipients, taken.content) for taken in at_socket.accepted] == [
        ((LUIS,), at_socket.accepted[0].content),
        ((OPS,), at_socket.accepted[0].content),
    ]
    assert at_socket.lines()[0] == "LHLO [127.0.0.1]"
    finals = [(one.recipient, one.reply.code) for one in result.attempts[0].replies if one.phase == "end_of_data"]
    assert finals == [(LUIS, 250), (OPS, 452), (EVA, 550)]


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("how", ["drop", "silence"])
async def test_a_connection_that_ends_between_the_replies_leaves_the_others_in_doubt(
    at_socket: ScriptedServer, count: int, how: str
) -> None:
    getattr(at_socket.after_data(TO[count]), how)(accept=False)
    retry = RetryPolicy(max_attempts=3, wait=lambda _: 0)
    expected = [*["accepted"] * count, *["in_doubt"] * (3 - count)]
    for limit in GROWING:
        limits = Timeouts(end_of_data=limit) if how == "silence" else Timeouts()
        async with AsyncMailer(place(at_socket, timeouts=limits), retry=retry) as mailer:
            result = await mailer.send(LETTER, check=False)
        if outcomes(result) == expected:
            break
    assert outcomes(result) == expected
    assert len(result.attempts) == 1
    assert {one.recipients for one in at_socket.accepted} == {(to,) for to in TO[:count]}


class _Heard(logging.Handler):
    """Tells when the first reply to the content was read."""

    def __init__(self) -> None:
        super().__init__()
        self.first = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "queued" in record.getMessage():
            self.first.set()


async def test_a_cancellation_between_the_replies_keeps_those_that_came(
    at_socket: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    at_socket.after_data(OPS).silence(accept=False)
    heard = _Heard()
    logging.getLogger("sendkit.smtp").addHandler(heard)
    caplog.set_level(logging.DEBUG, "sendkit.smtp")
    async with AsyncMailer(place(at_socket), retry=ONCE) as mailer:
        task = asyncio.create_task(mailer.send(LETTER))
        assert await asyncio.to_thread(heard.first.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
    logging.getLogger("sendkit.smtp").removeHandler(heard)
    assert outcomes(cancelled.value.result) == ["accepted", "in_doubt", "in_doubt"]  # type: ignore[attr-defined]


async def test_many_messages_go_over_one_connection_and_a_refusal_is_followed_by_rset(
    at_socket: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_MOMENT", 60.0)  # on a busy machine the connection is not asked whether it lives
    at_socket.capabilities = ["8BITMIME"]  # without PIPELINING, RSET shows where it is needed
    at_socket.after_data(EVA).reply("550 5.7.1 no", times=1)
    async with AsyncMailer(place(at_socket), retry=ONCE, max_connections=1) as mailer:
        results = [result async for result in mailer.send_many([LETTER] * 3)]
    assert len(at_socket.connections) == 1
    assert sum(line == "RSET" for line in at_socket.lines()) == 1
    assert sorted(outcomes(result).count("accepted") for result in results) == [2, 3, 3]


async def test_letters_written_at_the_same_time_have_the_verdicts_of_their_own_recipients(
    at_socket: ScriptedServer,
) -> None:
    at_socket.after_data(OPS).reply("452 4.2.2 over quota")
    letters = [Message(sender=USER, to=[f"a{n}@example.com", OPS, f"b{n}@example.com"], text="x") for n in range(30)]
    async with AsyncMailer(place(at_socket), retry=ONCE, max_connections=2) as mailer:
        async for result in mailer.send_many(letters, in_flight=8):
            assert [one.outcome for one in result.recipients.values()] == [
                Outcome.ACCEPTED,
                Outcome.DEFERRED,
                Outcome.ACCEPTED,
            ]


async def test_a_refused_rcpt_for_all_sends_no_content(at_socket: ScriptedServer) -> None:
    at_socket.on_rcpt().reply("550 5.1.1 no such user")
    async with AsyncMailer(place(at_socket), retry=ONCE) as mailer:
        assert outcomes(await mailer.send(LETTER, check=False)) == ["rejected"] * 3
        at_socket.on_rcpt(LUIS).reply("250 2.1.5 ok")
        assert (await mailer.send(message())).ok
    assert len(at_socket.connections) == 1


async def test_starttls_and_a_login_are_as_over_smtp(start: Start, authority: Any) -> None:
    server = start(lmtp=True)
    server.capabilities = ["PIPELINING", "STARTTLS"]
    tls = {"security": Security.STARTTLS, "tls_context": authority.client_context()}
    async with AsyncMailer(
        Server("localhost", server.port, protocol="lmtp", **tls), username=USER, password=PASSWORD, retry=ONCE
    ) as mailer:
        assert (await mailer.send(LETTER)).ok
    assert [line.split()[0] for line in server.lines()[:4]] == ["LHLO", "STARTTLS", "LHLO", "AUTH"]


async def test_who_speaks_the_other_protocol_is_told_so(start: Start) -> None:
    smtp, lmtp = start(security=Security.NONE), start(security=Security.NONE, lmtp=True)
    for server, protocol, why in ((smtp, "lmtp", "not_lmtp"), (lmtp, "smtp", "lmtp_alone")):
        there = Server("localhost", server.port, Security.NONE, protocol=protocol)
        async with AsyncMailer(there, retry=RetryPolicy(max_attempts=3, wait=lambda _: 0)) as mailer:
            result = await mailer.send(message(), check=False)
        [told] = result.recipients.values()
        assert (told.why, told.outcome, len(result.attempts)) == (why, Outcome.DEFERRED, 1)
        assert "lmtp" in (told.hint or "")
    assert not any(line.startswith(("HELO", "EHLO")) for line in smtp.lines())


class TestThisMachineAlone:
    """LMTP has no queue behind it and no login of its own: it is for the machine that the mailboxes are on."""

    @pytest.mark.parametrize(
        "settings",
        [
            {"host": "smtp.example.com"},
            {"host": "192.0.2.1", "port": 24},
            {"host": "localhost", "proxy": "socks5://127.0.0.1:1"},
            {"host": "localhost", "port": 25},
            {"host": "unix:///run/lmtp.sock", "security": "starttls"},
        ],
    )
    def test_other_places_are_refused(self, settings: dict[str, Any]) -> None:
        with pytest.raises(errors.ConfigurationError) as failure:
            Server(**settings, protocol="lmtp")
        assert failure.value.hint

    async def test_a_name_that_leads_elsewhere_is_not_spoken_to(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = start(security=Security.NONE, lmtp=True)
        monkeypatch.setattr("sendkit._wire.opening._peer", lambda sock: "192.0.2.1")  # there is no other machine here
        async with AsyncMailer(Server("localhost", server.port, protocol="lmtp")) as mailer:
            with pytest.raises(errors.ConfigurationError, match=r"localhost is 192\.0\.2\.1 here"):
                await mailer.send(LETTER)
        assert server.lines() == []

    def test_the_usual_port_is_24_without_tls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        local = Server("localhost", protocol="lmtp")
        assert (local.port, local.security) == (24, Security.NONE)
        way = {"SENDKIT_PROXY": "socks5://127.0.0.1:1"}  # which is for those that have none of their own
        for name, text in {"SENDKIT_HOST": "localhost", "SENDKIT_PROTOCOL": "lmtp", **way}.items():
            monkeypatch.setenv(name, text)
        assert AsyncMailer.from_env()._plan.accounts[0].server == local

    def test_the_environment_names_a_socket_too(
        self, at_socket: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SENDKIT_URL", f"{at_socket.host}?protocol=lmtp")
        with Mailer.from_env() as mailer:
            assert mailer.send(LETTER).ok
