"""A server that offers AUTH only when it is asked once more is asked once more, and logged in to."""

from __future__ import annotations

import pytest

from sendkit import Security
from tests.accounts import message, trouble

from .conftest import Account, Start


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.IMPLICIT_TLS, Security.NONE])
async def test_auth_that_is_announced_only_at_a_second_ehlo_is_used(
    start: Start, account: Account, security: Security
) -> None:
    server = start(security)
    where = server.on_ehlo() if security is Security.NONE else server.on_ehlo_in_tls()
    where.raw(b"250-smtp.example.com\r\n250 PIPELINING\r\n", times=1)
    async with account(server) as mailer:
        assert (await mailer.send(message())).ok
    assert server.auth_commands == 1


async def test_a_server_that_offers_no_auth_is_asked_twice_and_not_for_ever(start: Start, account: Account) -> None:
    server = start(capabilities_in_tls=["PIPELINING"])
    error = await trouble(account(server))
    assert "it offers none" in str(error)
    assert server.lines().count("EHLO [127.0.0.1]") == 3  # one in the clear


async def test_who_does_not_log_in_asks_once(start: Start, account: Account) -> None:
    server = start(capabilities_in_tls=["PIPELINING"])
    assert await trouble(account(server, username=None)) is None
    assert server.lines().count("EHLO [127.0.0.1]") == 2
