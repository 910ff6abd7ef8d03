"""The local server speaks LMTP too: a reply, a message and a fault for each recipient."""

from __future__ import annotations

from pathlib import Path

import pytest

from sendkit import Mailer, Message, RetryPolicy, Server, SubmissionOptions
from sendkit.testing import LocalServer, Replay, record
from tests.servers.scripted import ScriptedServer

LUIS, OPS, EVA = TO = ("luis@example.com", "ops@example.net", "eva@example.org")
LETTER = Message(sender="ana@example.com", to=TO, subject="x", text="Hola")
ONCE = RetryPolicy(max_attempts=1)


def test_each_recipient_gets_a_reply_and_a_message_of_its_own() -> None:
    with LocalServer(lmtp=True) as server, Mailer(server.server, retry=ONCE) as mailer:
        server.on_rcpt(OPS).reply("550 5.1.1 no such user", times=1)
        server.after_data(EVA).reply("452 4.2.2 over quota", times=1)
        first, second = mailer.send(LETTER, check=False), mailer.send(LETTER)
    assert [one.outcome for one in first.recipients.values()] == ["accepted", "rejected", "deferred"]
    assert second.ok
    assert [caught.envelope.recipients for caught in server.messages] == [(LUIS,), (LUIS,), (OPS,), (EVA,)]
    assert next(line.text for line in server.conversations[0] if line.who == "C") == "LHLO [127.0.0.1]"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_connection_lost_between_the_replies_leaves_the_others_in_doubt(count: int) -> None:
    with LocalServer(lmtp=True) as server, Mailer(server.server, retry=ONCE) as mailer:
        server.after_data(TO[count]).drop()
        result = mailer.send(LETTER, check=False)
    assert [one.outcome for one in result.recipients.values()] == [
        *["accepted"] * count,
        *["in_doubt"] * (3 - count),
    ]


def test_its_environment_leads_a_program_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServer(lmtp=True) as server:
        for name, text in server.environment.items():
            monkeypatch.setenv(name, text)
        with Mailer.from_env() as mailer:
            assert mailer.send(LETTER).ok
    assert len(server.messages) == 3


def test_each_protocol_refuses_the_greeting_of_the_other() -> None:
    with LocalServer(lmtp=True) as lmtp, LocalServer(plain=True) as smtp:
        for port, protocol, why in ((smtp.port, "lmtp", "not_lmtp"), (lmtp.port, "smtp", "lmtp_alone")):
            with Mailer(Server("127.0.0.1", port, "none", protocol=protocol), retry=ONCE) as mailer:
                result = mailer.send(LETTER, check=False)
            assert {one.why for one in result.recipients.values()} == {why}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_recorded_conversation_gives_each_recipient_the_same_verdict(tmp_path: Path, count: int) -> None:
    tape = tmp_path / "dialogue.txt"
    with LocalServer(lmtp=True) as server, Mailer(server.server, retry=ONCE, transcript=True) as mailer:
        server.on_rcpt(OPS).reply("550 5.1.1 no such user", times=1)
        server.after_data(TO[count]).reply("452 4.2.2 over quota")
        results = [mailer.send(LETTER, check=False) for _ in range(2)]
    record(tape, *results)
    with Mailer(transport=Replay(tape), retry=ONCE) as mailer:
        played = [mailer.send(LETTER, check=False) for _ in range(2)]
    for result, again in zip(results, played, strict=True):
        assert again.recipients == result.recipients
        assert again.attempts[0].protocol == "lmtp"


def test_so_does_one_of_a_unix_socket_that_began_before_the_recording(tmp_path: Path) -> None:
    tape = tmp_path / "dialogue.txt"
    with ScriptedServer(path=tmp_path / "lmtp.sock", lmtp=True) as server:
        server.after_data(OPS).reply("452 4.2.2 over quota")
        with Mailer(Server(server.host, protocol="lmtp"), retry=ONCE, transcript=True) as mailer:
            mailer.send(LETTER, check=False)
            result = mailer.send(LETTER, check=False)
    record(tape, result)
    with Mailer(transport=Replay(tape), retry=ONCE) as mailer:
        again = mailer.send(LETTER, check=False)
    assert again.recipients == result.recipients
    assert again.attempts[0].server == server.host


def test_reports_are_asked_for_as_in_smtp() -> None:
    """RFC 2033 section 5: the extensions are those of SMTP, and DSN (RFC 3461) with its parameters is one of them."""
    options = SubmissionOptions(notify="failure,delay", ret="headers", envid="a b")
    with LocalServer(lmtp=True) as server, Mailer(server.server, retry=ONCE) as mailer:
        told = mailer.send(LETTER, options=options)
    said = [line.text for line in server.conversations[0] if line.who == "C"]
    assert told.ignored_options == ()
    assert said[1].endswith(" RET=HDRS ENVID=a+20b")
    assert said[2:5] == [
        *(f"RCPT TO:<{one}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;{one}" for one in TO),
    ]
    assert [one.options for one in server.messages] == [options] * 3


def test_one_that_does_not_announce_reports_gets_the_message_without_them() -> None:
    """As Dovecot's does not."""
    with LocalServer(lmtp=True) as server, Mailer(server.server, retry=ONCE) as mailer:
        server.extensions.remove("DSN")
        told = mailer.send(LETTER, options=SubmissionOptions(notify="failure"))
    assert (told.ignored_options, len(server.messages)) == (("notify",), 3)
    assert not any("NOTIFY" in line.text for line in server.conversations[0])
