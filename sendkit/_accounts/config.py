"""Accounts by name, from `sendkit/config.toml` in the user's folder of settings (XDG Base Directory, %APPDATA%).

Behind it stands `/etc/sendkit/config.toml`, for all users of the machine. `[accounts.NAME]` is one account;
`[defaults]` holds for all of its file, `inherits` takes over another one's keys. Keys are strict: a wrong one is an
error that names the file, the table and the key; which options of a mailer are keys too, the caller says. No password
stands in it: `password_command` names a program that prints it, else it is looked for where it always is. Must not
know: how a program is run.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from sendkit._accounts.account import Account, check_username
from sendkit._accounts.server_settings import check_proxy, shorter
from sendkit._frames import frameless
from sendkit._lifetime.once import computed_once
from sendkit._providers.provider import Provider
from sendkit._server.folders import config_folder, expanded
from sendkit._server.server import Server, Timeouts
from sendkit._trusted_file import trusted_file
from sendkit.errors import ConfigurationError

_WHERE = {"provider", "url", "host"}
_PLACE = (*_WHERE, "port", "security")
_SECRETS = ("password", "secret", "token", "pass", "passwd")
_NO_PASSWORDS = (
    'take it out; `sendkit login HOST USER` puts it into the keyring, or password_command = ["pass", "show", "mail"] '
    "names a program that prints it"
)


class Key(NamedTuple):
    """An option of a mailer as a key: what TOML may give for it, and what refuses a value that cannot be."""

    kind: Any
    check: Callable[[str, Any], None]


class _Table(BaseModel):
    """The keys of an account, and of [defaults], beside the options of a mailer."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", strict=True)

    inherits: str | None = None
    provider: str | None = None
    url: str | None = None
    host: str | None = None
    port: int | None = None
    security: str | None = None
    username: str | None = None
    sender: str | None = None
    password_command: list[str] | None = None
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    minimum_tls: str | None = None
    pins: list[str] | None = None
    known_hosts: str | bool | None = None
    local_hostname: str | None = None
    proxy: str | None = None
    local_address: str | None = None
    protocol: str | None = None
    timeout: float | int | None = None
    timeouts: dict[str, float | int] | None = None
    patient: bool | float | int | None = None
    backups: list[str] | None = None


_LONGEST = 1 << 20
_FURTHER = ("sendmail",)
SYSTEM_FILE = Path("/etc/sendkit/config.toml")


@dataclass(slots=True, frozen=True)
class AccountSettings:
    """One account of the file: where it is, who logs in, its backups, and what was said of its mailer."""

    name: str
    server: Server
    username: str | None
    sender: str | None = None
    password_command: tuple[str, ...] | None = None
    patient: bool | float | None = None
    backups: tuple[AccountSettings, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict[str, object])

    def accounts(self) -> list[Account]:
        """Its server and those of its backups, each with the login that belongs there."""
        return [one.account() for one in (self, *self.backups)]

    def account(self) -> Account:
        """Its own server and login."""
        if self.password_command is None:
            return Account(self.server, self.username, label=self.name)
        from sendkit._credentials.command import PasswordCommand  # noqa: PLC0415 - seldom needed

        return Account(self.server, self.username, PasswordCommand(self.password_command), self.name)


class _NoFile(ConfigurationError):
    """There is no file; only this room needs to tell it from other errors."""


_NoFile.__module__, _NoFile.__qualname__ = ConfigurationError.__module__, ConfigurationError.__qualname__
_NoFile.__name__ = ConfigurationError.__name__


def keys_with(options: Iterable[str]) -> tuple[str, ...]:
    """Every key that an account may have, where these options of a mailer are keys."""
    return (*_Table.model_fields, *options)


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the file is: config.toml in the folder of settings. Raises ConfigurationError where there is no home."""
    return config_folder(environ) / "config.toml"


def config_files(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Where accounts are looked for: in the user's file, where this user has a home, and in that of the machine."""
    try:
        own: tuple[Path, ...] = (config_file(environ),)
    except ConfigurationError:
        own = ()
    return (*own, SYSTEM_FILE) if os.name == "posix" else own


@frameless
def usual_files(options: Mapping[str, Key]) -> list[ConfigFile]:
    """Those that are there. Raises ConfigurationError: that of the user's own where none is."""
    found: list[ConfigFile] = []
    for path in config_files():
        with contextlib.suppress(_NoFile):
            found.append(ConfigFile(options, path))
    return found or [ConfigFile(options, config_file())]


class ConfigFile:
    """One file, in which these options of a mailer are keys. Raises ConfigurationError for what is wrong with it."""

    @frameless
    def __init__(self, options: Mapping[str, Key], path: Path) -> None:
        self._path = self.path = path
        self._options = options
        content = self._read()
        for key in content.keys() - {"defaults", "accounts", *_FURTHER}:
            raise self._error("", key, "is unknown", "the file holds [defaults], [accounts.NAME] and [sendmail]")
        self.further = {name: self._as_table(name, content[name]) for name in _FURTHER if name in content}
        self._defaults = self._table("defaults", content.get("defaults", {}))
        if "inherits" in self._defaults:
            raise self._error("defaults", "inherits", "is unknown here", "write the keys themselves")
        self._accounts = self._as_table("accounts", content.get("accounts", {}))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all accounts in it."""
        return tuple(self._accounts)

    @frameless
    def account(self, name: str) -> AccountSettings:
        """One account. Raises ConfigurationError that names the file, the table and the key."""
        keys = self._keys(name)
        # What [defaults] says of backups holds for these too, and no account is its own.
        backups = [one for one in dict.fromkeys(keys.backups or ()) if one != name]
        for one in backups:
            if one not in self._accounts:
                raise self._unknown(one, name, "backups")
        return self._settings(name, keys, tuple(self._settings(one, self._keys(one)) for one in backups))

    def _keys(self, name: str) -> _Table:
        return self._model.model_validate(_over(self._defaults, self._inherited(name, ())))

    @computed_once
    def _model(self) -> type[_Table]:
        options: dict[str, Any] = {name: (key.kind | None, None) for name, key in self._options.items()}
        return create_model("_Table", __base__=_Table, **options)

    def _options_of(self, keys: _Table) -> dict[str, object]:
        given = {name: getattr(keys, name) for name in self._options}
        given = {name: value for name, value in given.items() if value is not None}
        for name, value in given.items():
            self._options[name].check(name, value)
        return given

    def _settings(self, name: str, keys: _Table, backups: tuple[AccountSettings, ...] = ()) -> AccountSettings:
        try:
            server, username = self._place(keys)
            username = check_username(keys.username) if keys.username is not None else username
            options = self._options_of(keys)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self._path}: [accounts.{name}]: {error.message}", hint=error.hint) from None
        return AccountSettings(
            name=name,
            server=server,
            username=username,
            sender=keys.sender,
            password_command=None if keys.password_command is None else tuple(keys.password_command),
            patient=keys.patient,
            backups=backups,
            options=options,
        )

    def _read(self) -> dict[str, object]:
        try:
            # It names a program to run, so that whoever may write it may do anything.
            with trusted_file(self._path) as file:
                return tomllib.loads(file.read(_LONGEST).decode("utf-8"))
        except FileNotFoundError:
            hint = 'write it: [accounts.work], then provider = "gmail" (or host = "…") and username = "…"'
            raise _NoFile(f"there is no {self._path}", hint=hint) from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            why = error if isinstance(error, tomllib.TOMLDecodeError) else "it is nested too deep"
            raise ConfigurationError(f"{self._path}: {why}", hint="the file is TOML: https://toml.io") from None
        except (OSError, UnicodeError) as error:
            hint = "it is a text file in UTF-8, which you must be able to read"
            raise ConfigurationError(f"{self._path} cannot be read ({type(error).__name__})", hint=hint) from None

    def _inherited(self, name: str, seen: tuple[str, ...]) -> dict[str, object]:
        if name in seen:
            way = " -> ".join((*seen, name))
            raise self._error(f"accounts.{seen[0]}", "inherits", f"goes round in circles: {way}", "break it somewhere")
        if name not in self._accounts:
            raise self._unknown(name, *((seen[-1], "inherits") if seen else ()))
        own = self._table(f"accounts.{name}", self._accounts[name])
        base = own.pop("inherits", None)
        return own if base is None else _over(self._inherited(str(base), (*seen, name)), own)

    def _as_table(self, table: str, content: object) -> dict[str, object]:
        if not isinstance(content, dict):
            raise self._error(table, "", "is not a table", f"write [{table}], and its keys below")
        return cast("dict[str, object]", content)

    def _table(self, table: str, content: object) -> dict[str, object]:
        keys = self._as_table(table, content)
        for key, value in keys.items():
            if key.lower() in _SECRETS:
                raise self._error(table, key, "is refused: this file must not contain a password", _NO_PASSWORDS)
            if key not in self._model.model_fields:
                near = difflib.get_close_matches(key, self._model.model_fields, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(self._model.model_fields)}"
                raise self._error(table, key, "is unknown", hint)
            if value == "" or (isinstance(value, list) and "" in value):
                raise self._error(table, key, "is empty", "give it a value, or remove it")
        try:
            return self._model.model_validate(keys).model_dump(exclude_unset=True)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            why = f"cannot be used: {first['msg']}"
            raise self._error(table, str(first["loc"][0]), why, "docs/configuration.md says what it takes") from None

    def _place(self, keys: _Table) -> tuple[Server, str | None]:
        given = [key for key in sorted(_WHERE) if getattr(keys, key) is not None]
        if len(given) != 1:
            told = f"names {' and '.join(given)}" if given else "names no server"
            raise ConfigurationError(f"it {told}", hint="give one of provider, url and host (with port and security)")
        server, username = _named(keys)
        options = {
            "local_hostname": keys.local_hostname,
            "proxy": keys.proxy,
            "local_address": keys.local_address,
            "protocol": keys.protocol,
            "timeouts": _limits(keys, server.timeouts),
            "minimum_tls": keys.minimum_tls,
            "pins": keys.pins,
            "known_hosts": self._path_of(keys.known_hosts),
            **{key: self._path_of(getattr(keys, key)) for key in ("ca_file", "client_cert", "client_key")},
        }
        server = server.model_copy(update={key: value for key, value in options.items() if value is not None})
        check_proxy(server)
        return server, username

    def _path_of(self, text: str | bool | None) -> Path | bool | None:
        # Relative to where the file of accounts stands.
        return self._path.parent / expanded(text) if isinstance(text, str) else text

    def _error(self, table: str, key: str, what: str, hint: str) -> ConfigurationError:
        where = ": ".join(filter(None, (f"[{table}]" if table else "", key)))
        return ConfigurationError(f"{self._path}: {where} {what}", hint=hint)

    def _unknown(self, name: str, by: str | None = None, key: str = "") -> ConfigurationError:
        known = list(self._accounts)
        near = difflib.get_close_matches(name, known, n=1) or sorted(known)
        hint = f"known are {', '.join(near)}" if near else f"write [accounts.{name}]"
        if by is not None:
            return self._error(f"accounts.{by}", key, f"names {name!r}, which is not an account", hint)
        return ConfigurationError(f"{self._path}: there is no account {name!r}", hint=hint)


def _over(base: dict[str, object], own: dict[str, object]) -> dict[str, object]:
    if own.keys() & _WHERE:
        # A server of its own replaces the inherited one as a whole: half a server each would be neither.
        base = {key: value for key, value in base.items() if key not in _PLACE}
    return {**base, **own}


def _limits(keys: _Table, otherwise: Timeouts) -> Timeouts | None:
    """`timeout` for its three phases, and above it what `timeouts` says of each."""
    if keys.timeout is None and keys.timeouts is None:
        return None
    limits = otherwise if keys.timeout is None else shorter(otherwise, keys.timeout)
    return Timeouts(**{**limits.model_dump(), **(keys.timeouts or {})})


def _named(keys: _Table) -> tuple[Server, str | None]:
    if keys.host is None and (keys.port is not None or keys.security is not None):
        hint = "remove them, or use host instead of provider or url"
        raise ConfigurationError("port and security can be used only with host", hint=hint)
    if keys.provider is not None:
        return Provider.named(keys.provider).server, None
    if keys.url is not None:
        account = Account.from_url(keys.url)
        return account.server, account.username
    parsed = Server.parse(keys.host or "")
    named_port = parsed.port if re.search(r":[0-9]+$", (keys.host or "").strip()) else None
    port = named_port if keys.port is None else keys.port
    return Server(parsed.host, port, keys.security, protocol=keys.protocol or "smtp"), None
