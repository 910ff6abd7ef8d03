"""Each SASL mechanism against a server that speaks the other side of it: one AUTH command, and no secret said aloud."""

from __future__ import annotations

import base64
import ssl
from functools import partial
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sendkit import AsyncMailer, OAuth2, Phase, RetryPolicy, Security, Server, Timeouts, errors
from sendkit._credentials import Secret
from sendkit.testing.secrets import assert_no_secret_leaks
from tests.accounts import message, trouble
from tests.servers.authority import Authority, Certificate
from tests.servers.scripted import BASE, ScriptedServer
from tests.servers.scripted_sasl import Lie
from tests.servers.token_server import CLIENT, TokenServer
from tests.waiting import GROWING

from .conftest import PASSWORD, USER, Account, Start

PLUS = ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"]
SCRAM = ["SCRAM-SHA-1", "SCRAM-SHA-256", *PLUS]
TOKENS = ["XOAUTH2", "OAUTHBEARER"]
# Constants of this module, and in no local variable: tracebacks are searched for them.
TOKEN = "ya29.a0ATi6K2-good_token~+/=="
STALE = "ya29.a0ATi6K2-stale_token"


class Bearer:
    """Credentials that are one access token."""

    source = "a test"

    def __init__(self, token: str) -> None:
        self._secret = Secret(token, bearer=True)

    async def secret(self, *, host: str, username: str) -> Secret:
        return self._secret


def offering(start: Start, *mechanisms: str, **settings: object) -> ScriptedServer:
    """A server that offers these mechanisms inside TLS, and knows our token."""
    server = start(capabilities_in_tls=[*BASE, f"AUTH {' '.join(mechanisms)}"], **settings)
    server.accounts.tokens.add(TOKEN)
    return server


def end_point(authority: Authority) -> bytes:
    """RFC 5929 section 4.1, by another library than the one that we use."""
    pem = authority.pem(Certificate.GOOD).read_bytes()
    leaf = x509.load_pem_x509_certificates(pem[pem.index(b"-----BEGIN CERTIFICATE") :])[0]
    assert isinstance(leaf.signature_hash_algorithm, hashes.SHA256)
    return leaf.fingerprint(leaf.signature_hash_algorithm)


@pytest.mark.parametrize("mechanism", SCRAM)
async def test_scram_proves_the_password_and_never_sends_it(
    start: Start, account: Account, authority: Authority, mechanism: str
) -> None:
    server = offering(start, mechanism, "PLAIN")
    if mechanism in PLUS:
        server.accounts.binding = end_point(authority)
    assert await trouble(account(server)) is None
    (connection,) = server.connections
    assert [line.split()[1] for line in server.lines() if line.startswith("AUTH")] == [mechanism]
    assert_no_secret_leaks(PASSWORD, connection.octets(tls=True))
    assert server.accounts.flags == ["p=tls-server-end-point" if mechanism in PLUS else "y"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "EXTERNAL", *SCRAM])
async def test_a_server_that_does_not_read_what_comes_with_the_command_asks_for_it_and_gets_it(
    start: Start, account: Account, authority: Authority, mechanism: str
) -> None:
    """RFC 4954 section 4: an empty challenge, or the prompt for the name, where the first message was sent already."""
    server = offering(start, mechanism)
    server.deaf_to_initial = True
    if mechanism in PLUS:
        server.accounts.binding = end_point(authority)
    settings = {"username": None, "mechanism": mechanism} if mechanism == "EXTERNAL" else {}
    assert await trouble(account(server, **settings)) is None
    assert server.auth_commands == 1


@pytest.mark.parametrize("mechanism", SCRAM)
async def test_a_wrong_password_is_one_auth_command_and_a_refusal(
    start: Start, account: Account, authority: Authority, mechanism: str
) -> None:
    server = offering(start, mechanism, "PLAIN")
    server.accounts.binding = end_point(authority) if mechanism in PLUS else None
    error = await trouble(account(server, password="wrong horse"))
    assert type(error) is errors.AuthenticationError
    assert (server.auth_commands, error.reply and error.reply.code) == (1, 535)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.IMPLICIT_TLS])
async def test_the_binding_is_to_the_certificate_under_every_tls(
    start: Start, account: Account, authority: Authority, version: ssl.TLSVersion, security: Security
) -> None:
    server = start(security, capabilities_in_tls=[*BASE, "AUTH SCRAM-SHA-256-PLUS"])
    server.accounts.binding = end_point(authority)
    context = authority.client_context()
    context.minimum_version = context.maximum_version = version
    assert await trouble(account(server, tls_context=context)) is None


async def test_another_certificate_in_between_is_noticed(start: Start, account: Account, authority: Authority) -> None:
    """What a man in the middle with a certificate that is good comes to: the server sees another binding than ours."""
    server = offering(start, "SCRAM-SHA-256-PLUS")
    server.accounts.binding = bytes(32)
    error = await trouble(account(server))
    assert type(error) is errors.AuthenticationError
    assert server.accepted == []


async def test_an_offer_of_channel_binding_that_was_taken_away_is_noticed(
    start: Start, account: Account, authority: Authority
) -> None:
    """RFC 5802 section 6: the flag `y` tells a server that does offer it."""
    server = offering(start, "SCRAM-SHA-256")
    server.accounts.binding = end_point(authority)
    error = await trouble(account(server))
    assert type(error) is errors.AuthenticationError
    assert server.accounts.flags == ["y"]


async def test_who_asks_for_scram_without_binding_where_it_is_offered_says_so(start: Start, account: Account) -> None:
    server = offering(start, "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS")
    assert await trouble(account(server, mechanism="scram-sha-256")) is None
    assert server.accounts.flags == ["n"]


async def test_without_tls_there_is_nothing_to_bind_to(start: Start, account: Account) -> None:
    server = start(Security.NONE, capabilities=[*BASE, "AUTH SCRAM-SHA-256 SCRAM-SHA-256-PLUS"])
    assert await trouble(account(server)) is None
    assert server.accounts.flags == ["n"]


@pytest.mark.parametrize("lie", Lie)
async def test_a_server_that_does_not_know_the_password_gets_no_mail(start: Start, account: Account, lie: Lie) -> None:
    server = offering(start, "SCRAM-SHA-256")
    server.accounts.lie = lie
    error = await trouble(account(server, retry=RetryPolicy(max_attempts=3, wait=lambda _: 0)))
    assert type(error) is errors.ProtocolError
    assert (error.phase, error.transient, server.accepted, server.auth_commands) == (Phase.AUTH, False, [], 1)
    assert "MAIL" not in server.connections[0].commands


async def test_a_password_that_scram_cannot_take_goes_by_plain(start: Start, account: Account) -> None:
    server = offering(start, "SCRAM-SHA-256", "PLAIN", users={USER: "horse 🐴"})
    assert await trouble(account(server, password="horse 🐴")) is None
    assert server.auth_commands == 1


@pytest.mark.parametrize("token_by", TOKENS)
async def test_a_token_logs_in(start: Start, account: Account, token_by: str) -> None:
    server = offering(start, "PLAIN", "LOGIN", "SCRAM-SHA-256", token_by)
    assert await trouble(account(server, credentials=Bearer(TOKEN))) is None
    assert [line.split()[1] for line in server.lines() if line.startswith("AUTH")] == [token_by]


async def test_a_token_never_goes_to_a_mechanism_of_passwords(start: Start, account: Account) -> None:
    server = offering(start, "PLAIN", "LOGIN", "SCRAM-SHA-256")
    error = await trouble(account(server, credentials=Bearer(TOKEN)))
    assert type(error) is errors.AuthenticationError
    assert server.auth_commands == 0
    assert "OAuth 2" in str(error)


@pytest.mark.parametrize("token_by", TOKENS)
async def test_a_refused_token_is_one_auth_command_and_the_reason_is_told(
    start: Start, account: Account, token_by: str
) -> None:
    server = offering(start, token_by)
    with assert_no_secret_leaks(STALE) as watch:
        error = await trouble(account(server, credentials=Bearer(STALE), transcript=True))
        watch.look_at(error, error and error.transcript)
    assert type(error) is errors.AuthenticationError
    assert (server.auth_commands, error.reply and error.reply.code) == (1, 535)
    assert "the token was refused: status invalid_token, scope mail" in str(error)
    assert "a test" in str(error)


@pytest.mark.parametrize("token_by", TOKENS)
async def test_a_long_token_waits_for_the_challenge(start: Start, account: Account, token_by: str) -> None:
    """RFC 4954 section 4: a first message that makes the command too long is not sent with it."""
    server = offering(start, token_by)
    server.accounts.tokens.add("x" * 2000)
    assert await trouble(account(server, credentials=Bearer("x" * 2000))) is None
    assert f"AUTH {token_by}" in server.lines()


@pytest.mark.parametrize("how", ["drop", "silence", "garbage", "endless_line", "echo"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "CRAM-MD5", *TOKENS])
async def test_a_login_that_breaks_off_leaks_nothing(start: Start, account: Account, mechanism: str, how: str) -> None:
    server = offering(start, mechanism, users={USER: STALE})
    if how == "echo":
        server.on_auth().raw(f"535 5.7.8 cannot use {STALE} {base64.b64encode(STALE.encode()).decode()}\r\n".encode())
    else:
        getattr(server.on_auth(), how)()
    with assert_no_secret_leaks(STALE) as watch:
        for limit in GROWING:
            limits = Timeouts(command=limit) if how == "silence" else None
            used = account(server, password=STALE, mechanism=mechanism, transcript=True, timeouts=limits)
            error = await trouble(used)
            watch.look_at(error, error and error.transcript)
            if server.auth_commands:
                break
    assert error is not None
    assert server.auth_commands == 1


@pytest.mark.parametrize("challenge", [b"334 \xff\xfe\r\n", b"334 not base64!\r\n", b"334 " + b"eA==" * 500 + b"\r\n"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN", "LOGIN", "CRAM-MD5", *TOKENS])
async def test_challenges_without_end_come_to_an_end(
    start: Start, account: Account, mechanism: str, challenge: bytes
) -> None:
    server = offering(start, mechanism)
    server.deaf_to_initial = mechanism == "PLAIN"  # which may be asked for once more, and no further
    server.on_challenge().raw(challenge)
    server.on_auth().raw(challenge)
    with assert_no_secret_leaks(STALE) as watch:
        error = await trouble(account(server, password=STALE, mechanism=mechanism))
        watch.look_at(error)
    assert isinstance(error, errors.ProtocolError)
    assert "mechanism=" in (error.hint or "")
    assert server.auth_commands == 1


async def test_a_token_that_cannot_be_had_for_now_is_deferred_and_tried_again(start: Start, account: Account) -> None:
    server = offering(start, "XOAUTH2")
    with TokenServer(lambda: TOKEN) as tokens:
        tokens.answers.append((503, b"busy"))
        credentials = OAuth2.refresh_token(tokens.issuer, client_id=CLIENT, refresh_token="refresh-token-of-ana")
        async with account(server, credentials=credentials) as mailer:
            once = await mailer.send(message(), check=False)
        tokens.answers.append((503, b"busy"))
        retry = RetryPolicy(max_attempts=2, wait=lambda _: 0)
        credentials = OAuth2.refresh_token(tokens.issuer, client_id=CLIENT, refresh_token="refresh-token-of-ana")
        async with account(server, credentials=credentials, retry=retry) as mailer:
            assert len((await mailer.send(message())).attempts) == 2
    (recipient,) = once.recipients.values()
    assert recipient.retryable
    assert "HTTP status 503" in (recipient.reason or "")
    assert "token" in (recipient.hint or "")
    assert server.auth_commands == 1


@pytest.mark.parametrize("mechanism", TOKENS)
async def test_the_hint_of_a_refused_token_speaks_of_the_token(start: Start, account: Account, mechanism: str) -> None:
    error = await trouble(account(offering(start, mechanism), credentials=Bearer(STALE)))
    assert type(error) is errors.AuthenticationError
    hint = error.hint or ""
    assert all(word in hint for word in ("access token", "expired", "scope", USER, "where it comes from: a test"))
    assert "password" not in hint


async def test_cram_md5_is_spoken_only_when_asked_for(start: Start, account: Account) -> None:
    server = offering(start, "CRAM-MD5")
    assert type(await trouble(account(server))) is errors.AuthenticationError
    assert await trouble(account(server, mechanism="CRAM-MD5")) is None
    assert_no_secret_leaks(PASSWORD, *(connection.octets(tls=True) for connection in server.connections))
    assert server.auth_commands == 1


async def test_what_was_asked_for_and_is_not_offered_ends_before_auth(start: Start, account: Account) -> None:
    server = offering(start, "PLAIN", "LOGIN")
    error = await trouble(account(server, mechanism="SCRAM-SHA-256"))
    assert type(error) is errors.AuthenticationError
    assert "no SCRAM-SHA-256 (it offers LOGIN, PLAIN)" in str(error)
    assert server.auth_commands == 0


@pytest.fixture
def certified(tmp_path: Path, authority: Authority) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Two contexts: of a client with a certificate, and of a server that demands one of the same authority."""
    people = trustme.CA()
    (tmp_path / "ana.pem").write_bytes(people.issue_cert(USER).private_key_and_cert_chain_pem.bytes())
    client = authority.client_context()
    client.load_cert_chain(tmp_path / "ana.pem")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(authority.pem(Certificate.GOOD))
    server.verify_mode = ssl.CERT_REQUIRED
    people.configure_trust(server)
    return client, server


@pytest.mark.parametrize(("username", "line"), [(None, "="), (USER, base64.b64encode(USER.encode()).decode())])
async def test_a_client_certificate_logs_in_by_external(
    certified: tuple[ssl.SSLContext, ssl.SSLContext], username: str | None, line: str
) -> None:
    client, tls = certified
    with ScriptedServer(tls=tls, capabilities_in_tls=[*BASE, "AUTH PLAIN EXTERNAL"]) as server:
        place = Server(server.host, server.port, Security.STARTTLS, tls_context=client)
        assert await trouble(AsyncMailer(place, username=username, mechanism="EXTERNAL")) is None
        assert f"AUTH EXTERNAL {line}" in server.lines()
    assert server.accounts.identities == [username or ""]


async def test_a_refused_certificate_is_one_auth_command_for_the_mailer(
    certified: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    client, tls = certified
    with ScriptedServer(tls=tls, capabilities_in_tls=[*BASE, "AUTH EXTERNAL"]) as server:
        server.on_auth().reply("535 5.7.8 not you")
        make = partial(Server, server.host, server.port, Security.STARTTLS, tls_context=client)
        async with AsyncMailer(make(), mechanism="EXTERNAL") as mailer:
            results = [await mailer.send(message(), check=False) for _ in range(2)]
        assert server.auth_commands == 1
    recipients = [result.recipients["luis@example.com"] for result in results]
    assert "client certificate" in str(recipients[1].reason)
    for one in recipients:
        assert "client_cert=" in (one.hint or "")
        assert "password" not in (one.hint or "")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mechanism": "DIGEST-MD5", "username": USER}, "unknown mechanism"),
        ({"mechanism": "EXTERNAL", "username": USER, "password": "secret"}, "client certificate"),
        ({"mechanism": "PLAIN"}, "needs a username"),
    ],
)
def test_a_mechanism_that_cannot_work_is_a_configuration_error(settings: dict[str, str], words: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=words):
        AsyncMailer("smtp.example.com", **settings)  # type: ignore[arg-type]


def test_external_without_tls_is_a_configuration_error() -> None:
    with pytest.raises(errors.ConfigurationError, match="without TLS"):
        AsyncMailer(Server("127.0.0.1", 25, Security.NONE), mechanism="EXTERNAL")
