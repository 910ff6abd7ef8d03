"""Unverified TLS: a certificate that is not good gets neither password nor mail, whoever signed it and for whomever.

Had by every use of smtplib without a context (CVE-2026-41016, CVE-2026-49267 in Airflow, CVE-2026-41132 in CKAN) and
lettre with boring-tls (CVE-2026-46428, the host name). RFC 9525, RFC 8314 section 3, RFC 8996 (no TLS before 1.2).
"""

from __future__ import annotations

import ssl
import warnings

import pytest

from sendkit import AsyncMailer, RetryPolicy, Security, Server, Timeouts, errors
from sendkit._smtp.reason import Reason
from sendkit.testing import assert_no_secret_leaks
from tests.accounts import ANA, message
from tests.servers.authority import Authority, Certificate
from tests.servers.scripted import ScriptedServer
from tests.wire.conftest import Start

SECRET = "correct horse, battery"
BAD = [kind for kind in Certificate if kind is not Certificate.GOOD]
_WHY = {
    Certificate.WRONG_HOST: Reason.NAME_MISMATCH,
    Certificate.EXPIRED: Reason.CERTIFICATE_EXPIRED,
    Certificate.SELF_SIGNED: Reason.SELF_SIGNED,
    Certificate.NOT_YET_VALID: Reason.CERTIFICATE_NOT_YET_VALID,
    Certificate.UNKNOWN_CA: Reason.UNKNOWN_CA,
}
ENCRYPTED = [Security.STARTTLS, Security.IMPLICIT_TLS]


def _mailer(server: ScriptedServer, authority: Authority, **settings: object) -> AsyncMailer:
    security = Security.IMPLICIT_TLS if server.implicit_tls else Security.STARTTLS
    place = Server(
        "localhost", server.port, security, ca_file=authority.ca_file, timeouts=Timeouts(greeting=60, command=60)
    )
    return AsyncMailer(
        place,
        username=ANA,
        password=SECRET,
        retry=RetryPolicy(max_attempts=3, wait=lambda _: 0),
        **settings,  # type: ignore[arg-type]
    )


async def _refused(server: ScriptedServer, authority: Authority) -> errors.DeliveryError:
    with assert_no_secret_leaks(SECRET) as watch:
        async with _mailer(server, authority, transcript=True) as mailer:
            with pytest.raises(errors.TLSError) as refused:
                await mailer.send(message())
        watch.look_at(refused.value, [connection.octets() for connection in server.connections])
    assert server.auth_commands == 0
    assert server.accepted == []
    assert not any(line.tls for connection in server.connections for line in connection.lines)
    return refused.value


@pytest.mark.parametrize("security", ENCRYPTED)
@pytest.mark.parametrize("kind", BAD)
async def test_unverified_tls_gets_neither_password_nor_mail(
    start: Start, authority: Authority, security: Security, kind: Certificate
) -> None:
    """CVE-2026-41016, CVE-2026-49267, CVE-2026-41132, CVE-2026-46428; once, however many tries there are."""
    server = start(security=security, certificate=kind)
    refused = await _refused(server, authority)
    assert not refused.transient
    assert len(server.connections) == 1
    assert refused.why is _WHY[kind]


def _without_verification() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize("security", ENCRYPTED)
async def test_an_old_version_of_tls_gets_neither_password_nor_mail(authority: Authority, security: Security) -> None:
    """RFC 8996: TLS 1.0 and 1.1 are dead."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.pem())
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with ScriptedServer(tls=context, implicit_tls=security is Security.IMPLICIT_TLS) as server:
        await _refused(server, authority)


@pytest.mark.parametrize("security", ENCRYPTED)
async def test_a_good_certificate_is_enough(start: Start, authority: Authority, security: Security) -> None:
    """The counterpart, without which the tests above would show nothing."""
    server = start(security=security, users={ANA: SECRET})
    async with _mailer(server, authority) as mailer:
        result = await mailer.send(message())
    assert result.ok
    tls = result.attempts[0].tls
    assert tls is not None
    assert tls.version in ("TLSv1.2", "TLSv1.3")
    assert (server.auth_commands, len(server.accepted)) == (1, 1)


def test_the_context_that_we_make_verifies_names_and_chains(authority: Authority) -> None:
    for server in (
        Server("smtp.example.com"),
        Server("smtp.example.com", 465),
        Server("localhost", ca_file=authority.ca_file),
    ):
        assert server.context.check_hostname
        assert server.context.verify_mode is ssl.CERT_REQUIRED
        assert server.context.minimum_version >= ssl.TLSVersion.TLSv1_2
