"""An account has a name in a file, whose mistakes are told with file, table and key, and which holds no password."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sendkit import Mailer, Security, errors
from sendkit._accounts.config import ConfigFile, Key, _Table, config_file
from sendkit._credentials.command import PasswordCommand
from sendkit._plan.named import KEYS, account_named
from sendkit._plan.options import OPTIONS
from sendkit._server.folders import known_hosts_file
from tests.servers.authority import Authority

from .conftest import Write


def test_an_account_is_its_keys(write: Write) -> None:
    write(
        """
        [accounts.work]
        host = "smtp.example.com"
        port = 2525
        security = "starttls"
        username = "ana@example.com"
        sender = "Ana <ana@example.com>"
        password_command = ["pass", "show", "work"]
        local_hostname = "client.example.com"
        timeouts = { connect = 7 }
        max_connections = 2
        messages_per_connection = 50
        idle_timeout = 20
        login_rest = 900
        rate = "30/minute"
        mechanism = "plain"
        deadline = 90
        """
    )
    account = account_named("work")
    assert account.server.address == "smtp.example.com:2525"
    assert (account.server.security, account.server.timeouts.connect) == (Security.STARTTLS, 7)
    assert (account.username, account.sender) == ("ana@example.com", "Ana <ana@example.com>")
    assert account.options == {
        "max_connections": 2,
        "messages_per_connection": 50,
        "idle_timeout": 20,
        "login_rest": 900,
        "rate": "30/minute",
        "mechanism": "plain",
        "deadline": 90,
    }
    (place,) = account.accounts()
    assert (place.server, place.username) == (account.server, "ana@example.com")
    assert isinstance(place.credentials, PasswordCommand)


@pytest.mark.parametrize(
    ("keys", "address", "security"),
    [
        ('provider = "gmail"', "smtp.gmail.com:465", Security.IMPLICIT_TLS),
        ('url = "smtps://ana@smtp.example.com"', "smtp.example.com:465", Security.IMPLICIT_TLS),
        ('host = "smtp.example.com:465"', "smtp.example.com:465", Security.IMPLICIT_TLS),
        ('host = "smtp.example.com"', "smtp.example.com:587", Security.STARTTLS),
        ('host = "smtp.example.com"\nsecurity = "implicit_tls"', "smtp.example.com:465", Security.IMPLICIT_TLS),
    ],
)
def test_the_server_is_named_in_one_of_three_ways(write: Write, keys: str, address: str, security: Security) -> None:
    write(f"[accounts.work]\n{keys}\n")
    account = account_named("work")
    assert (account.server.address, account.server.security) == (address, security)


def test_the_choices_of_tls_are_keys_and_their_files_stand_beside_this_one(write: Write, authority: Authority) -> None:
    pin = base64.b64encode(bytes(32)).decode()
    path = write(
        f"""
        [accounts.work]
        host = "smtp.example.com"
        ca_file = "ca.pem"
        client_cert = "client.pem"
        minimum_tls = "1.3"
        pins = ["sha256/{pin}"]
        """
    )
    for name, source in (("ca.pem", authority.ca_file), ("client.pem", authority.pem())):
        (path.parent / name).write_bytes(source.read_bytes())
    server = account_named("work").server
    assert (server.ca_file, server.client_cert) == (path.parent / "ca.pem", path.parent / "client.pem")
    assert (server.minimum_tls, server.pins) == ("1.3", (pin,))


def test_what_an_account_lacks_comes_from_the_one_it_inherits_and_from_the_defaults(write: Write) -> None:
    write(
        """
        [defaults]
        deadline = 60
        max_connections = 1
        [accounts.base]
        host = "smtp.example.com"
        port = 2525
        username = "ana"
        deadline = 90
        [accounts.middle]
        inherits = "base"
        username = "luis"
        [accounts.work]
        inherits = "middle"
        sender = "luis@example.com"
        """
    )
    account = account_named("work")
    assert (account.server.address, account.username) == ("smtp.example.com:2525", "luis")
    assert (account.options, account.sender) == ({"max_connections": 1, "deadline": 90}, "luis@example.com")


def test_a_server_of_its_own_replaces_the_whole_of_the_inherited_one(write: Write) -> None:
    write('[defaults]\nhost = "smtp.example.com"\nport = 2525\n[accounts.home]\nprovider = "gmail"\n')
    assert account_named("home").server.address == "smtp.gmail.com:465"


def test_backups_are_other_accounts_each_with_its_own_login(write: Write) -> None:
    write(
        """
        [defaults]
        backups = ["spare", "home"]
        [accounts.work]
        host = "smtp.example.com"
        username = "ana"
        rate = "1/second"
        password_command = ["pass", "show", "work"]
        [accounts.spare]
        host = "spare.example.com"
        username = "ben"
        rate = "9/second"
        password_command = ["pass", "show", "spare"]
        [accounts.home]
        provider = "gmail"
        username = "ana@gmail.com"
        """
    )
    work = account_named("work")
    assert [(one.server.host, one.username) for one in work.accounts()] == [
        ("smtp.example.com", "ana"),
        ("spare.example.com", "ben"),
        ("smtp.gmail.com", "ana@gmail.com"),
    ]
    assert [one.credentials is not None for one in work.accounts()] == [True, True, False]
    assert work.options == {"rate": "1/second"}
    assert [one.name for one in account_named("spare").backups] == ["home"]


@pytest.mark.parametrize(
    ("value", "place"),
    [("true", known_hosts_file), ("false", lambda: None), ('"hosts"', lambda: config_file().parent / "hosts")],
)
def test_the_memory_of_the_host_is_a_choice_or_a_file(
    write: Write, value: str, place: Callable[[], Path | None]
) -> None:
    write(f'[accounts.work]\nhost = "smtp.example.com"\nknown_hosts = {value}\n')
    assert account_named("work").server.known_hosts == place()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[accounts.work]\nhsot = "x"', ["[accounts.work]: hsot", "did you mean host?"]),
        ("[accounts.work]\nflavour = 1", ["[accounts.work]: flavour", "known are inherits"]),
        ('[accounts.work]\nhost = "h"\nport = "587"', ["[accounts.work]: port", "integer"]),
        ('[accounts.work]\nhost = "h"\npassword_command = "pass show"', ["[accounts.work]: password_command", "list"]),
        ('[accounts.work]\nhost = "not a host"', ["[accounts.work]", "not a host"]),
        ('[accounts.work]\nhost = "h"\nport = 0', ["[accounts.work]", "port"]),
        ('[accounts.work]\nhost = "h"\nsecurity = "ssl3"', ["[accounts.work]", "ssl3"]),
        ('[accounts.work]\nhost = "h"\ntimeouts = { conect = 1 }', ["[accounts.work]", "conect"]),
        ('[accounts.work]\nhost = "h"\nca_file = "missing.pem"', ["[accounts.work]", "missing.pem"]),
        ('[accounts.work]\nprovider = "gmial"', ["[accounts.work]", "gmial", "gmail"]),
        ('[accounts.work]\nprovider = "gmail"\nport = 25', ["[accounts.work]", "port"]),
        ('[accounts.work]\nprovider = "gmail"\nhost = "h"', ["[accounts.work]", "host and provider"]),
        ('[accounts.work]\nhost = "h"\nmechanism = "NTLM"', ["[accounts.work]", "NTLM", "SCRAM-SHA-256"]),
        ('[accounts.work]\nhost = "h"\nrate = 30', ["[accounts.work]: rate", "string"]),
        ('[accounts.work]\nhost = "h"\nrate = "fast"', ["[accounts.work]", "'fast'"]),
        ('[accounts.work]\nhost = "h"\nidle_timeout = -1', ["[accounts.work]", "idle_timeout"]),
        ('[accounts.work]\nhost = "h"\nknown_hosts = 1', ["[accounts.work]: known_hosts"]),
        ('[accounts.work]\nhost = "h"\nbackups = "home"', ["[accounts.work]: backups", "list"]),
        ('[accounts.work]\nhost = "h"\nbackups = ["home"]', ["[accounts.work]: backups", "'home'"]),
        ('[accounts.work]\nhost = "h"\nbackups = ["b"]\n[accounts.b]\nport = 1', ["[accounts.b]", "no server"]),
        ('[accounts.work]\nusername = "ana"', ["[accounts.work]", "names no server"]),
        ('[accounts.work]\nurl = "smtps://ana:secret@h"', ["[accounts.work]", "password"]),
        ('[accounts.work]\ninherits = "base"', ["[accounts.work]: inherits", "'base'"]),
        ('[accounts.work]\ninherits = "work"', ["[accounts.work]: inherits", "work -> work"]),
        ('[accounts.home]\nhost = "h"', ["no account 'work'", "known are home"]),
        ('[defaults]\nhsot = "x"\n[accounts.work]\nhost = "h"', ["[defaults]: hsot"]),
        ('[defaults]\ninherits = "work"\n[accounts.work]\nhost = "h"', ["[defaults]: inherits"]),
        ('[account.work]\nhost = "h"', ["account is unknown", "[accounts.NAME]"]),
        ("accounts = 1", ["[accounts] ", "is not a table"]),
        ("[accounts]\nwork = 1", ["[accounts.work] ", "is not a table"]),
        ("[accounts.work\n", ["line 1"]),
    ],
)
def test_a_mistake_is_told_with_its_place(write: Write, text: str, words: list[str]) -> None:
    path = write(text)
    with pytest.raises(errors.ConfigurationError) as failure:
        account_named("work")
    told = str(failure.value)
    assert told.startswith(f"{path}: ")
    assert [word for word in words if word not in told] == []
    assert "hint: " in told


@pytest.mark.parametrize("key", ["password", "Password", "secret", "token"])
def test_a_password_in_the_file_is_refused_and_not_repeated(write: Write, key: str) -> None:
    write(f'[accounts.work]\nhost = "h"\n{key} = "correct horse"\n')
    with pytest.raises(errors.ConfigurationError) as failure:
        account_named("work")
    assert "refused" in str(failure.value)
    assert "sendkit login" in (failure.value.hint or "")
    assert "correct horse" not in str(failure.value)


def test_without_a_file_the_error_says_where_it_would_be(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"there is no .*config\.toml") as failure:
        account_named("work", tmp_path / "config.toml")
    assert "[accounts.work]" in (failure.value.hint or "")


def test_a_file_that_is_no_text_is_told_so(write: Write) -> None:
    path = write("")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(errors.ConfigurationError, match="cannot be read"):
        account_named("work")


@pytest.mark.skipif(sys.platform == "win32", reason="%APPDATA% goes before ~/.config there")
def test_the_file_stands_where_xdg_says(tmp_path: Path) -> None:
    assert config_file({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "sendkit" / "config.toml"
    assert config_file({}) == Path.home() / ".config" / "sendkit" / "config.toml"


def test_every_key_has_one_meaning() -> None:
    assert len(KEYS) == len(set(KEYS)) >= 30


def test_an_option_of_a_mailer_is_a_key_by_its_own_entry(write: Write) -> None:
    """Nothing but the one plan names it: with its type, and with its check, whose error names the file."""
    path = write('[accounts.work]\nhost = "h"\ncolour = "red"\n')
    checked: list[object] = []
    options = {"colour": Key(str, lambda name, value: checked.append((name, value)))}
    assert ConfigFile(options, path).account("work").options == {"colour": "red"}
    assert checked == [("colour", "red")]
    with pytest.raises(errors.ConfigurationError, match="colour is unknown"):
        ConfigFile({}, path).account("work")


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if option.in_file])
def test_each_option_that_says_so_is_a_key(name: str) -> None:
    assert name in KEYS


@pytest.mark.parametrize(("value", "longest"), [("true", 1800), ("7200", 7200), ("false", None)])
def test_an_account_may_be_patient(write: Write, value: str, longest: float | None) -> None:
    write(f'[accounts.work]\nhost = "smtp.example.com"\npatient = {value}\n')
    with Mailer.from_config("work") as mailer:
        policy = mailer._core._plan.retry
    assert (policy.max_elapsed if policy.wait else None) == longest


def test_an_empty_value_is_refused_with_its_key(write: Write) -> None:
    """A template with a variable that was not set: an empty `username` would send without a login."""
    texts = [key for key, field in _Table.model_fields.items() if "str" in str(field.annotation)]
    assert len(texts) > 10
    for key in texts:
        value = '[""]' if "list" in str(_Table.model_fields[key].annotation) else '""'
        write(f"[accounts.work]\n{key} = {value}\n")
        with pytest.raises(errors.ConfigurationError, match=f": {key} is empty"):
            account_named("work")
