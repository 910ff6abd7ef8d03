"""One line for scripts: the account of the environment, one message, its result."""

from __future__ import annotations

import inspect

import pytest

import sendkit
from sendkit import AsyncMailer, Mailer, errors
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
def test_it_takes_what_a_mailer_takes(function: object, kind: type) -> None:
    _, *method = inspect.signature(kind.send).parameters.values()
    alone = list(inspect.signature(function).parameters.values())  # type: ignore[arg-type]
    assert [(p.name, p.kind, p.default) for p in alone] == [(p.name, p.kind, p.default) for p in method]
