"""What a server of OAuth2 shows a person is a link that can be printed, and it is asked no longer than said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import pytest

from sendkit._credentials.authorization_server import AuthorizationServer
from sendkit._credentials.browser import by_browser
from sendkit._credentials.device import by_device
from sendkit._credentials.grants import OAuthClient
from sendkit._credentials.token_endpoint import Refusal
from tests.servers.raw_http import RawHTTP, http

ESCAPE = "\x1b]0;owned\x07\x1b[2J"
PLACES = [
    f"https://id.example.com/{ESCAPE}", "javascript:alert(1)", "data:text/html,x", "http://id.example.com/",
    "https://id.example.com/\u202eexe", "https://id.example.com/\r\n", "file:///etc/passwd", "", 5, None,
]  # fmt: skip


@pytest.fixture
def endpoint() -> Iterator[RawHTTP]:
    with RawHTTP(lambda path, body: b"") as server:
        yield server


@pytest.mark.parametrize("place", PLACES)
async def test_a_verification_uri_is_an_https_url_that_can_be_printed_or_not_shown(
    endpoint: RawHTTP, place: object
) -> None:
    begun = {"device_code": "dev1ce-c0de", "user_code": "WDJB-MJHT", "verification_uri": place}
    await _shows_nothing(endpoint, begun)


@pytest.mark.parametrize("code", [ESCAPE, "A\x1b[2J", "A\nB", "\u202eA", "A" * 500, "", " ", 5, None])
async def test_a_user_code_can_be_printed_or_is_not_shown(endpoint: RawHTTP, code: object) -> None:
    begun = {"device_code": "dev1ce-c0de", "user_code": code, "verification_uri": f"{endpoint.url}/activate"}
    await _shows_nothing(endpoint, begun)


async def _shows_nothing(endpoint: RawHTTP, begun: dict[str, object]) -> None:
    endpoint.answer = lambda path, body: http(begun)
    shown: list[tuple[str, str]] = []
    server = AuthorizationServer(f"{endpoint.url}/token", f"{endpoint.url}/device")
    answer = await by_device(server, OAuthClient.of("app"), None, lambda *each: shown.append(each))
    assert isinstance(answer, Refusal)
    assert shown == []


@pytest.mark.parametrize("url", [f"https://id.example.com/{ESCAPE}", "javascript:alert(1)", "http://id.example.com/"])
async def test_an_authorization_endpoint_is_an_https_url_that_can_be_printed_or_not_opened(url: str) -> None:
    shown: list[tuple[str, str]] = []
    server = AuthorizationServer("https://id.example.com/token", None, url)
    answer = await by_browser(server, OAuthClient.of("app"), None, lambda *each: shown.append(each), limit=5)
    assert isinstance(answer, Refusal)
    assert shown == []


# How long a server may be asked.


@pytest.mark.parametrize("interval", [0.0001, 0, -5, True, "x", 1e-300, 10**400, None])
async def test_a_device_code_server_is_asked_once_a_second_at_most(endpoint: RawHTTP, interval: object) -> None:
    slept = await _polled(endpoint, {"interval": interval, "expires_in": 30}, lambda: 0.0)
    assert min(slept) >= 1
    assert sum(slept) <= 31


@pytest.mark.parametrize("lifetime", [10**9, 10**400, 86_399])
async def test_a_device_code_server_is_asked_for_an_hour_at_most(endpoint: RawHTTP, lifetime: object) -> None:
    slept = await _polled(endpoint, {"interval": 600, "expires_in": lifetime}, lambda: 0.0)
    assert sum(slept) <= 3600


async def test_the_clock_on_the_wall_ends_a_device_code_too(endpoint: RawHTTP) -> None:
    """A server that takes long for each answer does not make the time longer."""
    ticks = iter(range(0, 100_000, 20))
    slept = await _polled(endpoint, {"interval": 1, "expires_in": 60}, lambda: float(next(ticks)))
    assert len(slept) <= 4


async def _polled(endpoint: RawHTTP, more: dict[str, object], clock: Callable[[], float]) -> list[float]:
    begun = {"device_code": "dev1ce-c0de", "user_code": "A-B", "verification_uri": f"{endpoint.url}/", **more}
    pending = http({"error": "authorization_pending"}, "400 Bad Request")
    endpoint.answer = lambda path, body: http(begun) if path == "/device" else pending
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    server = AuthorizationServer(f"{endpoint.url}/token", f"{endpoint.url}/device")
    answer = await by_device(server, OAuthClient.of("app"), None, lambda *_: None, sleep=sleep, clock=clock)
    assert isinstance(answer, Refusal)
    assert answer.code == "expired_token"
    return slept


async def test_a_connection_that_says_nothing_holds_up_neither_the_grant_nor_its_limit() -> None:
    """One silent TCP connection to the redirect's port, and then the browser; and once without a browser at all."""
    server = AuthorizationServer("https://id.example.com:1/token", None, "https://id.example.com/authorize")
    silent: list[asyncio.StreamWriter] = []

    async def connect(url: str) -> None:
        port = int(url.partition("127.0.0.1%3A")[2].partition("&")[0])
        for _ in range(3):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            silent.append(writer)

    tasks: list[asyncio.Task[None]] = []
    shown = asyncio.timeout(300)
    async with shown:
        answer = await by_browser(
            server,
            OAuthClient.of("app"),
            None,
            lambda url, _: tasks.append(asyncio.ensure_future(connect(url))),
            limit=2,
        )
    await asyncio.gather(*tasks)
    assert isinstance(answer, Refusal)
    assert answer.code == "expired_token"
    for writer in silent:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
