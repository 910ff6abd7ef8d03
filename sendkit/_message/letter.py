"""A letter: what every transport is handed. The envelope and the octets, fixed once for all attempts.

Knows how a caller's `envelope_from` and `recipients` stand above the headers. Must not know how the octets came to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendkit._message.mailbox import mailbox_of, mailboxes_of
from sendkit._smtp.address import Address, AddressError
from sendkit._smtp.envelope import Envelope
from sendkit._smtp.parameters import Asked
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sendkit._smtp.content import Content
    from sendkit._submission import SubmissionOptions


@dataclass(slots=True, frozen=True)
class Letter:
    """A reverse path (None is the null one), recipients without duplicates, the content, and what is asked for beside.

    `unread` makes the content where that reads files, and so takes its time; there is none before.
    `envid` is the name that reports give it (RFC 3461 section 4.4) where the options name none; None: its
    Message-ID without the angle brackets.
    """

    reverse_path: Address | None
    recipients: tuple[Address, ...]
    content: Content
    message_id: str | None
    options: SubmissionOptions | None = None
    envid: str | None = None
    unread: Callable[[], Content] | None = None

    @property
    def envelope(self) -> Envelope:
        """The same reverse path and recipients as the public Envelope, as they were written."""
        sender = self.reverse_path.written if self.reverse_path else ""
        return Envelope(sender, [recipient.written for recipient in self.recipients])


def asked(letter: Letter) -> Asked | None:
    """What a server is to be asked for beside this letter."""
    if letter.options is None:
        return None
    return Asked(letter.options, letter.envid or (letter.message_id or "").strip("<>"))


def distinct(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Each mailbox once, in order, in its first spelling."""
    found: dict[str, Address] = {}
    for address in addresses:
        found.setdefault(address.key, address)
    return tuple(found.values())


@dataclass(slots=True, frozen=True)
class Redirection:
    """What a caller set in place of the headers; a field is None where the headers count.

    `reverse_path` holds one item, which is None for the null reverse path.
    """

    reverse_path: tuple[Address | None] | None = None
    recipients: tuple[Address, ...] | None = None

    @classmethod
    def of(cls, envelope_from: str | None, recipients: Iterable[str] | Envelope | str | None) -> Redirection:
        """Read the two arguments; an Envelope brings its reverse path along. Raises MessageError."""
        if envelope_from is None and recipients is None:
            return _NONE
        if isinstance(recipients, Envelope):
            sender = recipients.reverse_path if envelope_from is None else envelope_from
            return cls.of(sender, recipients.recipients)
        return cls(_reverse_path(envelope_from), None if recipients is None else _recipients(recipients))

    def as_dict(self) -> dict[str, object]:
        """The two arguments that `of` makes an equal value of."""
        sender = None if self.reverse_path is None else self.reverse_path[0]
        return {
            "envelope_from": (sender.written if sender else "") if self.reverse_path is not None else None,
            "recipients": None if self.recipients is None else [recipient.written for recipient in self.recipients],
        }

    def over(self, other: Redirection) -> Redirection:
        """This one, and what the other says where this one says nothing."""
        return Redirection(
            other.reverse_path if self.reverse_path is None else self.reverse_path,
            other.recipients if self.recipients is None else self.recipients,
        )


_NONE = Redirection()


def _reverse_path(text: str | None) -> tuple[Address | None] | None:
    if text is None:
        return None
    if text in ("", "<>"):  # not a set: a caller may hand in anything
        return (None,)
    try:
        return (mailbox_of(text).address,)
    except AddressError as error:
        raise MessageError(f"envelope_from: {error.problem}", field="envelope_from", hint=error.hint) from error


def _recipients(value: Iterable[str] | str) -> tuple[Address, ...]:
    try:
        return tuple(mailbox.address for mailbox in mailboxes_of(value))
    except AddressError as error:
        raise MessageError(f"recipients: {error.problem}", field="recipients", hint=error.hint) from error
