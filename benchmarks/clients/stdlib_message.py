"""The message as the standard library's documentation builds it; aiosmtplib and smtplib send it."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from typing import TYPE_CHECKING

from benchmarks.letter import HTML, SENDER, SENDER_NAME, TEXT

if TYPE_CHECKING:
    from benchmarks.letter import Letter


def email_message(letter: Letter) -> EmailMessage:
    """The letter as an EmailMessage."""
    message = EmailMessage()
    message["From"] = Address(SENDER_NAME, addr_spec=SENDER)
    message["To"] = ", ".join(letter.recipients)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain="example.com")
    message.set_content(TEXT)
    message.add_alternative(HTML, subtype="html")
    if letter.attachment is not None:
        octets = letter.attachment.read_bytes()
        message.add_attachment(octets, "application", "octet-stream", filename=letter.attachment.name)
    return message
