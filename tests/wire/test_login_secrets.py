"""A password goes to a verified server, once, and nowhere else: whatever the server does, and whoever interrupts."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress

import pytest

from sendkit import DeliveryResult, Mailer, Security, Server, Timeouts, errors
from sendkit.testing.secrets import assert_no_secret_leaks
from tests.accounts import message
from tests.servers.authority import Authority, Certificate
from tests.servers.scripted import BASE, Ending, ScriptedServer
from tests.waiting import GROWING

from .conftest import USER, Account, Start

# A constant of this module, and in no local variable: tracebacks are searched for it.
SECRET = "wrong-horse-battery-ñ"
MECHANISMS = ["PLAIN", "LOGIN"]
PLAIN = base64.b64encode(f"\0{USER}\0{SECRET}".encode())
LOGIN = base64.b64encode(SECRET.encode())


@pytest.fixture(params=MECHANISMS)
def server(request: pytest.FixtureRequest, start: Start) -> ScriptedServer:
    """A server that offers one mechanism."""
    return start(capabilities_in_tls=[*BASE, f"AUTH {request.param}"])


def in_the_clear(server: ScriptedServer) -> list[bytes]:
    """What went over the wire before TLS."""
    return [connection.octets(tls=False) for connection in server.connections]


def was_sent(server: ScriptedServer) -> bool:
    """Whether the server heard the secret at all, so that there was something to leak."""
    heard = b"".join(connection.octets(tls=True) for connection in server.connections)
    return PLAIN in heard or LOGIN in heard


async def failed(account: Account, server: ScriptedServer, timeouts: Timeouts | None = None) -> errors.DeliveryError:
    """The error of a login that fails, after a look at everything that it left behind."""
    with assert_no_secret_leaks(SECRET) as watch:
        async with account(server, password=SECRET, timeouts=timeouts, transcript=True) as mailer:
            watch.look_at(repr(mailer), vars(mailer))
            with pytest.raises(errors.DeliveryError) as failure:
                await mailer.send(message())
            result = await mailer.send(message(), check=False)
        watch.look_at(failure.value, failure.value.transcript, result, in_the_clear(server))
        assert isinstance(failure.value.result, DeliveryResult)
    return failure.value


async def test_a_wrong_password_leaks_nowhere(account: Account, server: ScriptedServer) -> None:
    error = await failed(account, server)
    assert type(error) is errors.AuthenticationError
    assert was_sent(server)
    assert server.auth_commands == 1


async def test_a_right_password_leaks_nowhere(account: Account, start: Start) -> None:
    for mechanism in MECHANISMS:
        server = start(capabilities_in_tls=[*BASE, f"AUTH {mechanism}"], users={USER: SECRET})
        with assert_no_secret_leaks(SECRET) as watch:
            async with account(server, password=SECRET, transcript=True) as mailer:
                watch.look_at(await mailer.send(message()), in_the_clear(server))
        assert was_sent(server)


@pytest.mark.parametrize("said", [PLAIN, LOGIN, SECRET.encode(), PLAIN[:10] + b" " + PLAIN], ids=range(4))
async def test_a_server_that_repeats_the_secret_is_not_quoted(
    account: Account, server: ScriptedServer, said: bytes
) -> None:
    server.on_auth().raw(b"535 5.7.8 cannot decode " + said + b"\r\n")
    error = await failed(account, server)
    assert error.reply is not None
    assert error.reply.code == 535
    assert was_sent(server)


@pytest.mark.parametrize("how", ["drop", "silence", "garbage", "mixed_codes", "endless_line", "endless_reply"])
async def test_a_login_that_breaks_off_leaks_nothing(account: Account, server: ScriptedServer, how: str) -> None:
    getattr(server.on_auth(), how)()
    for limit in GROWING:
        await failed(account, server, Timeouts(command=limit) if how == "silence" else None)
        if was_sent(server):
            break
    assert was_sent(server)


@pytest.mark.parametrize(
    "reply", [b"334 \xff\xfe\r\n", b"334 not base64!\r\n", b"999 what\r\n", b"250 what\r\n", b"454 4.7.0 not now\r\n"]
)
async def test_a_challenge_that_makes_no_sense_leaks_nothing(
    account: Account, server: ScriptedServer, reply: bytes
) -> None:
    server.on_challenge().raw(reply)
    server.on_auth().raw(reply)
    await failed(account, server)


async def test_who_is_cancelled_while_logging_in_leaks_nothing(account: Account, server: ScriptedServer) -> None:
    server.on_auth().silence()
    with assert_no_secret_leaks(SECRET) as watch:
        async with account(server, password=SECRET, transcript=True) as mailer:
            sending = asyncio.create_task(mailer.send(message()))
            await asyncio.to_thread(server.wait_for, lambda: was_sent(server))
            sending.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await sending
        watch.look_at(cancelled.value, cancelled.value.result, in_the_clear(server))  # type: ignore[attr-defined]


async def test_a_time_limit_that_falls_into_the_login_leaks_nothing(account: Account, server: ScriptedServer) -> None:
    server.on_auth().silence()
    with assert_no_secret_leaks(SECRET) as watch:
        async with account(server, password=SECRET) as mailer:
            for limit in (0.5, 2, 8, 32):  # until it falls into the login, also on a busy machine
                watch.look_at(await mailer.send(message(), check=False, deadline=limit))
                if was_sent(server):
                    break
            with pytest.raises(TimeoutError) as late:
                async with asyncio.timeout(0.5):
                    await mailer.send(message(), deadline=60)
        watch.look_at(late.value)
    assert was_sent(server)


def test_the_synchronous_mailer_leaks_nothing_either(authority: Authority, server: ScriptedServer) -> None:
    place = Server(server.host, server.port, Security.STARTTLS, tls_context=authority.client_context())
    with assert_no_secret_leaks(SECRET) as watch, Mailer(place, username=USER, password=SECRET) as mailer:
        with pytest.raises(errors.AuthenticationError) as failure:
            mailer.send(message())
        watch.look_at(failure.value, repr(mailer), list(mailer.send_many([message()])))
    assert was_sent(server)


async def test_credentials_that_come_from_a_callable_leak_nothing(account: Account, server: ScriptedServer) -> None:
    with assert_no_secret_leaks(SECRET) as watch:
        async with account(server, credentials=lambda host, user: SECRET, transcript=True) as mailer:
            result = await mailer.send(message(), check=False)
        watch.look_at(result)
    assert was_sent(server)


@pytest.mark.parametrize("fault", ["stripped", "certificate", "injected"])
async def test_before_a_verified_tls_session_the_secret_is_not_said(account: Account, start: Start, fault: str) -> None:
    server = start(certificate=Certificate.SELF_SIGNED if fault == "certificate" else Certificate.GOOD)
    if fault == "stripped":
        server.capabilities = [*BASE, "AUTH PLAIN LOGIN"]
    elif fault == "injected":
        server.on_starttls().stray(b"235 2.7.0 welcome\r\n", ending=Ending.FIN)
    with assert_no_secret_leaks(SECRET) as watch:
        async with account(server, password=SECRET, host="localhost") as mailer:
            with suppress(errors.DeliveryError):
                await mailer.send(message())
        watch.look_at(in_the_clear(server))
    assert not was_sent(server)
