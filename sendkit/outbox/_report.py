"""Reports: what the sender reads when a letter was given up or is late (RFC 3464, RFC 6533).

A multipart/report of three parts: words for a person, the facts for a program, and the head of the letter itself. Knows
one letter with its history. Must not know databases, or whether and to whom a report is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple

from sendkit._message.accept import new_message_id
from sendkit._message.fields import text_field
from sendkit._smtp.phase import TRANSACTION
from sendkit._smtp.reply import Reply
from sendkit.outbox._states import EventKind
from sendkit.outbox._status import AttemptRecord, Event, LetterStatus, RecipientStatus
from sendkit.results import Attempt

_EXPIRED, _FAILED, _DELAYED = "4.4.7", "5.0.0", "4.0.0"  # RFC 3463: delivery time expired; no better code is known
_LONGEST = 900  # octets of one field, so that no line is cut on its way (RFC 5321 section 4.5.3.1.6)


class Sides(NamedTuple):
    """Who writes the report, and to whom; `reporting` is the name of the machine that kept the letter."""

    sender: str
    to: str
    reporting: str


def report(letter: LetterStatus, event: Event, head: bytes, sides: Sides) -> bytes:
    """The report of an event as octets that are ready to be sent. `head` is the letter's own, perhaps empty."""
    message_id = new_message_id(sides.sender.rpartition("@")[2] or "localhost")
    boundary = f"=_report_{message_id[1:25]}"
    parts = [_words(letter, event, head), _facts(letter, event, sides), _original(head)]
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts if part)
    fields = [
        f"From: {sides.sender}",
        f"To: {sides.to}",
        text_field("Subject", _subject(letter, event, head)).removesuffix("\r\n"),
        f"Date: {format_datetime(event.at)}",
        f"Message-ID: {message_id}",
        # RFC 3834: no machine answers, and so nothing goes round in circles.
        "Auto-Submitted: auto-replied",
        *([f"In-Reply-To: {letter.message_id}", f"References: {letter.message_id}"] if letter.message_id else []),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"',
    ]
    lines = "".join(f"{field}\r\n" for field in fields)
    return f"{lines}\r\n{body}--{boundary}--\r\n".encode()


def _subject(letter: LetterStatus, event: Event, head: bytes) -> str:
    what = "Delayed" if event.kind is EventKind.DELAYED else "Not delivered"
    return f"{what}: {_field(head, b'subject') or letter.message_id or letter.id}"


def _words(letter: LetterStatus, event: Event, head: bytes) -> str:
    lines = [*_opening(letter, event), ""]
    for one in event.recipients:
        lines += [f"  {one.address}", *(f"      {line}" for line in _why(one, event)), ""]
    lines += ["What was tried:", "", *_history(letter, event), "", "The message:", ""]
    found = ((name, _field(head, name.lower().encode())) for name in ("Subject", "To", "Date"))
    lines += [f"  {name}: {text}" for name, text in found if text]
    lines += [f"  Message-ID: {letter.message_id or 'none'}", f"  Id in the outbox: {letter.id}"]
    return _text_part("text/plain", "\n".join(lines) + "\n")


def _opening(letter: LetterStatus, event: Event) -> list[str]:
    if event.kind is EventKind.DELAYED:
        return [
            "Your message has not been delivered yet to the recipients below.",
            f"It is tried again until {_moment(letter.expires)}. You need not send it again.",
        ]
    if event.kind is EventKind.EXPIRED:
        first = next((record.at for record in letter.history if record.attempts), letter.created)
        return [
            "Your message could not be delivered to the recipients below.",
            f"It was tried for {_span(event.at - first)}, and is not tried any more. They have no copy of it.",
        ]
    return [
        "Your message could not be delivered to the recipients below.",
        "The mail server refused it for good. They have no copy of it.",
    ]


def _why(one: RecipientStatus, event: Event) -> Iterator[str]:
    said = one.reply or one.reason or ("no server has taken it in time" if event.kind is EventKind.EXPIRED else "")
    yield from map(_printable, said.splitlines())
    if one.reply and one.reason:
        yield _printable(one.reason)
    if (reply := _reply(one)) is not None and not reply.positive:
        meant = reply.explain()
        yield f"This means: {meant.title}: {meant.cause}."
        yield f"What to do: {meant.remedy}."


def _span(time: timedelta) -> str:
    """A time in the largest unit of which there are two, or one day."""
    for unit, seconds in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if (count := round(time.total_seconds() / seconds, 1)) >= (1 if unit == "days" else 2):
            return f"{count:g} {unit if count != 1 else 'day'}"
    return "a minute" if time >= timedelta(minutes=1) else "less than a minute"


def _history(letter: LetterStatus, event: Event) -> list[str]:
    about = {one.address for one in event.recipients}
    lines = [f"  {line}" for record in letter.history for line in _tried(record, about)]
    return lines or ["  (nothing is known any more)"]


def _tried(record: AttemptRecord, about: Collection[str]) -> Iterator[str]:
    if record.note is not None or not record.attempts:
        yield f"{_moment(record.at)}  {record.note or 'no server was asked'}"
    for attempt in record.attempts:
        for outcome in _outcomes(attempt, about):
            yield f"{_moment(record.at)}  {attempt.server}  {' '.join(outcome.split())}"


def _outcomes(attempt: Attempt, about: Collection[str]) -> Iterable[str]:
    """What an attempt came to for these recipients, each answer once: others of the letter may have had another."""
    refused = [one for one in attempt.replies if one.reply.code >= 400]
    own = [one for one in refused if one.recipient in about]
    for_all = [one for one in refused if one.recipient is None and one.phase in TRANSACTION]
    if own or for_all:
        return dict.fromkeys(f"{one.phase}: {one.reply}" for one in own or for_all)
    return ("taken" if attempt.error is None else f"{attempt.error.phase}: {attempt.error.message}",)


def _facts(letter: LetterStatus, event: Event, sides: Sides) -> str:
    message = [f"Reporting-MTA: dns; {_one_line(sides.reporting)}", f"Arrival-Date: {format_datetime(letter.created)}"]
    groups = [message, *(_fact(letter, event, one) for one in event.recipients)]
    text = "\r\n".join("".join(f"{field}\r\n" for field in group) for group in groups)
    return f"Content-Type: message/delivery-status\r\n\r\n{text}"


def _fact(letter: LetterStatus, event: Event, one: RecipientStatus) -> list[str]:
    late = event.kind is EventKind.DELAYED
    fields = [
        f"Final-Recipient: {_typed(one.address)}",
        f"Action: {'delayed' if late else 'failed'}",
        f"Status: {_status(one, event)}",
    ]
    if server := _server(letter, one):
        fields.append(f"Remote-MTA: dns; {_one_line(server)}")
    if one.reply:
        fields.append(f"Diagnostic-Code: smtp; {_one_line(one.reply)}")
    elif one.reason:
        fields.append(f"Diagnostic-Code: x-sendkit; {_one_line(one.reason)}")
    last = letter.history[-1].at if letter.history else event.at
    fields.append(f"Last-Attempt-Date: {format_datetime(last)}")
    if late:
        fields.append(f"Will-Retry-Until: {format_datetime(letter.expires)}")
    return fields


def _typed(address: str) -> str:
    """The address with its type: `rfc822`, or `utf-8` in ASCII (RFC 6533 section 3)."""
    if address.isascii():
        return f"rfc822; {_one_line(address)}"
    return "utf-8; " + "".join(map(_in_ascii, address))


def _in_ascii(char: str) -> str:
    return char if "!" <= char <= "~" and char not in "\\+=" else f"\\x{{{ord(char):02X}}}"


def _status(one: RecipientStatus, event: Event) -> str:
    reply = _reply(one)
    if reply is not None and not reply.positive:
        return reply.enhanced or f"{reply.code // 100}.0.0"
    return {EventKind.EXPIRED: _EXPIRED, EventKind.DELAYED: _DELAYED}.get(event.kind, _FAILED)


def _reply(one: RecipientStatus) -> Reply | None:
    if one.reply is None:
        return None
    try:
        return Reply.build(int(one.reply[:3]), one.reply[4:])
    except ValueError:
        return None


def _server(letter: LetterStatus, one: RecipientStatus) -> str | None:
    asked = [attempt for record in letter.history for attempt in record.attempts]
    return asked[-1].host if asked else None


def _original(head: bytes) -> str:
    """The head of the letter; without any, no part (RFC 3462 section 2: it may be left out)."""
    if not head:
        return ""
    if head.isascii():
        return f"Content-Type: text/rfc822-headers\r\n\r\n{head.decode()}"
    return _text_part("message/global-headers", head.decode("utf-8", "replace"), charset=False)


def _text_part(kind: str, text: str, *, charset: bool = True) -> str:
    from sendkit._message.render import encoded_text  # noqa: PLC0415 - with the first report

    encoding, octets = encoded_text(text)
    typed = f"{kind}; charset=utf-8" if charset else kind
    return f"Content-Type: {typed}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{octets.decode('ascii')}"


def _field(head: bytes, name: bytes) -> str:
    """A field of the head as a person reads it; empty where there is none."""
    from email import message_from_bytes, policy  # noqa: PLC0415 - as above

    value = message_from_bytes(head, policy=policy.default).get(name.decode(), "")
    return " ".join(_printable(str(value)).split())


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _one_line(text: str) -> str:
    plain = " ".join("".join(char if " " <= char <= "~" else " " if char.isspace() else "?" for char in text).split())
    return plain[:_LONGEST]
