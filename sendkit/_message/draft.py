"""The plain form of a message: text, files and headers, and no further field.

Each field is checked by what checks that of a Message; what is wrong with one is for the Message itself to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from sendkit._message import accept
from sendkit._message.mailbox import mailboxes_of
from sendkit._message.written import Written
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from sendkit._message.attachment import Attachment
    from sendkit._message.mailbox import MailboxLike
    from sendkit._message.message import Message


class Draft(Written):
    """A message with text, and without html."""

    html = unsubscribe = auto_submitted = priority = in_reply_to = calendar = None
    references = ()

    def __init__(self, sender: MailboxLike, subject: str, text: str) -> None:
        self.sender = accept.sender(sender)
        self.subject, self.text = accept.subject(subject), accept.body("text")(text)
        self.inline = accept.no_pictures()
        self.message_id, self.date = accept.message_id_for(vars(self)), accept.now()
        self.boundary = accept.new_boundary()

    @property
    def model_fields_set(self) -> set[str]:
        """Nobody asks for the fields of which a Draft has none."""
        return set()


def plain_message(
    *,
    sender: MailboxLike,
    to: Iterable[str],
    cc: Iterable[str],
    bcc: Iterable[str],
    reply_to: Iterable[str],
    subject: str,
    text: str | None,
    html: str | None,
    attachments: Iterable[Attachment],
    headers: Mapping[str, str],
) -> Message:
    """The plain form of this message; a Message where it has html, no text, or a fault. Raises MessageError."""
    if html is None and text and text.strip():
        try:
            made = Draft(sender, subject, text)
            made.to, made.cc, made.bcc, made.reply_to = map(mailboxes_of, (to, cc, bcc, reply_to))
            made.attachments, made.headers = accept.attachments(attachments), accept.headers(headers)
            accept.parts(vars(made) | {"html": None})
        except (MessageError, ValueError):
            pass  # the Message says what is wrong with it
        else:
            return cast("Message", made)
    from sendkit._message.message import Message  # noqa: PLC0415 - pydantic, 100 ms, and plain text needs none

    return Message(
        sender=sender,
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=reply_to,
        subject=subject,
        text=text,
        html=html,
        attachments=attachments,
        headers=headers,
    )
