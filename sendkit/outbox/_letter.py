"""From what a program puts to what the ledger keeps: checked and rendered now, so that what is impossible is an error.

Knows messages and the limits of the outbox. Must not know databases.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sendkit._message import accept
from sendkit._message.compose import compose
from sendkit._message.dkim import Signed, Signer, signed
from sendkit._message.message import Message
from sendkit._message.render import Rendered
from sendkit.errors import MessageError
from sendkit.outbox._checks import check_account, check_key, check_life, check_moment, check_priority, check_text
from sendkit.outbox._kept_options import kept_options
from sendkit.outbox._put import Piece
from sendkit.outbox._rows import Draft

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendkit._message.compose import AnyMessage
    from sendkit._message.letter import Letter as MailLetter
    from sendkit._message.pieces import Piece as ContentPiece
    from sendkit._smtp.content import Content
    from sendkit._smtp.envelope import Envelope
    from sendkit._submission import SubmissionOptions

FIVE_DAYS = timedelta(days=5)
LARGEST = 50 * 1024 * 1024  # octets of one message, unless an outbox is told otherwise
_BLOCK = 262_144


@dataclass(slots=True, frozen=True)
class Letter:
    """A message with the options of `put`, for `put_many`.

    `key` makes it one letter however often it is put; `send_at` is when it may be sent, `expires_in` how long it is
    tried; letters of a `lane` share its rate and pauses, and within it a smaller `priority` goes first. `account`,
    `envelope_from`, `recipients` and `options` replace what the outbox, the message or the mailer say.
    """

    message: AnyMessage
    key: str | None = None
    send_at: datetime | None = None
    expires_in: timedelta = FIVE_DAYS
    lane: str = ""
    priority: int = 0
    account: str | None = None
    envelope_from: str | None = None
    recipients: Iterable[str] | Envelope | str | None = None
    options: SubmissionOptions | None = None


@dataclass(slots=True, frozen=True)
class Receipt:
    """A letter is in the outbox, on the disk. `duplicate`: a letter with the same key was already there.

    `id` identifies the letter in all calls; `message_id` is that of the stored message.
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
    letter: Letter,
    account: str,
    *,
    kind: str = "letter",
    largest: int = LARGEST,
    signers: Sequence[Signer] = (),
    usual_sender: str | None = None,
    origin: str | None = None,
) -> Written:
    """Check a letter, and write its message out, signed; `origin` is the trace in which it is put.

    Raises MessageError, ConfigurationError.
    """
    _check(letter)
    mail = compose(_dated(letter), letter.envelope_from, letter.recipients, usual_sender, letter.options)
    if signers:
        mail = replace(mail, content=signed(mail.content, signers))
    mail.content.check()
    if mail.content.size > largest:
        hint = "send a link to the file, or give the outbox max_size="
        raise MessageError(f"the message has {mail.content.size} octets, and the outbox takes {largest}", hint=hint)
    draft = _draft(letter, mail, account, kind, kept_options(mail.options, origin))
    return Written(draft, tuple(_pieces(mail)))


def _draft(letter: Letter, mail: MailLetter, account: str, kind: str, options: str | None) -> Draft:
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
        options=options,
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
        return (content.fields, *_parts(content.content))
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
    check_key(letter.key)
    check_text("lane", letter.lane, wanted=True)
    check_account(letter.account)
    check_priority(letter.priority)
    check_moment(letter.send_at)
    check_life(letter.expires_in)
