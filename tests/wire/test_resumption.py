"""TLS sessions are taken up again with the server that was verified, for a while, and never instead of verifying."""

from __future__ import annotations

import ssl
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import pytest

from sendkit import AsyncMailer, RetryPolicy, Security, Server, errors
from sendkit._server.memories import tls_memory_of
from sendkit._tls import make_context, pin_of
from tests.accounts import message
from tests.servers.authority import Authority, Certificate
from tests.servers.scripted import BASE, ScriptedServer
from tests.test_tls import der

from .conftest import PASSWORD, USER, Start
from .test_mechanisms import end_point

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
TLS = [Security.STARTTLS, Security.IMPLICIT_TLS]


class Day:
    """The time of day, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def context(authority: Authority, kind: Certificate = Certificate.GOOD) -> ssl.SSLContext:
    """A server's side, with ticket keys of its own."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(authority.pem(kind))
    return made


def place(server: ScriptedServer, authority: Authority, host: str = "localhost") -> Server:
    security = Security.IMPLICIT_TLS if server.implicit_tls else Security.STARTTLS
    return Server(host=host, port=server.port, security=security, ca_file=authority.ca_file)


async def send(server: Server, times: int = 1) -> None:
    """Send over a new connection each time."""
    async with AsyncMailer(
        server, username=USER, password=PASSWORD, messages_per_connection=1, retry=RetryPolicy(max_attempts=1)
    ) as mailer:
        for _ in range(times):
            await mailer.send(message())


def resumed(server: Server) -> int:
    """How many of its connections took up an earlier session."""
    return server.context.session_stats()["hits"]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
@pytest.mark.parametrize("security", TLS)
async def test_the_second_connection_takes_up_the_session_of_the_first(
    authority: Authority, start: Start, security: Security, version: ssl.TLSVersion
) -> None:
    scripted = start(security)
    scripted.tls = context(authority)
    scripted.tls.maximum_version = version
    server = place(scripted, authority)
    await send(server, times=3)
    assert (resumed(server), len(scripted.connections), len(scripted.accepted)) == (2, 3, 3)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
async def test_a_server_without_tickets_is_verified_each_time(
    authority: Authority, start: Start, version: ssl.TLSVersion
) -> None:
    scripted = start()
    scripted.tls = context(authority)
    scripted.tls.maximum_version = version
    scripted.tls.options |= ssl.OP_NO_TICKET
    scripted.tls.num_tickets = 0
    server = place(scripted, authority)
    await send(server, times=2)
    assert (resumed(server), len(scripted.accepted)) == (0, 2)


async def test_a_server_that_no_longer_knows_the_session_is_verified_anew(authority: Authority, start: Start) -> None:
    scripted = start()
    server = place(scripted, authority)
    for expected in (0, 0, 1):
        scripted.tls = context(authority) if expected == 0 else scripted.tls
        await send(server)
        assert resumed(server) == expected


@pytest.mark.parametrize("kind", [kind for kind in Certificate if kind is not Certificate.GOOD])
async def test_an_impostor_that_is_offered_the_session_is_refused(
    authority: Authority, start: Start, kind: Certificate
) -> None:
    scripted = start()
    server = place(scripted, authority)
    await send(server)
    scripted.tls = context(authority, kind)
    with pytest.raises(errors.TLSError):
        await send(server)
    assert (len(scripted.accepted), scripted.auth_commands) == (1, 1)


async def test_a_session_is_not_taken_up_after_an_hour_however_often_it_was_used(
    authority: Authority, start: Start
) -> None:
    scripted, day = start(), Day()
    server = place(scripted, authority)
    tls_memory_of(server).clock = day
    hits: list[int] = []
    for day.ahead in (0, 3500, 3700):
        await send(server)
        hits.append(resumed(server))
    assert hits == [0, 1, 1]


async def test_a_session_is_not_taken_up_past_the_end_of_the_certificate(authority: Authority, start: Start) -> None:
    """The connection itself is taken: OpenSSL asks the clock of the machine."""
    scripted, day = start(), Day()
    server = place(scripted, authority)
    tls_memory_of(server).clock = day
    # The authority's certificates end with the year 2999.
    day.ahead = 1000 * 365.25 * 86400
    await send(server, times=2)
    assert (resumed(server), len(scripted.accepted)) == (0, 2)


async def test_a_session_is_never_offered_once_the_settings_have_changed(authority: Authority, start: Start) -> None:
    scripted = start()
    server = place(scripted, authority)
    server.context.check_hostname = False
    await send(server)
    server.context.check_hostname = True
    await send(server)
    assert (resumed(server), len(scripted.accepted)) == (0, 2)


async def test_another_name_for_the_same_server_is_verified_by_itself(authority: Authority, start: Start) -> None:
    scripted = start()
    first, second = place(scripted, authority), place(scripted, authority, "127.0.0.1")
    await send(first)
    await send(second)
    assert (resumed(first), resumed(second)) == (0, 0)


async def test_the_context_of_the_user_is_left_alone(authority: Authority, start: Start) -> None:
    scripted = start()
    own = authority.client_context()
    await send(Server("localhost", scripted.port, Security.STARTTLS, tls_context=own), times=2)
    assert own.sslobject_class is ssl.SSLObject
    assert own.session_stats()["hits"] == 0


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
async def test_a_session_that_is_taken_up_again_is_bound_to_the_same_certificate(
    start: Start, authority: Authority, version: ssl.TLSVersion
) -> None:
    """The certificate is not shown again, but what SCRAM-PLUS is bound to stays known (RFC 5929 section 4)."""
    server = start(capabilities_in_tls=[*BASE, "AUTH SCRAM-SHA-256-PLUS"])
    server.accounts.binding = end_point(authority)
    where = place(server, authority)
    where.context.maximum_version = version
    await send(where, times=3)
    assert server.accounts.flags == ["p=tls-server-end-point"] * 3
    assert resumed(where) == 2


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
async def test_a_session_that_is_taken_up_again_still_shows_the_pinned_key(
    authority: Authority, start: Start, version: ssl.TLSVersion
) -> None:
    scripted = start()
    scripted.tls = context(authority)
    scripted.tls.maximum_version = version
    pin = pin_of(der(authority.pem()))
    server = place(scripted, authority).model_copy(update={"pins": (pin,)})
    await send(server, times=2)
    assert (resumed(server), len(scripted.accepted)) == (1, 2)


class OperatingSystem:
    """The store of macOS or Windows, which truststore asks behind a handshake that has verified nothing itself."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.trusting = True

    def verify(self, _: ssl.SSLContext, chain: Sequence[bytes], server_hostname: str | None = None) -> None:
        self.asked.append(len(chain))
        if not chain or not self.trusting:
            raise ssl.SSLCertVerificationError(1, "the operating system does not trust it")

    @contextmanager
    def unverified(self, context: ssl.SSLContext) -> Generator[None]:
        before = context.check_hostname, context.verify_mode
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        yield
        context.verify_mode, context.check_hostname = before[1], before[0]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> OperatingSystem:
    api, system = pytest.importorskip("truststore._api"), OperatingSystem()
    monkeypatch.setattr(api, "_verify_peercerts_impl", system.verify)
    monkeypatch.setattr(api, "_configure_context", system.unverified)
    return system


def stored(server: Server) -> Server:
    """The same server, as it is reached on macOS."""
    vars(server)["context"] = make_context(ca_file=server.ca_file, platform="darwin")
    return server


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("security", TLS)
async def test_sessions_are_taken_up_where_the_operating_system_verifies(
    authority: Authority, security: Security, version: ssl.TLSVersion, system: OperatingSystem
) -> None:
    """Each time it is asked about the certificates of the first handshake, since a resumed one shows none."""
    tls = context(authority)
    tls.maximum_version = version
    with ScriptedServer(tls=tls, implicit_tls=security is Security.IMPLICIT_TLS, users={USER: PASSWORD}) as server:
        there = stored(place(server, authority))
        await send(there, 3)
        assert resumed(there) == 2
        assert system.asked == [1, 1, 1]


async def test_what_the_operating_system_trusts_no_longer_is_refused_also_when_it_is_resumed(
    authority: Authority, system: OperatingSystem
) -> None:
    with ScriptedServer(tls=context(authority), users={USER: PASSWORD}) as server:
        there = stored(place(server, authority))
        await send(there)
        system.trusting = False
        with pytest.raises(errors.TLSError):
            await send(there)
