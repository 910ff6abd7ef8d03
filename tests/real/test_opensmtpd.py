"""To a real OpenSMTPD, one command at a time: directly, from one address, through a proxy, by function and socket."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from sendkit import Mailer, Message, Security, Server
from tests.servers.proxies import microsocks

if TYPE_CHECKING:
    from .opensmtpd import OpenSMTPD


def test_each_way_leads_to_it(opensmtpd: OpenSMTPD) -> None:
    async def by_hand(host: str, port: int) -> socket.socket:
        return socket.create_connection(("127.0.0.1", opensmtpd.port))

    with microsocks() as proxy:
        ways: list[dict[str, Any]] = [
            {},
            {"proxy": f"socks5://127.0.0.1:{proxy}"},
            {"local_address": "127.0.0.3"},
            {"dialer": by_hand},
            {"sock": socket.create_connection(("127.0.0.1", opensmtpd.port))},
        ]
        for number, way in enumerate(ways):
            with Mailer(Server("127.0.0.1", opensmtpd.port, Security.NONE, **way)) as mailer:
                letter = Message(sender="ana@example.test", to="luis@example.test", subject=f"way {number}", text=".\n")
                assert mailer.send(letter).ok
    stored = b"".join(opensmtpd.mailbox(len(ways)))
    assert [stored.count(b"Subject: way %d" % number) for number in range(len(ways))] == [1] * len(ways)
