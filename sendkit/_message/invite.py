"""Invitations: an event that mail readers put into a calendar (RFC 5545, RFC 5546, RFC 6047). The extra `calendar`.

Knows what stays the same over all messages about an event: the UID; what grows: SEQUENCE; and that the method stands in
the part and in its body. The time is UTC. Must not know MIME trees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, cast

from sendkit._distribution import installing
from sendkit._message.characters import forbidden
from sendkit._message.drawn import drawn
from sendkit._message.mailbox import author
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from icalendar import vCalAddress

    from sendkit._message.mailbox import Mailbox
    from sendkit._message.message import Message

_LONGEST = 5_000
_GREATEST = 2**31 - 1  # RFC 5545 section 3.3.8


class _Component(Protocol):
    """What is used of icalendar's components, whose own types are not complete."""

    def add(self, name: str, value: object) -> None: ...
    def add_component(self, component: Any) -> None: ...
    def to_ical(self) -> bytes: ...


@dataclass(slots=True, frozen=True, kw_only=True)
class Invite:
    """An event to which a message invites: `Message(…, calendar=Invite(summary="Review", start=…, end=…))`.

    `start` and `end` are datetimes with a time zone, or dates for whole days (`end` is the day after the last). The
    sender is the organizer, and To and Cc are the attendees. `location`, `description` and `url` are shown with it;
    `method` is "REQUEST", or "CANCEL" as `cancel()` sets it. `update(…)` gives the next version of the same event, and
    `cancel()` calls it off; keep the Invite, or its `uid` and `sequence`, for that. Raises MessageError.
    """

    summary: str
    start: datetime | date
    end: datetime | date
    location: str = ""
    description: str = ""
    url: str = ""
    uid: str = field(default_factory=drawn)
    sequence: int = 0
    method: Literal["REQUEST", "CANCEL"] = "REQUEST"

    def __post_init__(self) -> None:
        for value in (self.start, self.end):
            if not isinstance(cast("object", value), date):
                raise _refuse(f"{type(value).__name__} is not a date", "give a datetime with a time zone, or a date")
        self._check_texts()
        days = not isinstance(self.start, datetime)
        if days is isinstance(self.end, datetime):
            raise _refuse("start and end of two kinds", "give two datetimes, or two dates")
        if not days and None in (_offset(self.start), _offset(self.end)):
            raise _refuse("a datetime without time zone", "write datetime(…, tzinfo=ZoneInfo(…))")
        if not days and not all(map(_is_in_utc, (self.start, self.end))):
            raise _refuse("a moment out of all bounds", "give a date of these years")
        if not self.start < self.end:
            raise _refuse("the end is not behind the start", "give another end")
        if not self.summary.strip() or max(map(len, (self.summary, self.location, self.url))) > _LONGEST:
            raise _refuse("no summary, or a text that is far too long", "give summary= in a few words")
        if not self.uid or not self.uid.isprintable():
            raise _refuse("the uid is empty, or has control characters in it", "keep that of the first invitation")
        number: Any = self.sequence
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _GREATEST:
            raise _refuse(f"sequence: not an int from 0 to {_GREATEST}", "keep that of the last invitation")
        if self.method not in {"REQUEST", "CANCEL"}:
            raise _refuse(f"method {str(self.method)[:80]!r}", "REQUEST invites, and CANCEL calls off")

    def _check_texts(self) -> None:
        """No character that the form cannot hold (RFC 5545 section 3.3.11); a line end in a URL would end it."""
        for name in ("summary", "location", "description", "url", "uid"):
            text: object = getattr(self, name)
            if not isinstance(text, str):
                raise _refuse(f"{name}: {type(text).__name__} is not text", "give a str")
            if found := forbidden(text if name == "url" else re.sub(r"\r\n|[\n\t]", " ", text)):
                raise _refuse(f"{name}: {text[:80]!r} holds {found}", "take control characters out")

    def update(self, **changes: Any) -> Self:
        """The same event with changes, as its next version."""
        return replace(self, **{"sequence": self.sequence + 1, **changes})

    def cancel(self) -> Self:
        """The same event, called off."""
        return replace(self, sequence=self.sequence + 1, method="CANCEL")

    def text(self) -> str:
        """The event in words, for readers without a calendar."""
        lines = [self.summary, f"{_words(self.start)} – {_words(self.end)}", self.location, self.url]
        told = "\n".join(line for line in lines if line)
        return f"{'CANCELLED: ' if self.method == 'CANCEL' else ''}{told}\n" + (
            self.description and f"\n{self.description}\n"
        )

    def ics(self, message: Message) -> str:
        """The calendar object, for this organizer and these attendees. Raises MessageError without the extra."""
        try:
            from icalendar import Calendar, Event  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise _refuse("it needs the extra `calendar`", installing(extra="calendar")) from error
        calendar, event = cast("_Component", Calendar()), cast("_Component", Event())
        for name, value in (("version", "2.0"), ("prodid", "-//sendkit//EN"), ("method", self.method)):
            calendar.add(name, value)
        event.add("uid", self.uid)
        event.add("sequence", self.sequence)
        event.add("dtstamp", message.date.astimezone(UTC))
        for name, moment in (("dtstart", self.start), ("dtend", self.end)):
            event.add(name, moment.astimezone(UTC) if isinstance(moment, datetime) else moment)
        for name in ("summary", "location", "description", "url"):
            if text := getattr(self, name):
                event.add(name, text)
        event.add("status", "CANCELLED" if self.method == "CANCEL" else "CONFIRMED")
        event.add("organizer", _person(author(message.sender)))
        for mailbox in (*message.to, *message.cc):
            event.add("attendee", _person(mailbox, attends=True))
        calendar.add_component(event)
        return calendar.to_ical().decode()


def invite(value: object) -> Invite | None:
    """An Invite, or what its dump gave."""
    if value is None or isinstance(value, Invite):
        return value
    if not isinstance(value, Mapping):
        raise _refuse(f"{type(value).__name__} is not an Invite", "write Invite(summary=…, start=…, end=…)")
    fields: dict[str, Any] = dict(cast("Mapping[str, Any]", value))
    try:
        fields.update(start=_moment(fields["start"]), end=_moment(fields["end"]))
        return Invite(**fields)
    except (TypeError, KeyError, ValueError) as error:
        raise _refuse(f"no Invite: {str(error)[:200]}", "give what model_dump() gave") from error


def invite_dump(value: Invite | None) -> dict[str, object] | None:
    """The invitation as plain values."""
    if value is None:
        return None
    return {**asdict(value), "start": value.start.isoformat(), "end": value.end.isoformat()}


def _moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    return date.fromisoformat(value) if len(value) == len("2026-11-30") else datetime.fromisoformat(value)


def _offset(moment: datetime | date) -> object:
    return moment.utcoffset() if isinstance(moment, datetime) else None


def _is_in_utc(moment: datetime | date) -> bool:
    try:
        return not isinstance(moment, datetime) or bool(moment.astimezone(UTC))
    except OverflowError:
        return False


def _words(moment: datetime | date) -> str:
    return moment.strftime("%Y-%m-%d %H:%M %Z") if isinstance(moment, datetime) else moment.isoformat()


def _person(mailbox: Mailbox, *, attends: bool = False) -> vCalAddress:
    from icalendar import vCalAddress, vText  # noqa: PLC0415 - an extra

    person = vCalAddress(f"mailto:{mailbox.address.wire}")
    if mailbox.name:
        person.params["CN"] = vText(mailbox.name.replace('"', "'"))
    if attends:
        person.params.update({"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"})
    return person


def _refuse(problem: str, hint: str) -> MessageError:
    return MessageError(f"calendar: {problem}", field="calendar", hint=hint)
