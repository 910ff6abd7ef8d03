"""`SubmissionOptions`: a value that is checked when it is made, and taken wherever a message is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sendkit import (
    AsyncMailer,
    ConsoleTransport,
    FileTransport,
    Mailer,
    MemoryTransport,
    Outcome,
    SubmissionOptions,
    errors,
)
from sendkit._smtp.capabilities import Capabilities
from sendkit._transport.failover import FailoverTransport
from sendkit.results import DeliveryResult, Reason
from sendkit.transports import AttemptLog, Letter, Transport
from tests.accounts import LUIS, ONCE, message

PLAIN = Capabilities(esmtp=True)
EVERYTHING = SubmissionOptions(notify={"failure", "delay"}, ret="headers", envid="42", require_tls=True, hold_for=7200)


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("notify", {"notify": "never,success"}),
        ("notify", {"notify": ()}),
        ("notify", {"notify": "sometimes"}),
        ("notify", {"notify": 7}),
        ("ret", {"ret": "body"}),
        ("envid", {"envid": ""}),
        ("envid", {"envid": "ñ"}),
        ("envid", {"envid": "a\r\nRCPT TO:<eve@example.com>"}),
        ("envid", {"envid": "x" * 101}),
        ("envid", {"envid": "+" * 34}),
        ("hold_for", {"hold_for": 0}),
        ("hold_for", {"hold_for": -1}),
        ("hold_for", {"hold_for": float("nan")}),
        ("hold_for", {"hold_for": True}),
        ("hold_for", {"hold_for": 10**9}),
        ("hold_for", {"hold_for": 1, "hold_until": datetime.now(UTC)}),
        ("hold_until", {"hold_until": datetime(2030, 1, 1)}),  # noqa: DTZ001 - the very mistake
        ("hold_until", {"hold_until": "soon"}),
        ("require_tls", {"require_tls": "perhaps"}),
        ("notifies", {"notifies": "never"}),
    ],
)
def test_what_no_server_could_take_is_said_when_it_is_made(field: str, options: dict[str, Any]) -> None:
    with pytest.raises(errors.MessageError, match=f"^{field}") as caught:
        SubmissionOptions(**options)
    assert (caught.value.field, bool(caught.value.hint)) == (field, True)


def test_a_comma_list_is_a_set_and_seconds_are_a_time() -> None:
    assert SubmissionOptions(notify="Failure, DELAY").notify == {"failure", "delay"}
    assert SubmissionOptions(hold_for=90).hold_for == timedelta(seconds=90)


def test_the_options_go_through_json_and_say_what_they_ask_for() -> None:
    assert SubmissionOptions.model_validate_json(EVERYTHING.model_dump_json()) == EVERYTHING
    until = SubmissionOptions(hold_until=datetime(2030, 1, 1, tzinfo=UTC))
    assert SubmissionOptions.model_validate_json(until.model_dump_json()) == until
    assert EVERYTHING.given == ("notify", "ret", "envid", "require_tls", "hold_for")
    assert SubmissionOptions().given == ()


def test_a_double_keeps_what_it_was_asked_for() -> None:
    transport = MemoryTransport()
    with Mailer("smtp.example.com", transport=transport) as mailer:
        assert mailer.send(message(), options=EVERYTHING).ignored_options == ()
        [of_many] = mailer.send_many([message()], options=SubmissionOptions(notify="never"))
        mailer.send(message())
    assert [one.options.notify for one in transport.sent] == [{"failure", "delay"}, {"never"}, None]
    assert transport.sent[0].options == EVERYTHING
    assert transport.sent[1].options.envid == str(of_many.message_id).strip("<>")
    assert transport.sent[2].options == SubmissionOptions()


async def test_the_asynchronous_mailer_takes_them_too() -> None:
    transport = MemoryTransport()
    async with AsyncMailer("smtp.example.com", transport=transport) as mailer:
        await mailer.send(message(), options=EVERYTHING)
        assert [result.ok async for result in mailer.send_many([message()], options=EVERYTHING)] == [True]
    assert [one.options for one in transport.sent] == [EVERYTHING, EVERYTHING]


def test_what_is_not_offered_is_told_in_the_result() -> None:
    options = SubmissionOptions(notify="failure", ret="full")
    with Mailer("smtp.example.com", transport=MemoryTransport(capabilities=PLAIN)) as mailer:
        result = mailer.send(message(), options=options)
        [of_many] = mailer.send_many([message()], options=options)
    assert result.ok
    assert set(result.ignored_options) == {"notify", "ret"}
    assert set(of_many.ignored_options) == {"notify", "ret"}
    assert '"ignored_options":["ret","notify"]' in result.model_dump_json()
    assert DeliveryResult.model_validate_json(result.model_dump_json()).ignored_options == result.ignored_options


def test_what_the_server_that_took_it_offers_is_not_told_of_another_one() -> None:
    first = MemoryTransport(capabilities=PLAIN)
    first.on_mail().reply("451 4.3.0 later")
    with Mailer("smtp.example.com", transport=FailoverTransport([first, MemoryTransport()]), retry=ONCE) as mailer:
        result = mailer.send(message(), options=SubmissionOptions(notify="failure"))
    assert [attempt.ignored_options for attempt in result.attempts] == [("notify",), ()]
    # Both are called "memory"; servers have names of their own.


@pytest.mark.parametrize("options", [SubmissionOptions(require_tls=True), SubmissionOptions(hold_for=60)])
def test_what_cannot_be_left_out_is_rejected_before_anything_goes_out(options: SubmissionOptions) -> None:
    transport = MemoryTransport(capabilities=PLAIN)
    with Mailer("smtp.example.com", transport=transport) as mailer:
        result = mailer.send(message(), options=options, check=False)
        with pytest.raises(errors.RejectedError, match="does not offer") as caught:
            mailer.send(message(), options=options)
    one = result.recipients[LUIS]
    assert (one.outcome, one.reply, one.phase) == (Outcome.REJECTED, None, "mail")
    assert one.why in (Reason.NEEDS_REQUIRETLS, Reason.NEEDS_FUTURERELEASE)
    assert caught.value.hint
    assert transport.sent == []


def test_something_else_in_their_place_is_an_error_that_says_what_to_give() -> None:
    with (
        Mailer("smtp.example.com", transport=MemoryTransport()) as mailer,
        pytest.raises(errors.MessageError, match="options: dict") as caught,
    ):
        mailer.send(message(), options={"notify": "never"})  # type: ignore[arg-type]  # the very mistake
    assert "SubmissionOptions" in (caught.value.hint or "")


class _Own(Transport):
    """A transport of somebody's own that was written before there were options."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        await MemoryTransport().deliver(letter, log)


def test_a_transport_that_knows_of_no_options_is_a_server_that_offers_none() -> None:
    with Mailer("smtp.example.com", transport=_Own()) as mailer:
        refused = mailer.send(message(), options=SubmissionOptions(require_tls=True), check=False)
    assert refused.recipients[LUIS].why is Reason.NEEDS_REQUIRETLS


@pytest.mark.parametrize("make", [ConsoleTransport, FileTransport])
def test_what_sends_nothing_takes_everything_and_says_that_it_did_nothing_of_it(
    make: Callable[..., Transport], tmp_path: Path
) -> None:
    transport = make(tmp_path) if make is FileTransport else make()
    with Mailer("smtp.example.com", transport=transport) as mailer:
        result = mailer.send(message(), options=EVERYTHING)
    assert (result.ok, result.ignored_options) == (True, EVERYTHING.given)


def test_an_address_is_written_whole_into_its_own_report() -> None:
    transport = MemoryTransport()
    with Mailer("smtp.example.com", transport=transport, transcript=True) as mailer:
        result = mailer.send(message("a+b@example.com"), options=SubmissionOptions())
    assert any("ORCPT=rfc822;a+2Bb@example.com" in line.text for line in result.attempts[0].transcript or ())
