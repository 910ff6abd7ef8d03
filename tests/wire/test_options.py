"""What is asked for beside the message, and the limits of RFC 9422, against a server that speaks SMTP."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from sendkit import AsyncMailer, Outcome, RetryPolicy, Security, Server, SubmissionOptions, errors
from sendkit._tls import make_context, pin_of
from sendkit.results import Reason
from tests.accounts import LUIS, message, outcomes
from tests.servers.authority import Authority
from tests.servers.scripted import AUTH, BASE
from tests.test_tls import der

from .conftest import Account, Start
from .test_limits import MODES

DSN = [*BASE, "DSN"]
every_mode = pytest.mark.parametrize("mode", MODES)


def _said(server: object, verb: str) -> list[str]:
    connections = getattr(server, "connections")  # noqa: B009 - its type is not told
    return [line.text for connection in connections for line in connection.lines if line.text.startswith(verb)]


@every_mode
async def test_each_recipient_is_asked_for_with_the_options(start: Start, account: Account, mode: str) -> None:
    server = start(Security.NONE, capabilities=[*MODES[mode], "DSN"])
    async with account(server, username=None) as mailer:
        options = SubmissionOptions(notify="success", ret="headers", envid="a b")
        result = await mailer.send(message(LUIS, "ops@example.net"), options=options)
        await mailer.send(message())
    first, plain = _said(server, "MAIL")
    assert first.endswith(" RET=HDRS ENVID=a+20b")
    assert "RET" not in plain
    assert _said(server, "RCPT") == [
        f"RCPT TO:<{LUIS}> NOTIFY=SUCCESS ORCPT=rfc822;{LUIS}",
        "RCPT TO:<ops@example.net> NOTIFY=SUCCESS ORCPT=rfc822;ops@example.net",
        f"RCPT TO:<{LUIS}>",
    ]
    assert result.ignored_options == ()


async def test_a_server_without_dsn_gets_the_message_without_them(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    async with account(server, username=None) as mailer:
        result = await mailer.send(message(), options=SubmissionOptions(notify="never"))
    assert (_said(server, "RCPT"), result.ignored_options) == ([f"RCPT TO:<{LUIS}>"], ("notify",))


async def test_requiretls_is_asked_for_inside_of_tls_alone(start: Start, account: Account) -> None:
    """RFC 8689: nothing of the message goes to a server that does not promise it."""
    options, words = SubmissionOptions(require_tls=True), ["REQUIRETLS"]
    secure = start(capabilities_in_tls=[*BASE, AUTH, *words])
    async with account(secure) as mailer:
        assert (await mailer.send(message(), options=options)).ok
    clear = start(Security.NONE, capabilities=[*BASE, *words])
    without = start()
    for server, username in ((clear, None), (without, "ana@example.com")):
        async with account(server, username=username) as mailer:
            result = await mailer.send(message(), options=options, check=False)
        assert outcomes(result) == {LUIS: Outcome.REJECTED}
        assert result.recipients[LUIS].why is Reason.NEEDS_REQUIRETLS
        assert (_said(server, "MAIL"), server.accepted) == ([], [])
    assert _said(secure, "MAIL")[0].endswith(" REQUIRETLS")


@pytest.mark.filterwarnings("ignore::sendkit.InsecureTLSWarning")
@pytest.mark.parametrize("how", ["a setting", "a context"])
async def test_requiretls_is_refused_for_a_server_that_nobody_verifies_before_a_connection(
    start: Start, account: Account, how: str
) -> None:
    """RFC 8689 section 4: the promise begins with a server whose certificate was verified."""
    server, options = start(capabilities_in_tls=[*BASE, "REQUIRETLS"]), SubmissionOptions(require_tls=True)
    if how == "a setting":
        place = Server("localhost", server.port, dangerously_skip_certificate_verification=True)
    else:
        place = Server("localhost", server.port, tls_context=make_context(verified=False))
    async with AsyncMailer(place) as mailer:
        with pytest.raises(errors.ConfigurationError, match="require_tls and an unverified server") as caught:
            await mailer.send(message(), options=options)
        assert "pins=" in (caught.value.hint or "")
        assert server.connections == []
        assert (await mailer.send(message())).ok


@pytest.mark.filterwarnings("ignore::sendkit.InsecureTLSWarning")
async def test_a_pinned_key_is_verification_enough_for_requiretls(start: Start, authority: Authority) -> None:
    server = start(capabilities_in_tls=[*BASE, "REQUIRETLS"])
    place = Server(
        "localhost",
        server.port,
        pins=[pin_of(der(authority.pem()))],
        dangerously_skip_certificate_verification=True,
    )
    async with AsyncMailer(place) as mailer:
        assert (await mailer.send(message(), options=SubmissionOptions(require_tls=True))).ok
    assert _said(server, "MAIL")[0].endswith(" REQUIRETLS")


@pytest.mark.filterwarnings("ignore::sendkit.InsecureTLSWarning")
async def test_a_backup_that_is_verified_takes_what_requires_tls(start: Start, authority: Authority) -> None:
    first, second = (start(capabilities_in_tls=[*BASE, "REQUIRETLS"]) for _ in range(2))
    places = [
        Server("localhost", first.port, dangerously_skip_certificate_verification=True),
        Server("localhost", second.port, tls_context=authority.client_context()),
    ]
    async with AsyncMailer(places) as mailer:
        result = await mailer.send(message(), options=SubmissionOptions(require_tls=True))
    assert result.ok
    assert (first.connections, len(second.accepted)) == ([], 1)


async def test_a_refusal_of_the_parameters_is_a_refusal_of_the_message(start: Start, account: Account) -> None:
    server = start(Security.NONE, capabilities=DSN)
    server.on_mail().reply("555 5.5.4 RET not taken here", times=1)
    async with account(server, username=None) as mailer:
        result = await mailer.send(message(), options=SubmissionOptions(ret="full"), check=False)
    assert outcomes(result) == {LUIS: Outcome.REJECTED}


async def test_recipients_of_too_many_domains_go_into_further_transactions(start: Start, account: Account) -> None:
    server = start(Security.NONE, capabilities=[*BASE, "LIMITS RCPTDOMAINMAX=2"])
    to = [f"{number}@{domain}.example" for number in range(2) for domain in "abc"]
    async with account(server, username=None) as mailer:
        result = await mailer.send(message(*to))
    assert [len(taken.recipients) for taken in server.accepted] == [4, 2]
    assert server.copies() == Counter({(str(result.message_id), one): 1 for one in to})
    assert len(result.attempts) == 1


@every_mode
async def test_a_connection_is_left_before_it_has_more_messages_than_the_server_takes(
    start: Start, account: Account, mode: str
) -> None:
    """RFC 9422 section 4.1: with QUIT, and without a refusal."""
    server = start(Security.NONE, capabilities=[*MODES[mode], "LIMITS MAILMAX=2"])
    async with account(server, username=None, max_connections=1) as mailer:
        results = [await mailer.send(message()) for _ in range(5)]
    assert [connection.commands.count("MAIL") for connection in server.connections] == [2, 2, 1]
    assert [connection.commands[-1] for connection in server.connections] == ["QUIT"] * 3
    assert {len(result.attempts) for result in results} == {1}


@every_mode
async def test_one_message_goes_on_over_another_connection_where_its_recipients_are_too_many(
    start: Start, account: Account, mode: str
) -> None:
    server = start(Security.NONE, capabilities=[*MODES[mode], "LIMITS MAILMAX=2 RCPTMAX=3"])
    to = [f"{number}@example.com" for number in range(14)]
    async with account(server, username=None, retry=RetryPolicy(max_attempts=1)) as mailer:
        result = await mailer.send(message(*to))
    assert [len(taken.recipients) for taken in server.accepted] == [3, 3, 3, 3, 2]
    assert [connection.commands.count("MAIL") for connection in server.connections] == [2, 2, 1]
    assert server.copies() == Counter({(str(result.message_id), one): 1 for one in to})
    assert (result.ok, len(result.attempts)) == (True, 1)


async def test_what_is_written_ahead_keeps_to_the_limit_too(start: Start, account: Account) -> None:
    server = start(Security.NONE, capabilities=[*BASE, "LIMITS MAILMAX=3"])
    async with asyncio.timeout(300), account(server, username=None, max_connections=2) as mailer:
        messages = (message(subject=str(number)) for number in range(20))
        results = [result async for result in mailer.send_many(messages, in_flight=8)]
    assert all(result.ok for result in results)
    assert max(connection.commands.count("MAIL") for connection in server.connections) <= 3
    assert server.copies() == Counter({(str(result.message_id), LUIS): 1 for result in results})
