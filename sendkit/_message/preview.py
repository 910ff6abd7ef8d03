"""A message as its recipients will see it, shown to its author: composed as for sending, and read back by the page.

Loaded while a message is written, never for sending.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sendkit._message.accept import NOBODY
from sendkit._message.compose import compose
from sendkit._notebook import frame, table
from sendkit._page.file import page_of, shown_document
from sendkit._page.markup import SANDBOX
from sendkit._reading.caught import CaughtMessage

if TYPE_CHECKING:
    from pathlib import Path

    from sendkit._message.compose import AnyMessage, Recipients

__all__ = ["notebook_html", "preview"]


def preview(
    message: AnyMessage,
    *,
    envelope_from: str | None = None,
    recipients: Recipients | None = None,
    open_browser: bool = True,
) -> Path:
    """Show a message in the browser like `sendkit catch`, and send nothing; returns the path of the file.

    `open_browser` opens it. Takes a Message, a ReadyMessage or any message of the standard library; the envelope is as
    in `send`. The file holds the whole message, attachments too, and only this user may read it; remove it when it is
    no longer wanted. Raises MessageError for what could not be sent either.
    """
    return page_of(_as_caught(message, envelope_from, recipients), open_browser=open_browser)


def notebook_html(message: AnyMessage) -> str:
    """The head of a message as a table, and its html in a frame that runs and loads nothing; else its text."""
    caught = _as_caught(message, None, None)
    facts = [("From", caught.sender), ("To", ", ".join(caught.to)), ("Cc", ", ".join(caught.cc))]
    facts += [("Attachments", ", ".join(f"{part.filename} ({part.size:,} B)" for part in caught.attachments))]
    rows = [((name, ""), (value, "")) for name, value in facts if value]
    head = table(caught.subject or "(no subject)", ("", ""), rows)
    if not caught.html:
        return f"{head}<pre>{escape(caught.text)}</pre>"
    return head + frame(shown_document(caught), SANDBOX, "The html of the message")


def _as_caught(message: AnyMessage, envelope_from: str | None, recipients: Recipients | None) -> CaughtMessage:
    letter = compose(message, envelope_from=envelope_from, recipients=recipients, usual_sender=f"sender@{NOBODY}")
    content = b"".join(letter.content.blocks())
    replies = tuple((address, "(not sent)") for address in letter.envelope.recipients)
    return CaughtMessage(letter.envelope, content, replies=replies)
