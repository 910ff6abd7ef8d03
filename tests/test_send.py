"""One line for scripts: the account of the environment, one message, its result."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import sendkit
from sendkit import AsyncMailer, Mailer, Provider, errors
from sendkit.testing import LocalServer
from tests.accounts import LUIS, OPS, message


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", "memory")


def test_a_script_sends_with_one_line() -> None:
    result = sendkit.send(message(), recipients=[OPS], envelope_from="")
    assert (result.ok, list(result.recipients), result.reverse_path) == (True, [OPS], "")


async def test_an_async_script_does_too() -> None:
    result = await sendkit.send_async(message(), deadline=60)
    assert (result.ok, list(result.recipients)) == (True, [LUIS])


def test_what_is_wrong_with_the_message_is_raised() -> None:
    with pytest.raises(errors.MessageError):
        sendkit.send(message(), recipients=["luis"])


async def test_what_is_wrong_with_the_environment_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENDKIT_TRANSPORT")
    with pytest.raises(errors.ConfigurationError, match="no server"):
        await sendkit.send_async(message())


@pytest.mark.parametrize(("function", "kind"), [(sendkit.send, Mailer), (sendkit.send_async, AsyncMailer)])
def test_it_takes_the_fields_of_a_message_and_what_a_mailer_takes(function: Callable[..., object], kind: type) -> None:
    _, _, *method = inspect.signature(kind.send).parameters.values()
    message, *rest = inspect.signature(function).parameters.values()
    assert message.default is None
    assert [(p.name, p.kind, p.default) for p in rest[-len(method) :]] == [(p.name, p.kind, p.default) for p in method]
    assert {p.name for p in rest[: -len(method)]} <= set(sendkit.Message.model_fields)


def test_a_script_names_the_fields_alone() -> None:
    result = sendkit.send(sender="ana@example.com", to=OPS, subject="Hola", text="¿Qué tal?")
    assert (result.ok, list(result.recipients)) == (True, [OPS])


def test_a_message_and_its_fields_together_are_refused() -> None:
    with pytest.raises(errors.MessageError, match="a message, and subject= beside it"):
        sendkit.send(message(), subject="Hola")


@pytest.mark.parametrize(("wrong", "meant"), [("body", "text"), ("sned", "sender"), ("recipient", "to")])
def test_a_wrong_keyword_gets_one_that_was_meant(wrong: str, meant: str) -> None:
    fields: Any = {wrong: "x"}
    for make in (lambda: sendkit.send(to=OPS, **fields), lambda: sendkit.Message(to=OPS, **fields)):
        with pytest.raises((TypeError, errors.MessageError)) as refused:
            make()
        assert str(refused.value).count("did you mean") == 1
        assert meant in str(refused.value).partition("did you mean")[2]


def test_a_message_without_a_sender_is_from_the_username() -> None:
    nobody = sendkit.Message(to=OPS, subject="Hola", text="¿Qué tal?")
    with pytest.raises(errors.MessageError, match="sender: no sender"):
        nobody.as_bytes()
    with LocalServer() as server:
        with Mailer(server.server, username=server.username, password=server.password) as mailer:
            result = mailer.send(nobody)
        (received,) = server.messages
    assert (received.sender, result.reverse_path) == (server.username, server.username)
    assert result.message_id is not None
    assert result.message_id.endswith("@example.com>")


def test_port_and_security_go_with_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENDKIT_TRANSPORT")
    assert str(Mailer("smtp.example.com", port=2525, security="implicit_tls")) == (
        "<Mailer smtp.example.com:2525 implicit_tls>"
    )
    for wrong in (
        lambda: Mailer("smtp.example.com:465", port=587),
        lambda: Mailer(["a.example", "b.example"], port=587),
    ):
        with pytest.raises(errors.ConfigurationError, match="port"):
            wrong()


@pytest.mark.parametrize(
    ("typed", "host"),
    [("office365", "smtp.office365.com"), ("gmail.com", "smtp.gmail.com"), ("ana@outlook.com", "smtp-mail.outlook.com"),
     ("smtp.fastmail.com", "smtp.fastmail.com"), ("AWS SES-eu-west-1", None)],
)  # fmt: skip
def test_a_provider_goes_by_what_people_call_it(typed: str, host: str | None) -> None:
    if host is None:
        with pytest.raises(errors.ConfigurationError, match="unknown provider"):
            Provider.named(typed)
    else:
        assert Provider.named(typed).host == host
