"""Secrets in frames: no error about a setting has one in its text, its context, or the local variables on its way.

The class is CWE-209: what error reporters keep of a traceback. Configuration, environment, URL and file, for each way
to make a mailer, synchronous and asynchronous.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sendkit import AsyncMailer, Mailer, Server, errors, send
from sendkit._credentials import PasswordCommand
from sendkit.testing import assert_no_secret_leaks
from tests.accounts import ANA, message

# Constants of this module, and in no local variable: tracebacks are searched for them.
SECRET = "correct-horse-battery"
BOTH = [Mailer, AsyncMailer]

ENVIRONMENTS = {
    "no server": {},
    "a port that is none": {"SENDKIT_HOST": "smtp.example.com", "SENDKIT_PORT": "x"},
    "a port that cannot be": {"SENDKIT_HOST": "smtp.example.com", "SENDKIT_PORT": "99999"},
    "a host that is none": {"SENDKIT_HOST": "a b"},
    "security that is none": {"SENDKIT_HOST": "smtp.example.com", "SENDKIT_SECURITY": "x"},
    "a URL that is none": {"SENDKIT_URL": "smtp://["},
    "a scheme that is none": {"SENDKIT_URL": "http://smtp.example.com"},
    "a username that is none": {"SENDKIT_URL": "smtp://a%00b@smtp.example.com"},
    "no TLS": {"SENDKIT_URL": "smtp+none://ana@smtp.example.com"},
    "a transport that is none": {"SENDKIT_TRANSPORT": "x"},
    "an audience that is none": {"SENDKIT_HOST": "smtp.example.com", "SENDKIT_ALLOW_ONLY": " "},
    "a redirection that is none": {"SENDKIT_HOST": "smtp.example.com", "SENDKIT_REDIRECT_ALL_TO": "a b"},
}


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
@pytest.mark.parametrize("make", BOTH)
def test_the_password_of_the_environment_is_in_no_frame_of_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, make: type[Mailer | AsyncMailer], environment: dict[str, str]
) -> None:
    _set(monkeypatch, SENDKIT_PASSWORD=SECRET, SENDKIT_OAUTH_CLIENT_SECRET=SECRET, **environment)
    with assert_no_secret_leaks(SECRET) as watch, pytest.raises(errors.ConfigurationError) as refused:
        make.from_env()
    watch.look_at(refused.value)


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_the_password_of_the_environment_is_in_no_frame_of_sendkit_send(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    _set(monkeypatch, SENDKIT_PASSWORD=SECRET, **environment)
    with assert_no_secret_leaks(SECRET) as watch, pytest.raises(errors.ConfigurationError) as refused:
        send(message())
    watch.look_at(refused.value)


URLS = [
    "smtp://ana:{}@smtp.example.com", "smtps://:{}@smtp.example.com", "smtp://ana:{}@smtp.example.com:x",
    "smtp://ana:{}@", "smtp://ana:{}/x@smtp.example.com", "smtp://smtp.example.com/{}", "http://ana:{}@h",
    "smtp://smtp.example.com:{}", "smtp://ana:{}@[::1", "ana:{}@smtp.example.com", "smtp:ana:{}@smtp.example.com",
    "smtp://ana@smtp.example.com?password={}", "smtp://ana@smtp.example.com#{}", "smtp://{}@a b.example.com",
    "smtp://ana:x@{}@smtp.example.com", "smtp+none://ana:{}@localhost", "smtp://ana%3A{}@a..b",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("make", BOTH)
def test_a_password_in_a_refused_url_is_in_no_text_and_no_frame(
    monkeypatch: pytest.MonkeyPatch, make: type[Mailer | AsyncMailer], url: str
) -> None:
    makers: list[Callable[[], object]] = [
        lambda: make.from_url(url.format(SECRET)),
        lambda: make.from_url(["smtp://smtp.example.com", url.format(SECRET)]),
        lambda: make(url.format(SECRET), username=ANA),
        lambda: make(["smtp.example.com", url.format(SECRET)], username=ANA),
        lambda: Server(url.format(SECRET)),
        lambda: Server.parse(url.format(SECRET)),
    ]
    for refuse in makers:
        with assert_no_secret_leaks(SECRET) as watch, pytest.raises(errors.ConfigurationError) as refused:
            refuse()
        watch.look_at(refused.value)
    for name in ("SENDKIT_URL", "SENDKIT_HOST"):
        _set(monkeypatch, **{name: url.format(SECRET)})
        with assert_no_secret_leaks(SECRET) as watch, pytest.raises(errors.ConfigurationError) as refused:
            make.from_env()
        watch.look_at(refused.value)
        monkeypatch.delenv(name)


def _impossible(made: type[Mailer | AsyncMailer], **settings: Any) -> list[Callable[[], object]]:
    host = "smtp.example.com"
    return [
        lambda: made(host, username=ANA, **settings),
        lambda: made.from_url(f"smtp://ana@{host}", **settings),
        lambda: made.from_env(**settings),
        lambda: made.for_provider("gmail", username=ANA, **settings),
        lambda: made.from_config("work", **settings),
    ]


WRONG: dict[str, dict[str, Any]] = {
    "a password with NUL": {"password": f"{SECRET}\0"},
    "a password that is not UTF-8": {"password": f"{SECRET}\ud800"},
    "a password of octets": {"password": SECRET.encode()},
    "a password as credentials": {"credentials": SECRET},
    "a password as octets as credentials": {"credentials": SECRET.encode()},
    "a password and credentials": {"password": SECRET, "credentials": lambda host, name: SECRET},
    "a password and a wrong rate": {"password": SECRET, "rate": "x"},
    "a password and a wrong mechanism": {"password": SECRET, "mechanism": "x"},
    "a password and a wrong number": {"password": SECRET, "max_connections": 0},
    "a password as mechanism": {"mechanism": SECRET},
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("make", BOTH)
def test_an_impossible_setting_leaves_no_frame_that_holds_a_password(
    monkeypatch: pytest.MonkeyPatch, make: type[Mailer | AsyncMailer], wrong: str
) -> None:
    _set(monkeypatch, SENDKIT_HOST="smtp.example.com", SENDKIT_USERNAME=ANA)
    _config('[accounts.work]\nhost = "smtp.example.com"\nusername = "ana@example.com"\n')
    for number in range(5):
        error = _raised(make, wrong, number)
        assert isinstance(error, errors.ConfigurationError)
        with assert_no_secret_leaks(SECRET) as watch:
            watch.look_at(*_beyond_this_module(error))


@pytest.mark.parametrize("make", BOTH)
def test_a_password_under_a_wrong_name_is_in_no_frame(make: type[Mailer | AsyncMailer]) -> None:
    with assert_no_secret_leaks(SECRET) as watch:
        for attempt in (lambda: make("smtp.example.com", passwort=SECRET), lambda: make.from_env(passwd=SECRET)):  # type: ignore[call-arg]
            with pytest.raises(TypeError) as refused:
                attempt()
            watch.look_at(refused.value)


CONFIGS = {
    "a password": 'host = "smtp.example.com"\npassword = "{}"',
    "a password under another name": 'host = "smtp.example.com"\npasswort = "{}"',
    "a password in a URL": 'url = "smtp://ana:{}@smtp.example.com"',
    "a password in the host": 'host = "ana:{}@smtp.example.com"',
    "a command as a text": 'host = "smtp.example.com"\npassword_command = "echo {}"',
    "a number behind it": 'host = "smtp.example.com"\npassword_command = ["echo", "{}"]\nport = 99999',
    "no TOML behind it": 'host = "smtp.example.com"\npassword_command = ["echo", "{}"]\n[',
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("make", BOTH)
def test_what_a_config_file_holds_is_in_no_frame_of_its_errors(make: type[Mailer | AsyncMailer], config: str) -> None:
    _config("[accounts.work]\n" + config.format(SECRET) + "\n")
    with assert_no_secret_leaks(SECRET) as watch, pytest.raises(errors.ConfigurationError) as refused:
        make.from_config("work")
    watch.look_at(refused.value)


@pytest.mark.parametrize("argv", [f"echo {SECRET}", []])
def test_a_command_that_is_no_list_is_in_no_frame(argv: str | list[str]) -> None:
    try:
        PasswordCommand(argv)
    except errors.ConfigurationError as error:
        refused = error
    with assert_no_secret_leaks(SECRET) as watch:
        watch.look_at(*_beyond_this_module(refused))


def test_a_refused_discovery_has_no_frame_with_a_password() -> None:
    with assert_no_secret_leaks(SECRET) as watch, pytest.raises(errors.SendkitError) as refused:
        asyncio.run(AsyncMailer.discover("nobody", password=SECRET))
    watch.look_at(refused.value)


def _raised(make: type[Mailer | AsyncMailer], wrong: str, number: int) -> BaseException | None:
    try:
        _impossible(make, **WRONG[wrong])[number]()
    except errors.ConfigurationError as error:
        return error
    return None


def _beyond_this_module(error: BaseException) -> list[object]:
    """All of an error but the frames of this module, which hold the secret on purpose."""
    frames = (
        [
            value
            for frame in inspect.getinnerframes(error.__traceback__)
            if error.__traceback__
            if frame.filename != __file__
            for value in map(repr, frame.frame.f_locals.values())
        ]
        if error.__traceback__
        else []
    )
    return [str(error), repr(error), vars(error), error.__context__, error.__cause__, *frames]


def _set(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def _config(text: str) -> None:
    folder = Path.home() / "sendkit"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(text)
