"""The only way from a message of any kind to a Letter. Whatever is wrong with it is said here, before any I/O."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from sendkit._message.accept import NOBODY
from sendkit._message.letter import Letter, Redirection, distinct
from sendkit._message.mailbox import author, mailbox_of
from sendkit._message.message import Message
from sendkit._message.render import render
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import Message as StdlibMessage
    from typing import Any

    from sendkit._message.ready import ReadyMessage
    from sendkit._smtp.address import Address
    from sendkit._smtp.envelope import Envelope
    from sendkit._submission import SubmissionOptions

# Whatever can be sent, and who may be named in place of the headers: a comma list, addresses, or an envelope.
AnyMessage: TypeAlias = "Message | ReadyMessage | StdlibMessage[Any, Any]"
Recipients: TypeAlias = "Iterable[str] | Envelope | str"


def compose(
    message: AnyMessage,
    envelope_from: str | None = None,
    recipients: Recipients | None = None,
    usual_sender: str | None = None,
    options: SubmissionOptions | None = None,
    *,
    files_later: bool = False,
) -> Letter:
    """Make the letter of a message: its envelope, and its octets, with what is asked for beside.

    `envelope_from` ("" is the null reverse path) and `recipients` (a comma list is enough) replace what the headers
    say; `usual_sender` is that of a Message which names none. Raises MessageError for anything that no server could
    take, and for a letter without recipients. With `files_later`, attached files are not read yet: they are `unread`.
    """
    redirection = Redirection.of(envelope_from, recipients)
    if isinstance(message, Message):
        if message.sender is None and usual_sender is not None:
            message = _in_the_name_of(usual_sender, message)
        letter = _letter_of_message(message, redirection, files_later=files_later)
    else:
        letter = _letter_of_ready(message, redirection)
    return letter if options is None else replace(letter, options=_checked(options))


def check_several(messages: object) -> None:
    """Refuse what can be iterated over, and is no series of messages. Raises MessageError."""
    kind = type(messages).__name__
    one = isinstance(messages, Message) or hasattr(messages, "as_bytes")
    if one or isinstance(messages, str | bytes | bytearray | Mapping):
        what = "one message" if one else kind
        hint = "give an iterable of messages, such as a list; send() takes one message"
        raise MessageError(f"messages: {what} is not several messages", field="messages", hint=hint)


def _checked(options: object) -> SubmissionOptions:
    from sendkit._submission import SubmissionOptions  # noqa: PLC0415 - pydantic, 100 ms, and few give any

    if not isinstance(options, SubmissionOptions):
        problem = f"options: {type(options).__name__} says nothing that a server could be asked for"
        hint = 'give sendkit.SubmissionOptions(notify="failure", …)'
        raise MessageError(problem, field="options", hint=hint)
    return options


def _letter_of_message(message: Message, redirection: Redirection, *, files_later: bool) -> Letter:
    reverse_path = author(message.sender).address if redirection.reverse_path is None else redirection.reverse_path[0]
    recipients = redirection.recipients
    if recipients is None:
        recipients = tuple([mailbox.address for mailbox in (*message.to, *message.cc, *message.bcc)])
    if len(recipients) != 1:
        recipients = _somebody(recipients, redirection)
    if files_later and (message.attachments or message.inline) and _has_files(message):
        from sendkit._message.ready import ReadyContent  # noqa: PLC0415 - few have files

        nothing = ReadyContent(b"", b"")
        return Letter(reverse_path, recipients, nothing, message.message_id, unread=partial(render, message))
    return Letter(reverse_path, recipients, render(message), message.message_id)


def _has_files(message: Message) -> bool:
    return any(one.path is not None for one in (*message.attachments, *message.inline.values()))


def _in_the_name_of(usual: str, message: Message) -> Message:
    sender = mailbox_of(usual)
    named = message.message_id.replace(f"@{NOBODY}>", f"@{sender.address.domain}>")
    named_copy = copy(message)  # not checked again: the rest of it was, when it was made
    vars(named_copy).update(sender=sender, message_id=named)
    return named_copy


def _letter_of_ready(given: ReadyMessage | StdlibMessage[Any, Any], redirection: Redirection) -> Letter:
    from sendkit._message.head import recipients_in, reverse_path_in  # noqa: PLC0415 - most programs write Messages
    from sendkit._message.ready import ReadyMessage  # noqa: PLC0415 - as above

    message = given if isinstance(given, ReadyMessage) else _from_stdlib(given, redirection)
    chosen = redirection.over(message.redirection)
    listed = recipients_in(message.fields) if chosen.recipients is None else chosen.recipients
    reverse_path = reverse_path_in(message.fields) if chosen.reverse_path is None else chosen.reverse_path[0]
    return Letter(reverse_path, _somebody(listed, chosen), message.content, message.message_id)


def _somebody(addresses: tuple[Address, ...], redirection: Redirection) -> tuple[Address, ...]:
    if not addresses:
        field = "to" if redirection.recipients is None else "recipients"
        raise MessageError(f"{field}: there is no recipient", field=field, hint="fill to, cc, bcc or recipients=…")
    return distinct(addresses)


def _from_stdlib(message: StdlibMessage, redirection: Redirection) -> ReadyMessage:
    if not _is_stdlib(message):
        raise MessageError(
            f"message: {type(message).__name__} cannot be sent",
            field="message",
            hint="give a sendkit.Message, an email.message.Message, or Message.from_bytes(octets)",
        )
    from sendkit._message.stdlib import ready_from_stdlib  # noqa: PLC0415 - it brings the email package

    return ready_from_stdlib(message, redirection)


def _is_stdlib(message: object) -> bool:
    # Whoever holds such a message has imported `email.message`; nobody else need pay for it.
    stdlib = sys.modules.get("email.message")
    return stdlib is not None and isinstance(message, stdlib.Message)
