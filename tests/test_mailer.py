"""The mailer takes messages of any kind, and says what became of them; what is for the caller to fix comes first."""

from __future__ import annotations

import email.message
import inspect
import re
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from sendkit import (
    AsyncMailer,
    Envelope,
    Mailer,
    MemoryTransport,
    Message,
    Outcome,
    RetryPolicy,
    Security,
    Server,
    errors,
)
from tests.accounts import ANA, EVA, LUIS, ONCE, OPS, mailer, message, outcomes, sent

HOST = "smtp.example.com"


# Two faces, one mailer.


def test_both_mailers_have_the_same_methods() -> None:
    def names(kind: type) -> set[str]:
        return {name.replace("aclose", "close") for name in vars(kind) if not name.startswith("_")}

    assert names(Mailer) == names(AsyncMailer)


@pytest.mark.parametrize("name", ["__init__", "send", "send_many", "from_url", "from_env"])
def test_both_mailers_have_the_same_signatures(name: str) -> None:
    one, other = (inspect.signature(getattr(kind, name)) for kind in (Mailer, AsyncMailer))
    assert one.parameters == other.parameters


@pytest.mark.parametrize("kind", [Mailer, AsyncMailer])
@pytest.mark.parametrize("name", ["__init__", "send", "send_many", "from_url", "from_env"])
def test_all_beyond_the_first_argument_is_by_keyword(kind: type, name: str) -> None:
    _, *rest = [p for p in inspect.signature(getattr(kind, name)).parameters.values() if p.name != "self"] or [None]
    assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in rest if p)


# What it can be made of.


@pytest.mark.parametrize("target", [HOST, f"{HOST}:2525", "[2001:db8::1]:25", Server(HOST)])
def test_a_mailer_is_made_of_a_host_or_a_server_and_connects_to_nothing_yet(target: str | Server) -> None:
    AsyncMailer(target)


MAKERS: list[tuple[Callable[[], object], str]] = [
    (AsyncMailer, "needs a server"),
    (lambda: AsyncMailer("not a host"), "not a host"),
    (lambda: AsyncMailer(HOST, password="secret"), "without a username"),
    (lambda: AsyncMailer(HOST, credentials=lambda host, user: "secret"), "without a username"),
    (lambda: AsyncMailer(HOST, username=ANA, password="a", credentials=lambda host, user: "b"), "both"),
    (lambda: AsyncMailer(HOST, username=ANA, password=""), "empty"),
    (lambda: AsyncMailer(HOST, username="ana\0root", password="secret"), "username"),
    (lambda: AsyncMailer(HOST, username="ana\r\nRSET", password="secret"), "username"),
    (lambda: AsyncMailer(Server(HOST, security=Security.NONE), username=ANA, password="secret"), "TLS"),
    (lambda: AsyncMailer(HOST, deadline=0), "deadline"),
    (lambda: AsyncMailer(HOST, deadline=-1), "deadline"),
    (lambda: AsyncMailer(HOST, deadline=float("inf")), "deadline"),
    (lambda: AsyncMailer(HOST, deadline=float("nan")), "deadline"),
    (lambda: AsyncMailer(HOST, max_connections=0), "max_connections"),
    (lambda: AsyncMailer.from_url("smtp://ana:secret@smtp.example.com"), "password"),
    (AsyncMailer.from_env, "no server"),
]


@pytest.mark.parametrize(("make", "word"), MAKERS)
def test_a_setting_that_cannot_work_is_refused_when_the_mailer_is_made(make: Callable[[], object], word: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=re.compile(word, re.IGNORECASE)) as failure:
        make()
    assert failure.value.hint
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_without_tls_only_this_very_machine_may_be_logged_in_to(host: str) -> None:
    AsyncMailer(Server(host, security=Security.NONE), username=ANA, password="secret")
    AsyncMailer(Server("192.0.2.1", security=Security.NONE))


async def test_a_mailer_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", " Memory ")
    async with AsyncMailer.from_env(retry=ONCE) as postman:
        assert (await postman.send(message())).attempts[0].host == "memory"


def test_a_transport_that_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", "pigeon")
    transport = MemoryTransport()
    with Mailer.from_env(transport=transport) as postman:
        postman.send(message())
    assert len(transport.sent) == 1


@pytest.mark.parametrize("name", ["pigeon", "file", "file:", "memory:x", "console:x"])
def test_an_unknown_transport_is_refused_with_those_there_are(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", name)
    with pytest.raises(errors.ConfigurationError, match=name) as failure:
        Mailer.from_env()
    assert "memory, console, or file:DIR" in (failure.value.hint or "")


def test_the_environment_may_name_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", f"File:{tmp_path / 'out:box'}")
    with Mailer.from_env() as postman:
        postman.send(message())
    assert len(list((tmp_path / "out:box").glob("*.eml"))) == 1


@pytest.mark.parametrize("name", ["SENDKIT_URL", "SENDKIT_HOST"])
def test_the_environment_names_the_server(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "smtp://localhost" if name.endswith("URL") else "localhost")
    AsyncMailer.from_env()
    AsyncMailer.from_url("smtps://ana@smtp.example.com", password="secret")


# One message.


async def test_an_accepted_message_gives_its_result() -> None:
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        result = await postman.send(message(LUIS, OPS, subject="Informe"))
    assert result.ok
    assert outcomes(result) == {LUIS: Outcome.ACCEPTED, OPS: Outcome.ACCEPTED}
    (taken,) = transport.sent
    assert (taken.message["Subject"], taken.envelope) == ("Informe", Envelope(ANA, [LUIS, OPS]))
    assert (result.message_id, result.reverse_path) == (taken.message["Message-ID"], ANA)


async def test_what_is_not_accepted_raises_unless_asked_not_to() -> None:
    transport = MemoryTransport()
    transport.on_rcpt(OPS).reply("550 5.1.1 no such user")
    async with mailer(transport) as postman:
        with pytest.raises(errors.PartialDelivery) as failure:
            await postman.send(message(LUIS, OPS))
        assert failure.value.result is not None
        expected = await postman.send(message(LUIS, OPS), check=False)
    assert outcomes(failure.value.result) == outcomes(expected) == {LUIS: Outcome.ACCEPTED, OPS: Outcome.REJECTED}


async def test_the_envelope_can_be_another_than_the_headers_say() -> None:
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        result = await postman.send(message(LUIS), envelope_from="bounces@example.com", recipients=[OPS, EVA])
    assert transport.sent[0].envelope == Envelope("bounces@example.com", [OPS, EVA])
    assert transport.sent[0].message["To"] == LUIS
    assert result.reverse_path == "bounces@example.com"


@pytest.mark.parametrize("null", ["", "<>"])
async def test_the_null_reverse_path_is_an_empty_string(null: str) -> None:
    """RFC 5321 section 4.5.5."""
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        result = await postman.send(message(), envelope_from=null)
    assert (transport.sent[0].envelope.reverse_path, result.reverse_path) == ("", "")


@pytest.mark.parametrize(
    "recipients", [f"{OPS}, {EVA}", [OPS, EVA], (r for r in (OPS, EVA)), Envelope(ANA, [OPS, EVA])]
)
async def test_recipients_may_be_text_a_list_or_an_envelope(recipients: object) -> None:
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        result = await postman.send(message(), recipients=recipients)  # type: ignore[arg-type]
    assert list(result.recipients) == [OPS, EVA]


async def test_each_mailbox_gets_one_copy_in_its_first_spelling() -> None:
    result = await sent(MemoryTransport(), "Luis <luis@example.com>", "luis@EXAMPLE.com", "LUIS@example.com")
    assert list(result.recipients) == ["luis@example.com", "LUIS@example.com"]


@pytest.mark.parametrize("make", [EmailMessage, email.message.Message])
async def test_a_message_of_the_standard_library_is_sent_and_left_as_it_was(make: type[email.message.Message]) -> None:
    stdlib = make()
    stdlib["From"], stdlib["To"], stdlib["Bcc"] = ANA, LUIS, OPS
    stdlib.set_payload("Hola\n")
    before = stdlib.as_bytes()
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        result = await postman.send(stdlib)
    assert list(result.recipients) == [LUIS, OPS]
    assert stdlib.as_bytes() == before
    assert b"Bcc" not in transport.sent[0].content
    assert transport.sent[0].message["Message-ID"] == result.message_id


async def test_a_ready_message_is_sent_as_it_is() -> None:
    raw = b"From: ana@example.com\nTo: luis@example.com\nMessage-ID: <1@example.com>\n\nHola\n.\n"
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        await postman.send(Message.from_bytes(raw))
    assert transport.sent[0].content == raw.replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"recipients": []}, "recipients"),
        ({"recipients": ["luis"]}, "recipients"),
        ({"envelope_from": "ana"}, "envelope_from"),
        ({"recipients": "a@b\r\nRSET"}, "recipients"),
    ],
)
async def test_an_impossible_envelope_is_refused_before_any_byte(arguments: dict[str, object], field: str) -> None:
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        with pytest.raises(errors.MessageError) as failure:
            await postman.send(message(), check=False, **arguments)  # type: ignore[arg-type]
    assert failure.value.field == field
    assert transport.sent == []


async def test_what_is_no_message_is_refused() -> None:
    async with mailer(MemoryTransport()) as postman:
        with pytest.raises(errors.MessageError) as failure:
            await postman.send("Hola")  # type: ignore[arg-type]
    assert failure.value.hint


async def test_no_recipient_of_a_message_can_be_given_by_the_argument() -> None:
    """Emptiness is checked after `recipients=` was applied."""
    async with mailer(MemoryTransport()) as postman:
        assert (await postman.send(Message(sender=ANA, subject="Hola"), recipients=LUIS)).ok


async def test_a_closed_mailer_sends_nothing_and_says_so() -> None:
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        pass
    await postman.aclose()
    with pytest.raises(errors.ConfigurationError, match="closed") as failure:
        await postman.send(message())
    assert failure.value.hint
    with pytest.raises(errors.ConfigurationError, match="closed"):
        postman.send_many([message()])
    assert transport.sent == []


async def test_a_mailer_needs_no_with_block() -> None:
    transport = MemoryTransport()
    postman = mailer(transport)
    assert (await postman.send(message())).ok
    await postman.aclose()


@pytest.mark.parametrize("deadline", [0, -5, float("nan")])
async def test_a_deadline_is_in_the_future(deadline: float) -> None:
    async with mailer(MemoryTransport()) as postman:
        with pytest.raises(errors.ConfigurationError, match="deadline"):
            await postman.send(message(), deadline=deadline)


async def test_a_transcript_is_kept_only_on_request() -> None:
    for transcript in (False, True):
        async with mailer(MemoryTransport(), transcript=transcript) as postman:
            result = await postman.send(message())
        assert (result.attempts[0].transcript is not None) is transcript


def test_the_usual_policy_is_that_of_retrypolicy() -> None:
    transport = MemoryTransport()
    transport.on_mail().reply("451 4.3.0 not now")
    policy = RetryPolicy(max_elapsed=1e6)
    with Mailer(transport=transport, retry=policy) as postman:
        assert len(postman.send(message(), check=False).attempts) == policy.max_attempts
