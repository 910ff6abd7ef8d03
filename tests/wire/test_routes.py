"""Over a unix socket, from one address, by a function or a socket of the program: the session is the same."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sendkit import AsyncMailer, Mailer, Outcome, RetryPolicy, Security, Server, Timeouts, errors
from sendkit._smtp.phase import Phase
from sendkit.results import DeliveryResult
from tests.accounts import message
from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer

from .conftest import PASSWORD, USER, Start

ONCE = RetryPolicy(max_attempts=1)
LOGIN: dict[str, Any] = {"username": USER, "password": PASSWORD, "retry": ONCE}


_FORKING = """
import os, socket, warnings
from sendkit import Mailer, Message, RetryPolicy, Server
warnings.simplefilter("ignore", DeprecationWarning)
server = Server("localhost", ca_file={ca_file!r}, sock=socket.create_connection({place!r}))
mailer = Mailer(server, retry=RetryPolicy(max_attempts=1))
letter = Message(sender="ana@example.com", to="luis@example.com", text="x")
if (child := os.fork()) == 0:
    print(mailer.send(letter, check=False).recipients["luis@example.com"].why, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(mailer.send(letter, check=False).ok)
"""


def why(result: DeliveryResult) -> str | None:
    [told] = result.recipients.values()
    assert (told.outcome, told.phase) == (Outcome.DEFERRED, Phase.CONNECT)
    assert told.hint
    return told.why


@pytest.fixture
def at_socket(tmp_path: Path) -> Iterator[ScriptedServer]:
    """A server at a unix socket."""
    with ScriptedServer(path=tmp_path / "smtp.sock") as server:
        yield server


class TestAUnixSocket:
    """Nobody is in between, so there is no TLS, and a login is allowed."""

    async def test_mail_and_a_login_go_over_it(self, at_socket: ScriptedServer) -> None:
        async with AsyncMailer(at_socket.host, **LOGIN) as mailer:
            result = await mailer.send(message())
            again = await mailer.send(message())
            diagnosis = await mailer.diagnose(sender=USER, limit=10)
        assert (result.ok, again.ok, len(at_socket.connections)) == (True, True, 2)
        assert result.recipients["luis@example.com"].server == result.attempts[0].server == at_socket.host
        assert result.attempts[0].port is None
        assert at_socket.auth_commands == 2
        assert at_socket.lines()[0] == "EHLO [127.0.0.1]"
        assert [one.text for one in diagnosis.findings if one.check == "connect"] == [f"connected to {at_socket.host}"]
        assert "none is needed: the server is this machine" in " ".join(one.text for one in diagnosis.findings)

    def test_it_is_named_by_a_url_and_by_the_environment(
        self, at_socket: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = at_socket.host.replace("unix://", "unix://ana%40example.com@")
        with Mailer.from_url(url, password=PASSWORD) as mailer:
            assert mailer.send(message()).ok
        monkeypatch.setenv("SENDKIT_HOST", at_socket.host)
        monkeypatch.setenv("SENDKIT_PROXY", "socks5://127.0.0.1:1")  # the way of those that have none of their own
        with Mailer.from_env() as mailer:
            assert mailer.send(message()).ok

    async def test_one_that_is_not_there_is_tried_again(self, tmp_path: Path) -> None:
        retry = RetryPolicy(max_attempts=2, wait=lambda _: 0)
        async with AsyncMailer(f"unix://{tmp_path}/no.sock", retry=retry) as mailer:
            result = await mailer.send(message(), check=False)
        assert (why(result), len(result.attempts)) == ("unix_socket", 2)
        assert "No such file" in str(next(iter(result.recipients.values())).reason)

    def test_it_has_one_form(self) -> None:
        assert Server("unix:/run/a.sock") == Server("UNIX:///run/a.sock") == Server.parse(" unix:///run/a.sock ")
        assert Server("unix:///run/a b.sock").host == "unix:///run/a%20b.sock"

    @pytest.mark.parametrize(
        "settings",
        [
            {"host": "unix:run/a.sock"},
            {"host": "unix://host/run/a.sock"},
            {"host": "unix:///run/"},
            {"host": "unix:///run/a%00.sock"},
            {"host": "unix:///run/a%FF.sock"},
            {"host": f"unix:///{'a' * 120}"},
            {"host": "unix:///run/a.sock", "port": 25},
            {"host": "unix:///run/a.sock", "security": "starttls"},
            {"host": "unix:///run/a.sock", "proxy": "socks5://127.0.0.1:1"},
            {"host": "unix:///run/a.sock", "local_address": "127.0.0.1"},
        ],
    )
    def test_what_cannot_be_is_refused(self, settings: dict[str, Any]) -> None:
        with pytest.raises(errors.ConfigurationError) as failure:
            Server(**settings)
        assert failure.value.hint


class TestALocalAddress:
    """Connections are made from it, and from no other."""

    async def test_it_is_where_a_connection_comes_from(self, start: Start, authority: Authority) -> None:
        server = start()
        place = Server("localhost", server.port, tls_context=authority.client_context(), local_address="127.0.0.2")
        async with AsyncMailer(place, **LOGIN, transcript=True) as mailer:
            result = await mailer.send(message())
        assert result.ok
        assert server.lines()[0] == "EHLO [127.0.0.2]"
        assert "from 127.0.0.2" in (result.attempts[0].transcript or ())[0].text

    @pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
    async def test_one_of_another_machine_or_family_is_a_setting_to_correct(self, start: Start, address: str) -> None:
        server = start(security=Security.NONE)
        place = Server("127.0.0.1", server.port, Security.NONE, local_address=address)
        async with AsyncMailer(place, retry=RetryPolicy(max_attempts=3, wait=lambda _: 0)) as mailer:
            result = await mailer.send(message(), check=False)
        assert (why(result), len(result.attempts)) == ("local_address", 1)


class TestASocket:
    """One that is connected already is good for one connection."""

    async def test_it_carries_as_many_messages_as_come_and_is_not_used_twice(
        self, start: Start, authority: Authority
    ) -> None:
        server = start()
        place = Server(
            "localhost", tls_context=authority.client_context(), sock=socket.create_connection(server.address)
        )
        async with AsyncMailer(place, **LOGIN, messages_per_connection=3) as mailer:
            results = await asyncio.gather(*(mailer.send(message()) for _ in range(3)))
            assert all(result.ok for result in results)
            assert why(await mailer.send(message(), check=False)) == "socket_used"
        async with AsyncMailer(place, **LOGIN) as mailer:
            result = await mailer.send(message(), check=False)
        assert why(result) == "socket_used"
        assert "dialer=" in (next(iter(result.recipients.values())).hint or "")
        assert len(server.connections) == 1

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
    def test_the_child_of_a_fork_does_not_write_on_the_parents(self, start: Start, authority: Authority) -> None:
        server = start()
        program = _FORKING.format(place=server.address, ca_file=str(authority.ca_file))
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
        assert (ran.stdout, ran.returncode) == ("socket_used\nTrue\n", 0), ran.stderr
        assert len(server.accepted) == 1

    async def test_a_pair_of_unix_sockets_will_do(self, at_socket: ScriptedServer) -> None:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(at_socket.host.removeprefix("unix://"))
        async with AsyncMailer(Server("smtp.example.com", security="none", sock=sock), **LOGIN) as mailer:
            assert (await mailer.send(message())).ok

    @pytest.mark.parametrize("kind", ["fresh", "closed", "tls", "file"])
    def test_what_is_no_connected_socket_is_refused(self, kind: str, tmp_path: Path) -> None:
        with socket.socket() as fresh, socket.socket() as under:
            closed = socket.socket()
            closed.close()
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(under, server_hostname="x")
            socks: dict[str, Any] = {"fresh": fresh, "closed": closed, "tls": tls, "file": tmp_path}
            with pytest.raises(errors.ConfigurationError, match="sock: "):
                Server("smtp.example.com", sock=socks[kind])
            tls.close()


class TestADialer:
    """A function of the program's own makes the connections; TLS verifies the host that was named."""

    async def test_it_is_called_for_each_connection_with_host_and_port(
        self, start: Start, authority: Authority
    ) -> None:
        server, asked = start(), list[tuple[str, int]]()

        async def tunnel(host: str, port: int) -> socket.socket:
            asked.append((host, port))
            return socket.create_connection(server.address)

        place = Server("localhost", 2525, tls_context=authority.client_context(), dialer=tunnel)
        async with AsyncMailer(place, **LOGIN, messages_per_connection=1, transcript=True) as mailer:
            result = await mailer.send(message())
            await mailer.send(message())
        assert asked == [("localhost", 2525)] * 2
        assert "connected to localhost:2525 by tunnel" in (result.attempts[0].transcript or ())[0].text
        other = place.model_copy(update={"host": "smtp.example.com"})
        async with AsyncMailer(other, **LOGIN) as mailer:
            refused = await mailer.send(message(), check=False)
        assert {one.why for one in refused.recipients.values()} == {"name_mismatch"}
        assert server.auth_commands == 2

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (ConnectionRefusedError(111, "x"), "Connection refused"),
            (RuntimeError("the tunnel\x1b[31m fell in"), "RuntimeError: the tunnel\ufffd[31m fell in"),
            (TimeoutError(), "time limit"),
        ],
    )
    async def test_what_it_raises_is_a_failure_to_connect(self, error: Exception, words: str) -> None:
        async def fails(host: str, port: int) -> socket.socket:
            raise error

        async with AsyncMailer(Server("smtp.example.com", dialer=fails), retry=ONCE) as mailer:
            result = await mailer.send(message(), check=False)
        assert why(result) == "dialer_failed"
        assert words in str(next(iter(result.recipients.values())).reason)

    async def test_it_has_the_limit_of_connecting(self) -> None:
        async def waits(host: str, port: int) -> socket.socket:
            await asyncio.Event().wait()
            raise AssertionError

        place = Server("smtp.example.com", dialer=waits, timeouts=Timeouts(connect=0.05))
        async with AsyncMailer(place, retry=ONCE) as mailer:
            assert why(await mailer.send(message(), check=False)) == "dialer_failed"

    async def test_what_is_no_async_function_or_returns_no_socket_is_an_error_to_correct(self, start: Start) -> None:
        server = start()

        async def strange(host: str, port: int) -> Any:
            return "a socket"

        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            for dialer in (strange, lambda host, port: socket.create_connection(server.address)):
                place = Server("localhost", server.port, dialer=dialer)  # type: ignore[arg-type]
                async with AsyncMailer(place, retry=ONCE) as mailer:
                    with pytest.raises(errors.ConfigurationError, match="dialer="):
                        await mailer.send(message())
            gc.collect()

    async def test_who_answers_is_not_this_machine_whatever_its_name(self, start: Start) -> None:
        async def tunnel(host: str, port: int) -> socket.socket:
            return socket.create_connection(start(security=Security.NONE).address)

        with pytest.raises(errors.ConfigurationError, match="no login without TLS"):
            AsyncMailer(Server("localhost", security="none", dialer=tunnel), username=USER)


def test_only_one_way_can_be_taken() -> None:
    async def tunnel(host: str, port: int) -> socket.socket:
        raise AssertionError

    for ways in (
        {"proxy": "http://127.0.0.1:1", "dialer": tunnel},
        {"dialer": tunnel, "local_address": "127.0.0.1"},
    ):
        with pytest.raises(errors.ConfigurationError, match="cannot go together"):
            Server("smtp.example.com", **ways)  # type: ignore[arg-type]
    assert Server("smtp.example.com", proxy="http://127.0.0.1:1", local_address="127.0.0.1").local_address
