"""From Django's settings to a mailer and an outbox: the server by Django's names, everything else by ours.

Mailers are kept for the process, since Django makes a new backend for every message: connections, and logins with
them, are shared by all requests. Changed settings make a new one. Must not know: messages.
"""

# pyright: basic, reportAttributeAccessIssue=false, reportIncompatibleVariableOverride=false
# Django has no types.

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isfinite, nan
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from sendkit._accounts.account import Account
from sendkit._accounts.server_settings import SERVER_SETTINGS, shorter
from sendkit._credentials import Password, Secret
from sendkit._lifetime.forks import Lock
from sendkit._plan import targets
from sendkit._plan.options import OPTIONS
from sendkit._plan.targets import Found, Target
from sendkit._server.security import Security
from sendkit._server.server import Server
from sendkit._sync import Mailer
from sendkit.outbox import Outbox

OWN = ("account", "url", "security", "outbox")
_OF_SERVERS = tuple(name for name in SERVER_SETTINGS if name not in ("client_cert", "client_key", "timeout"))
KNOWN = frozenset((*OWN, *_OF_SERVERS, *OPTIONS)) - {"password"}
_OF_DJANGO = {"host", "port", "username", "password", "use_tls", "use_ssl", "timeout", "ssl_certfile", "ssl_keyfile"}

_KEPT = 16


@dataclass(frozen=True)
class EmailSettings:
    """The server as Django's settings name it; what is empty there is None here."""

    host: str | None
    port: int | None
    username: str | None
    password: str | None = field(repr=False)
    use_tls: bool = False
    use_ssl: bool = False
    timeout: float | None = None
    certificate: str | None = None
    key: str | None = None
    source: str = field(default="EMAIL_HOST_PASSWORD", compare=False)  # of the password

    def server(self, own: Mapping[str, Any]) -> Server:
        """The server. In the clear is spoken to this machine alone, unless `security` says so."""
        security = own.get("security")
        if security is None and self.use_ssl:
            security = Security.IMPLICIT_TLS
        elif security is None and self.use_tls:
            security = Security.STARTTLS
        further = {name: own[name] for name in _OF_SERVERS if name in own}
        if self.certificate:
            further |= {"client_cert": self.certificate, "client_key": self.key or None}
        server = Server(self.host or "localhost", self.port, security, **further)
        if security is None and server.security is Security.STARTTLS and server.loopback:
            server = server.model_copy(update={"security": Security.NONE, "port": self.port or 25})
        if self.timeout is not None:
            server = server.model_copy(update={"timeouts": shorter(server.timeouts, self.timeout)})
        return server


@dataclass(frozen=True)
class _SettingsPassword:
    """A password of Django's settings, which errors name as the settings do."""

    password: Password
    source: str

    async def secret(self, *, host: str, username: str) -> Secret:
        """Return it, whatever the account."""
        return await self.password.secret(host=host, username=username)


@dataclass(frozen=True)
class Made:
    """What a mailer is made of; equal ones share it. `email` is None where the environment has the account."""

    email: EmailSettings | None
    own: Mapping[str, Any]

    def mailer(self) -> Mailer:
        """The mailer for these settings, which the whole process shares."""
        with _lock:
            for made, mailer in _kept:
                if made == self:
                    return mailer
            mailer = self._new()
            _kept.append((self, mailer))
            del _kept[:-_KEPT]
        return mailer

    def _new(self) -> Mailer:
        options = {name: value for name, value in self.own.items() if name in OPTIONS}
        if self.email is not None and self.email.password:
            password = Password(self.email.password)
            if "credentials" in options:
                options["password"] = password.value  # which is one too many, and an error
            else:
                options["credentials"] = _SettingsPassword(password, self.email.source)
        return Mailer._at(self._target(), options)  # type: ignore[arg-type]  # noqa: SLF001  # pyright: ignore - named as in MailerSettings; one house

    def _target(self) -> Target:
        if (name := self.own.get("account")) is not None:
            return targets.configured(name)
        if (url := self.own.get("url")) is not None:
            return targets.urls(url)
        if self.email is None:
            return targets.environment()
        email, own = self.email, self.own
        account = Account(email.server(own), email.username)
        return Target(lambda: Found([account]))

    def account(self) -> str | None:
        """By which name a letter of the outbox calls the account, if the settings name one."""
        if (name := self.own.get("account")) is not None:
            return str(name)
        if self.email is None and "url" not in self.own:
            return None  # the outbox asks the environment
        return self._target().find().accounts[0].names[0]


def made(email: EmailSettings, own: Mapping[str, Any], *, named: bool) -> Made:
    """What a mailer is made of. `named`: Django's settings name a host, and are not at its defaults."""
    return Made(None if not named and is_elsewhere(own) else email, own)


def is_elsewhere(own: Mapping[str, Any]) -> bool:
    """Whether something else than a host in Django's settings says which account it is."""
    return any(name in own for name in ("account", "url")) or any(map(os.environ.get, ("SENDKIT_URL", "SENDKIT_HOST")))


def own_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """`SENDKIT` of Django's settings, and what OPTIONS says beside. Raises ImproperlyConfigured for an unknown name."""
    given: object = getattr(settings, "SENDKIT", {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(f"SENDKIT must be a dict such as {{'deadline': 20}}, not {type(given).__name__}")
    own = {**given, **options}
    for name in own:
        if name not in KNOWN:
            raise ImproperlyConfigured(f"SENDKIT has the unknown name {name!r}{_meant(name, KNOWN)}")
    return own


def number(name: str, value: Any) -> float:
    """A number of Django's settings; text of one, as environments give it, is one too. Raises ImproperlyConfigured."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = nan
    if isinstance(value, bool) or not isfinite(found):
        raise ImproperlyConfigured(
            f"EMAIL_{name.upper()} ({name} in MAILERS) must be a number, not {str(value)[:40]!r}"
        )
    return found


def text(name: str, value: object) -> str | None:
    """Text of Django's settings; None where it is empty. Raises ImproperlyConfigured, without the value."""
    if value and not isinstance(value, str):
        what = f"EMAIL_HOST_{'USER' if name == 'username' else name.upper()} ({name} in MAILERS)"
        raise ImproperlyConfigured(f"{what} must be text, not {type(value).__name__}")
    return value or None  # type: ignore[return-value]  # it is a str, or empty


def meant_options(names: Iterable[str]) -> str:
    """What was meant by options of MAILERS that Django refuses; empty where nothing is near."""
    known = KNOWN | _OF_DJANGO
    return "; ".join(f"{name!r}{near}" for name in names if name not in known and (near := _meant(name, known)))


def _meant(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f": did you mean {near[0]!r}?" if near else ""


def outbox_of(place: object) -> tuple[Outbox, str | None]:
    """The outbox at a place, and the alias where it is in a database of Django's. Raises ImproperlyConfigured."""
    alias = place if isinstance(place, str) and place in settings.DATABASES else None
    if alias is None and isinstance(place, str) and place.isidentifier():
        # As likely a misspelt alias as a file.
        hint = _meant(place, settings.DATABASES) or f"; write './{place}' for a file"
        raise ImproperlyConfigured(f"outbox: there is no {place!r} in DATABASES{hint}")
    where = None if place is True else place if alias is None else _database(alias)
    with _lock:
        for known, outbox in _outboxes:
            if known == where:
                return outbox, alias
        outbox = where if isinstance(where, Outbox) else Outbox(where)  # type: ignore[arg-type]  # a setting may be anything, and it is checked there
        _outboxes.append((where, outbox))
    return outbox, alias


def _database(alias: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - most outboxes are no database of Django's

    from django.db import connections  # noqa: PLC0415 - not before the apps are there

    connection = connections[alias]
    facts: dict[str, Any] = connection.settings_dict
    name = str(facts["NAME"])
    if connection.vendor == "sqlite" and ":memory:" not in name and "mode=memory" not in name:
        return name
    if connection.vendor == "postgresql":
        who = quote(facts.get("USER") or "", safe="")
        secret = f":{quote(facts['PASSWORD'], safe='')}" if facts.get("PASSWORD") else ""
        host, port = quote(facts.get("HOST") or "", safe=""), f":{facts['PORT']}" if facts.get("PORT") else ""
        return f"postgresql://{f'{who}{secret}@' if who else ''}{host}{port}/{quote(name, safe='')}"
    raise ImproperlyConfigured(f"an outbox cannot be in the database {alias!r}: it takes SQLite files and PostgreSQL")


_lock = Lock()
_kept: list[tuple[Made, Mailer]] = []
_outboxes: list[tuple[object, Outbox]] = []


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("SENDKIT", "MAILERS", "DATABASES") or setting.startswith("EMAIL_"):
        _kept.clear()
        made = [outbox for where, outbox in _outboxes if outbox is not where]
        _outboxes.clear()
        for outbox in made:  # a test database cannot be dropped while somebody is connected to it
            outbox.close()


setting_changed.connect(_forget)
