"""The outcome of a message for each recipient: what every `send` returns.

Values only, frozen and serialisable; `model_dump_json()` is stable and versioned, and holds neither secret nor content.
Knows the outcomes of `_smtp`, and nothing of how they came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import PlainSerializer, PlainValidator, PrivateAttr, computed_field
from pydantic.functional_validators import AfterValidator

from sendkit import errors
from sendkit._frozen import Frozen, filled
from sendkit._message.read_only import ReadOnlyMapping
from sendkit._server.endpoint import server_name
from sendkit._server.route import MailProtocol
from sendkit._smtp.envelope import Envelope
from sendkit._smtp.explain import Explanation
from sendkit._smtp.facts import AttemptReply, TLSFacts
from sendkit._smtp.phase import Phase
from sendkit._smtp.reason import Cause, Outcome, Reason
from sendkit._smtp.reply import Reply

__all__ = [
    "Attempt",
    "AttemptError",
    "AttemptReply",
    "Cause",
    "DeliveryResult",
    "Envelope",
    "Explanation",
    "Outcome",
    "Phase",
    "Reason",
    "RecipientResult",
    "Reply",
    "StreamResult",
    "TLSFacts",
    "TranscriptLine",
    "Waiting",
]

ERROR_OF: dict[Cause, type[errors.DeliveryError]] = {
    Cause.IN_DOUBT: errors.InDoubtError,
    Cause.TLS: errors.TLSError,
    Cause.AUTHENTICATION: errors.AuthenticationError,
    Cause.CONNECTION: errors.ConnectError,
    Cause.PROTOCOL: errors.ProtocolError,
    Cause.DEFERRED: errors.DeferredError,
    Cause.REJECTED: errors.RejectedError,
}


_ACCEPTED = Outcome.ACCEPTED  # for every message: to take a member from its class takes 0.1 µs on Python 3.11


class RecipientResult(Frozen):
    """The outcome for one recipient.

    `address` is the recipient as the caller wrote it. `reply` is the server's reply, `reason` a text for failures
    without one. `retryable`: the same message can be sent again later without a change. `attempts` counts the attempts
    for this recipient; `server` (`host:port`) and `phase` belong to the last of them; `cause` is None when accepted.
    `why` is a more precise value than `cause` that you can compare with, if known; `hint` says what to do.
    """

    address: str
    outcome: Outcome
    reply: Reply | None = None
    reason: str | None = None
    retryable: bool = False
    attempts: int = 0
    server: str | None = None
    phase: Phase | None = None
    cause: Cause | None = None
    hint: str | None = None
    why: Reason | None = None

    def __str__(self) -> str:
        tries = f"{self.attempts} tries" if self.attempts > 1 else None
        words = "; ".join(str(each) for each in (self.reply, self.reason, tries) if each)
        return f"{self.address}: {self.outcome.value}" + (f" ({words})" if words else "")


_TONES = {Outcome.ACCEPTED: "good", Outcome.REJECTED: "bad", Outcome.DEFERRED: "open", Outcome.IN_DOUBT: "open"}


def _row(one: RecipientResult) -> tuple[tuple[str, str], ...]:
    """A line of the table that notebooks show: each cell with its tone."""
    said = str(one.reply or one.reason or "")
    return (one.address, ""), (one.outcome.value, _TONES[one.outcome]), (said, ""), (one.hint or "", "")


@dataclass(slots=True, frozen=True)
class Waiting:
    """A wait before the next attempt: the recipients to retry, with their last results, and the seconds."""

    recipients: tuple[RecipientResult, ...]
    seconds: float


class TranscriptLine(Frozen):
    """One line of a conversation: when (UTC), who (`C` the client, `S` the server, `*` an event of both), and what.

    What the client says during AUTH is masked, and the content of messages is left out.
    """

    time: datetime
    who: Literal["C", "S", "*"]
    text: str

    def __str__(self) -> str:
        return f"{self.time:%H:%M:%S.%f} {self.who}: {self.text}"


class AttemptError(Frozen):
    """Why an attempt ended before every recipient of it was accepted; `why` as in `RecipientResult`."""

    cause: Cause
    phase: Phase
    message: str
    hint: str | None = None
    transient: bool = False
    why: Reason | None = None


class Attempt(Frozen):
    """One attempt at one server: when (UTC), how long (seconds), the last phase, and the replies.

    `host` and `port` are the server's, `protocol` is `smtp` or `lmtp`, `started` and `duration` the time, `tls` the
    facts of the TLS session, `error` the reason if the attempt failed.
    `username` is the name for the login, if there was one; `peer` is the IP address of the server.
    `transcript` is set if the mailer was created with `transcript=True`. `ignored_options` are the names of the
    `SubmissionOptions` that this server does not offer.
    """

    host: str
    port: int | None
    protocol: MailProtocol = "smtp"
    username: str | None = None
    started: datetime
    duration: float
    phase: Phase
    peer: str | None = None
    tls: TLSFacts | None = None
    replies: tuple[AttemptReply, ...] = ()
    error: AttemptError | None = None
    transcript: tuple[TranscriptLine, ...] | None = None
    ignored_options: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]  # mypy takes none above a property
    @property
    def server(self) -> str:
        """`host:port` (brackets around an IPv6 address), or the name of a transport that has no port."""
        return server_name(self.host, self.port)


class _ErrorFacts(Frozen):
    type: str
    message: str
    hint: str | None = None
    field: str | None = None


def _load_error(value: _ErrorFacts | errors.SendkitError | None) -> errors.SendkitError | None:
    if value is None or isinstance(value, errors.SendkitError):
        return value
    facts = _ErrorFacts.model_validate(value)
    name = facts.type if facts.type in errors.__all__ else "SendkitError"
    kind: type[errors.SendkitError] = getattr(errors, name)
    error = kind(facts.message, hint=facts.hint)
    if isinstance(error, errors.MessageError):
        error.field = facts.field
    return error


def _dump_error(error: errors.SendkitError | None) -> _ErrorFacts | None:
    if error is None:
        return None
    field = error.field if isinstance(error, errors.MessageError) else None
    return _ErrorFacts(type=type(error).__name__, message=error.message, hint=error.hint, field=field)


class DeliveryResult(Frozen):
    """The result of sending one message.

    `message_id` and `reverse_path` are those that were sent. `recipients` is keyed by the address as the caller wrote
    it, without its display name. `index` is the position of the message in `send_many`. `error` is what the caller must
    fix (an invalid message, no credentials); then no byte was sent. `attempts` has every attempt, in order. `diverted`:
    it was not sent to its recipients, because SENDKIT_TRANSPORT replaced the server, or `redirect_all_to` the
    recipients.
    """

    version: Literal[1] = 1
    message_id: str | None = None
    reverse_path: str = ""
    recipients: Annotated[Mapping[str, RecipientResult], AfterValidator(ReadOnlyMapping), PlainSerializer(dict)]
    attempts: tuple[Attempt, ...] = ()
    index: int | None = None
    error: Annotated[
        errors.SendkitError | None,
        PlainValidator(_load_error),
        PlainSerializer(_dump_error, return_type=_ErrorFacts | None),
    ] = None
    diverted: bool = False

    @computed_field  # type: ignore[prop-decorator]  # mypy takes none above a property
    @property
    def ok(self) -> bool:
        """Whether every recipient was accepted."""
        if self.error is not None:
            return False
        for recipient in self.recipients.values():
            if recipient.outcome is not _ACCEPTED:
                return False
        return len(self.recipients) > 0

    @computed_field  # type: ignore[prop-decorator]  # mypy takes none above a property
    @property
    def ignored_options(self) -> tuple[str, ...]:
        """The names of the `SubmissionOptions` that a server which accepted the message does not offer.

        Where none took it, those that any server does not offer.
        """
        took = {one.server for one in self.recipients.values() if one.outcome in (Outcome.ACCEPTED, Outcome.IN_DOUBT)}
        found = [one.ignored_options for one in self.attempts if not took or one.server in took]
        return tuple(dict.fromkeys(name for names in found for name in names))

    @property
    def accepted(self) -> tuple[RecipientResult, ...]:
        """The recipients that a server took responsibility for."""
        return self._with(Outcome.ACCEPTED)

    @property
    def rejected(self) -> tuple[RecipientResult, ...]:
        """The recipients that were refused permanently."""
        return self._with(Outcome.REJECTED)

    @property
    def deferred(self) -> tuple[RecipientResult, ...]:
        """The recipients that were not accepted, and not refused permanently."""
        return self._with(Outcome.DEFERRED)

    @property
    def in_doubt(self) -> tuple[RecipientResult, ...]:
        """The recipients that a server may have accepted, without a reply."""
        return self._with(Outcome.IN_DOUBT)

    def _with(self, outcome: Outcome) -> tuple[RecipientResult, ...]:
        return tuple(r for r in self.recipients.values() if r.outcome is outcome)

    def __repr__(self) -> str:
        if self.error is not None:
            return f"<DeliveryResult {type(self.error).__name__}: {self.error.message}>"
        counts = Counter(one.outcome for one in self.recipients.values())
        told = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])
        return f"<DeliveryResult {told or 'no recipients'}{', diverted' if self.diverted else ''} {self.message_id}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from sendkit._notebook import table  # noqa: PLC0415 - for notebooks alone

        if self.error is not None:
            row = (type(self.error).__name__, "bad"), (self.error.message, ""), (self.error.hint or "", "")
            return table("Nothing was sent", ("Error", "What", "Hint"), [row])
        rows = [_row(one) for one in self.recipients.values()]
        return table(str(self.message_id or ""), ("Recipient", "Outcome", "Reply", "Hint"), rows)

    def unsettled(self) -> Envelope | None:
        """The envelope of all deferred recipients, safe to send again: `send(message, recipients=…)`; or None."""
        addresses = [r.address for r in self.deferred]
        return Envelope(self.reverse_path, addresses) if addresses else None

    def raise_for_failure(self) -> Self:
        """Return itself when every recipient was accepted.

        Raises the DeliveryError that fits (the first that applies, in the order of `errors.py`), or `error`.
        """
        if self.error is not None:
            raise self.error
        if not self.ok:
            raise self._delivery_error()
        return self

    def _delivery_error(self) -> errors.DeliveryError:
        failed = [r for r in self.recipients.values() if r.outcome is not Outcome.ACCEPTED]
        first = min(failed, key=_rank)
        partial = self.accepted and first.cause is not Cause.IN_DOUBT
        kind = errors.PartialDelivery if partial else ERROR_OF[first.cause or Cause.DEFERRED]
        last = next((attempt for attempt in reversed(self.attempts) if attempt.server == first.server), None)
        return kind(
            self._summary(failed, first, last),
            result=self,
            phase=first.phase,
            reply=first.reply,
            host=last.host if last else None,
            port=last.port if last else None,
            hint=first.hint,
            transient=first.retryable,
            why=first.why,
        )

    def _summary(self, failed: list[RecipientResult], first: RecipientResult, last: Attempt | None) -> str:
        where = f"{last.server}, {first.phase}: " if last else ""
        shown = "; ".join(map(str, failed[:3])) + (f"; and {len(failed) - 3} more" if len(failed) > 3 else "")
        return f"{where}{len(failed)} of {len(self.recipients)} recipients not accepted: {shown}"


class StreamResult(DeliveryResult):
    """The result of one message of `send_many`: a `DeliveryResult` whose `index` (from 0) counts the messages given."""

    index: int  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] - always known here
    _message: Any = PrivateAttr(default=None)

    @property
    def message(self) -> Any:
        """The very message that was given; None in a result that was read from JSON, which holds no content."""
        return self._message

    @classmethod
    def of(cls, result: DeliveryResult, index: int, message: object) -> StreamResult:
        """The result of a message, as that of one of many."""
        fields = {**vars(result), "index": index}
        return filled(cls.__new__(cls), fields, result.model_fields_set, {"_message": message})


_ORDER = list(ERROR_OF)


def _rank(recipient: RecipientResult) -> int:
    return _ORDER.index(recipient.cause or Cause.DEFERRED)


def failed_before_sending(error: errors.SendkitError, *, index: int | None = None) -> DeliveryResult:
    """The result of a message that the caller must fix first: nothing went out, and nobody was asked."""
    return DeliveryResult(recipients={}, error=error, index=index)
