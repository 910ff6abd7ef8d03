"""What a Server takes is said alike by the environment, a URL, the config and the command line."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from sendkit import Server, errors
from sendkit._accounts.account import Account
from sendkit._accounts.config import config_file
from sendkit._accounts.server_settings import SERVER_SETTINGS, flag, variable
from sendkit._cli.mailer import mailer_for
from sendkit._cli.options import SendOptions
from sendkit._cli.parser import read
from sendkit._plan.named import KEYS, account_named
from sendkit._transport.smtp import SMTPTransport
from tests.servers.authority import Authority, Certificate

HOST = "smtp.example.com"
PIN = base64.b64encode(b"\xfb\xff" * 16).decode()
PROXY = "socks5://ana@proxy.example.net:1080"
FOR_CODE_ALONE = {"tls_context", "dialer", "sock", "dangerously_skip_certificate_verification"}
OF_THE_PLACE = {"host", "port", "security"}


@pytest.fixture
def texts(authority: Authority, tmp_path: Path) -> dict[str, str]:
    """A text for each setting."""
    pem = str(authority.pem(Certificate.GOOD))
    known = str(tmp_path / "a folder" / "known+hosts")
    files = {"ca_file": str(authority.ca_file), "client_cert": pem, "client_key": pem, "known_hosts": known}
    of_tls = {"minimum_tls": "1.3", "pins": PIN}
    way = {"proxy": PROXY, "local_address": "192.0.2.7", "protocol": "smtp"}
    return {**files, **of_tls, **way, "local_hostname": "pc.example.com", "timeout": "7.5"}


def _by_environment(given: dict[str, str]) -> Server:
    return Account.from_env({"SENDKIT_HOST": HOST, **{variable(name): given[name] for name in given}}).server


def _by_url(given: dict[str, str]) -> Server:
    query = "&".join(f"{name}={quote(text, safe='+/=')}" for name, text in given.items())
    return Account.from_url(f"smtp+starttls://{HOST}?{query}").server


def _by_config(given: dict[str, str]) -> Server:
    keys = {name: f'["{text}"]' if name == "pins" else text if name == "timeout" else f'"{text}"'
            for name, text in given.items()}  # fmt: skip
    path = config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {value}" for name, value in keys.items()]
    path.write_text("\n".join(["[accounts.work]", f'host = "{HOST}"', *lines]), encoding="utf-8")
    return account_named("work").server


def _by_command_line(given: dict[str, str]) -> Server:
    flags = [part for name, text in given.items() for part in (flag(name), text)]
    options = read(["send", "--host", HOST, *flags, "-t", "b@example.com", "-s", "x", "--text", "x"])
    assert isinstance(options, SendOptions)
    transport = mailer_for(options)._core._plan.transport  # type: ignore[attr-defined]
    assert isinstance(transport, SMTPTransport)
    return transport.server


WAYS: dict[str, Callable[[dict[str, str]], Server]] = {
    "environment": _by_environment,
    "URL": _by_url,
    "config": _by_config,
    "command line": _by_command_line,
}


def told(server: Server) -> dict[str, object]:
    return {name: getattr(server, name) for name in type(server).model_fields}


def test_every_setting_of_a_server_but_those_for_code_alone_has_a_text() -> None:
    named = {setting.field or name for name, setting in SERVER_SETTINGS.items()}
    assert named == set(Server.model_fields) - FOR_CODE_ALONE - OF_THE_PLACE
    assert set(SERVER_SETTINGS) <= set(KEYS)
    assert set(SERVER_SETTINGS) <= set(dir(SendOptions))


@pytest.mark.parametrize("way", WAYS)
def test_all_four_ways_make_the_same_server(way: str, texts: dict[str, str]) -> None:
    assert set(texts) == set(SERVER_SETTINGS)
    server = WAYS[way](texts)
    expected = Server(
        HOST, local_hostname="pc.example.com", ca_file=texts["ca_file"], client_cert=texts["client_cert"],
        client_key=texts["client_key"], minimum_tls="1.3", pins=PIN, known_hosts=texts["known_hosts"],
        proxy=PROXY, local_address="192.0.2.7",
        timeouts=server.timeouts)  # fmt: skip
    assert told(server) == told(expected)


@pytest.mark.parametrize("way", WAYS)
def test_a_timeout_shortens_connect_greeting_and_command_and_never_the_wait_behind_the_end_of_data(way: str) -> None:
    limits = WAYS[way]({"timeout": "7.5"}).timeouts.model_dump()
    assert {name for name, seconds in limits.items() if seconds == 7.5} == {"connect", "greeting", "command"}
    assert limits["end_of_data"] == 600


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "text"), [("minimum_tls", "1.1"), ("ca_file", "/no/such.pem"), ("timeout", "-1"), ("pins", "short")]
)
def test_what_cannot_be_is_refused_by_its_name_in_each_way(way: str, name: str, text: str) -> None:
    with pytest.raises(errors.ConfigurationError) as failure:
        WAYS[way]({name: text})
    word = {"environment": variable(name), "command line": flag(name)}.get(way, name)
    assert word in failure.value.message
    assert failure.value.hint


@pytest.mark.parametrize("timeout", ["soon", "nan", "inf", "0"])
def test_a_timeout_that_is_not_a_time_is_refused(timeout: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="SENDKIT_TIMEOUT"):
        _by_environment({"timeout": timeout})


def test_what_the_url_says_stands_above_the_environment_and_an_option_above_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environ = {"SENDKIT_TIMEOUT": "5", "SENDKIT_MINIMUM_TLS": "1.3", "SENDKIT_URL": f"smtp://{HOST}?timeout=6"}
    server = Account.from_env(environ).server
    assert (server.timeouts.connect, server.minimum_tls) == (6, "1.3")
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    options = read(["send", "--timeout", "7", "-t", "b@example.com", "-s", "x", "--text", "x"])
    assert isinstance(options, SendOptions)
    assert mailer_for(options)._core._plan.transport.server.timeouts.connect == 7  # type: ignore[attr-defined]


def test_the_pins_of_the_environment_are_those_of_its_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_PINS", PIN)
    assert _by_command_line({}).pins == ()


def test_an_empty_variable_says_nothing() -> None:
    empty = {variable(name): "" for name in SERVER_SETTINGS}
    assert told(Account.from_env({"SENDKIT_HOST": HOST, **empty}).server) == told(Server(HOST))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("cafile=x", "did you mean ca_file"),
        ("password=hunter22", "known are"),
        ("dangerously_skip_certificate_verification=1", "known are"),
        ("timeout=1&timeout=2", "once"),
        ("timeout=", "with a value"),
        ("timeout", "with a value"),
    ],
)
def test_a_parameter_of_a_url_that_is_none_is_refused_without_its_value(query: str, words: str) -> None:
    with pytest.raises(errors.ConfigurationError) as failure:
        Account.from_url(f"smtp://{HOST}?{query}")
    assert words in (failure.value.hint or "")
    assert "hunter22" not in f"{failure.value}"


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("no", None)])
def test_known_hosts_may_be_the_usual_file_or_none(text: str, expected: bool | None) -> None:
    usual = Path(os.environ["XDG_STATE_HOME"], "sendkit", "known_hosts")
    assert _by_environment({"known_hosts": text}).known_hosts == (usual if expected else None)
