"""Access that a person grants: by a code typed elsewhere, and by the browser (RFC 8628, RFC 8252)."""

from __future__ import annotations

import asyncio
import threading
import urllib.error
import urllib.request

import pytest

from sendkit import OAuth2
from sendkit._credentials.authorization_server import AuthorizationServer, find_server
from sendkit._credentials.browser import BROWSER_LIMIT, by_browser
from sendkit._credentials.device import by_device
from sendkit._credentials.grants import OAuthClient, Token
from sendkit._credentials.token_endpoint import Refusal
from tests.credentials.helpers import renewed, token
from tests.servers.skipping import move_on
from tests.servers.token_server import CLIENT, CLIENT_SECRET, TokenServer

KNOWN = OAuthClient.of(CLIENT, CLIENT_SECRET)


class Person:
    """Sees an address and a code, and grants access when the program has waited so often."""

    def __init__(self, server: TokenServer, waits: int) -> None:
        self.server, self.waits = server, waits
        self.shown: list[tuple[str, str]] = []
        self.slept: list[float] = []
        server.granted = None

    def show(self, url: str, code: str) -> None:
        self.shown.append((url, code))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self.waits:
            self.server.granted = True


async def by_code(person: Person) -> Token | Refusal:
    found = await find_server(person.server.issuer)
    return await by_device(found, KNOWN, "mail", person.show, sleep=person.sleep)


async def test_a_device_code_is_shown_and_asked_for_until_it_is_granted(server: TokenServer) -> None:
    person = Person(server, waits=3)
    answer = await by_code(person)
    assert isinstance(answer, Token)
    assert answer.refresh is not None
    assert person.shown == [(f"{server.issuer}/activate", "WDJB-MJHT")]
    assert person.slept == [5, 5, 5]


async def test_a_server_that_wants_it_slower_gets_it_slower(server: TokenServer) -> None:
    person = Person(server, waits=3)
    server.answers.append((400, b'{"error": "slow_down"}'))
    assert isinstance(await by_code(person), Token)
    assert person.slept == [5, 10, 10]


async def test_a_code_that_nobody_grants_expires(server: TokenServer) -> None:
    person = Person(server, waits=100)
    answer = await by_code(person)
    assert isinstance(answer, Refusal)
    assert (answer.code, len(person.slept)) == ("expired_token", 6)


async def test_a_person_may_say_no(server: TokenServer) -> None:
    person = Person(server, waits=100)
    server.granted = False
    answer = await by_code(person)
    assert isinstance(answer, Refusal)
    assert (answer.code, len(person.slept)) == ("access_denied", 1)


async def test_a_device_code_is_asked_for_once_and_then_its_refresh_token(
    server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_wait(seconds: float) -> None:
        assert seconds == 5

    monkeypatch.setitem(by_device.__kwdefaults__, "sleep", no_wait)
    shown: list[str] = []
    tokens = OAuth2.device_code(server.issuer, client_id=CLIENT, show=lambda url, code: shown.append(code))
    first = await token(tokens)
    assert await renewed(tokens, first) not in (None, first)
    assert shown == ["WDJB-MJHT"]
    assert [len(list(server.grants(kind))) for kind in ("device_code", "refresh_token")] == [1, 1]


async def test_a_provider_without_device_codes_says_so() -> None:
    answer = await by_device(AuthorizationServer("https://id.example.com/token"), KNOWN, None, print)
    assert isinstance(answer, Refusal)
    assert "no device code" in answer.why


def follow(url: str) -> None:
    """What a browser does when a person clicks."""
    with urllib.request.urlopen(url) as answer:
        answer.read()


async def in_browser(server: TokenServer, **settings: float) -> Token | Refusal:
    clicks: list[threading.Thread] = []

    def show(url: str, code: str) -> None:
        assert code == ""
        clicks.append(threading.Thread(target=follow, args=(url,)))
        clicks[-1].start()

    answer = await by_browser(await find_server(server.issuer), KNOWN, "mail", show, **settings)
    for click in clicks:
        click.join()
    return answer


async def test_a_browser_brings_the_code_back_to_loopback(server: TokenServer) -> None:
    answer = await in_browser(server)
    assert isinstance(answer, Token)
    assert answer.refresh is not None
    question, form = server.asked
    assert question["code_challenge_method"] == "S256"
    assert question["redirect_uri"].startswith("http://127.0.0.1:")
    assert (question["scope"], form["grant_type"]) == ("mail", "authorization_code")


async def test_a_person_may_say_no_in_the_browser(server: TokenServer) -> None:
    server.granted = False
    answer = await in_browser(server)
    assert isinstance(answer, Refusal)
    assert answer.code == "access_denied"


async def test_a_redirect_that_we_did_not_ask_for_does_not_count(server: TokenServer) -> None:
    loop = asyncio.get_running_loop()

    def show(url: str, _: str) -> None:
        redirect = url.partition("redirect_uri=")[2].partition("&")[0].replace("%3A", ":").replace("%2F", "/")
        with pytest.raises(urllib.error.HTTPError):
            follow(f"{redirect}/?code=stolen&state=guessed")
        loop.call_soon_threadsafe(move_on, BROWSER_LIMIT)

    answer = await by_browser(
        await find_server(server.issuer),
        KNOWN,
        None,
        lambda url, code: loop.run_in_executor(None, show, url, code),
    )
    assert isinstance(answer, Refusal)
    assert answer.code == "expired_token"
    assert server.asked == []
