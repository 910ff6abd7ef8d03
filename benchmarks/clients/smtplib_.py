"""smtplib of the standard library."""

from __future__ import annotations

import smtplib
from email.policy import SMTP
from typing import TYPE_CHECKING

from benchmarks.clients.base import HOST, PASSWORD, USERNAME, BlockingClient, Target
from benchmarks.clients.stdlib_message import email_message

if TYPE_CHECKING:
    from benchmarks.letter import Letter


class Smtplib(BlockingClient[smtplib.SMTP]):
    def connect(self, target: Target) -> smtplib.SMTP:
        connection = smtplib.SMTP(HOST, target.port, local_hostname="localhost")
        connection.starttls(context=target.context)
        connection.login(USERNAME, PASSWORD)
        return connection

    def send(self, connection: smtplib.SMTP, letter: Letter) -> None:
        refused = connection.send_message(email_message(letter))
        assert not refused

    def quit(self, connection: smtplib.SMTP) -> None:
        connection.quit()

    def build(self, letter: Letter) -> bytes:
        return email_message(letter).as_bytes(policy=SMTP)
