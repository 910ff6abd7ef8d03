"""Secrets in logs: a password is in no log, repr, error, traceback, pickle or JSON, whatever a server makes of it.

The class is CWE-532 and CWE-209: debug output that prints AUTH lines, error reports with local variables, and servers
that repeat what they were sent. More of it, fault by fault: tests/wire/test_login_secrets.py and tests/faults.
"""

from __future__ import annotations

import base64
import copy
import logging
import pickle
import traceback

import pytest

from sendkit import AsyncMailer, Mailer, MemoryTransport, Outcome, Security, Timeouts, errors
from sendkit.testing import assert_no_secret_leaks
from tests.accounts import ANA, LUIS, message, outcomes
from tests.servers.authority import Authority, Certificate
from tests.servers.scripted import BASE, ScriptedServer
from tests.wire.conftest import Account, Start

# Constants of this module, and in no local variable: tracebacks are searched for them.
SECRET = "pa55 wörd: {x} %s"
B64 = base64.b64encode(SECRET.encode()).decode()
PLAIN = base64.b64encode(f"\0{ANA}\0{SECRET}".encode()).decode()
ECHOES = {
    "the password": SECRET,
    "its base64": B64,
    "the AUTH line": f"AUTH PLAIN {PLAIN}",
    "all of it": f"{PLAIN} {B64} {SECRET} {SECRET}",
    "in brackets": f"<{SECRET}>",
}


@pytest.fixture(params=["PLAIN", "LOGIN"])
def server(request: pytest.FixtureRequest, start: Start) -> ScriptedServer:
    """A server that offers one mechanism, and knows the secret."""
    return start(capabilities_in_tls=[*BASE, f"AUTH {request.param}"], users={ANA: SECRET})


async def _everything(account: Account, server: ScriptedServer, **settings: object) -> None:
    """Send twice, and look at all that came of it."""
    limits = Timeouts(greeting=60, command=60)
    with assert_no_secret_leaks(SECRET) as watch:
        async with account(server, password=SECRET, transcript=True, timeouts=limits, **settings) as mailer:
            watch.look_at(mailer, vars(mailer))
            results = [await mailer.send(message(), check=False) for _ in range(2)]
            for result in results:
                try:
                    result.raise_for_failure()
                except errors.DeliveryError as error:
                    watch.look_at(
                        error, error.transcript, str(error.reply), error.hint, traceback.format_exception(error)
                    )
                    watch.look_at(pickle.dumps(error), copy.deepcopy(error))
        watch.look_at(
            results, [result.model_dump() for result in results], [pickle.dumps(result) for result in results]
        )


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("code", ["235", "535-5.7.8 first\r\n535", "334", "454", "999", "5"])
async def test_secrets_in_logs_by_a_server_that_repeats_them_in_its_answer_to_auth(
    server: ScriptedServer, account: Account, code: str, echo: str
) -> None:
    server.on_auth().raw(f"{code} 5.7.8 you said {echo}\r\n".encode())
    await _everything(account, server)
    assert server.auth_commands >= 1


@pytest.mark.parametrize("echo", [B64, PLAIN, SECRET], ids=["base64", "plain", "bare"])
async def test_secrets_in_logs_by_a_server_that_repeats_them_in_its_challenge(
    server: ScriptedServer, account: Account, echo: str
) -> None:
    server.on_challenge(nth=2).raw(f"535 5.7.8 {echo}\r\n".encode())
    await _everything(account, server)


@pytest.mark.parametrize("place", ["on_mail", "on_rcpt", "on_data", "after_data", "on_rset", "on_quit"])
async def test_secrets_in_logs_by_a_server_that_repeats_them_later(
    server: ScriptedServer, account: Account, place: str
) -> None:
    """As a server in debug mode does, long after AUTH: in a refusal, and in what is no reply at all."""
    getattr(server, place)().raw(f"550 5.7.1 not for {ECHOES['all of it']}\r\n".encode(), times=1)
    getattr(server, place)().raw(f"what? {ECHOES['all of it']}\r\n".encode())
    await _everything(account, server)
    assert server.auth_commands >= 1


@pytest.mark.parametrize("password", ["250", "354", "2", "0", "250 ", "-", " ", ".", "2.0.0", "5.7.1", "ok", "235"])
async def test_a_password_that_looks_like_a_part_of_a_reply_changes_no_outcome(
    start: Start, account: Account, password: str
) -> None:
    """What is taken out of a reply's text is taken out for the eye; the code, and what follows from it, stay."""
    server = start(capabilities_in_tls=["ENHANCEDSTATUSCODES", "AUTH PLAIN"], users={ANA: password})
    server.after_data(nth=2).raw(b"550-5.7.1 no\r\n550 5.7.1 ok\r\n")
    async with account(server, password=password) as mailer:
        results = [await mailer.send(message(), check=False) for _ in range(2)]
    assert [outcomes(result) for result in results] == [{LUIS: Outcome.ACCEPTED}, {LUIS: Outcome.REJECTED}]


@pytest.mark.parametrize("kind", [Certificate.SELF_SIGNED, Certificate.WRONG_HOST, Certificate.UNKNOWN_CA])
async def test_a_password_is_never_sent_to_an_unverified_server(
    start: Start, account: Account, kind: Certificate
) -> None:
    for security in (Security.STARTTLS, Security.IMPLICIT_TLS):
        server = start(security=security, certificate=kind, users={ANA: SECRET})
        await _everything(account, server, host="localhost")
        for connection in server.connections:
            assert SECRET.encode() not in connection.octets()
            assert B64.encode() not in connection.octets()
        assert server.auth_commands == 0


@pytest.mark.parametrize("password", ["", "octets of it\0", "octets of it\ud800", 5, b"octets of it"], ids=range(5))
def test_an_impossible_password_is_refused_without_being_quoted(password: object) -> None:
    with pytest.raises(errors.ConfigurationError) as refused:
        Mailer("smtp.example.com", username=ANA, password=password)  # type: ignore[arg-type]
    assert "octets of it" not in f"{refused.value} {refused.value.hint} {refused.value!r}"


URLS = [
    "smtp://ana:{}@smtp.example.com", "smtps://:{}@smtp.example.com", "smtp://ana:{}@smtp.example.com:x",
    "smtp://ana:{}@", "{}://x", "smtp:{}",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_a_password_in_a_url_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(errors.ConfigurationError) as refused:
        Mailer.from_url(url.format("correct-horse-battery"))
    if "@" in url:
        assert (
            "correct-horse" not in f"{refused.value} {refused.value.hint} {refused.value!r} {refused.value.__cause__!r}"
        )


def test_settings_show_no_secret(authority: Authority) -> None:
    with assert_no_secret_leaks(SECRET) as watch:
        for made in (
            Mailer("smtp.example.com", username=ANA, password=SECRET),
            AsyncMailer("smtp.example.com", username=ANA, password=SECRET),
        ):
            watch.look_at(made, vars(made), str(made))
            with pytest.raises(TypeError):
                pickle.dumps(made)


def test_the_double_shows_no_secret_either() -> None:
    with assert_no_secret_leaks(SECRET) as watch:
        with Mailer(transport=MemoryTransport(), transcript=True) as mailer:
            watch.look_at(mailer.send(message()))
        with Mailer(transport=MemoryTransport(), username=ANA, password=SECRET) as mailer:
            watch.look_at(mailer, vars(mailer), mailer.send(message()))


async def test_the_log_of_the_layer_below_is_silent(server: ScriptedServer, account: Account) -> None:
    """aiosmtplib and asyncio at DEBUG say nothing of the secret; the watch listens to every logger there is."""
    for name in ("asyncio", "aiosmtplib"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        await _everything(account, server)
    finally:
        for name in ("asyncio", "aiosmtplib"):
            logging.getLogger(name).setLevel(logging.NOTSET)
    assert len(server.accepted) == 2
