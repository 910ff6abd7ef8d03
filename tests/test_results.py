"""A result is a value: frozen, readable, the same after a pickle, a copy and a trip through JSON."""

from __future__ import annotations

import copy
import json
import pickle
from itertools import pairwise

import pytest

from sendkit import (
    Attempt,
    DeliveryError,
    DeliveryResult,
    Envelope,
    MemoryTransport,
    Outcome,
    Phase,
    RecipientResult,
    Reply,
    errors,
)
from sendkit._seam import log as seam_log
from sendkit._smtp.verdict import Cause
from sendkit.results import failed_before_sending
from tests.accounts import ANA, EVA, LUIS, ONCE, OPS, mailer, message, sent

TEXT = "the body that nobody but Luis may read"


# The order of DESIGN.md 2: with mixed outcomes the first that applies.
ORDER = [
    (Cause.IN_DOUBT, errors.InDoubtError),
    (None, errors.PartialDelivery),
    (Cause.TLS, errors.TLSError),
    (Cause.AUTHENTICATION, errors.AuthenticationError),
    (Cause.CONNECTION, errors.ConnectError),
    (Cause.PROTOCOL, errors.ProtocolError),
    (Cause.DEFERRED, errors.DeferredError),
    (Cause.REJECTED, errors.RejectedError),
]


OUTCOME = {Cause.IN_DOUBT: Outcome.IN_DOUBT, Cause.REJECTED: Outcome.REJECTED, None: Outcome.ACCEPTED}


def recipient(number: int, cause: Cause | None) -> RecipientResult:
    """A recipient with this cause of failure, or an accepted one."""
    return RecipientResult(
        address=f"{number}@example.com",
        outcome=OUTCOME.get(cause, Outcome.DEFERRED),
        reason=None if cause is None else f"because of {cause}",
        retryable=cause is Cause.DEFERRED,
        cause=cause,
        phase=Phase.RCPT,
        hint=f"fix {cause}",
    )


def result_of(*causes: Cause | None) -> DeliveryResult:
    """A result with one recipient for each cause, None for accepted."""
    recipients = [recipient(number, cause) for number, cause in enumerate(causes)]
    return DeliveryResult(message_id="<1@example.com>", reverse_path=ANA, recipients={r.address: r for r in recipients})


@pytest.fixture
async def mixed() -> DeliveryResult:
    """Luis accepted, Ops deferred, Eva rejected, in two tries."""
    transport = MemoryTransport()
    transport.on_rcpt(OPS).reply("450-4.2.0 wait\n450 4.2.0 please")
    transport.on_rcpt(EVA).reply("550 5.1.1 no such user")
    async with mailer(transport, transcript=True) as postman:
        return await postman.send(message(LUIS, OPS, EVA, subject="Secret plans", text=TEXT), check=False)


def test_a_result_goes_through_json_and_back(mixed: DeliveryResult) -> None:
    again = DeliveryResult.model_validate_json(mixed.model_dump_json())
    assert again == mixed
    assert again.model_dump_json() == mixed.model_dump_json()


def test_the_json_is_versioned_and_its_keys_are_stable(mixed: DeliveryResult) -> None:
    shown = json.loads(mixed.model_dump_json())
    assert shown["version"] == 1
    assert set(shown) == {
        "version",
        "message_id",
        "reverse_path",
        "recipients",
        "attempts",
        "index",
        "error",
        "ok",
        "diverted",
        "ignored_options",
    }
    assert set(shown["recipients"][OPS]) == {
        "address", "outcome", "reply", "reason", "retryable", "attempts", "server", "phase", "cause", "hint", "why",
    }  # fmt: skip
    assert set(shown["attempts"][0]) == {
        "host", "port", "username", "started", "duration", "phase", "tls", "replies", "error", "transcript", "server",
        "ignored_options", "peer", "protocol",
    }  # fmt: skip
    assert shown["recipients"][OPS]["outcome"] == "deferred"
    assert shown["recipients"][OPS]["reply"] == {"code": 450, "enhanced": "4.2.0", "text": "wait\nplease"}


def test_what_is_ignored_is_told_of_the_server_that_took_it(mixed: DeliveryResult) -> None:
    """A server that refused it for now says nothing of the one that took it."""
    attempt = mixed.attempts[0]
    other = attempt.model_copy(update={"host": "other.example.com", "ignored_options": ("notify",)})
    assert mixed.model_copy(update={"attempts": (other, attempt)}).ignored_options == ()
    took = {name: one.model_copy(update={"server": other.server}) for name, one in mixed.recipients.items()}
    assert mixed.model_copy(update={"attempts": (attempt, other), "recipients": took}).ignored_options == ("notify",)


def test_a_later_version_may_add_what_this_one_does_not_know(mixed: DeliveryResult) -> None:
    shown = json.loads(mixed.model_dump_json())
    shown["recipients"][LUIS]["queue_id"] = "4F2"
    assert DeliveryResult.model_validate(shown) == mixed


def test_another_version_is_not_taken_for_this_one(mixed: DeliveryResult) -> None:
    with pytest.raises(ValueError, match="version"):
        DeliveryResult.model_validate({**mixed.model_dump(), "version": 2})


def test_no_content_of_the_message_is_in_a_result(mixed: DeliveryResult) -> None:
    for shown in (mixed.model_dump_json(), repr(mixed), str(mixed), pickle.dumps(mixed).decode("latin-1")):
        assert TEXT not in shown
        assert "Secret plans" not in shown


@pytest.mark.parametrize(
    "error",
    [
        errors.MessageError("to: empty", field="to", hint="fill it"),
        errors.MessageError("too many bytes"),
        errors.KeyringLocked("locked", hint="unlock it"),
    ],
)
def test_what_the_caller_must_mend_goes_through_json_with_all_it_says(error: errors.SendkitError) -> None:
    result = failed_before_sending(error, index=3)
    again = DeliveryResult.model_validate_json(result.model_dump_json())
    assert (type(again.error), vars(again.error), again.index) == (type(error), vars(error), 3)
    assert not again.ok


@pytest.mark.parametrize("kind", ["TYPE_CHECKING", "annotations", "NotAnError", "DeliveryResult", "__all__"])
def test_an_error_of_an_unknown_name_is_read_as_the_root_of_all(kind: str) -> None:
    shown = {"recipients": {}, "error": {"type": kind, "message": "it failed", "hint": None}}
    assert type(DeliveryResult.model_validate(shown).error) is errors.SendkitError


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_result_survives_pickling(mixed: DeliveryResult, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(mixed, protocol))
    assert again == mixed
    assert dict(again.recipients) == dict(mixed.recipients)


def test_a_result_survives_copying(mixed: DeliveryResult) -> None:
    assert copy.copy(mixed) == copy.deepcopy(mixed) == mixed.model_copy() == mixed


def test_the_recipients_cannot_be_changed(mixed: DeliveryResult) -> None:
    with pytest.raises(TypeError):
        mixed.recipients["eve@example.com"] = mixed.recipients[LUIS]  # type: ignore[index]
    with pytest.raises(TypeError):
        del mixed.recipients[LUIS]  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="frozen"):
        mixed.recipients = {}  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        mixed.recipients[LUIS].outcome = Outcome.REJECTED  # type: ignore[misc]


def test_who_made_a_result_cannot_change_it_from_behind() -> None:
    recipients = {"0@example.com": recipient(0, None)}
    result = DeliveryResult(recipients=recipients)
    recipients.clear()
    assert result.ok


def test_the_recipients_are_a_mapping_that_shows_itself(mixed: DeliveryResult) -> None:
    assert list(mixed.recipients) == [LUIS, OPS, EVA]
    assert len(mixed.recipients) == 3
    assert (LUIS in mixed.recipients, "eve@example.com" in mixed.recipients) == (True, False)
    assert repr(mixed.recipients).startswith(f"{{'{LUIS}': RecipientResult(")


def test_each_outcome_has_its_tuple(mixed: DeliveryResult) -> None:
    assert [
        [r.address for r in group] for group in (mixed.accepted, mixed.deferred, mixed.rejected, mixed.in_doubt)
    ] == [[LUIS], [OPS], [EVA], []]


def test_a_result_is_ok_only_when_everybody_was_accepted(mixed: DeliveryResult) -> None:
    assert result_of(None, None).ok
    assert not mixed.ok
    assert not result_of(None, Cause.IN_DOUBT).ok
    assert not DeliveryResult(recipients={}).ok


def test_who_is_unsettled_can_be_sent_to_again(mixed: DeliveryResult) -> None:
    assert mixed.unsettled() == Envelope(ANA, [OPS])


@pytest.mark.parametrize("cause", [None, Cause.REJECTED, Cause.IN_DOUBT])
def test_nobody_is_unsettled_but_the_deferred(cause: Cause | None) -> None:
    assert result_of(cause).unsettled() is None


async def test_the_unsettled_are_all_that_a_second_send_needs(mixed: DeliveryResult) -> None:
    transport = MemoryTransport()
    envelope = mixed.unsettled()
    async with mailer(transport) as postman:
        again = await postman.send(message(LUIS, OPS, EVA), recipients=envelope)
    assert list(again.recipients) == [OPS]
    assert transport.sent[0].envelope == envelope


def test_success_returns_the_result_itself() -> None:
    result = result_of(None)
    assert result.raise_for_failure() is result


@pytest.mark.parametrize(("cause", "kind"), [(cause, kind) for cause, kind in ORDER if cause])
def test_each_cause_has_its_error(cause: Cause, kind: type[DeliveryError]) -> None:
    with pytest.raises(DeliveryError) as failure:
        result_of(cause).raise_for_failure()
    assert type(failure.value) is kind


@pytest.mark.parametrize(("first", "second"), list(pairwise(ORDER)))
@pytest.mark.parametrize("turned", [False, True])
def test_with_mixed_outcomes_the_first_of_the_order_is_raised(first, second, turned: bool) -> None:
    causes = [first[0], second[0]]
    with pytest.raises(DeliveryError) as failure:
        result_of(*(reversed(causes) if turned else causes)).raise_for_failure()
    assert type(failure.value) is first[1]


def test_an_accepted_recipient_makes_any_failure_but_doubt_partial() -> None:
    for cause in Cause:
        with pytest.raises(errors.InDoubtError if cause is Cause.IN_DOUBT else errors.PartialDelivery):
            result_of(None, cause).raise_for_failure()


def test_the_error_carries_the_result_and_what_to_do(mixed: DeliveryResult) -> None:
    with pytest.raises(errors.PartialDelivery) as failure:
        mixed.raise_for_failure()
    error = failure.value
    assert error.result is mixed
    assert (error.phase, error.reply, error.host, error.port) == (
        Phase.RCPT,
        Reply(450, "4.2.0", "wait\nplease"),
        "memory",
        None,
    )
    assert error.transient
    assert error.hint == mixed.recipients[OPS].hint
    assert error.transcript == sum((attempt.transcript or () for attempt in mixed.attempts), ())


def test_the_text_of_an_error_says_where_who_what_and_what_to_do(mixed: DeliveryResult) -> None:
    with pytest.raises(errors.PartialDelivery) as failure:
        mixed.raise_for_failure()
    text = str(failure.value)
    for part in (
        "memory, rcpt: 2 of 3",
        OPS,
        "deferred",
        "450 4.2.0 wait",
        EVA,
        "rejected",
        "550 5.1.1 no such user",
        "hint: ",
    ):
        assert part in text


def test_an_error_over_many_recipients_shows_a_few_and_counts_the_rest() -> None:
    with pytest.raises(errors.RejectedError, match="and 7 more") as failure:
        result_of(*[Cause.REJECTED] * 10).raise_for_failure()
    assert "9@example.com" not in str(failure.value)


def test_an_error_is_transient_only_when_waiting_may_help() -> None:
    for cause, transient in ((Cause.DEFERRED, True), (Cause.REJECTED, False), (Cause.TLS, False)):
        with pytest.raises(DeliveryError) as failure:
            result_of(cause).raise_for_failure()
        assert failure.value.transient is transient


def test_what_the_caller_must_mend_is_raised_as_it_is() -> None:
    error = errors.MessageError("to: empty")
    with pytest.raises(errors.MessageError) as failure:
        failed_before_sending(error).raise_for_failure()
    assert failure.value is error


def test_a_recipient_shows_itself_in_words() -> None:
    assert str(recipient(0, None)) == "0@example.com: accepted"
    assert str(recipient(0, Cause.TLS)) == "0@example.com: deferred (because of tls)"
    refused = RecipientResult(address=LUIS, outcome=Outcome.REJECTED, reply=Reply(550, "5.1.1", "no such user"))
    assert str(refused) == "luis@example.com: rejected (550 5.1.1 no such user)"


def test_an_attempt_says_what_happened(mixed: DeliveryResult) -> None:
    first, *rest = mixed.attempts
    assert len(rest) == 3
    assert isinstance(first, Attempt)
    assert (first.server, first.phase, first.tls) == ("memory", Phase.END_OF_DATA, None)
    assert [(answer.recipient, answer.reply.code) for answer in first.replies if answer.phase is Phase.RCPT] == [
        (LUIS, 250),
        (OPS, 450),
        (EVA, 550),
    ]
    assert first.error is not None
    assert (first.error.cause, first.error.phase, first.error.transient) == (Cause.DEFERRED, Phase.RCPT, True)
    assert first.error.hint


def test_the_server_of_an_attempt_has_its_port() -> None:
    attempt = Attempt(host="smtp.example.com", port=587, started="2026-11-24T06:00:00Z", duration=1.5, phase=Phase.MAIL)
    assert attempt.server == "smtp.example.com:587"
    assert Attempt.model_validate_json(attempt.model_dump_json()) == attempt


async def test_an_attempt_that_went_well_has_no_error() -> None:
    result = await sent(MemoryTransport(), retry=ONCE)
    assert [attempt.error for attempt in result.attempts] == [None]


def test_a_line_of_a_transcript_shows_when_and_who(mixed: DeliveryResult) -> None:
    lines = mixed.attempts[0].transcript
    assert lines
    assert {line.who for line in lines} <= {"C", "S", "*"}
    assert str(lines[0]).split(" ", 1)[1] == f"{lines[0].who}: {lines[0].text}"
    assert TEXT not in "".join(map(str, lines))


async def test_messages_that_get_the_same_reply_share_its_note(monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tests may have filled them up to the point where they are emptied.
    monkeypatch.setattr(seam_log, "_notes", dict[int, dict[int, object]]((id(phase), {}) for phase in Phase))
    async with mailer(MemoryTransport()) as sending:
        _, first, second = [(await sending.send(message())).attempts[0].replies for _ in range(3)]
    assert first == second
    assert [one is other for one, other in zip(first, second, strict=True)] == [one.recipient is None for one in first]
