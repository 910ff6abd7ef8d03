"""Postfix hands out session tickets: the second connection to it takes up the session of the first (RFC 8446)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendkit import Mailer

from .post import ANA, LUIS, copies, implicit_tls, letter, starttls

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendkit import Server
    from tests.servers.postfix import Postfix
    from tests.servers.secretservice import SecretService


@pytest.mark.parametrize("way", [starttls, implicit_tls])
def test_every_connection_but_the_first_is_resumed(
    postfix: Postfix, in_keyring: SecretService, way: Callable[[Postfix], Server]
) -> None:
    server = way(postfix)
    with Mailer(server, username=ANA, messages_per_connection=1, max_connections=1) as mailer:
        for number in range(3):
            mailer.send(letter(LUIS, subject=f"Informe {number}"))
    assert server.context.session_stats()["hits"] == 2
    assert copies(postfix, [LUIS]).total() == 3
