"""The transcript masks by the state of the conversation, not by pattern: what is said during AUTH, and content, never.

`Mailer(transcript=True)`, `DeliveryError.transcript` and the logger `sendkit.smtp` at DEBUG say the same. RFC 4954.
"""

from __future__ import annotations

import logging

import pytest

from sendkit import Attachment, DeliveryError, DeliveryResult, Message
from tests.accounts import ANA, LUIS, OPS, message
from tests.servers.scripted import BASE, ScriptedServer
from tests.wire.conftest import Account, Start

CONTENT = "the-content-of-the-message"
# Passwords that a mask by pattern would show, or for which it would hide what is no secret.
COMMANDS = [
    "MAIL FROM:<ana@example.com>", "RSET", "QUIT", "EHLO localhost", "354 go ahead", "DATA", "*", "AUTH PLAIN x",
    "235 2.7.0 ok", ".",
]  # fmt: skip


def _said(result: DeliveryResult, who: str = "C") -> list[str]:
    return [line.text for attempt in result.attempts for line in attempt.transcript or () if line.who == who]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("password", COMMANDS)
async def test_secrets_that_look_like_commands_are_masked_and_commands_are_not(
    start: Start, account: Account, password: str, mechanism: str
) -> None:
    server = start(capabilities_in_tls=[f"AUTH {mechanism}"], users={ANA: password})
    async with account(server, password=password, transcript=True, local_hostname="me.example.com") as mailer:
        result = await mailer.send(message())
    assert _said(result)[:5] == [
        "EHLO me.example.com",
        "STARTTLS",
        "EHLO me.example.com",
        f"AUTH {mechanism} ***",
        f"MAIL FROM:<{ANA}>",
    ]
    assert _said(result)[5:7] == [f"RCPT TO:<{LUIS}>", "DATA"]


@pytest.mark.parametrize("username", ["RSET", "MAIL FROM:<x@y.example>", "ana@example.com", "***"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_nothing_of_a_login_is_noted_but_its_mechanism(
    start: Start, account: Account, username: str, mechanism: str
) -> None:
    """Neither the prompts nor the answers to them, however many lines they take."""
    server = start(capabilities_in_tls=[*BASE, f"AUTH {mechanism}"], users={username: "the password"})
    async with account(server, username=username, password="the password", transcript=True) as mailer:
        result = await mailer.send(message())
    assert [line for line in _said(result) if line.startswith("AUTH")] == [f"AUTH {mechanism} ***"]
    assert not any(line.startswith("334") for line in _said(result, "S"))
    (connection,) = server.connections
    assert len([line for line in connection.lines if not line.tls]) == 2


@pytest.mark.parametrize(
    "capabilities", [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]], ids=["stepwise", "dot", "bdat"]
)
@pytest.mark.parametrize("size", [1, 5_000], ids=["small", "large"])
async def test_content_is_never_in_a_transcript(
    start: Start, account: Account, capabilities: list[str], size: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even content that looks like a session, taken or refused."""
    caplog.set_level(logging.DEBUG)
    server = start(capabilities_in_tls=[*capabilities, "AUTH PLAIN"])
    server.after_data(nth=2).reply("554 5.6.0 no")
    text = f"AUTH PLAIN {CONTENT}\r\n250 {CONTENT}\r\n.\r\nMAIL FROM:<{CONTENT}@x.example>\r\n" * size
    attachment = Attachment.from_bytes(text.encode(), filename=f"{CONTENT}.txt")
    letter = Message(
        sender=ANA, to=LUIS, subject=CONTENT, text=text, attachments=[attachment], headers={"X-A": CONTENT}
    )
    async with account(server, transcript=True) as mailer:
        results = [await mailer.send(letter, check=False) for _ in range(2)]
    for result in results:
        assert CONTENT not in "".join(map(str, result.attempts[0].transcript or ()))
        assert CONTENT not in result.model_dump_json()
        assert any("content" in line or line.startswith("BDAT") for line in _said(result))
    assert [result.ok for result in results] == [True, False]
    assert CONTENT not in caplog.text


async def test_the_error_has_the_transcript_of_all_its_attempts(server: ScriptedServer, account: Account) -> None:
    server.on_rcpt(OPS).reply("550 5.1.1 nobody here")
    async with account(server, transcript=True) as mailer:
        with pytest.raises(DeliveryError) as refused:
            await mailer.send(message(LUIS, OPS))
    error = refused.value
    assert isinstance(error.result, DeliveryResult)
    assert error.transcript == tuple(line for attempt in error.result.attempts for line in attempt.transcript or ())
    lines = [str(line) for line in error.transcript]
    assert any("550 5.1.1 nobody here" in line for line in lines)
    assert any("AUTH PLAIN ***" in line for line in lines)


async def test_a_transcript_tells_time_and_direction_in_order(server: ScriptedServer, account: Account) -> None:
    async with account(server, transcript=True) as mailer:
        result = await mailer.send(message())
    lines = result.attempts[0].transcript or ()
    assert {line.who for line in lines} == {"C", "S", "*"}
    assert [line.time for line in lines] == sorted(line.time for line in lines)
    assert all(line.time.tzinfo is not None for line in lines)


async def test_the_log_says_what_the_transcript_says(
    server: ScriptedServer, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """And without DEBUG, or without transcript=True, nothing of it is kept."""
    caplog.set_level(logging.DEBUG, logger="sendkit.smtp")
    async with account(server, transcript=True) as mailer:
        result = await mailer.send(message())
    logged = [record.getMessage() for record in caplog.records if record.name == "sendkit.smtp"]
    lines = [f"{line.who}: {line.text}" for line in result.attempts[0].transcript or ()]
    assert len(logged) >= len(lines)
    assert all(any(entry.endswith(line) for entry in logged) for line in lines)
    assert any("AUTH PLAIN ***" in entry for entry in logged)


async def test_without_asking_nothing_is_kept_and_nothing_logged(
    server: ScriptedServer, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sendkit.smtp")
    async with account(server) as mailer:
        result = await mailer.send(message())
    assert result.attempts[0].transcript is None
    assert not [record for record in caplog.records if record.name.startswith("sendkit")]
