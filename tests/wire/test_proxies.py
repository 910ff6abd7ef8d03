"""What a proxy can do to a connection: each is a failure to connect that names the proxy, its reason and a cure."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import socket
import struct
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from sendkit import AsyncMailer, Outcome, RetryPolicy, Security, Server, Timeouts, errors
from sendkit._cli import main
from sendkit._smtp.phase import Phase
from sendkit.testing import assert_no_secret_leaks
from tests.accounts import message
from tests.servers.authority import Authority
from tests.servers.proxies import FakeProxy, Talk, relays, says, silent
from tests.servers.scripted import ScriptedServer
from tests.waiting import GROWING, wait_until

from .conftest import PASSWORD, USER, Start

SECRET = "a long word of the proxy"
LOGIN = "joe:a%20long%20word%20of%20the%20proxy@"
GRANTED5 = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x19"


def mailer(authority: Authority, proxy: str, server: ScriptedServer | None = None, **settings: Any) -> AsyncMailer:
    host, port = ("localhost", server.port) if server else (settings.pop("host", "smtp.example.com"), 587)
    timeouts = settings.pop("timeouts", Timeouts())
    place = Server(host, port, tls_context=authority.client_context(), proxy=proxy, timeouts=timeouts)
    return AsyncMailer(
        place, **{"username": USER, "password": PASSWORD, "retry": RetryPolicy(max_attempts=1), **settings}
    )


def refused(code: int) -> Talk:
    return says(b"\x05\x00", bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0]))


def http(line: str, *headers: str) -> Talk:
    return says("\r\n".join([line, *headers, "", ""]).encode())


FAULTS: dict[str, tuple[str, Talk, str]] = {
    "closes at once": ("socks5", lambda client: client.close(), "proxy_broke_off"),
    "closes behind the method": ("socks5", says(b"\x05\x00"), "proxy_broke_off"),
    "says half a reply": ("socks5", says(b"\x05\x00", b"\x05\x00\x00\x01\x7f"), "proxy_broke_off"),
    "says half a method": ("socks5", says(b"\x05"), "proxy_broke_off"),
    "speaks SMTP": ("socks5", says(b"220 smtp.example.com ESMTP\r\n"), "proxy_broke_off"),
    "speaks HTTP": ("socks5", http("HTTP/1.1 400 Bad Request"), "proxy_broke_off"),
    "answers with another version": ("socks5", says(b"\x04\x00"), "proxy_broke_off"),
    "answers with an unknown address": ("socks5", says(b"\x05\x00", b"\x05\x00\x00\x09aaaa"), "proxy_broke_off"),
    "takes a method that nobody offered": ("socks5", says(b"\x05\x01"), "proxy_broke_off"),
    "requires a login": ("socks5", says(b"\x05\xff"), "proxy_login"),
    "fails": ("socks5", refused(1), "proxy_cannot_connect"),
    "does not allow it": ("socks5", refused(2), "proxy_refused"),
    "has no network": ("socks5", refused(3), "proxy_cannot_connect"),
    "does not find the host": ("socks5", refused(4), "proxy_cannot_connect"),
    "is refused by the server": ("socks5", refused(5), "proxy_cannot_connect"),
    "does not connect": ("socks5", refused(7), "proxy_refused"),
    "has a code of its own": ("socks5", refused(0x55), "proxy_broke_off"),
    "closes (4A)": ("socks4a", lambda client: client.close(), "proxy_broke_off"),
    "refuses (4A)": ("socks4a", says(b"\x00\x5b\x00\x00\x00\x00\x00\x00"), "proxy_cannot_connect"),
    "wants ident (4A)": ("socks4a", says(b"\x00\x5c\x00\x00\x00\x00\x00\x00"), "proxy_login"),
    "says half a reply (4A)": ("socks4a", says(b"\x00\x5a\x00"), "proxy_broke_off"),
    "speaks SOCKS 5 (4A)": ("socks4a", says(b"\x05\xff\x00\x00\x00\x00\x00\x00"), "proxy_broke_off"),
    "closes (HTTP)": ("http", lambda client: client.close(), "proxy_broke_off"),
    "speaks SMTP (HTTP)": ("http", says(b"220 smtp.example.com ESMTP\r\n"), "proxy_broke_off"),
    "speaks SOCKS (HTTP)": ("http", says(b"\x05\xff"), "proxy_broke_off"),
    "ends in its head (HTTP)": ("http", says(b"HTTP/1.1 200 OK\r\nVia: x"), "proxy_broke_off"),
    "has no status (HTTP)": ("http", http("HTTP/1.1 OK"), "proxy_broke_off"),
    "never ends its head (HTTP)": ("http", says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9000), "proxy_broke_off"),
    "requires a login (HTTP)": ("http", http("HTTP/1.1 407 Who are you", "Proxy-Authenticate: Basic"), "proxy_login"),
    "redirects (HTTP)": ("http", http("HTTP/1.1 302 Found", "Location: http://x.example/"), "proxy_refused"),
    "forbids (HTTP)": ("http", http("HTTP/1.1 403 Filtered"), "proxy_refused"),
    "cannot reach it (HTTP)": ("http", http("HTTP/1.1 502 Bad Gateway"), "proxy_cannot_connect"),
    "waits for it (HTTP)": ("http", http("HTTP/1.0 504 Gateway Timeout"), "proxy_cannot_connect"),
}
LATER = {"proxy_broke_off", "proxy_cannot_connect", "proxy_unreachable"}


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_of_a_proxy_is_a_failure_to_connect_with_a_reason_and_a_cure(
    fault: str, authority: Authority
) -> None:
    scheme, talk, why = FAULTS[fault]
    with FakeProxy(talk) as proxy:
        url = f"{scheme}://127.0.0.1:{proxy.port}"
        async with mailer(authority, url) as used:
            result = await used.send(message(), check=False)
    [told] = result.recipients.values()
    assert (told.outcome, told.phase, told.why) == (Outcome.DEFERRED, Phase.CONNECT, why)
    assert told.retryable == (why in LATER)
    assert url in (told.reason or "")
    assert told.hint
    assert result.attempts[0].server == "smtp.example.com:587"
    with pytest.raises(errors.ConnectError):
        result.raise_for_failure()


async def test_a_proxy_that_is_not_there_is_named_and_tried_again(authority: Authority, closed_port: int) -> None:
    retry = RetryPolicy(max_attempts=2, wait=lambda _: 0)
    async with mailer(authority, f"socks5://127.0.0.1:{closed_port}", retry=retry) as used:
        result = await used.send(message(), check=False)
    assert {one.why for one in result.recipients.values()} == {"proxy_unreachable"}
    assert len(result.attempts) == 2


@pytest.mark.parametrize("scheme", ["socks5", "socks4a", "http"])
async def test_a_proxy_that_falls_silent_is_given_up_at_the_limit_for_connecting(
    scheme: str, authority: Authority
) -> None:
    with FakeProxy(silent()) as proxy:
        url = f"{scheme}://127.0.0.1:{proxy.port}"
        for limit in GROWING:
            async with mailer(authority, url, timeouts=Timeouts(connect=limit)) as used:
                result = await used.send(message(), check=False)
            if proxy.connections:
                break
    assert {one.why for one in result.recipients.values()} == {"proxy_broke_off"}


@pytest.mark.parametrize("answers", [(), (b"\x05\x00",), (b"\x05\x00", b"\x05\x00\x00")])
async def test_a_cancelled_or_late_connection_leaves_no_socket_at_any_step(
    answers: tuple[bytes, ...], authority: Authority
) -> None:
    with warnings.catch_warnings(), FakeProxy(silent(*answers)) as proxy:
        warnings.simplefilter("error", ResourceWarning)
        async with mailer(authority, f"socks5://{LOGIN}127.0.0.1:{proxy.port}") as used:
            task = asyncio.create_task(used.send(message()))
            await asyncio.to_thread(proxy.wait_for, min(len(answers) + 1, 2))
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            assert not any(one.outcome is not Outcome.DEFERRED for one in cancelled.value.result.recipients.values())  # type: ignore[attr-defined]
            late = await used.send(message(), check=False, deadline=0.2)
        assert late.deferred
        gc.collect()


class TestTheLogin:
    """It goes to the proxy alone, once for each connection, and is shown nowhere."""

    @pytest.mark.parametrize("scheme", ["socks5", "http"])
    async def test_a_refused_login_is_not_tried_again_and_shown_nowhere(
        self, scheme: str, authority: Authority
    ) -> None:
        basic = base64.b64encode(f"joe:{SECRET}".encode()).decode()
        no = {
            "socks5": says(b"\x05\x02", b"\x01\x01"),
            "http": http(f"HTTP/1.1 407 you said {SECRET} and {basic}", "Proxy-Authenticate: Basic"),
        }
        with FakeProxy(no[scheme]) as proxy, assert_no_secret_leaks(SECRET) as watch:
            retry = RetryPolicy(max_attempts=3, wait=lambda _: 0)
            url = f"{scheme}://{LOGIN}127.0.0.1:{proxy.port}"
            async with mailer(authority, url, retry=retry, transcript=True) as used:
                result = await used.send(message(), check=False)
            watch.look_at(result.model_dump_json(), str(result), repr(used), repr(used._plan.accounts))
            with pytest.raises(errors.ConnectError) as failure:
                result.raise_for_failure()
            watch.look_at(failure.value)
        assert {one.why for one in result.recipients.values()} == {"proxy_login"}
        assert proxy.connections == 1

    async def test_the_password_of_the_mail_account_is_never_that_of_the_proxy(
        self, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SENDKIT_PASSWORD", PASSWORD)
        with FakeProxy(says(b"\x05\x02", b"\x01\x00")) as proxy:
            async with mailer(authority, f"socks5://joe@127.0.0.1:{proxy.port}") as used:
                with pytest.raises(errors.CredentialsError) as failure:
                    await used.send(message())
        assert proxy.heard == []
        assert "SENDKIT_PASSWORD" not in failure.value.message
        assert "sendkit login --no-test 127.0.0.1 joe" in (failure.value.hint or "")
        assert "the proxy socks5://127.0.0.1" in failure.value.message


async def test_a_greeting_in_one_segment_with_the_answer_of_an_http_proxy_is_not_lost(
    start: Start, authority: Authority
) -> None:
    server = start()
    for slowly in (False, True):
        with FakeProxy(relays(server.address, glued=True, slowly=slowly)) as proxy:
            async with mailer(authority, f"http://127.0.0.1:{proxy.port}", server) as used:
                assert (await used.send(message())).ok


async def test_the_names_of_hosts_are_looked_up_at_the_proxy_alone(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    long = ".".join(["a" * 62] * 4)  # 251 octets, and SOCKS has one octet for the length
    for host in ("smtp.example.com", "straße.example", long):
        with FakeProxy(says(b"\x05\x00", bytes([5, 1, 0, 1, 0, 0, 0, 0, 0, 0]))) as proxy:
            async with mailer(authority, f"socks5h://localhost:{proxy.port}", host=host) as used:
                await used.send(message(), check=False)
                diagnosis = await used.diagnose(sender=USER, limit=5)
        name = Server(host).host.encode()
        assert b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack(">H", 587) in proxy.heard
        assert "looked up by the proxy" in " ".join(finding.text for finding in diagnosis.findings)
    assert {str(one) for one in asked} <= {"localhost", "example.com", "_dmarc.example.com"}


@pytest.mark.parametrize("scheme", ["socks5", "http"])
async def test_an_address_goes_to_the_proxy_as_it_is(scheme: str, authority: Authority) -> None:
    wanted = {
        "socks5": b"\x04" + socket.inet_pton(socket.AF_INET6, "2001:db8::1"),
        "http": b"CONNECT [2001:db8::1]:587",
    }
    with FakeProxy(silent(b"\x05\x00")) as proxy:
        async with mailer(authority, f"{scheme}://127.0.0.1:{proxy.port}", host="2001:db8::1") as used:
            sending = asyncio.create_task(used.send(message()))
            await asyncio.to_thread(wait_until, lambda: wanted[scheme] in b"".join(proxy.heard))
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending


async def test_a_server_behind_a_proxy_is_another_machine_whatever_its_name(start: Start) -> None:
    server = start(security=Security.NONE)
    with pytest.raises(errors.ConfigurationError, match="no login without TLS"):
        AsyncMailer(Server("localhost", server.port, Security.NONE, proxy="socks5://127.0.0.1:1"), username=USER)


async def test_the_name_in_ehlo_does_not_tell_of_the_network_before_the_proxy(
    start: Start, authority: Authority
) -> None:
    server = start()
    with FakeProxy(relays(server.address, glued=False)) as proxy:
        async with mailer(authority, f"http://127.0.0.1:{proxy.port}", server) as used:
            await used.send(message())
    assert server.lines()[0] == "EHLO [127.0.0.1]"


async def test_the_next_address_of_a_proxy_is_asked_when_the_first_breaks_off(
    start: Start, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    with FakeProxy(lambda client: client.close()) as bad, FakeProxy(relays(server.address, glued=False)) as good:
        places = [("127.0.0.1", bad.port), ("127.0.0.1", good.port)]

        def getaddrinfo(*_: object, **__: object) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        async with mailer(authority, "http://proxy.example.net:3128", server) as used:
            result = await used.send(message())
    assert (result.ok, len(result.attempts), bad.connections, good.connections) == (True, 1, 1, 1)


def test_a_socks_proxy_without_python_socks_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendkit._wire.routes.find_spec", lambda name: None)
    for scheme, needed in (("socks5", True), ("socks4a", True), ("http", False)):
        make: Callable[[], object] = lambda scheme=scheme: AsyncMailer(  # type: ignore[misc]  # noqa: E731
            Server("smtp.example.com", proxy=f"{scheme}://127.0.0.1:1080")
        )
        if needed:
            with pytest.raises(errors.ConfigurationError) as failure:
                make()
            assert "[proxy]'" in (failure.value.hint or "")
        else:
            make()


class TestTheEnvironment:
    """SENDKIT_PROXY is the way of every mailer whose server names none of its own."""

    def places(self, *servers: Server | str) -> list[str]:
        return [str(account.server.proxy) for account in AsyncMailer(servers)._plan.accounts]

    def test_it_holds_however_a_mailer_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SENDKIT_PROXY", "socks5://127.0.0.1:9050")
        own = Server("c.example.com", proxy="http://127.0.0.1:3128")
        assert self.places("a.example.com", Server("b.example.com"), own) == [
            "socks5://127.0.0.1:9050",
            "socks5://127.0.0.1:9050",
            "http://127.0.0.1:3128",
        ]
        assert self.places("localhost", Server("unix:///run/smtp.sock")) == ["None", "None"]
        for made in (AsyncMailer.from_url("smtps://x.example.com"), AsyncMailer.for_provider("gmail", username=USER)):
            assert str(made._plan.accounts[0].server.proxy) == "socks5://127.0.0.1:9050"

    def test_a_login_is_tried_through_it(
        self, start: Start, authority: Authority, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with FakeProxy(says(b"\x05\xff")) as proxy:
            monkeypatch.setenv("SENDKIT_PROXY", f"socks5://127.0.0.1:{proxy.port}")
            monkeypatch.setattr("sys.stdin", io.StringIO("a password of some length\n"))
            main(["login", "smtp.example.com", USER])
            assert proxy.connections == 1
        assert capsys.readouterr().err

    def test_what_cannot_be_read_is_refused_by_its_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SENDKIT_PROXY", "socks5://joe:hunter-two-two@proxy")
        with pytest.raises(errors.ConfigurationError, match="SENDKIT_PROXY: the proxy's URL names no port"):
            AsyncMailer("a.example.com")

    def test_the_proxies_of_the_web_are_not_obeyed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("ALL_PROXY", "HTTPS_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "socks5://127.0.0.1:1")
        assert self.places("a.example.com") == ["None"]
        monkeypatch.setenv("SENDKIT_PROXY", "socks5://127.0.0.1:2")
        monkeypatch.setenv("NO_PROXY", "*")
        assert self.places("a.example.com") == ["socks5://127.0.0.1:2"]
