"""`sendkit login` tries the secret at the server before it stores it, and gets OAuth 2 grants where they are given."""

from __future__ import annotations

import sys
import threading
import urllib.request
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendkit import Mailer, Message, Security, Server, errors
from sendkit._credentials.device import by_device
from sendkit.testing import LocalServer, assert_no_secret_leaks
from tests.servers.authority import Authority
from tests.servers.postfix import Postfix
from tests.servers.proxies import tinyproxy
from tests.servers.redirect import target_of
from tests.servers.secretservice import SecretService
from tests.servers.token_server import CLIENT, CLIENT_SECRET, TokenServer

from .shell import LETTER, Shell

GOOD, WEAK, ANA = "rq7-Vub9-xLpw-2mKz", "password1", "ana@example.test"


@pytest.fixture
def smtp() -> Iterator[LocalServer]:
    with LocalServer(username=ANA, password=GOOD) as server:
        yield server


@pytest.fixture
def tokens(postfix: Postfix) -> Iterator[TokenServer]:
    """An authorization server whose tokens Dovecot takes."""
    with TokenServer(lambda: postfix.signer.token(ANA)) as server:
        yield server


def place(server: LocalServer | Postfix, port: int | None = None) -> tuple[str, ...]:
    """The arguments that name a server and Ana there."""
    port = port or (server.port if isinstance(server, LocalServer) else server.starttls_port)
    return ("--ca-file", str(server.ca_file), f"{server.host}:{port}", ANA)


def test_what_the_server_takes_is_stored(shell: Shell, smtp: LocalServer, secret_service: SecretService) -> None:
    answer = shell("login", *place(smtp), stdin=GOOD.encode())
    assert (answer.code, answer.err) == (0, "")
    assert f"{smtp.host}:{smtp.port} took it" in answer.out
    assert secret_service.get(f"sendkit:{smtp.host}", ANA) == GOOD
    assert smtp.messages == []


def test_what_the_server_refuses_is_not_stored(shell: Shell, smtp: LocalServer, secret_service: SecretService) -> None:
    with assert_no_secret_leaks("wrong-" + GOOD) as watch:
        answer = shell("login", *place(smtp), stdin=b"wrong-" + GOOD.encode())
        watch.look_at(answer)
    assert answer.code == 77
    assert "refuses the login, nothing was stored: 535" in answer.err
    assert "hint:" in answer.err
    assert secret_service.get(f"sendkit:{smtp.host}", ANA) is None


def test_what_could_not_be_tried_is_stored_and_said_so(
    shell: Shell, smtp: LocalServer, secret_service: SecretService, authority: Authority
) -> None:
    """Neither a server that is away, nor one whose certificate is not trusted, says anything about the password."""
    with LocalServer() as gone:
        away = place(smtp, gone.port)
    for arguments in (away, ("--ca-file", str(authority.ca_file), *place(smtp)[2:])):
        answer = shell("login", *arguments, stdin=GOOD.encode())
        assert (answer.code, answer.err) == (0, "")
        assert "could not be tested" in answer.out
    assert secret_service.get(f"sendkit:{smtp.host}", ANA) == GOOD
    assert smtp.messages == []


def test_it_is_tried_through_the_proxy_that_was_named(
    shell: Shell, smtp: LocalServer, secret_service: SecretService, tmp_path: Path
) -> None:
    """A proxy that says no keeps it from being tried; a password in the flag is refused."""
    with tinyproxy(tmp_path, ports=(smtp.port,)) as port:
        answer = shell("login", "--proxy", f"http://127.0.0.1:{port}", *place(smtp), stdin=GOOD.encode())
    assert f"{smtp.host}:{smtp.port} took it" in answer.out
    answer = shell("login", "--proxy", f"http://127.0.0.1:{port}", *place(smtp), stdin=GOOD.encode())
    assert (answer.code, "could not be tested" in answer.out) == (0, True)
    answer = shell("login", "--proxy", "http://ana:secret@127.0.0.1:1", *place(smtp), stdin=GOOD.encode())
    assert (answer.code, "--proxy: a password in the proxy's URL is refused here" in answer.err) == (78, True)


def test_told_not_to_it_asks_no_server(shell: Shell, smtp: LocalServer, secret_service: SecretService) -> None:
    smtp.on_connect().refuse()
    answer = shell("login", "--no-test", *place(smtp), stdin=b"anything that is not right")
    assert (answer.code, "not tested" in answer.out) == (0, True)


def test_a_weak_password_is_warned_of_and_stored(shell: Shell, secret_service: SecretService) -> None:
    for weak in (WEAK, "ana@example.test1", "a" * 500):
        answer = shell("login", "--no-test", "smtp.example.test", ANA, stdin=weak.encode())
        assert answer.code == 0
        assert "easily guessed" in answer.err
        assert weak not in answer.out + answer.err
    assert secret_service.get("sendkit:smtp.example.test", ANA) == "a" * 500


def test_without_the_extra_there_is_no_warning(
    shell: Shell, secret_service: SecretService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zxcvbn", None)
    answer = shell("login", "--no-test", "smtp.example.test", ANA, stdin=WEAK.encode())
    assert (answer.code, answer.err) == (0, "")


@pytest.mark.parametrize("option", ["--client-id", "--scope"])
def test_what_belongs_to_oauth_needs_it(shell: Shell, option: str) -> None:
    assert shell("login", option, "x", "smtp.example.test", ANA).code == 64


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go_on(_: float) -> None:
        """A person is quick here."""

    assert by_device.__kwdefaults__
    monkeypatch.setitem(by_device.__kwdefaults__, "sleep", go_on)


def stored_grant(secret_service: SecretService, host: str) -> str:
    return secret_service.get(f"sendkit:{host}", ANA) or ""


@pytest.mark.usefixtures("no_wait")
def test_a_device_code_ends_in_a_grant_by_which_mailers_send(
    shell: Shell, postfix: Postfix, tokens: TokenServer, secret_service: SecretService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDKIT_OAUTH_CLIENT_SECRET", CLIENT_SECRET)
    tokens.one_use = True
    tokens.refresh_tokens.clear()
    answer = shell("login", "--oauth", tokens.issuer, "--client-id", CLIENT, "--scope", "mail", *place(postfix))
    assert (answer.code, answer.err) == (0, "")
    assert f"Open {tokens.issuer}/activate on any device, and type: WDJB-MJHT" in answer.out
    before = stored_grant(secret_service, postfix.host)
    assert not any(secret in answer.out for secret in (*tokens.refresh_tokens, CLIENT_SECRET))
    account = ("--host", place(postfix)[2], "--user", ANA, "--ca-file", str(postfix.ca_file))
    sent = shell("send", *account, "-f", ANA, "-t", "luis@example.test", *LETTER[4:])
    assert (sent.code, sent.err) == (0, "")
    assert len(postfix.mailbox("luis")) == 1
    assert [session.tried.get("auth") for session in postfix.sessions()] == [1, 1]
    # The refresh token was good for one use, and the one that came instead is in the keyring now.
    (new,) = tokens.refresh_tokens
    assert new in stored_grant(secret_service, postfix.host) != before


def test_a_provider_without_device_codes_for_mail_is_asked_in_the_browser(
    shell: Shell, postfix: Postfix, tokens: TokenServer, secret_service: SecretService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_browser(url: str) -> bool:
        threading.Thread(target=lambda: urllib.request.urlopen(target_of(url)).close()).start()
        return True

    monkeypatch.setattr(webbrowser, "open", open_browser)
    monkeypatch.setattr(tokens, "device_codes", False)
    monkeypatch.setenv("SENDKIT_OAUTH_CLIENT_ID", CLIENT)
    answer = shell("login", "--oauth", tokens.issuer, *place(postfix))
    assert (answer.code, answer.err) == (0, "")
    assert "took it" in answer.out
    assert stored_grant(secret_service, postfix.host).startswith('oauth2:{"provider"')


@pytest.mark.usefixtures("no_wait")
def test_access_that_is_not_granted_stores_nothing(
    shell: Shell, postfix: Postfix, tokens: TokenServer, secret_service: SecretService
) -> None:
    tokens.granted = False
    answer = shell("login", "--oauth", tokens.issuer, "--client-id", CLIENT, *place(postfix))
    assert (answer.code, "access_denied" in answer.err) == (77, True)
    assert stored_grant(secret_service, postfix.host) == ""


@pytest.mark.usefixtures("no_wait")
def test_a_token_that_the_mail_server_refuses_stores_nothing(
    shell: Shell, postfix: Postfix, tokens: TokenServer, secret_service: SecretService
) -> None:
    tokens.make = lambda: "not-a-token-of-dovecot"
    answer = shell("login", "--oauth", tokens.issuer, "--client-id", CLIENT, *place(postfix))
    assert answer.code == 77
    assert "the token was refused" in answer.err
    assert stored_grant(secret_service, postfix.host) == ""


def test_an_application_without_an_id_is_78(shell: Shell) -> None:
    answer = shell("login", "--oauth", "google", "smtp.gmail.com", ANA)
    assert (answer.code, "client id" in answer.err) == (78, True)


def test_a_revoked_grant_says_how_to_log_in_again_and_a_new_one_is_found(
    postfix: Postfix, tokens: TokenServer, secret_service: SecretService
) -> None:
    entry = f'oauth2:{{"provider":"{tokens.issuer}","client_id":"{CLIENT}","refresh_token":"REFRESH"}}'
    secret_service.set(f"sendkit:{postfix.host}", ANA, entry.replace("REFRESH", "revoked"))
    server = Server(postfix.host, postfix.starttls_port, Security.STARTTLS, ca_file=postfix.ca_file)
    letter = Message(sender=ANA, to="luis@example.test", text="Hola")
    with Mailer(server, username=ANA) as mailer:
        with pytest.raises(errors.CredentialsError, match="sendkit login --oauth"):
            mailer.send(letter)
        secret_service.set(f"sendkit:{postfix.host}", ANA, entry.replace("REFRESH", "refresh-token-of-ana"))
        assert mailer.send(letter).ok
