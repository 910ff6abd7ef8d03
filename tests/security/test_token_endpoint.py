"""Malicious authorization servers: whatever an endpoint does is a refusal as a value, and no text or frame has a token.

The class is CWE-209 and CWE-532, and CWE-918 for endpoints that lead elsewhere. RFC 6749 section 5, RFC 8414, RFC 8628.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from sendkit import AsyncMailer, OAuth2, RetryPolicy, errors
from sendkit._credentials.grants import OAuthClient, RefreshToken, Token, read_token
from sendkit._credentials.secret import Secret
from sendkit._credentials.stored_grant import StoredGrant, open_grant
from sendkit._credentials.token_endpoint import Refusal, ask
from sendkit.testing import assert_no_secret_leaks
from tests.accounts import ANA, message
from tests.servers.addresses import outside_address
from tests.servers.authority import Authority
from tests.servers.raw_http import RawHTTP, http

# Constants of this module, and in no local variable: tracebacks are searched for them.
REFRESH = "1//0refresh-t0ken/of+ana"
CLIENT_SECRET = "cl1ent-s3cret-of-the-app"
ESCAPE = "\x1b]0;owned\x07\x1b[2J"


def _chunked(status: str, size: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n%s" % (status.encode(), size, body)


def _echo(status: str) -> Callable[[str], bytes]:
    def answer(body: str) -> bytes:
        words = f"{REFRESH} {quote(REFRESH, safe='')} {CLIENT_SECRET} {body}"
        return http({"error": REFRESH, "error_description": words}, status)

    return answer


FAULTS: dict[str, Callable[[str], bytes]] = {
    "a cut chunked 400": lambda _: _chunked("400 Bad Request", b"400", b"{"),
    "a cut chunked 200": lambda _: _chunked("200 OK", b"400", b"{"),
    "a chunk size that is not a number": lambda _: _chunked("400 Bad Request", b"xyz", b"{"),
    "a cut body": lambda _: b"HTTP/1.1 400 Bad\r\nContent-Length: 500\r\n\r\n{",
    "a status that is not a number": lambda _: b"HTTP/1.1 abc\r\n\r\n",
    "a status line that does not end": lambda _: b"HTTP/1.1 200 " + b"x" * 70_000,
    "many headers": lambda _: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "a length that is not a number": lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    "nothing": lambda _: b"",
    "octets": lambda _: bytes(range(256)),
    "no JSON": lambda _: http(b"\xff\xfe"),
    "deep JSON": lambda _: http(b"[" * 200_000),
    "a list": lambda _: http([1]),
    "a number of many digits": lambda _: http(b'{"access_token": 1' + b"0" * 9000 + b"}"),
    "a redirect to a URL that is none": lambda _: b"HTTP/1.1 302 Found\r\nLocation: http://[::\r\n\r\n",
    "an authentication that is none": lambda _: b"HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate \xff\r\n\r\n",
    "a token that is none": lambda _: http({"access_token": "a b", "refresh_token": REFRESH}),
    "a token that is too long": lambda _: http({"access_token": "a" * 100_000}),
    "a token of another type": lambda _: http({"access_token": "abc", "token_type": "mac", "refresh_token": REFRESH}),
    "a refresh token with NUL": lambda _: http({"access_token": "abc", "refresh_token": f"{REFRESH}\0"}),
    "a refresh token that is not text": lambda _: http({"access_token": "abc", "refresh_token": f"{REFRESH}\ud800"}),
    "an echo in a 400": _echo("400 Bad Request"),
    "an echo in a 500": _echo("500 Oh"),
    "an echo in a 200": _echo("200 OK"),
}  # fmt: skip


@pytest.fixture
def endpoint() -> Iterator[RawHTTP]:
    with RawHTTP(lambda path, body: b"") as server:
        yield server


def _as_issuer(server: RawHTTP, answer: Callable[[str], bytes]) -> str:
    metadata = {"issuer": server.url, "token_endpoint": f"{server.url}/token"}
    server.answer = lambda path, body: http(metadata) if "well-known" in path else answer(body)
    return server.url


def _credentials(issuer: str) -> OAuth2:
    return OAuth2.refresh_token(issuer, client_id="app", client_secret=CLIENT_SECRET, refresh_token=REFRESH)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault_of_a_token_endpoint_is_a_refusal_and_shows_no_token(
    endpoint: RawHTTP, fault: Callable[[str], bytes]
) -> None:
    credentials = _credentials(_as_issuer(endpoint, fault))
    with assert_no_secret_leaks(REFRESH) as watch, assert_no_secret_leaks(CLIENT_SECRET) as other:
        with pytest.raises(errors.CredentialsError) as refused:
            await credentials.secret(host="smtp.example.com", username=ANA)
        for each in (watch, other):
            each.look_at(refused.value, str(refused.value))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault_of_a_token_endpoint_leaves_send_as_a_result_or_as_an_error_without_the_token(
    endpoint: RawHTTP, fault: Callable[[str], bytes]
) -> None:
    credentials = _credentials(_as_issuer(endpoint, fault))
    with assert_no_secret_leaks(REFRESH) as watch:
        async with AsyncMailer(
            "127.0.0.1:9", username=ANA, credentials=credentials, retry=RetryPolicy(max_attempts=1)
        ) as mailer:
            try:
                result = await mailer.send(message(), check=False)
            except errors.CredentialsError as error:
                watch.look_at(error)
            else:
                watch.look_at(result, result.model_dump_json())


@pytest.mark.parametrize("lifetime", [10**400, -1, 0, "9" * 400, "x", True, float("inf"), float("nan"), [], 1e300])
def test_a_lifetime_that_cannot_be_is_none(lifetime: object) -> None:
    token = read_token({"access_token": "abc", "expires_in": lifetime})
    assert isinstance(token, Token)
    assert token.lifetime is None or 0 < token.lifetime <= 10**9 * 10


URLS = [
    "https://" + "a" * 64 + ".example.com/token", "https://" + "a." * 200 + "com/", "https://bücher.example/token",
    "https://example.com:99999/", "https://example.com:/", "https://example.com:0/", "https://:443/", "https://",
    "https://[::1/token", "https://exa mple.com/", "https://example.com/\r\nX: y", "https://example.com/\x1b[2J",
    "https://example.com\\@evil.example/", "https://user@example.com/", "http://example.com/", "ftp://127.0.0.1/",
    "javascript:alert(1)//", "file:///etc/passwd", "//example.com/", "example.com", "", "http://x@localhost/",
    "http://localhost.example.com/", "http://127.0.0.1.example.com/", "http://localhost@example.com/", "http://[::2]/",
    "https://\u2100.example/", "https://example.com/" + "a" * 5000, 5, None, ["https://example.com"],
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
async def test_a_url_that_cannot_be_asked_is_a_refusal_and_never_asked(url: object) -> None:
    with assert_no_secret_leaks(REFRESH) as watch:
        answer = await ask(url, {"refresh_token": REFRESH})  # type: ignore[arg-type]
        watch.look_at(answer)
    assert isinstance(answer, Refusal)
    assert "URL" in answer.why
    assert not answer.transient


@pytest.mark.parametrize("name", ["token_endpoint", "device_authorization_endpoint", "authorization_endpoint"])
@pytest.mark.parametrize("url", [url for url in URLS if url is not None])
async def test_metadata_with_a_url_that_cannot_be_asked_is_refused_as_credentials(
    endpoint: RawHTTP, url: object, name: str
) -> None:
    metadata = {"issuer": endpoint.url, "token_endpoint": f"{endpoint.url}/token", name: url}
    endpoint.answer = lambda path, body: http(metadata)
    with pytest.raises(errors.CredentialsError, match=name):
        await _credentials(endpoint.url).secret(host="h", username=ANA)
    assert all("well-known" in path for path, _ in endpoint.requests)


@pytest.mark.parametrize("scheme", ["http://127.0.0.1:{}", "http://localhost:{}", "http://[::1]:{}"])
async def test_an_https_issuer_has_https_endpoints(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """Else whatever listens on a port of this machine gets the refresh token."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    with RawHTTP(lambda path, body: http({"access_token": "abc"})) as here:
        with RawHTTP(lambda path, body: b"", tls=authority.server_context()) as issuer:
            metadata = {"issuer": issuer.url, "token_endpoint": scheme.format(here.port)}
            issuer.answer = lambda path, body: http(metadata)
            with pytest.raises(errors.CredentialsError, match="must be https"):
                await _credentials(issuer.url).secret(host="h", username=ANA)
        assert issuer.requests
        assert here.requests == []


@pytest.mark.parametrize("url", ["http://LOCALHOST:{}/", "http://localhost:{}/", "http://127.0.0.1:{}/"])
async def test_plain_http_to_this_machine_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    told: list[bytes] = [http({"proxy": True}), http({"proxy": False})]
    with RawHTTP(lambda path, body: told[0]) as proxy, RawHTTP(lambda path, body: told[1]) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert await ask(url.format(server.port), {"refresh_token": REFRESH}) == {"proxy": False}
    assert proxy.requests == []


async def test_plain_http_goes_to_this_machine_by_its_address_and_not_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A resolver may say what it likes of localhost; the secret goes to a loopback address, or nowhere."""
    elsewhere = outside_address()
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real(elsewhere, *rest, **more))
    with RawHTTP(lambda path, body: http({}), address=elsewhere) as server:
        answer = await ask(f"http://localhost:{server.port}/", {"refresh_token": REFRESH})
    assert isinstance(answer, Refusal)
    assert server.requests in ([], [("", "")])


def test_a_stored_grant_is_judged_like_a_new_one() -> None:
    client = OAuthClient.of("app", None)
    for provider in ("http://id.example.com", "https://x@id.example.com", "nonsense", "https://a b/"):
        stored = StoredGrant(provider, client, Secret(REFRESH)).written()
        assert open_grant(stored, "keyring", "h", ANA) is None
    assert open_grant(StoredGrant("google", client, Secret(REFRESH)).written(), "keyring", "h", ANA) is not None


@pytest.mark.parametrize(
    "fields", [{"refresh_token": "{}\0"}, {"refresh_token": "{}\ud800"}, {"client_secret": "{}\0"}]
)
def test_a_stored_grant_that_cannot_be_used_is_none_and_raises_nothing(fields: dict[str, str]) -> None:
    with assert_no_secret_leaks(REFRESH):
        grant = {"provider": "google", "client_id": "app", "refresh_token": REFRESH}
        grant |= {key: value.format(REFRESH) for key, value in fields.items()}
        assert open_grant(Secret("oauth2:" + json.dumps(grant)), "keyring", "h", ANA) is None
        del grant


@pytest.mark.parametrize("value", ["{}\0", "{}\ud800", ""])
def test_an_impossible_secret_of_a_grant_is_refused_without_a_frame_that_holds_it(value: str) -> None:
    makers: list[Callable[[str], object]] = [
        lambda v: OAuth2.refresh_token("google", client_id="app", refresh_token=v),
        lambda v: OAuth2.refresh_token("google", client_id="app", refresh_token="x", client_secret=v),
        lambda v: OAuth2.client_credentials("google", client_id="app", client_secret=v),
        lambda v: OAuth2.device_code("google", client_id="app", client_secret=v, show=print),
    ]
    for make in makers:
        with assert_no_secret_leaks(REFRESH) as watch:
            refused = _refused(make, value)
            if value or make is not makers[3]:
                watch.look_at(refused)


def _refused(make: Callable[[str], object], value: str) -> BaseException | None:
    """What is raised, without the frames of the test's own function, which holds the value on purpose."""
    try:
        make(value.format(REFRESH))
    except errors.ConfigurationError as error:
        while error.__traceback__ and error.__traceback__.tb_frame.f_code.co_filename == __file__:
            error.__traceback__ = error.__traceback__.tb_next
        return error
    return None


@pytest.mark.parametrize("url", ["http://id.example.com", "https://a:{}@id.example.com", "https://id.example.com:{}"])
def test_a_wrong_provider_is_refused_without_a_frame_that_holds_a_secret(url: str) -> None:
    with assert_no_secret_leaks(REFRESH) as watch, pytest.raises(errors.ConfigurationError) as refused:
        OAuth2.refresh_token(url.format("x"), client_id="app", refresh_token=REFRESH, client_secret=CLIENT_SECRET)
    watch.look_at(refused.value)


def test_a_refresh_token_as_a_grant_shows_nothing_of_itself() -> None:
    with assert_no_secret_leaks(REFRESH) as watch:
        watch.look_at(RefreshToken("google", OAuthClient.of("app", CLIENT_SECRET), Secret(REFRESH)))
