"""STARTTLS spoken to a port for implicit TLS, or the reverse, is named as soon as it shows, with what to change."""

from __future__ import annotations

import pytest

from sendkit import Phase, Security, Server, Timeouts, errors
from sendkit._smtp.reason import Reason
from sendkit._wire import wrong_mode
from tests.accounts import message
from tests.servers.authority import Certificate
from tests.servers.scripted import ScriptedServer

from .conftest import Account, Start


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A late greeting is looked into at once."""
    monkeypatch.setattr(wrong_mode, "PATIENCE", 0.0)


async def refused(account: Account, server: ScriptedServer, **settings: object) -> errors.DeliveryError:
    """The error of a message that did not go out."""
    async with account(server, **settings) as mailer:
        with pytest.raises(errors.DeliveryError) as failure:
            await mailer.send(message())
    return failure.value


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("certificate", list(Certificate))
async def test_starttls_on_a_port_for_implicit_tls_is_named_long_before_the_time_limit(
    start: Start, account: Account, certificate: Certificate
) -> None:
    server = start(Security.IMPLICIT_TLS, certificate)
    error = await refused(account, server, security=Security.STARTTLS, timeouts=Timeouts(greeting=3600))
    assert type(error) is errors.TLSError
    assert (error.phase, error.transient) == (Phase.GREETING, False)
    assert "security=implicit_tls" in (error.hint or "")
    assert error.why is Reason.WANTS_IMPLICIT_TLS
    assert f'port={server.port}, security="implicit_tls")' in (error.hint or "")
    assert server.auth_commands == 0


async def test_implicit_tls_on_a_port_for_starttls_is_named_at_once(start: Start, account: Account) -> None:
    error = await refused(account, start(), security=Security.IMPLICIT_TLS, timeouts=Timeouts(greeting=3600))
    assert type(error) is errors.TLSError
    assert "security=starttls" in (error.hint or "")
    assert error.why is Reason.WANTS_STARTTLS
    assert error.transient is False


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_is_late_for_another_reason_is_only_waited_for(
    server: ScriptedServer, account: Account
) -> None:
    server.on_connect().silence()
    error = await refused(account, server, timeouts=Timeouts(greeting=0.2))
    assert type(error) is errors.ConnectError
    assert (error.phase, error.transient) == (Phase.GREETING, True)


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_answers_is_left_alone(server: ScriptedServer, account: Account) -> None:
    async with account(server) as mailer:
        assert (await mailer.send(message())).ok
    assert len(server.accepted) == 1


@pytest.mark.parametrize(
    ("port", "security", "patience"),
    [
        (465, Security.STARTTLS, wrong_mode.PATIENCE_WHERE_LIKELY),
        (2465, Security.STARTTLS, wrong_mode.PATIENCE),
        (587, Security.STARTTLS, None),
        (25, Security.STARTTLS, None),
        (465, Security.IMPLICIT_TLS, None),
        (1025, Security.NONE, None),
    ],
)
def test_only_a_port_that_may_wait_for_tls_is_suspected(port: int, security: Security, patience: float | None) -> None:
    assert wrong_mode._patience(Server("smtp.example.com", port, security)) == patience
