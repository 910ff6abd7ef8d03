"""An account is read from a URL or from the environment, and no password is ever taken from, or shown with, either."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from sendkit import Mailer, Security, Server, errors
from sendkit._accounts.account import Account

HIDDEN = "correct-horse-battery"


@pytest.mark.parametrize(
    ("url", "address", "security", "username"),
    [
        ("smtp://smtp.example.com", "smtp.example.com:587", Security.STARTTLS, None),
        (
            "smtp+starttls://ana%40example.com@smtp.example.com:2587/",
            "smtp.example.com:2587",
            Security.STARTTLS,
            "ana@example.com",
        ),
        ("smtps://ana@smtp.example.com", "smtp.example.com:465", Security.IMPLICIT_TLS, "ana"),
        ("SMTPS://smtp.example.com:4650", "smtp.example.com:4650", Security.IMPLICIT_TLS, None),
        ("smtp+none://localhost:2525", "localhost:2525", Security.NONE, None),
        ("smtp://[2001:db8::1]:25", "[2001:db8::1]:25", Security.STARTTLS, None),
        ("smtp://ana%2Bnews%3A1@smtp.example.com", "smtp.example.com:587", Security.STARTTLS, "ana+news:1"),
    ],
)
def test_a_url_names_server_security_and_user(url: str, address: str, security: Security, username: str | None) -> None:
    account = Account.from_url(url)
    assert (account.server.address, account.server.security, account.username) == (address, security, username)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "smtp.example.com",
        "http://smtp.example.com",
        "smtp://",
        "smtp://ana@",
        "smtp://host/path",
        "smtp://host?tls=no",
        "smtp://host#x",
        "smtp://host:port",
        "smtp://host:99999",
        "smtp://[::1",
        "smtp://a b",
        "smtp://%0d%0a",
    ],
)
def test_what_is_no_url_of_a_server_is_refused_with_advice(url: str) -> None:
    with pytest.raises(errors.ConfigurationError) as failure:
        Account.from_url(url)
    assert failure.value.hint


@pytest.mark.parametrize(
    "url",
    [
        f"smtp://ana:{HIDDEN}@smtp.example.com",
        f"smtps://:{HIDDEN}@smtp.example.com",
        f"http://ana:{HIDDEN}@x",
        f"smtp://ana:{HIDDEN}@[x",
        f"smtp://ana:{HIDDEN}@x:port",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(errors.ConfigurationError) as failure:
        Account.from_url(url)
    assert HIDDEN not in str(failure.value)
    assert failure.value.__cause__ is None


def test_an_empty_password_in_a_url_is_one_too() -> None:
    with pytest.raises(errors.ConfigurationError, match="password"):
        Account.from_url("smtp://ana:@smtp.example.com")


def test_a_user_name_with_a_nul_is_refused() -> None:
    """RFC 4616 section 2: it would shift the fields of AUTH PLAIN."""
    with pytest.raises(errors.ConfigurationError):
        Account.from_url("smtp://ana%00root@smtp.example.com")


def test_the_environment_may_hold_a_url() -> None:
    account = Account.from_env(
        {"SENDKIT_URL": "smtps://ana@smtp.example.com", "SENDKIT_HOST": "other.example.com", "SENDKIT_USERNAME": "luis"}
    )
    assert (account.server.address, account.username) == ("smtp.example.com:465", "ana")


def test_a_url_without_a_user_takes_the_one_beside_it() -> None:
    account = Account.from_env({"SENDKIT_URL": "smtps://smtp.example.com", "SENDKIT_USERNAME": "ana"})
    assert account.username == "ana"


def test_the_environment_may_hold_the_urls_of_several_servers() -> None:
    url = "smtps://ana@smtp.example.com\n  smtp://backup.example.net:2587"
    accounts = Account.all_from_env({"SENDKIT_URL": url, "SENDKIT_USERNAME": "ben"})
    assert [(account.server.address, account.username) for account in accounts] == [
        ("smtp.example.com:465", "ana"),
        ("backup.example.net:2587", "ben"),
    ]
    assert Account.all_from_env({"SENDKIT_HOST": "smtp.example.com"}) == (
        Account.from_env({"SENDKIT_HOST": "smtp.example.com"}),
    )


def test_the_environment_may_name_one_thing_after_the_other() -> None:
    account = Account.from_env(
        {
            "SENDKIT_HOST": "smtp.example.com",
            "SENDKIT_PORT": "2465",
            "SENDKIT_SECURITY": "implicit_tls",
            "SENDKIT_USERNAME": "ana",
        }
    )
    assert (account.server.address, account.server.security, account.username) == (
        "smtp.example.com:2465",
        Security.IMPLICIT_TLS,
        "ana",
    )


def test_a_host_is_enough() -> None:
    account = Account.from_env(
        {"SENDKIT_HOST": "smtp.example.com", "SENDKIT_PORT": "", "SENDKIT_SECURITY": "", "SENDKIT_USERNAME": ""}
    )
    assert (account.server.address, account.server.security, account.username) == (
        "smtp.example.com:587",
        Security.STARTTLS,
        None,
    )


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({}, "SENDKIT_HOST"),
        ({"SENDKIT_HOST": ""}, "SENDKIT_HOST"),
        ({"SENDKIT_HOST": "smtp.example.com", "SENDKIT_PORT": "submission"}, "SENDKIT_PORT"),
        ({"SENDKIT_HOST": "smtp.example.com", "SENDKIT_PORT": "٢٥"}, "SENDKIT_PORT"),
        ({"SENDKIT_HOST": "smtp.example.com", "SENDKIT_PORT": "99999"}, "port"),
        ({"SENDKIT_HOST": "smtp.example.com", "SENDKIT_SECURITY": "plain"}, "plain"),
    ],
)
def test_what_is_missing_or_wrong_in_the_environment_is_named(environ: dict[str, str], word: str) -> None:
    with pytest.raises(errors.ConfigurationError) as failure:
        Account.from_env(environ)
    assert word in str(failure.value)
    assert failure.value.hint


@pytest.mark.parametrize("url", ["smtps://smtp.exam\nple.com", "smtps://smtp.example.com\r\nx", "smtps://a\tb@host"])
def test_a_url_with_a_control_character_names_no_other_host(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="control character"):
        Account.from_url(url)


def test_a_url_that_was_read_from_a_file_may_end_with_its_line() -> None:
    assert Account.from_url("smtps://smtp.example.com\n").server.host == "smtp.example.com"


@pytest.mark.parametrize("url", ["smtps://an%ff@smtp.example.com", "smtps://smtp.example.com?ca_file=%ff"])
def test_a_url_that_is_not_utf8_names_no_other_user_or_file(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="UTF-8"):
        Account.from_url(url)


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_username_is_refused_however_it_is_given(empty: str) -> None:
    """Nobody writes one: it is a variable that was not set, and mail would go out without a login."""
    made: tuple[Callable[[], object], ...] = (
        lambda: Mailer("smtp.example.com", username=empty),
        lambda: Mailer.for_provider("gmail", username=empty),
        lambda: Account.from_url(f"smtps://{quote(empty)}@smtp.example.com"),
        lambda: Account.from_url(f"unix://{quote(empty)}@/run/smtp.sock"),
    )
    for make in made:
        with pytest.raises(errors.ConfigurationError, match="empty") as caught:
            make()
        assert "if the server needs no login" in str(caught.value.hint)


@pytest.mark.parametrize("field", ["ca_file", "client_cert", "client_key", "known_hosts"])
def test_an_empty_path_is_none(field: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="path is empty"):
        Server("smtp.example.com", **{field: ""})  # type: ignore[arg-type]  # one of several
