"""Before the first MAIL: without a verified server no secret and no mail go out, and a refused secret goes out once."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from sendkit import AsyncMailer, DeliveryError, DeliveryResult, Outcome, RetryPolicy, Security, Server, errors
from tests.servers.authority import Certificate
from tests.servers.scripted import AUTH, BASE, ScriptedServer

from .checks import judge
from .stage import PASSWORD, USER, Evidence, authority, client_context, letter, limits, mailer, observe, play, scripted
from .truth import AGAIN, FIX, RECIPIENTS, YES, Fates, Mode

if TYPE_CHECKING:
    from collections.abc import Callable

BAD = [kind for kind in Certificate if kind is not Certificate.GOOD]


def error_of(evidence: Evidence) -> DeliveryError:
    """What `send` would have raised without `check=False`."""
    assert evidence.result is not None
    with pytest.raises(DeliveryError) as raised:
        evidence.result.raise_for_failure()
    return raised.value


def commands(evidence: Evidence) -> set[str]:
    """All verbs that the server has heard."""
    return {verb for connection in evidence.connections for verb in connection.commands}


def alike(fates: Fates) -> dict[str, Fates]:
    """One fate for all."""
    return dict.fromkeys(RECIPIENTS, fates)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("kind", BAD)
def test_a_server_with_a_bad_certificate_gets_neither_secret_nor_mail(kind: Certificate, implicit: bool) -> None:
    server = scripted(Mode.CHUNKING, implicit=implicit)
    server.tls = authority().server_context(kind)
    evidence = play(server, limits(), tries=3)
    assert judge(evidence, alike(FIX)) == []
    assert commands(evidence) <= {"EHLO", "STARTTLS"}
    assert len(evidence.connections) == 1
    assert evidence.connections[0].octets(tls=True) == b""
    assert isinstance(error_of(evidence), errors.TLSError)
    assert error_of(evidence).hint


def test_a_server_without_a_tls_version_of_ours_gets_neither_secret_nor_mail() -> None:
    server = scripted(Mode.CHUNKING)
    assert server.tls is not None
    server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.tls.load_cert_chain(authority().pem())
    server.tls.minimum_version = ssl.TLSVersion.TLSv1_3
    context = authority().client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    async def act(evidence: Evidence) -> None:
        there = Server(server.host, server.port, tls_context=context, timeouts=limits())
        async with AsyncMailer(there, username=USER, password=PASSWORD) as used:
            evidence.result = await used.send(letter(), check=False)

    evidence = observe(server, act)
    assert judge(evidence, alike(FIX)) == []
    assert isinstance(error_of(evidence), errors.TLSError)
    assert len(evidence.connections) == 1


def _stripped(server: ScriptedServer) -> None:
    server.capabilities = [*BASE, AUTH]


_TLS_REFUSED: dict[str, tuple[Callable[[ScriptedServer], object], Fates]] = {
    "not offered": (_stripped, FIX),
    "454": (lambda server: server.on_starttls().reply("454 4.7.0 TLS not available"), AGAIN),
    "502": (lambda server: server.on_starttls().reply("502 5.5.1 not implemented"), FIX),
    "EHLO 500": (lambda server: server.on_ehlo(nth=1).reply("500 5.5.1 what", times=1), FIX),
    "EHLO 502": (lambda server: server.on_ehlo(nth=1).reply("502 5.5.1 what", times=1), FIX),
}


@pytest.mark.parametrize("name", _TLS_REFUSED)
def test_without_starttls_nothing_goes_on_in_the_clear(name: str) -> None:
    script, fates = _TLS_REFUSED[name]
    server = scripted(Mode.CHUNKING)
    script(server)
    evidence = play(server, limits())
    assert judge(evidence, alike(fates)) == []
    assert commands(evidence) <= {"EHLO", "HELO", "STARTTLS"}
    assert isinstance(error_of(evidence), errors.TLSError)


@pytest.mark.parametrize(
    "injected", [b"250-there\r\n250 AUTH PLAIN\r\n", b"235 2.7.0 welcome\r\n", b"\x16\x03\x01\x00\x02hi"]
)
def test_what_stands_in_the_clear_behind_the_220_is_never_believed(injected: bytes) -> None:
    server = scripted(Mode.CHUNKING)
    server.capabilities_in_tls = list(BASE)
    server.on_starttls().stray(injected)
    evidence = play(server, limits("command"))
    # Without it nobody could log in here: the server offers no AUTH inside TLS.
    assert judge(evidence, alike(AGAIN | FIX)) == []
    assert not commands(evidence) & {"AUTH", "MAIL"}


@pytest.mark.parametrize("offered", [[], ["AUTH CRAM-MD5 GSSAPI"], ["AUTH"]])
def test_a_server_that_offers_no_login_of_ours_gets_no_mail(offered: list[str]) -> None:
    server = scripted(Mode.CHUNKING)
    server.capabilities_in_tls = [*BASE, *offered]
    evidence = play(server, limits(), tries=3)
    assert judge(evidence, alike(FIX)) == []
    assert isinstance(error_of(evidence), errors.AuthenticationError)
    assert not commands(evidence) & {"AUTH", "MAIL"}


def send_many(
    server: ScriptedServer, count: int, *, at_once: bool, tries: int
) -> tuple[Evidence, list[DeliveryResult]]:
    """So many messages with one mailer."""
    results: list[DeliveryResult] = []

    async def act(evidence: Evidence) -> None:
        async with mailer(server, limits(), tries=tries) as used:
            for group in [count] if at_once else [1] * count:
                sends = [used.send(letter(), check=False) for _ in range(group)]
                results.extend(await asyncio.gather(*sends))
            evidence.result = results[-1]

    return observe(server, act), results


@pytest.mark.parametrize("at_once", [False, True])
def test_a_secret_that_was_refused_once_is_never_sent_again(at_once: bool) -> None:
    server = scripted(Mode.CHUNKING)
    server.users = {USER: "another one"}
    evidence, results = send_many(server, 8, at_once=at_once, tries=3)
    assert judge(evidence, alike(FIX)) == []
    assert {told.outcome for result in results for told in result.recipients.values()} == {Outcome.DEFERRED}
    assert server.auth_commands == 1
    assert isinstance(error_of(evidence), errors.AuthenticationError)


def test_a_login_refused_for_now_is_tried_again_on_a_new_connection() -> None:
    server = scripted(Mode.CHUNKING)
    server.on_auth().reply("454 4.7.0 temporary failure", times=2)
    evidence = play(server, limits(), tries=3)
    assert judge(evidence, alike(YES)) == []
    assert [connection.commands.count("AUTH") for connection in evidence.connections] == [1, 1, 1]


@pytest.mark.parametrize("code", ["530 5.7.0", "534 5.7.9", "538 5.7.11"])
@pytest.mark.parametrize("place", ["on_mail", "on_rcpt", "on_data", "after_data"])
def test_a_demand_to_log_in_is_no_refusal_of_the_message(place: str, code: str) -> None:
    server = scripted(Mode.PIPELINING)
    getattr(server, place)().reply(f"{code} log in first")
    evidence = play(server, limits(), tries=3)
    assert judge(evidence, alike(FIX)) == []
    assert isinstance(error_of(evidence), errors.AuthenticationError)
    assert len(evidence.connections) == 1


def test_a_closed_port_defers_and_is_tried_again(closed_port: int) -> None:
    there = Server("127.0.0.1", closed_port, tls_context=client_context(), timeouts=limits())
    used = AsyncMailer(there, retry=RetryPolicy(max_attempts=3, wait=lambda _: 0))
    result = asyncio.run(used.send(letter(), check=False))
    assert [(told.outcome, told.retryable, told.attempts) for told in result.deferred] == [
        (Outcome.DEFERRED, True, 3)
    ] * 3
    with pytest.raises(errors.ConnectError):
        result.raise_for_failure()


@pytest.mark.waits
@pytest.mark.parametrize("implicit", [False, True])
def test_the_wrong_kind_of_port_is_named_and_gets_no_secret(implicit: bool) -> None:
    server = scripted(Mode.CHUNKING, implicit=implicit)

    async def act(evidence: Evidence) -> None:
        security = Security.STARTTLS if implicit else Security.IMPLICIT_TLS
        there = Server(server.host, server.port, security, tls_context=client_context(), timeouts=limits("greeting"))
        async with AsyncMailer(there, username=USER, password=PASSWORD, retry=RetryPolicy(max_attempts=1)) as used:
            evidence.result = await used.send(letter(), check=False)

    evidence = observe(server, act)
    assert judge(evidence, alike(AGAIN | FIX)) == []
    assert commands(evidence) == set()
    assert ("implicit_tls" if implicit else "starttls") in str(error_of(evidence)).lower()
