"""Access tokens: by every grant from a server that supports it, kept while they are good, and one refresh at a time."""

from __future__ import annotations

import asyncio
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from sendkit import OAuth2
from sendkit._credentials.authorization_server import find_server
from sendkit._credentials.grants import OAuthClient
from sendkit._credentials.token_endpoint import Refusal, ask
from sendkit.errors import ConfigurationError, CredentialsError
from sendkit.testing import assert_no_secret_leaks
from tests.credentials.helpers import renewed, token
from tests.servers.authority import Authority, Certificate
from tests.servers.token_server import CLIENT, CLIENT_SECRET, TokenServer

REFRESH = "refresh-token-of-ana"
KNOWN = OAuthClient.of(CLIENT, CLIENT_SECRET)


def refreshing(server: TokenServer, **settings: str) -> OAuth2:
    """Tokens for Ana's refresh token."""
    return OAuth2.refresh_token(server.issuer, **{"client_id": CLIENT, "refresh_token": REFRESH, **settings})


class Clock:
    """A clock that stands until it is put forward."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_refresh_token_is_traded_for_an_access_token(server: TokenServer) -> None:
    assert await token(refreshing(server, scope="mail")) == "access-token-1"
    (form,) = server.asked
    assert form == {"grant_type": "refresh_token", "refresh_token": REFRESH, "client_id": CLIENT, "scope": "mail"}


async def test_a_program_gets_a_token_in_its_own_name(server: TokenServer) -> None:
    tokens = OAuth2.client_credentials(server.issuer, client_id=CLIENT, client_secret=CLIENT_SECRET)
    assert await token(tokens) == "access-token-1"
    (form,) = server.asked
    assert form == {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": CLIENT_SECRET}


async def test_a_token_is_kept_until_a_minute_before_it_expires() -> None:
    clock, asked = Clock(), [0]

    def provide() -> dict[str, object]:
        asked[0] += 1
        return {"access_token": f"token-{asked[0]}", "expires_in": 3600}

    tokens = OAuth2(provide, clock=clock)
    for later, expected in ((0, 1), (3539, 1), (1, 2), (3539, 2), (-10_000, 3)):
        clock.now += later
        assert await token(tokens) == f"token-{expected}"


async def test_a_token_of_unknown_lifetime_is_asked_for_at_each_login() -> None:
    answers = iter("abc")
    tokens = OAuth2(lambda: next(answers))
    assert [await token(tokens) for _ in range(3)] == ["a", "b", "c"]


async def test_a_provider_may_be_async_or_return_what_an_async_function_made() -> None:
    async def provide() -> str:
        return "token"

    hidden = partial(provide)
    assert [await token(OAuth2(provide)), await token(OAuth2(lambda: hidden()))] == ["token", "token"]  # noqa: PLW0108 - no async function itself


async def test_a_sync_provider_runs_on_a_thread_of_its_own() -> None:
    threads: list[str] = []

    def provide() -> str:
        threads.append(threading.current_thread().name)
        return "token"

    await token(OAuth2(provide))
    assert threads == ["sendkit-worker"]


async def test_logins_at_the_same_time_share_one_refresh(server: TokenServer) -> None:
    server.one_use = True
    tokens = refreshing(server)
    assert set(await asyncio.gather(*(token(tokens) for _ in range(8)))) == {"access-token-1"}
    assert len(server.asked) == 1


def test_loops_of_several_threads_share_one_refresh(server: TokenServer) -> None:
    server.one_use = True
    tokens = refreshing(server)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: asyncio.run(token(tokens)), range(8))) == {"access-token-1"}
    assert len(server.asked) == 1


async def test_who_gives_up_does_not_take_the_token_from_the_others() -> None:
    gate, begun = asyncio.Event(), asyncio.Event()

    async def provide() -> dict[str, object]:
        begun.set()
        await gate.wait()
        return {"access_token": "token", "expires_in": 3600}

    tokens = OAuth2(provide)
    first, second = (asyncio.create_task(token(tokens)) for _ in range(2))
    await begun.wait()
    first.cancel()
    gate.set()
    assert await second == "token"
    assert first.cancelled()


async def test_a_refused_token_is_replaced_once_in_five_minutes() -> None:
    clock, asked = Clock(), [0]

    def provide() -> dict[str, object]:
        asked[0] += 1
        return {"access_token": f"token-{asked[0]}", "expires_in": 3600}

    tokens = OAuth2(provide, clock=clock)
    assert await token(tokens) == "token-1"
    assert await renewed(tokens, "token-1") == "token-2"
    assert await renewed(tokens, "token-1") == "token-2", "somebody else has replaced it"
    assert await renewed(tokens, "token-2") == "token-2", "not so soon again"
    clock.now += 300
    assert await renewed(tokens, "token-2") == "token-3"


async def test_a_new_refresh_token_takes_the_place_of_the_old_one(server: TokenServer) -> None:
    server.one_use = True
    tokens = refreshing(server)
    first = await token(tokens)
    assert await renewed(tokens, first) == "access-token-3"
    assert [form["refresh_token"] for form in server.grants("refresh_token")] == [REFRESH, "refresh-token-2"]


@pytest.mark.parametrize(
    ("status", "body", "words", "transient"),
    [
        (400, b'{"error": "invalid_grant", "error_description": "revoked\\n"}', "invalid_grant: revoked", False),
        (401, b'{"error": "invalid_client"}', "invalid_client", False),
        (400, b'{"error": "invalid_scope"}', "invalid_scope", False),
        (429, b"slow down", "HTTP status 429", True),
        (503, b"<html>", "HTTP status 503", True),
        (400, b'{"error": "temporarily_unavailable"}', "temporarily_unavailable", True),
        (200, b"no json", "HTTP status 200", False),
        (200, b"[" * 100_000, "HTTP status 200", False),
        (200, b'{"access_token": "a b"}', "not an access token", False),
        (200, b'{"access_token": "a\\u0001auth=x"}', "not an access token", False),
        (200, b'{"access_token": 7}', "not an access token", False),
        (200, b'{"access_token": "a", "token_type": "mac"}', "not Bearer", False),
        (302, b"", "HTTP status 302", False),
        (307, b"", "HTTP status 307", False),
    ],
)
async def test_an_answer_without_a_token_is_an_error_with_what_to_do(
    server: TokenServer, status: int, body: bytes, words: str, transient: bool
) -> None:
    server.answers.append((status, body))
    with assert_no_secret_leaks(REFRESH) as watch:
        with pytest.raises(CredentialsError, match=words) as caught:
            await token(refreshing(server))
        watch.look_at(caught.value)
    assert caught.value.transient is transient
    assert caught.value.hint
    assert len(server.asked) == 1


async def test_a_revoked_refresh_token_says_how_to_log_in_again(server: TokenServer) -> None:
    server.refresh_tokens.clear()
    with pytest.raises(CredentialsError, match="sendkit login --oauth"):
        await token(refreshing(server))


async def test_a_provider_that_fails_is_named_and_its_error_is_the_cause() -> None:
    def provide() -> str:
        raise ValueError("token=hunter2")

    with pytest.raises(CredentialsError, match="failed with ValueError") as caught:
        await token(OAuth2(provide))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "hunter2" not in "".join(shown.format())
    assert isinstance(caught.value.__cause__, ValueError)


async def test_a_server_that_cannot_be_reached_may_be_asked_later() -> None:
    with TokenServer() as server:
        tokens = refreshing(server)
    with pytest.raises(CredentialsError, match="not reached") as caught:
        await token(tokens)
    assert caught.value.transient
    assert "HTTPS_PROXY" in (caught.value.hint or "")


async def test_a_server_that_does_not_answer_is_given_up(server: TokenServer) -> None:
    gate = threading.Event()
    server.make = lambda: "late" if gate.wait() else ""
    form = {"grant_type": "refresh_token", "refresh_token": REFRESH, "client_id": CLIENT}
    answer = await ask(f"{server.issuer}/token", form, limit=0.2)
    gate.set()
    assert isinstance(answer, Refusal)
    assert answer.transient


async def test_a_certificate_that_is_good_is_asked_for(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    with TokenServer(tls=authority.server_context()) as server:
        with pytest.raises(CredentialsError, match="certificate"):
            await token(refreshing(server))
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
        assert await token(refreshing(server)) == "access-token-1"
    with TokenServer(tls=authority.server_context(Certificate.WRONG_HOST)) as server:
        with pytest.raises(CredentialsError):
            await token(refreshing(server))
        assert server.asked == []


@pytest.mark.parametrize(
    "provider", ["http://id.example.com", "ftp://x", "gogle", "microsoft:a/b", "", "https://", "https://[", "google:x"]
)
def test_a_provider_that_secrets_must_not_be_sent_to_is_a_configuration_error(provider: str) -> None:
    with pytest.raises(ConfigurationError):
        OAuth2.refresh_token(provider, client_id=CLIENT, refresh_token=REFRESH)


def test_a_client_without_an_id_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="client id"):
        OAuth2.refresh_token("google", client_id="", refresh_token=REFRESH)
    with pytest.raises(ConfigurationError, match="not callable"):
        OAuth2("token")  # type: ignore[arg-type]


@pytest.mark.parametrize("provider", ["google", "microsoft", "microsoft:contoso.com"])
async def test_the_known_providers_are_reached_over_https(provider: str) -> None:
    server = await find_server(provider)
    assert all(
        url is None or url.startswith("https://") for url in (server.token_url, server.device_url, server.authorize_url)
    )
    assert "contoso.com" not in provider or "contoso.com" in server.token_url


async def test_google_gives_no_mail_to_device_codes_so_that_its_browser_is_asked() -> None:
    google, microsoft = await find_server("google"), await find_server("microsoft")
    assert (google.device_url, google.authorize_url is not None, microsoft.device_url is not None) == (None, True, True)


async def test_the_metadata_of_another_issuer_does_not_count(server: TokenServer) -> None:
    server.issuer_claimed = "https://id.example.com"
    with pytest.raises(CredentialsError, match="another issuer"):
        await token(refreshing(server))
    assert server.asked == []
