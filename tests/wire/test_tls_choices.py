"""What was chosen for TLS decides on a real connection: pins, versions, client certificates, the system's store."""

from __future__ import annotations

import ssl

import pytest

from sendkit import AsyncMailer, Phase, RetryPolicy, Security, Server, errors
from sendkit._tls import make_context, pin_of
from tests.accounts import message
from tests.servers.authority import Authority, Certificate
from tests.servers.scripted import ScriptedServer
from tests.test_tls import PIN, der

from .conftest import PASSWORD, USER, Start

TLS = [Security.STARTTLS, Security.IMPLICIT_TLS]


def mailer(server: ScriptedServer, security: Security = Security.STARTTLS, **choices: object) -> AsyncMailer:
    """Ana's mailer for this server, with these settings of TLS."""
    place = Server("localhost", server.port, security, **choices)  # type: ignore[arg-type]
    return AsyncMailer(place, username=USER, password=PASSWORD, retry=RetryPolicy(wait=lambda _: 0), transcript=True)


@pytest.mark.parametrize("security", TLS)
async def test_a_server_with_a_pinned_key_gets_the_mail(start: Start, authority: Authority, security: Security) -> None:
    pins = [PIN, pin_of(der(authority.pem()))]
    async with mailer(start(security), security, ca_file=authority.ca_file, pins=pins) as used:
        result = await used.send(message())
    assert "key is pinned" in "".join(line.text for line in result.attempts[0].transcript or ())


@pytest.mark.parametrize("security", TLS)
async def test_another_key_gets_neither_password_nor_mail_however_valid(
    start: Start, authority: Authority, security: Security
) -> None:
    server = start(security)
    async with mailer(server, security, ca_file=authority.ca_file, pins=[PIN]) as used:
        with pytest.raises(errors.TLSError) as failure:
            await used.send(message())
    assert (failure.value.phase, failure.value.transient) == (Phase.TLS, False)
    assert "pin" in (failure.value.hint or "")
    assert len(server.connections) == 1
    assert server.connections[0].commands == (["EHLO", "STARTTLS"] if security is Security.STARTTLS else [])


async def test_a_key_that_changes_between_two_tries_is_seen(start: Start, authority: Authority) -> None:
    """The pin is looked at on every connection, also on the second one of the same delivery."""
    server = start()
    other = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority._ca.issue_cert("localhost").configure_cert(other)
    async with mailer(server, ca_file=authority.ca_file, pins=[pin_of(der(authority.pem()))]) as used:
        assert (await used.send(message())).ok
        server.tls = other
        server.on_mail().reply("421 4.3.2 closing", times=1)
        result = await used.send(message(), check=False)
    assert [attempt.phase is Phase.TLS for attempt in result.attempts] == [False, True]
    assert (len(server.accepted), server.auth_commands) == (1, 1)


@pytest.mark.filterwarnings("ignore::sendkit.InsecureTLSWarning")
@pytest.mark.parametrize("right", [True, False])
async def test_without_verification_the_pin_alone_decides(start: Start, authority: Authority, right: bool) -> None:
    server = start(certificate=Certificate.SELF_SIGNED)
    pin = pin_of(der(authority.pem(Certificate.SELF_SIGNED))) if right else PIN
    async with mailer(server, pins=[pin], dangerously_skip_certificate_verification=True) as used:
        result = await used.send(message(), check=False)
    assert result.ok is right
    assert (server.auth_commands, len(server.accepted)) == ((1, 1) if right else (0, 0))


async def test_a_server_of_an_older_version_than_asked_for_is_refused(start: Start, authority: Authority) -> None:
    old = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    old.load_cert_chain(authority.pem())
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    server = start()
    server.tls = old
    async with mailer(server, ca_file=authority.ca_file) as used:
        assert (await used.send(message())).attempts[0].tls.version == "TLSv1.2"  # type: ignore[union-attr]
    async with mailer(server, ca_file=authority.ca_file, minimum_tls="1.3") as used:
        with pytest.raises(errors.TLSError) as failure:
            await used.send(message())
    assert failure.value.transient is False
    assert "minimum_tls=" in (failure.value.hint or ""), "the server may be new enough for anybody else"


async def test_a_client_certificate_is_shown_to_a_server_that_wants_one(start: Start, authority: Authority) -> None:
    wants = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca_file))
    wants.load_cert_chain(authority.pem())
    wants.verify_mode = ssl.CERT_REQUIRED
    server = start()
    server.tls = wants
    async with mailer(server, ca_file=authority.ca_file, client_cert=authority.pem()) as used:
        assert (await used.send(message())).ok
    once = Server("localhost", server.port, ca_file=authority.ca_file)
    async with AsyncMailer(once, username=USER, password=PASSWORD, retry=RetryPolicy(max_attempts=1)) as used:
        assert not (await used.send(message(), check=False)).ok
    assert server.auth_commands == 1


@pytest.mark.parametrize("certificate", [Certificate.GOOD, Certificate.WRONG_HOST, Certificate.EXPIRED])
async def test_the_store_of_the_system_verifies_as_well(
    start: Start, authority: Authority, certificate: Certificate
) -> None:
    context = make_context(ca_file=authority.ca_file, platform="darwin")
    async with mailer(start(certificate=certificate), tls_context=context) as used:
        result = await used.send(message(), check=False)
    assert result.ok is (certificate is Certificate.GOOD)
