"""Where the way to a server ends is named first, and at which limit; so is a secret that does not come."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sendkit import AsyncMailer, Security
from sendkit._credentials import default_chain
from sendkit._doctor import Check, Status
from sendkit._wire import wrong_mode
from tests.servers.secretservice import SecretService

from .asking import DOMAIN, ON_THE_WAY, checks, diagnosis_at, diagnosis_of, fault_of
from .conftest import PASSWORD, USER, Account, Start


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A late greeting is looked into at once."""
    monkeypatch.setattr(wrong_mode, "PATIENCE", 0.0)


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that lets everybody in, and answers nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


async def test_a_keyring_that_waits_for_somebody_is_given_up_and_the_server_is_looked_at(
    start: Start, account: Account, unanswered_secret_service: SecretService
) -> None:
    server = start()
    mailer = account(server, credentials=default_chain(environ={}, keyring_limit=0.5))
    diagnosis = await diagnosis_of(mailer)
    fault = diagnosis.findings[0]
    assert (fault.check, fault.status) == (Check.SECRET, Status.FAILURE)
    assert "no answer within 0.5 s; it probably waits to be unlocked" in fault.text
    assert "unlock it" in (fault.remedy or "")
    assert checks(diagnosis) == [*ON_THE_WAY, Check.MECHANISMS, *DOMAIN]
    assert server.auth_commands == 0


async def test_a_secret_that_does_not_come_ends_with_the_limit(
    start: Start, account: Account, unanswered_secret_service: SecretService
) -> None:
    mailer = account(start(), credentials=default_chain(environ={}, keyring_limit=60))
    fault = await fault_of(mailer, limit=0.3)
    assert (fault.check, fault.text) == (Check.SECRET, "no answer within 0.3 s")


@pytest.mark.usefixtures("impatient")
async def test_starttls_on_a_port_for_implicit_tls_names_the_setting(start: Start, account: Account) -> None:
    fault = await fault_of(account(start(implicit_tls=True), Security.STARTTLS))
    assert fault.check is Check.GREETING
    assert "waits for TLS from the first octet" in fault.text
    assert "security=implicit_tls" in (fault.remedy or "")


async def test_implicit_tls_on_a_port_for_starttls_names_the_setting(start: Start, account: Account) -> None:
    fault = await fault_of(account(start(), Security.IMPLICIT_TLS))
    assert (fault.check, fault.text) == (Check.TLS, "the server does not speak TLS on this port")
    assert "security=starttls" in (fault.remedy or "")


async def test_a_black_hole_ends_with_the_limit_and_is_named_by_where_it_fell_silent(black_hole: int) -> None:
    mailer = AsyncMailer(f"127.0.0.1:{black_hole}", username=USER, password=PASSWORD)
    fault = await fault_of(mailer, limit=2)
    assert (fault.check, fault.text) == (Check.GREETING, "no answer within 2 s")
    assert "implicit TLS" in (fault.remedy or "")
    assert fault.transient


@pytest.mark.parametrize(("verb", "check"), [("AUTH", Check.LOGIN), ("RCPT", Check.RCPT)])
async def test_a_server_that_falls_silent_later_is_named_by_where(
    start: Start, account: Account, verb: str, check: Check
) -> None:
    server = start()
    getattr(server, f"on_{verb.lower()}")().silence()
    diagnosis = await diagnosis_at(verb, server, account(server))
    (fault,) = diagnosis.failures
    assert (fault.check, fault.text) == (check, "no answer within 3600 s")
    assert [f.check for f in diagnosis.findings].count(Check.TLS) == 1


async def test_a_server_that_keeps_the_line_at_the_end_is_none_the_worse(start: Start, account: Account) -> None:
    server = start()
    server.on_quit().silence()
    diagnosis = await diagnosis_at("QUIT", server, account(server))
    assert checks(diagnosis) == [check for check in Check if check not in (Check.ENVIRONMENT, Check.MESSAGE)]


async def test_a_port_where_nobody_listens_is_named(closed_port: int) -> None:
    fault = await fault_of(AsyncMailer(f"127.0.0.1:{closed_port}", username=USER, password=PASSWORD))
    assert fault.check is Check.CONNECT
    assert "refused" in fault.text


async def test_a_name_that_is_none_is_named() -> None:
    fault = await fault_of(AsyncMailer("smtp.example.invalid", username=USER, password=PASSWORD))
    assert fault.check is Check.RESOLVE
