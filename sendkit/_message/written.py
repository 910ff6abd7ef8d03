"""What an author has written, as it is rendered: the fields of a Message, checked, whatever holds them.

Must not know pydantic: a command renders its message before that would be loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sendkit._message.attachment import Attachment
    from sendkit._message.invite import Invite
    from sendkit._message.mailbox import Mailbox
    from sendkit._message.purpose import AutoSubmitted, Priority, Unsubscribe


class Written:
    """A message with these fields; see Message for what they are."""

    if TYPE_CHECKING:  # pydantic takes annotations of a base for fields
        sender: Mailbox | None
        to: tuple[Mailbox, ...]
        cc: tuple[Mailbox, ...]
        bcc: tuple[Mailbox, ...]
        reply_to: tuple[Mailbox, ...]
        subject: str
        text: str | None
        html: str | None
        inline: Mapping[str, Attachment]
        attachments: tuple[Attachment, ...]
        headers: Mapping[str, str]
        unsubscribe: Unsubscribe | None
        auto_submitted: AutoSubmitted | None
        priority: Priority | None
        in_reply_to: str | None
        references: tuple[str, ...]
        calendar: Invite | None
        message_id: str
        date: datetime
        boundary: str

        @property
        def model_fields_set(self) -> set[str]:
            """The names of the fields that were given."""
            ...
