"""A secret that the server refuses goes over the wire once: an account is never locked by our doing (RFC 4954)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sendkit import AsyncMailer, DeliveryResult, Mailer, Outcome
from sendkit.errors import AuthenticationError

from .post import ANA, LUIS, WAYS, at_once, auth_commands, implicit_tls, letter, outcomes, run, starttls

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendkit import Server
    from tests.servers.postfix import Postfix
    from tests.servers.secretservice import SecretService


def _check_one_refused_login(postfix: Postfix) -> None:
    assert auth_commands(postfix) == 1
    assert sum(session.accepted.get("auth", 0) for session in postfix.sessions()) == 0
    assert sum(session.tried.get("mail", 0) for session in postfix.sessions()) == 0
    assert postfix.mailbox(LUIS) == []


def _check_deferred_until_mended(result: DeliveryResult) -> None:
    assert outcomes(result) == {LUIS: Outcome.DEFERRED}
    assert not result.recipients[LUIS].retryable


@pytest.mark.parametrize("make", [starttls, implicit_tls])
def test_a_wrong_password_is_one_auth_command_and_an_error_with_a_hint(
    postfix: Postfix, wrong_in_keyring: SecretService, make: Callable[[Postfix], Server]
) -> None:
    server = make(postfix)
    with (
        Mailer(server, username=ANA, retry=at_once(5)) as mailer,
        pytest.raises(AuthenticationError, match=r"535 5\.7\.8") as refused,
    ):
        mailer.send(letter(LUIS))
    error = refused.value
    assert error.reply is not None
    assert (error.reply.code, error.host, error.port, error.transient) == (535, server.host, server.port, False)
    assert error.hint
    assert error.result is not None
    _check_deferred_until_mended(error.result)
    _check_one_refused_login(postfix)


def test_a_wrong_password_ends_the_command_with_77_and_a_hint(
    postfix: Postfix, wrong_in_keyring: SecretService
) -> None:
    sent = WAYS["cli"](starttls(postfix), (LUIS,))
    assert sent.code == 77
    assert "535 5.7.8" in sent.report
    assert "hint:" in sent.report
    _check_deferred_until_mended(sent.result)
    _check_one_refused_login(postfix)


def test_a_second_message_of_the_same_mailer_sends_no_further_auth(
    postfix: Postfix, wrong_in_keyring: SecretService
) -> None:
    with Mailer(starttls(postfix), username=ANA, retry=at_once()) as mailer:
        for _ in range(2):
            with pytest.raises(AuthenticationError) as refused:
                mailer.send(letter(LUIS))
            assert refused.value.hint
    _check_one_refused_login(postfix)


def test_four_messages_at_the_same_time_are_one_auth_command(postfix: Postfix, wrong_in_keyring: SecretService) -> None:
    async def send() -> list[DeliveryResult]:
        async with AsyncMailer(starttls(postfix), username=ANA, retry=at_once(), max_connections=4) as mailer:
            return await asyncio.gather(*(mailer.send(letter(LUIS), check=False) for _ in range(4)))

    for result in asyncio.run(send()):
        _check_deferred_until_mended(result)
    _check_one_refused_login(postfix)


def test_four_threads_with_one_mailer_are_one_auth_command(postfix: Postfix, wrong_in_keyring: SecretService) -> None:
    with Mailer(starttls(postfix), username=ANA, retry=at_once()) as mailer, ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: mailer.send(letter(LUIS), check=False), range(4)):
            _check_deferred_until_mended(result)
    _check_one_refused_login(postfix)


@pytest.mark.parametrize("in_flight", [1, 16])
def test_a_stream_of_messages_is_one_auth_command(
    postfix: Postfix, wrong_in_keyring: SecretService, in_flight: int
) -> None:
    with Mailer(starttls(postfix), username=ANA, retry=at_once()) as mailer:
        results = list(mailer.send_many([letter(LUIS) for _ in range(20)], in_flight=in_flight))
    assert len(results) == 20
    for result in results:
        _check_deferred_until_mended(result)
    _check_one_refused_login(postfix)


def test_no_password_anywhere_ends_the_command_with_77_before_any_connection(
    postfix: Postfix, secret_service: SecretService
) -> None:
    account = ("--host", starttls(postfix).address, "--user", ANA, "--ca-file", str(postfix.ca_file))
    done = run("send", *account, "--from", ANA, "--to", LUIS, "--subject", "Informe", "--text", "Todo bien.")
    assert done.returncode == 77
    assert "sendkit login" in done.stderr
    assert postfix.sessions() == []


def test_a_locked_keyring_ends_the_command_with_77_and_no_auth(postfix: Postfix, in_keyring: SecretService) -> None:
    in_keyring.lock()
    account = ("--host", starttls(postfix).address, "--user", ANA, "--ca-file", str(postfix.ca_file))
    done = run("send", *account, "--from", ANA, "--to", LUIS, "--subject", "Informe", "--text", "Todo bien.")
    assert done.returncode == 77
    assert "locked" in done.stderr
    assert auth_commands(postfix) == 0
