"""red-mail: an EmailSender keeps its connection inside its `with` block. It checks no certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redmail import EmailSender

from benchmarks.clients.base import HOST, PASSWORD, USERNAME, BlockingClient, Target
from benchmarks.letter import HTML, SENDER, SENDER_NAME, TEXT

if TYPE_CHECKING:
    from benchmarks.letter import Letter


class RedMail(BlockingClient[EmailSender]):
    def connect(self, target: Target) -> EmailSender:
        sender = EmailSender(HOST, target.port, USERNAME, PASSWORD, local_hostname="localhost")
        sender.connect()
        return sender

    def send(self, connection: EmailSender, letter: Letter) -> None:
        attached = {} if letter.attachment is None else {letter.attachment.name: letter.attachment}
        connection.send(
            subject=letter.subject,
            sender=f"{SENDER_NAME} <{SENDER}>",
            receivers=list(letter.recipients),
            text=TEXT,
            html=HTML,
            attachments=attached,
        )

    def quit(self, connection: EmailSender) -> None:
        connection.close()
