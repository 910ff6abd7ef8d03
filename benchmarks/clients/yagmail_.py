"""yagmail: html is its content, and it makes the text of it; every `send` connects and logs in again.

It checks no certificate unless it is given a context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yagmail

from benchmarks.clients.base import HOST, PASSWORD, USERNAME, BlockingClient, Target
from benchmarks.letter import HTML, SENDER, SENDER_NAME

if TYPE_CHECKING:
    from benchmarks.letter import Letter


class Yagmail(BlockingClient[yagmail.SMTP]):
    def connect(self, target: Target) -> yagmail.SMTP:
        starttls = {"context": target.context}
        options = {"smtp_starttls": starttls, "smtp_ssl": False, "local_hostname": "localhost"}
        return yagmail.SMTP({SENDER: SENDER_NAME}, PASSWORD, HOST, target.port, **options)

    def send(self, connection: yagmail.SMTP, letter: Letter) -> None:
        attached = None if letter.attachment is None else str(letter.attachment)
        to = list(letter.recipients)
        refused = connection.send(to, letter.subject, HTML, attachments=attached, prettify_html=False)
        assert refused == {}

    def quit(self, connection: yagmail.SMTP) -> None:
        connection.close()


assert USERNAME == SENDER  # it logs in as the sender
