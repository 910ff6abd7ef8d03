"""From nothing to a session that may send: secure first, one login, and every way in which a server can say no."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from sendkit import AsyncMailer, Outcome, Phase, RetryPolicy, Security, Server, Timeouts, errors
from sendkit._smtp.verdict import Cause
from tests.accounts import LUIS, message, outcomes
from tests.servers.authority import Certificate
from tests.servers.scripted import BASE, ScriptedServer
from tests.waiting import GROWING

from .conftest import PASSWORD, USER, Account, Start

BAD = [certificate for certificate in Certificate if certificate is not Certificate.GOOD]
TLS = [Security.STARTTLS, Security.IMPLICIT_TLS]


async def refused(mailer: AsyncMailer) -> errors.DeliveryError:
    """The error of a message that did not go out."""
    async with mailer:
        with pytest.raises(errors.DeliveryError) as failure:
            await mailer.send(message())
    return failure.value


@pytest.mark.parametrize("security", Security)
async def test_a_message_goes_out_over_every_kind_of_connection(
    start: Start, account: Account, security: Security
) -> None:
    server = start(security)
    async with account(server) as mailer:
        result = await mailer.send(message())
    assert result.ok
    assert [taken.recipients for taken in server.accepted] == [(LUIS,)]
    (attempt,) = result.attempts
    assert (attempt.host, attempt.port, attempt.phase) == (server.host, server.port, Phase.END_OF_DATA)
    assert (attempt.tls is None) is (security is Security.NONE)
    assert attempt.tls is None or attempt.tls.version in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize("security", TLS)
async def test_nothing_but_the_way_into_tls_is_said_in_the_clear(
    start: Start, account: Account, security: Security
) -> None:
    server = start(security)
    async with account(server) as mailer:
        await mailer.send(message())
    clear = [line.text.split(" ")[0] for line in server.connections[0].lines if not line.tls]
    assert clear == (["EHLO", "STARTTLS"] if security is Security.STARTTLS else [])
    assert server.connections[0].commands[len(clear) : len(clear) + 2] == ["EHLO", "AUTH"]


@pytest.mark.parametrize("certificate", BAD)
@pytest.mark.parametrize("security", TLS)
async def test_a_certificate_that_is_not_good_gets_neither_password_nor_mail(
    start: Start, account: Account, security: Security, certificate: Certificate
) -> None:
    server = start(security, certificate)
    error = await refused(account(server, host="localhost", retry=RetryPolicy()))
    assert type(error) is errors.TLSError
    assert (error.phase, error.transient) == (Phase.TLS, False)
    assert error.result is not None
    assert len(error.result.attempts) == 1
    assert "certificate" in str(error)
    assert (server.auth_commands, server.accepted) == (0, [])
    assert not {"AUTH", "MAIL"} & set(server.connections[0].commands)


async def test_a_server_without_starttls_gets_neither_password_nor_mail(start: Start, account: Account) -> None:
    """What a man in the middle does who strips the line away."""
    server = start(Security.NONE)
    error = await refused(account(server, security=Security.STARTTLS))
    assert type(error) is errors.TLSError
    assert (error.phase, error.reply) == (Phase.STARTTLS, None)
    assert "465" in (error.hint or "")
    assert server.lines() == ["EHLO [127.0.0.1]"]


@pytest.mark.parametrize(
    ("reply", "transient"), [("454 4.7.0 not now", True), ("502 5.5.1 no", False), ("554 5.7.0 no", False)]
)
async def test_a_refused_starttls_gets_neither_password_nor_mail(
    server: ScriptedServer, account: Account, reply: str, transient: bool
) -> None:
    server.on_starttls().reply(reply)
    error = await refused(account(server))
    assert type(error) is errors.TLSError
    assert (str(error.reply), error.transient) == (reply, transient)
    assert server.connections[0].commands == ["EHLO", "STARTTLS"]


async def test_what_is_injected_behind_the_answer_to_starttls_does_not_count(start: Start, account: Account) -> None:
    """STARTTLS response injection: CVE-2021-33515 and its kin."""
    server = start(capabilities_in_tls=BASE)
    server.on_starttls().stray(b"250-injected\r\n250 AUTH PLAIN\r\n")
    error = await refused(account(server))
    assert type(error) in (errors.TLSError, errors.ProtocolError, errors.AuthenticationError)
    assert server.auth_commands == 0


async def test_tls_where_the_server_waits_for_clear_text_names_the_cure(start: Start, account: Account) -> None:
    error = await refused(account(start(), security=Security.IMPLICIT_TLS))
    assert type(error) is errors.TLSError
    assert "587" in str(error)


async def test_clear_text_where_the_server_waits_for_tls_names_the_cure(start: Start, account: Account) -> None:
    server = start(Security.IMPLICIT_TLS)
    error = await refused(account(server, security=Security.STARTTLS, timeouts=Timeouts(greeting=0.1)))
    assert type(error) is errors.ConnectError
    assert (error.phase, error.transient) == (Phase.GREETING, True)
    assert "implicit_tls" in (error.hint or "").lower()


@pytest.mark.parametrize(
    ("offered", "mechanism"),
    [("AUTH PLAIN LOGIN", "PLAIN"), ("AUTH LOGIN CRAM-MD5", "LOGIN"), ("AUTH LOGIN PLAIN", "PLAIN")],
)
async def test_the_login_uses_the_best_mechanism_that_both_speak(
    start: Start, account: Account, offered: str, mechanism: str
) -> None:
    server = start(capabilities_in_tls=[*BASE, offered])
    async with account(server) as mailer:
        assert (await mailer.send(message())).ok
    (auth,) = [line.text for line in server.connections[0].lines if line.text.startswith("AUTH")]
    assert auth.split(" ")[1] == mechanism


async def test_a_password_beyond_ascii_is_sent_as_utf_8(start: Start, account: Account) -> None:
    server = start(users={USER: "contraseña 日本"})
    async with account(server, password="contraseña 日本") as mailer:
        assert (await mailer.send(message())).ok


async def test_without_a_username_there_is_no_login(server: ScriptedServer, account: Account) -> None:
    async with account(server, username=None) as mailer:
        assert (await mailer.send(message())).ok
    assert server.auth_commands == 0


@pytest.mark.parametrize("offered", [[], ["AUTH CRAM-MD5 XOAUTH2"]])
async def test_without_a_mechanism_of_ours_nothing_is_sent(start: Start, account: Account, offered: list[str]) -> None:
    server = start(capabilities_in_tls=[*BASE, *offered])
    error = await refused(account(server))
    assert type(error) is errors.AuthenticationError
    assert (error.phase, error.reply, server.auth_commands) == (Phase.AUTH, None, 0)
    assert ", ".join(offered).removeprefix("AUTH ").replace(" ", ", ") in str(error)
    assert "mechanism=" in (error.hint or "")


@pytest.mark.parametrize("offered", ["AUTH PLAIN", "AUTH LOGIN", "AUTH PLAIN LOGIN"])
async def test_a_wrong_password_is_one_auth_command(start: Start, account: Account, offered: str) -> None:
    server = start(capabilities_in_tls=[*BASE, offered])
    error = await refused(account(server, password="wrong password", retry=RetryPolicy(max_attempts=5)))
    assert type(error) is errors.AuthenticationError
    assert (error.phase, error.reply and error.reply.code, error.transient) == (Phase.AUTH, 535, False)
    assert "sendkit login" in (error.hint or "")
    assert (server.auth_commands, len(server.connections)) == (1, 1)


async def test_a_wrong_password_is_one_auth_command_however_many_send_at_once(
    server: ScriptedServer, account: Account
) -> None:
    async with account(server, password="wrong password", max_connections=4) as mailer:
        results = await asyncio.gather(*(mailer.send(message(), check=False) for _ in range(4)))
    assert [result.recipients[LUIS].cause for result in results] == [Cause.AUTHENTICATION] * 4
    assert server.auth_commands == 1


async def test_a_secret_that_was_refused_once_is_not_sent_again(server: ScriptedServer, account: Account) -> None:
    async with account(server, password="wrong password", transcript=True) as mailer:
        first = await mailer.send(message(), check=False)
        second = await mailer.send(message(), check=False)
    assert server.auth_commands == len(server.connections) == 1
    assert first.recipients[LUIS].reply == second.recipients[LUIS].reply
    assert any("not sent again" in line.text for line in second.attempts[0].transcript or ())


async def test_another_secret_than_the_refused_one_is_tried(server: ScriptedServer, account: Account) -> None:
    answers = iter(["wrong password", "wrong password", "wrong password", PASSWORD])
    async with account(server, credentials=lambda host, user: next(answers)) as mailer:
        results = [await mailer.send(message(), check=False) for _ in range(2)]
    assert [result.ok for result in results] == [False, True]
    assert [connection.commands.count("AUTH") for connection in server.connections] == [1, 1]


async def test_a_login_that_fails_for_now_is_tried_again_on_a_new_connection(
    server: ScriptedServer, account: Account
) -> None:
    server.on_auth().reply("454 4.7.0 temporary failure", times=1)
    async with account(server, retry=RetryPolicy(wait=lambda _: 0)) as mailer:
        result = await mailer.send(message())
    assert len(result.attempts) == 2
    assert [connection.commands.count("AUTH") for connection in server.connections] == [1, 1]


async def test_without_a_secret_nothing_is_said_at_all(server: ScriptedServer, account: Account) -> None:
    async with account(server, credentials=lambda host, user: None) as mailer:
        with pytest.raises(errors.CredentialsNotFound):
            await mailer.send(message(), check=False)
    assert server.accepted == []
    assert server.auth_commands == 0


async def test_no_login_is_refused_with_what_to_do(start: Start, account: Account) -> None:
    server = start(auth_required=True)
    error = await refused(account(server, username=None))
    assert type(error) is errors.AuthenticationError
    assert (error.reply and error.reply.code, error.phase) == (530, Phase.MAIL)
    assert "username" in (error.hint or "")


@pytest.mark.parametrize("code", [500, 502])
async def test_a_server_of_before_esmtp_is_greeted_with_helo(start: Start, account: Account, code: int) -> None:
    """RFC 5321 section 4.1.4."""
    server = start(Security.NONE)
    server.on_ehlo().reply(f"{code} what", times=1)
    async with account(server, username=None) as mailer:
        assert (await mailer.send(message())).ok
    assert server.connections[0].commands[:3] == ["EHLO", "HELO", "MAIL"]
    assert "SIZE=" not in server.connections[0].lines[2].text


async def test_a_server_of_before_esmtp_has_no_starttls(server: ScriptedServer, account: Account) -> None:
    server.on_ehlo().reply("502 what", times=1)
    error = await refused(account(server))
    assert type(error) is errors.TLSError
    assert server.connections[0].commands == ["EHLO", "HELO"]


@pytest.mark.parametrize(
    ("place", "reply", "kind", "phase", "transient"),
    [
        ("on_connect", "421 4.3.2 busy", errors.DeferredError, Phase.GREETING, True),
        ("on_connect", "554 5.7.1 not you", errors.ConnectError, Phase.GREETING, False),
        ("on_ehlo", "450 4.3.2 not now", errors.DeferredError, Phase.EHLO, True),
        ("on_ehlo", "550 5.7.1 I do not like your name", errors.ConnectError, Phase.EHLO, False),
        ("on_ehlo_in_tls", "550 5.7.1 no", errors.ConnectError, Phase.EHLO, False),
    ],
)
async def test_a_server_that_wants_nobody_says_so_in_its_own_words(
    server: ScriptedServer, account: Account, place: str, reply: str, kind: type, phase: Phase, transient: bool
) -> None:
    getattr(server, place)().reply(reply)
    error = await refused(account(server))
    assert (type(error), error.phase, str(error.reply), error.transient) == (kind, phase, reply, transient)
    assert (error.host, error.port) == (server.host, server.port)


@pytest.mark.parametrize(
    ("place", "kind", "phase"),
    [
        ("on_connect", errors.ConnectError, Phase.GREETING),
        ("on_ehlo", errors.ConnectError, Phase.EHLO),
        ("on_starttls", errors.TLSError, Phase.STARTTLS),
        ("on_tls", errors.TLSError, Phase.TLS),
        ("on_auth", errors.ConnectError, Phase.AUTH),
    ],
)
@pytest.mark.parametrize("how", ["drop", "silence"])
async def test_a_connection_that_is_lost_or_silent_is_deferred_in_its_phase(
    server: ScriptedServer, account: Account, place: str, kind: type, phase: Phase, how: str
) -> None:
    getattr(getattr(server, place)(), how)()
    for limit in GROWING:
        limits = Timeouts(greeting=limit, command=limit) if how == "silence" else None
        if (error := await refused(account(server, timeouts=limits))).phase == phase:
            break
    assert (type(error), error.phase, error.transient) == (kind, phase, True)
    assert "offers no" not in (error.hint or "")


async def test_a_loss_in_front_of_the_answer_to_starttls_is_none_of_the_handshake_behind_it(
    server: ScriptedServer, account: Account
) -> None:
    server.on_starttls(nth=1).drop(rst=True)
    server.on_starttls(nth=2).answer_and_drop()
    assert [(await refused(account(server))).phase for _ in range(2)] == [Phase.STARTTLS, Phase.TLS]


@pytest.mark.parametrize("place", ["on_connect", "on_ehlo", "on_ehlo_in_tls"])
async def test_what_is_no_smtp_is_a_protocol_error(server: ScriptedServer, account: Account, place: str) -> None:
    getattr(server, place)().raw(b"999 what\r\n")
    error = await refused(account(server))
    assert type(error) is errors.ProtocolError
    assert server.auth_commands == 0


async def test_two_answers_to_one_command_end_the_session(server: ScriptedServer, account: Account) -> None:
    server.on_ehlo_in_tls().stray(b"235 2.7.0 welcome\r\n")
    error = await refused(account(server))
    assert type(error) is errors.ProtocolError
    assert server.auth_commands == 0


async def test_two_answers_to_the_login_end_the_session(server: ScriptedServer, account: Account) -> None:
    server.on_auth().stray(b"250 2.1.0 sender ok\r\n")
    error = await refused(account(server))
    assert (type(error), error.phase) == (errors.ProtocolError, Phase.AUTH)
    assert "MAIL" not in server.connections[0].commands


async def test_the_name_in_ehlo_is_the_literal_of_the_connection_or_the_one_that_was_set(
    server: ScriptedServer, account: Account
) -> None:
    for settings, name in (({}, "[127.0.0.1]"), ({"local_hostname": "pc.example.com"}, "pc.example.com")):
        async with account(server, **settings) as mailer:
            await mailer.send(message())
        assert {line for line in server.lines()[-20:] if line.startswith("EHLO")} >= {f"EHLO {name}"}


async def test_a_context_of_ones_own_is_used(start: Start, account: Account) -> None:
    server = start(certificate=Certificate.SELF_SIGNED)
    trusting = ssl.create_default_context(cadata=ssl.PEM_cert_to_DER_cert(server_certificate(server)))
    async with account(server, tls_context=trusting) as mailer:
        assert (await mailer.send(message())).ok


def server_certificate(server: ScriptedServer) -> str:
    """What the server would show, as PEM: read over a connection of your own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(server.address, timeout=300) as sock, sock.makefile("rb") as lines:
        lines.readline()
        sock.sendall(b"EHLO test\r\n")
        while lines.readline()[3:4] == b"-":
            pass
        sock.sendall(b"STARTTLS\r\n")
        lines.readline()
        with context.wrap_socket(sock) as tls:
            return ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True) or b"")


async def test_a_refused_outcome_is_deferred_for_every_recipient(server: ScriptedServer, account: Account) -> None:
    server.on_connect().reply("554 5.7.1 not you")
    async with account(server) as mailer:
        result = await mailer.send(message(LUIS, "ops@example.net"), check=False)
    assert set(outcomes(result).values()) == {Outcome.DEFERRED}
    assert result.unsettled() is not None


def test_off_loopback_nobody_logs_in_without_tls() -> None:
    with pytest.raises(errors.ConfigurationError, match="no login without TLS"):
        AsyncMailer(Server("smtp.example.com", security=Security.NONE), username=USER, password=PASSWORD)
