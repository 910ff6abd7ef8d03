"""How a mailer is told of its backup servers, and which password belongs to which."""

from __future__ import annotations

import pytest

from sendkit import AsyncMailer, Mailer, Server, errors
from sendkit._transport.failover import FailoverTransport


@pytest.mark.parametrize("kind", [Mailer, AsyncMailer])
def test_a_list_of_servers_and_hosts(kind: type[Mailer | AsyncMailer]) -> None:
    mailer = kind(["smtp.example.com", Server("backup.example.com", 465)], username="ana@example.com")
    core = mailer._core if isinstance(mailer, Mailer) else mailer
    transport = core._plan.transport
    assert isinstance(transport, FailoverTransport)
    hosts = [server.transport._server.address for server in transport._servers]  # type: ignore[attr-defined]
    assert hosts == ["smtp.example.com:587", "backup.example.com:465"]


def test_no_server_is_refused() -> None:
    with pytest.raises(errors.ConfigurationError, match="a mailer needs a server"):
        AsyncMailer([])
    with pytest.raises(errors.ConfigurationError, match="without a server"):
        FailoverTransport([])


def test_every_server_must_be_fit_for_the_login() -> None:
    with pytest.raises(errors.ConfigurationError, match=r"b\.example\.com:25: no login without TLS"):
        AsyncMailer(["a.example.com", Server("b.example.com", 25, "none")], username="ana")


def test_one_password_for_two_users_is_refused() -> None:
    urls = ["smtps://ana@a.example.com", "smtps://ben@b.example.com"]
    assert AsyncMailer.from_url(urls)
    with pytest.raises(errors.ConfigurationError, match="different usernames"):
        AsyncMailer.from_url(urls, password="secret")


async def test_the_password_of_the_environment_is_that_of_the_first_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_URL", "smtps://ana@a.example.com smtps://ben@b.example.com smtps://ana@c.example.com")
    monkeypatch.setenv("SENDKIT_PASSWORD", "of ana")
    transport = AsyncMailer.from_env()._plan.transport
    assert isinstance(transport, FailoverTransport)
    first, second, third = [server.transport._credentials for server in transport._servers]  # type: ignore[attr-defined]
    assert first is third
    assert (await first.secret(host="a.example.com", username="ana")).reveal() == "of ana"
    with pytest.raises(errors.CredentialsError):
        await second.secret(host="b.example.com", username="ben")
