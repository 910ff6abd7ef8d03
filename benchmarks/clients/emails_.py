"""python-emails: a message is sent through a backend that keeps its connection. It checks no certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import emails
from emails.backend.smtp import SMTPBackend

from benchmarks.clients.base import HOST, PASSWORD, USERNAME, BlockingClient, Target
from benchmarks.letter import HTML, SENDER, SENDER_NAME, TEXT

if TYPE_CHECKING:
    from benchmarks.letter import Letter


class PythonEmails(BlockingClient[SMTPBackend]):
    def connect(self, target: Target) -> SMTPBackend:
        login = {"user": USERNAME, "password": PASSWORD, "tls": True}
        backend = SMTPBackend(host=HOST, port=target.port, local_hostname="localhost", fail_silently=False, **login)
        backend.get_client()
        return backend

    def send(self, connection: SMTPBackend, letter: Letter) -> None:
        message = emails.Message(subject=letter.subject, mail_from=(SENDER_NAME, SENDER), text=TEXT, html=HTML)
        if letter.attachment is not None:
            message.attach(filename=letter.attachment.name, data=letter.attachment.read_bytes())
        response = message.send(to=list(letter.recipients), smtp=connection)
        assert response.status_code == 250

    def quit(self, connection: SMTPBackend) -> None:
        connection.close()
