"""A message as its recipients will see it, shown to its author: composed as for sending, and read back by the page.

Loaded for the desk of who writes a message, never for sending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._message.compose import compose
from sendkit._page.file import page_of
from sendkit._reading.caught import CaughtMessage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sendkit._message.compose import AnyMessage
    from sendkit._smtp.envelope import Envelope

__all__ = ["preview"]


def preview(
    message: AnyMessage,
    *,
    envelope_from: str | None = None,
    recipients: Iterable[str] | Envelope | str | None = None,
    open_browser: bool = True,
) -> Path:
    """Show a message in the browser as `sendkit catch` would, and send nothing; returns the file that was opened.

    Takes a Message, a ReadyMessage or any message of the standard library; the envelope is as in `send`. The file holds
    the whole message, attachments too, and only this user may read it; remove it when it is no longer wanted. Raises
    MessageError for what could not be sent either.
    """
    letter = compose(message, envelope_from=envelope_from, recipients=recipients)
    content = b"".join(letter.content.blocks())
    replies = tuple((address, "(not sent)") for address in letter.envelope.recipients)
    return page_of(CaughtMessage(letter.envelope, content, replies=replies), open_browser=open_browser)
