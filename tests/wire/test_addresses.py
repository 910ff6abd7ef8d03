"""Each address of a name is asked in turn until one takes the session (RFC 5321 section 5.1), within one attempt."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from sendkit import AsyncMailer, Outcome, RetryPolicy, Security, Server, errors
from sendkit._server.address_memory import AddressMemory
from tests.accounts import LUIS, message, outcomes
from tests.servers.authority import Authority, Certificate
from tests.servers.scripted import Ending, ScriptedServer

from .conftest import PASSWORD, USER, Start

NAME = "localhost"


@pytest.fixture
def resolve_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the name have these addresses, in this order: a resolver of your own needs port 53."""

    def set_to(*servers: ScriptedServer | tuple[str, int]) -> None:
        addresses = [server.address if isinstance(server, ScriptedServer) else server for server in servers]

        def getaddrinfo(*_: object, **__: object) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return set_to


def mailer(authority: Authority, security: Security = Security.STARTTLS, **settings: Any) -> AsyncMailer:
    context = None if security is Security.NONE else authority.client_context()
    login = {"username": USER, "password": PASSWORD}
    once = {"retry": RetryPolicy(max_attempts=1)}
    return AsyncMailer(Server(NAME, 2525, security, tls_context=context), **{**login, **once, **settings})


def _offer(server: ScriptedServer, words: str) -> None:
    server.capabilities_in_tls[:] = [words]


BAD: dict[str, Callable[[ScriptedServer], object]] = {
    "hangs up": lambda server: server.on_connect().drop(),
    "resets": lambda server: server.on_connect().drop(rst=True),
    "says 421": lambda server: server.on_connect().reply("421 4.3.2 too busy"),
    "says 554": lambda server: server.on_connect().reply("554 5.3.2 no service here"),
    "is no SMTP server": lambda server: server.on_connect().garbage(),
    "drops at EHLO": lambda server: server.on_ehlo().drop(),
    "refuses EHLO": lambda server: server.on_ehlo().reply("550 5.7.1 who are you"),
    "refuses STARTTLS": lambda server: server.on_starttls().reply("454 4.7.0 not now"),
    "drops in the handshake": lambda server: server.on_tls().drop(),
    "offers no STARTTLS": lambda server: server.capabilities.remove("STARTTLS"),
    "has nobody's certificate": lambda server: None,
    "offers no mechanism of ours": lambda server: _offer(server, "AUTH GSSAPI NTLM"),
    "offers no login": lambda server: _offer(server, "SMTPUTF8"),
}


@pytest.mark.parametrize("how", BAD)
async def test_a_bad_first_address_is_passed_over_within_the_attempt_and_comes_last_afterwards(
    start: Start, authority: Authority, resolve_to: Callable[..., None], how: str
) -> None:
    wrong = Certificate.SELF_SIGNED if "certificate" in how else Certificate.GOOD
    bad, good = start(certificate=wrong), start()
    BAD[how](bad)
    resolve_to(bad, good)
    async with mailer(authority, messages_per_connection=1, transcript=True) as used:
        first = await used.send(message())
        second = await used.send(message())
    assert (first.ok, second.ok, len(first.attempts)) == (True, True, 1)
    assert (len(bad.connections), len(good.connections), len(good.accepted)) == (1, 2, 2)
    assert bad.auth_commands == 0
    if how != "resets":  # which may be seen while connecting
        assert "127.0.0.1 is passed over" in str(first.attempts[0].transcript)


async def test_with_implicit_tls_it_is_the_same(
    start: Start, authority: Authority, resolve_to: Callable[..., None]
) -> None:
    bad, good = start(Security.IMPLICIT_TLS, Certificate.SELF_SIGNED), start(Security.IMPLICIT_TLS)
    resolve_to(bad, good)
    async with mailer(authority, Security.IMPLICIT_TLS) as used:
        result = await used.send(message())
    assert (result.ok, result.attempts[0].tls is not None) == (True, True)


async def test_a_secret_goes_to_one_address_and_a_refusal_of_it_asks_no_other(
    start: Start, authority: Authority, resolve_to: Callable[..., None]
) -> None:
    for how in ("535 5.7.8 no", "454 4.7.0 not now", "drop"):
        first, second = start(), start()
        first.on_auth().drop() if how == "drop" else first.on_auth().reply(how)
        resolve_to(first, second)
        async with mailer(authority, password=f"secret of {how}") as used:
            assert not (await used.send(message(), check=False)).ok
        assert (first.auth_commands, len(second.connections)) == (1, 0)


async def test_when_every_address_fails_each_was_asked_once_and_what_may_be_over_later_is_told(
    start: Start, authority: Authority, resolve_to: Callable[..., None], closed_port: int
) -> None:
    first, second = start(), start()
    first.on_connect().reply("554 5.3.2 no service here")
    second.on_connect().reply("421 4.3.2 too busy")
    resolve_to(first, second, ("127.0.0.1", closed_port))
    async with mailer(authority) as used:
        with pytest.raises(errors.DeliveryError) as failure:
            await used.send(message())
    assert outcomes(failure.value.result) == {LUIS: Outcome.DEFERRED}
    assert str(failure.value.reply) == "421 4.3.2 too busy"
    assert [str(answer.reply) for answer in failure.value.result.attempts[0].replies] == [
        "554 5.3.2 no service here",
        "421 4.3.2 too busy",
    ]
    assert failure.value.transient
    assert (len(first.connections), len(second.connections)) == (1, 1)


async def test_a_message_that_was_refused_asks_no_other_address(
    start: Start, authority: Authority, resolve_to: Callable[..., None]
) -> None:
    first, second = start(), start()
    first.on_mail().raw(b"", ending=Ending.FIN)
    resolve_to(first, second)
    async with mailer(authority) as used:
        assert not (await used.send(message(), check=False)).ok
    assert len(second.connections) == 0


def test_of_those_that_failed_the_last_one_comes_last_until_it_works_again() -> None:
    memory = AddressMemory()
    memory.failed("a")
    memory.failed("b")
    assert memory.ordered(["a", "b", "c", "d"]) == ["c", "d", "a", "b"]
    memory.failed("a")
    assert memory.ordered(["a", "b", "c"]) == ["c", "b", "a"]
    memory.worked("a")
    assert memory.ordered(["a", "b"]) == ["a", "b"]
    memory.ordered(["c"])
    assert memory.ordered(["a", "b"]) == ["a", "b"]  # whoever has no such address any more forgets it
