"""Nothing secret goes to a server that was not verified: no AUTH, no MAIL, and the password in no place that is kept.

RFC 8314 and RFC 9525 for TLS; RFC 4954 for AUTH.
"""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING

import pytest

from sendkit import AsyncMailer, DeliveryResult, Mailer, Outcome
from sendkit.errors import AuthenticationError, TLSError
from sendkit.testing import assert_no_secret_leaks
from tests.servers.authority import Certificate
from tests.servers.scripted import ScriptedServer

from .post import ANA, LUIS, WAYS, at_once, auth_commands, letter, outcomes, run, starttls, starttls_to

if TYPE_CHECKING:
    from tests.servers.authority import Authority
    from tests.servers.postfix import Postfix
    from tests.servers.secretservice import SecretService

BAD = [kind for kind in Certificate if kind is not Certificate.GOOD]


def _port(postfix: Postfix, kind: Certificate | None) -> int:
    return postfix.clear_port if kind is None else postfix.bad_certificate_ports[kind]


def _check_nothing_was_said(postfix: Postfix) -> None:
    (session,) = postfix.sessions()
    assert not session.tried.keys() & {"auth", "mail", "rcpt", "data", "bdat"}
    assert postfix.mailbox(LUIS) == []


def _with_locals(error: BaseException) -> str:
    """The traceback as error reporters keep it, without the frame of the test, which has nothing to hide."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())


@pytest.mark.parametrize("kind", [None, *BAD], ids=["no_starttls", *BAD])
def test_a_server_that_is_not_verified_hears_no_auth_and_no_mail(
    postfix: Postfix, in_keyring: SecretService, kind: Certificate | None
) -> None:
    password = postfix.users[ANA]
    with (
        assert_no_secret_leaks(password) as watch,
        Mailer(starttls(postfix, _port(postfix, kind)), username=ANA, retry=at_once(), transcript=True) as mailer,
    ):
        with pytest.raises(TLSError) as refused:
            mailer.send(letter(LUIS))
        watch.look_at(refused.value, refused.value.result, refused.value.transcript, mailer, vars(mailer))
    error = refused.value
    assert error.hint
    assert not error.transient
    assert error.result is not None
    assert outcomes(error.result) == {LUIS: Outcome.DEFERRED}
    assert not error.result.recipients[LUIS].retryable
    _check_nothing_was_said(postfix)


@pytest.mark.parametrize("kind", [None, Certificate.WRONG_HOST])
def test_the_command_says_no_auth_and_no_mail_either_and_ends_with_75(
    postfix: Postfix, in_keyring: SecretService, kind: Certificate | None
) -> None:
    sent = WAYS["cli"](starttls(postfix, _port(postfix, kind)), (LUIS,))
    assert sent.code == 75
    assert "hint:" in sent.report
    assert outcomes(sent.result) == {LUIS: Outcome.DEFERRED}
    _check_nothing_was_said(postfix)


def test_an_authority_that_nobody_named_is_not_trusted(postfix: Postfix, in_keyring: SecretService) -> None:
    with Mailer(f"{postfix.host}:{postfix.starttls_port}", username=ANA, retry=at_once()) as mailer:
        result = mailer.send(letter(LUIS), check=False)
    with pytest.raises(TLSError, match="certificate"):
        result.raise_for_failure()
    _check_nothing_was_said(postfix)


def test_a_good_login_shows_the_password_nowhere(postfix: Postfix, in_keyring: SecretService) -> None:
    with assert_no_secret_leaks(postfix.users[ANA]) as watch:
        with Mailer(starttls(postfix), username=ANA, retry=at_once(), transcript=True) as mailer:
            result = mailer.send(letter(LUIS))
            watch.look_at(mailer, vars(mailer))
        watch.look_at(result, result.model_dump_json(), result.attempts, postfix.log())
    assert auth_commands(postfix) == 1
    said = [line.text for attempt in result.attempts for line in attempt.transcript or ()]
    assert any(text.startswith("AUTH PLAIN") for text in said)


def test_asyncio_in_debug_mode_shows_the_password_nowhere(postfix: Postfix, in_keyring: SecretService) -> None:
    async def send() -> DeliveryResult:
        asyncio.get_running_loop().slow_callback_duration = 0  # so that every callback is logged
        async with AsyncMailer(starttls(postfix), username=ANA, retry=at_once()) as mailer:
            return await mailer.send(letter(LUIS))

    with assert_no_secret_leaks(postfix.users[ANA]) as watch:
        watch.look_at(asyncio.run(send(), debug=True))
    assert auth_commands(postfix) == 1


def _refused(postfix: Postfix, **settings: str) -> AuthenticationError:
    with Mailer(starttls(postfix), username=ANA, retry=at_once(), transcript=True, **settings) as mailer:
        try:
            mailer.send(letter(LUIS))
        except AuthenticationError as error:
            return error
    raise AssertionError("the server took a wrong password")


def test_a_refused_login_shows_the_password_nowhere(postfix: Postfix, wrong_in_keyring: SecretService) -> None:
    with assert_no_secret_leaks("not-what-ana-likes") as watch:
        error = _refused(postfix)
        watch.look_at(error, error.result, error.transcript, _with_locals(error))


def test_a_refused_password_that_was_given_in_the_code_is_shown_nowhere(postfix: Postfix) -> None:
    """The frame that the caller wrote the password in is the caller's; the library's frames do not hold it."""
    secret = "given-in-the-code"
    with assert_no_secret_leaks(secret) as watch:
        with (
            Mailer(starttls(postfix), username=ANA, password=secret, transcript=True) as mailer,
            pytest.raises(AuthenticationError) as refused,
        ):
            mailer.send(letter(LUIS))
        watch.look_at(refused.value, mailer, vars(mailer))


def test_the_command_shows_the_password_nowhere(postfix: Postfix, wrong_in_keyring: SecretService) -> None:
    arguments = ["send", "--host", starttls(postfix).address, "--user", ANA, "--ca-file", str(postfix.ca_file)]
    arguments += ["--from", ANA, "--to", LUIS, "--subject", "Informe", "--text", "Todo bien.", "--verbose", "--json"]
    done = run(*arguments)
    assert done.returncode == 77
    assert "AUTH PLAIN" in done.stderr
    assert_no_secret_leaks("not-what-ana-likes", done.stdout, done.stderr, done.args, postfix.log())
    result = DeliveryResult.model_validate_json(done.stdout)
    assert_no_secret_leaks("not-what-ana-likes", result)


@pytest.mark.parametrize("password", ["correct horse", "a wrong horse"])
def test_of_a_login_no_octet_of_the_password_leaves_outside_tls(authority: Authority, password: str) -> None:
    with ScriptedServer(tls=authority.server_context(), host="127.0.0.1") as server:
        account = starttls_to(server, authority)
        with Mailer(account, username="ana@example.com", password=password, retry=at_once()) as mailer:
            mailer.send(letter(LUIS), check=False)
        (connection,) = server.connections
        assert_no_secret_leaks(password, connection.octets(tls=False), connection.octets("sent", tls=False))
        assert server.auth_commands == 1
        assert connection.octets(tls=False).endswith(b"STARTTLS\r\n")


@pytest.mark.parametrize("capability", ["AUTH PLAIN LOGIN", "AUTH=PLAIN"])
def test_where_starttls_was_stripped_the_password_stays_here(authority: Authority, capability: str) -> None:
    """What a man in the middle does: the list of capabilities lacks STARTTLS, and AUTH stands there in the clear."""
    capabilities = ["PIPELINING", "CHUNKING", "8BITMIME", capability]
    with ScriptedServer(capabilities=capabilities) as server:
        account = starttls_to(server, authority)
        with (
            Mailer(account, username=ANA, password="correct horse", retry=at_once()) as mailer,
            pytest.raises(TLSError) as refused,
        ):
            mailer.send(letter(LUIS))
        assert {"AUTH", "MAIL", "RCPT"}.isdisjoint(server.connections[0].commands)
        assert len(server.connections) == 1
        assert_no_secret_leaks("correct horse", server.connections[0].octets(), refused.value)
