"""Three places to which the same application sends, unchanged: the double, a local server, and a real Postfix.

Each is an account in the environment, a `Box` of what arrived, and the same people: Luis and Ops have mailboxes, nobody
else has, and GREY is greylisted once. Must not know: the tests.
"""

from __future__ import annotations

import re
from email import message_from_bytes
from typing import TYPE_CHECKING
from urllib.parse import quote

from sendkit import Envelope
from sendkit.testing import Box, LocalServer, MemoryMailbox, ReceivedMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendkit._transport.script import Script
    from tests.servers.postfix import Postfix

APP, LUIS, OPS = "ana@example.test", "luis@example.test", "ops@example.test"
GREY, NOBODY, ELSEWHERE = "grey-1-eva@example.test", "nobody@example.test", "luis@elsewhere.test"
# What a server writes on top of a message that it delivers, folded lines included.
_TRACE = re.compile(
    rb"\A(?:(?:Return-Path|X-Original-To|Delivered-To|Envelope-to|Received):[^\n]*\n(?:[ \t][^\n]*\n)*)+"
)


def populate(server: Script) -> None:
    """Let it know the same people as Postfix does."""
    server.on_rcpt(NOBODY).reply("550 5.1.1 no such user")
    server.on_rcpt(ELSEWHERE).reply("554 5.7.1 relay access denied")
    server.on_rcpt(GREY).reply("450 4.2.0 greylisted", times=1)
    server.allow_unused_faults()


class Double(MemoryMailbox):
    """The double; it needs no environment."""

    environment: Mapping[str, str] = {}

    def __init__(self) -> None:
        super().__init__()
        populate(self)


class Served(LocalServer):
    """The local server."""

    def __init__(self) -> None:
        super().__init__(username=APP)
        populate(self)


class Delivered(Box):
    """Postfix, which has a copy for each recipient in a mailbox; copies of one message are one message here."""

    def __init__(self, postfix: Postfix) -> None:
        self._postfix = postfix
        self.environment = _account(postfix.host, postfix.starttls_port, APP, postfix.users[APP], str(postfix.ca_file))

    @property
    def messages(self) -> list[ReceivedMessage]:
        """What it delivered."""
        found: dict[bytes, list[str]] = {}
        for address in (LUIS, OPS, GREY):
            for raw in self._postfix.raw_mailbox(address):
                found.setdefault(_TRACE.sub(b"", raw), []).append(address)
        by_date = sorted(found.items(), key=lambda item: str(message_from_bytes(item[0])["Date"]))
        return [ReceivedMessage(Envelope(APP, to), raw.replace(b"\n", b"\r\n")) for raw, to in by_date]


def _account(host: str, port: int, username: str, password: str, ca_file: str) -> dict[str, str]:
    url = f"smtp+starttls://{quote(username, safe='')}@{host}:{port}"
    return {"SENDKIT_URL": url, "SENDKIT_PASSWORD": password, "SSL_CERT_FILE": ca_file}
