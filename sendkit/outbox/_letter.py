"""From what a program puts to what the ledger keeps: checked and rendered now, so that what is impossible is an error.

Knows messages and the limits of the outbox. Must not know databases.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from sendkit._message import accept
from sendkit._message.compose import compose
from sendkit._message.dkim import Signed, Signer, signed
from sendkit._message.message import Message
from sendkit._message.render import Rendered
from sendkit.errors import ConfigurationError, MessageError
from sendkit.outbox._put import Piece
from sendkit.outbox._rows import Draft

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendkit._message.compose import AnyMessage
    from sendkit._message.letter import Letter as MailLetter
    from sendkit._message.pieces import Piece as ContentPiece
    from sendkit._smtp.content import Content
    from sendkit._smtp.envelope import Envelope

FIVE_DAYS = timedelta(days=5)
LARGEST = 50 * 1024 * 1024  # octets of one message, unless an outbox is told otherwise
_LONGEST_KEY, _LONGEST_NAME = 512, 255
_BLOCK = 262_144


@dataclass(slots=True, frozen=True)
class Letter:
    """A message with what the outbox should know of it, for `put_many`; the fields are those of `put`."""

    message: AnyMessage
    key: str | None = None
    send_at: datetime | None = None
    expires_in: timedelta = FIVE_DAYS
    lane: str = ""
    priority: int = 0
    account: str | None = None
    envelope_from: str | None = None
    recipients: Iterable[str] | Envelope | str | None = None


@dataclass(slots=True, frozen=True)
class Receipt:
    """A letter is in the outbox, on the disk. `duplicate`: another put with the same key had been there before.

    `id` is the letter's for all questions and orders; `message_id` is that of the message which the outbox has.
    """

    id: str
    duplicate: bool
    message_id: str | None


@dataclass(slots=True, frozen=True)
class Written:
    """A letter that is ready for the ledger, except for its large pieces, which are kept before it."""

    draft: Draft
    pieces: tuple[bytes | ContentPiece, ...]


def written(
    letter: Letter, account: str, *, kind: str = "letter", largest: int = LARGEST, signers: Sequence[Signer] = ()
) -> Written:
    """Check a letter, and write its message out, signed. Raises MessageError, ConfigurationError."""
    _check(letter)
    mail = compose(_dated(letter), envelope_from=letter.envelope_from, recipients=letter.recipients)
    if signers:
        mail = replace(mail, content=signed(mail.content, signers))
    mail.content.check()
    if mail.content.size > largest:
        hint = "send a link to the file, or give the outbox max_size="
        raise MessageError(f"the message has {mail.content.size} octets, and the outbox takes {largest}", hint=hint)
    return Written(_draft(letter, mail, account, kind), tuple(_pieces(mail)))


def _draft(letter: Letter, mail: MailLetter, account: str, kind: str) -> Draft:
    return Draft(
        uid=uuid.uuid4().hex,
        key=letter.key,
        account=account,
        lane=letter.lane,
        priority=letter.priority,
        due=None if letter.send_at is None else letter.send_at.timestamp(),
        lifetime=letter.expires_in.total_seconds(),
        reverse_path=mail.reverse_path.written if mail.reverse_path else "",
        recipients=tuple(recipient.written for recipient in mail.recipients),
        message_id=mail.message_id,
        size=mail.content.size,
        eight_bit=mail.content.eight_bit,
        utf8=mail.content.utf8,
        kind=kind,
        pieces=(),
    )


def _pieces(mail: MailLetter) -> Iterator[bytes | ContentPiece]:
    """The content: its own octets, as few as can be, and what letters may share."""
    held: list[bytes] = []
    for piece in _parts(mail.content):
        if isinstance(piece, bytes):
            held.append(piece)
            continue
        yield b"".join(held)
        held = []
        yield piece
    yield b"".join(held)


def _parts(content: Content) -> Sequence[ContentPiece]:
    if isinstance(content, Signed):
        return (content.signatures, *_parts(content.content))
    return content.pieces if isinstance(content, Rendered) else tuple(content.blocks())


def cut(octets: bytes) -> Iterator[bytes]:
    """Octets in rows of a size that a database likes."""
    for start in range(0, len(octets), _BLOCK):
        yield octets[start : start + _BLOCK]


def shared(piece: ContentPiece) -> Iterator[Piece]:
    """A large attachment as it will leave, block by block. Raises MessageError where its file has changed."""
    if isinstance(piece, bytes):
        raise TypeError("octets of a letter's own are not shared")
    return map(Piece, piece.blocks())


def _dated(letter: Letter) -> AnyMessage:
    """A message that is sent later says so in its Date, unless it has one of its author's."""
    message = letter.message
    if letter.send_at is None or not isinstance(message, Message) or "date" in message.model_fields_set:
        return message
    dated = copy(message)  # not checked again: the rest of it was, when it was made
    vars(dated)["date"] = accept.date(letter.send_at)
    return dated


def _check(letter: Letter) -> None:
    _check_text("key", letter.key, _LONGEST_KEY)
    _check_text("lane", letter.lane, _LONGEST_NAME)
    _check_text("account", letter.account, _LONGEST_NAME)
    if letter.key == "":
        raise ConfigurationError("key= is empty", hint="leave it out, or give what makes this mail the same one")
    if isinstance(letter.priority, bool) or not isinstance(cast("object", letter.priority), int):
        raise ConfigurationError(f"priority= is not a whole number: {letter.priority!r}", hint="smaller is sooner")
    if abs(letter.priority) > 32_767:
        raise ConfigurationError(f"priority={letter.priority} is too far from 0", hint="-32767 to 32767")
    _check_moment(letter.send_at)
    if not isinstance(cast("object", letter.expires_in), timedelta) or letter.expires_in <= timedelta(0):
        hint = "give a timedelta above zero, such as timedelta(days=5)"
        raise ConfigurationError(f"expires_in= cannot be {letter.expires_in!r}", hint=hint)


def _check_moment(moment: object) -> None:
    if moment is None:
        return
    if not isinstance(moment, datetime):
        hint = "give a datetime with a time zone: datetime.now(UTC) + timedelta(hours=2)"
        raise ConfigurationError(f"send_at= is no datetime: {moment!r}", hint=hint)
    if moment.utcoffset() is None:
        hint = "give it one: datetime(…, tzinfo=ZoneInfo('Europe/Madrid')), or datetime.now(UTC) + timedelta(hours=2)"
        raise ConfigurationError("send_at= has no time zone", hint=hint)


def _check_text(name: str, value: object, longest: int) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        hint = f"give {name}= as a str of at most {longest} octets"
        raise ConfigurationError(f"{name}= is not text: {value!r}", hint=hint)
    if len(value.encode("utf-8", "surrogatepass")) > longest or not value.isprintable():
        hint = f"at most {longest} octets of printable text; for more, its digest: hashlib.sha256(…).hexdigest()"
        raise ConfigurationError(f"{name}= is too long, or not printable", hint=hint)
