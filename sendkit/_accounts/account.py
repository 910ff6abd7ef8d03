"""Which account to send through, as a URL or the environment says it.

`smtp+starttls://ana%40example.com@smtp.example.com:587`, `smtps://…` for implicit TLS, `unix:///…`; SENDKIT_URL, or
SENDKIT_HOST with SENDKIT_PORT, SENDKIT_SECURITY and SENDKIT_USERNAME; with either, what `server_settings` knows
(SENDKIT_CA_FILE), which stands in the URL too (`?ca_file=`). A password stands in neither: `_credentials` looks for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, cast
from urllib.parse import SplitResult, unquote, urlsplit

from sendkit._accounts.server_settings import check_known, named_as, of_environment, variable, with_settings
from sendkit._frames import frameless
from sendkit._redaction import quoted
from sendkit._server.plain import checked_server, plain_server
from sendkit._server.security import Security
from sendkit._server.unix_socket import is_unix
from sendkit._smtp.sasl import Mechanism
from sendkit._variables import told
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._credentials import Credentials
    from sendkit._server.server import Server

_SCHEMES = {
    "smtp": Security.STARTTLS,
    "smtp+starttls": Security.STARTTLS,
    "smtps": Security.IMPLICIT_TLS,
    "smtp+none": Security.NONE,
}
_MakeServer: TypeAlias = "Callable[..., Server]"
UNIX = "unix"
_UNIX = "write unix:///run/smtp.sock"
_LONGEST_SCHEME = 16
NAMES_A_SERVER = ("SENDKIT_HOST", "SENDKIT_URL")
_CONTROL = re.compile("[\0-\x1f\x7f]")
_EXAMPLE = "write smtp+starttls://ana%40example.com@smtp.example.com:587, or smtps://… for implicit TLS"


@dataclass(slots=True, frozen=True)
class Account:
    """A server, who logs in there (`username`), and the `credentials` of that account, if it has some of its own.

    `label` is its name in the config, where it comes from there.
    """

    server: Server
    username: str | None = None
    credentials: Credentials | None = field(default=None, repr=False)
    label: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Its name in the config, if it has one, and `user@host:port`, or `host:port` where nobody logs in."""
        entry = f"{self.username}@{self.server.address}" if self.username else self.server.address
        return (entry,) if self.label is None else (self.label, entry)

    def __str__(self) -> str:
        who = f"{self.username}@" if self.username else ""
        return f"{who}{self.server.address} {self.server.security}"

    @classmethod
    @frameless
    def from_url(cls, url: str) -> Account:
        """Read a `url`. Raises ConfigurationError, which never quotes it, since a password may stand in it."""
        return _of_url(url, checked_server)

    @classmethod
    @frameless
    def from_env(cls, environ: Mapping[str, str]) -> Account:
        """Read the environment (`environ`). Raises ConfigurationError that names the variable to set."""
        return _of_environment(environ, checked_server)

    @classmethod
    @frameless
    def all_from_env(cls, environ: Mapping[str, str]) -> tuple[Account, ...]:
        """Read `environ`, where SENDKIT_URL may hold several URLs, the backup servers behind the first.

        Raises ConfigurationError that names the variable to set.
        """
        return _of_each_url(environ, checked_server)


@frameless
def plain_accounts(environ: Mapping[str, str]) -> tuple[Account, ...]:
    """As `Account.all_from_env`, with servers in their plain form, for a program that must not wait for pydantic."""
    return _of_each_url(environ, plain_server)


def _of_url(url: str, make: _MakeServer) -> Account:
    parts = _split(url)
    if parts.scheme == UNIX:
        return _at_unix_socket(parts)
    security = _SCHEMES.get(parts.scheme)
    if security is None:
        named = f" {parts.scheme!r}" if len(parts.scheme) < _LONGEST_SCHEME else ""
        raise ConfigurationError(f"unknown scheme{named} in the server's URL", hint=_EXAMPLE)
    _check_no_password(parts)
    if not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise ConfigurationError("the server's URL must be SCHEME://[USERNAME@]HOST[:PORT][?SETTING=…]", hint=_EXAMPLE)
    username = None if parts.username is None else check_username(_decoded(parts.username))
    settings = _query(parts)
    protocol = settings.get("protocol", "smtp")
    with named_as("protocol of the server's URL" if "protocol" in settings else None):
        server = make(_decoded(parts.hostname), parts.port, security, protocol=protocol)
    return Account(with_settings(server, settings, "{} of the server's URL".format), username)


def _of_environment(environ: Mapping[str, str], make: _MakeServer) -> Account:
    username, settings = environ.get("SENDKIT_USERNAME") or None, of_environment(environ)
    if url := environ.get("SENDKIT_URL"):
        account, said = _of_url(url, make), _query(_split(url))
        settings = {name: text for name, text in settings.items() if name not in said}
        server, username = account.server, account.username or username
    elif host := environ.get("SENDKIT_HOST"):
        security, protocol = environ.get("SENDKIT_SECURITY") or None, settings.get("protocol", "smtp")
        with named_as(variable("protocol") if "protocol" in settings else None):
            server = make(host, _port(environ.get("SENDKIT_PORT")), security, protocol=protocol)
    else:
        usual = "set SENDKIT_HOST (and SENDKIT_USERNAME), or SENDKIT_URL=smtp+starttls://USER@HOST:587"
        hint = told(environ, *NAMES_A_SERVER) or usual
        raise ConfigurationError("the environment names no server", hint=hint)
    if is_unix(server.host) or server.protocol == "lmtp":
        settings.pop("proxy", None)  # it is the way of those that have none of their own
    return Account(with_settings(server, settings, variable, secrets=True), username)


def _of_each_url(environ: Mapping[str, str], make: _MakeServer) -> tuple[Account, ...]:
    urls = (environ.get("SENDKIT_URL") or "").split()
    each = tuple(_of_environment({**environ, "SENDKIT_URL": url}, make) for url in urls)
    return each or (_of_environment(environ, make),)


def _check_no_password(parts: SplitResult) -> None:
    if parts.password is not None:
        hint = "remove it; store it with `sendkit login`, or set SENDKIT_PASSWORD"
        raise ConfigurationError("a password in the server's URL is refused: URLs end up in logs", hint=hint)


def _at_unix_socket(parts: SplitResult) -> Account:
    """`unix:///run/smtp.sock`, with `USER@` before the path where somebody logs in."""
    _check_no_password(parts)
    if parts.hostname or parts.port is not None or parts.fragment:
        raise ConfigurationError("the URL of a unix socket must be unix://[USERNAME@]/PATH[?SETTING=…]", hint=_UNIX)
    username = None if parts.username is None else check_username(_decoded(parts.username))
    server = checked_server(f"{UNIX}://{parts.path}")
    return Account(with_settings(server, _query(parts), "{} of the server's URL".format), username)


def check_username(username: str) -> str:
    """The user name itself. Raises ConfigurationError: a control character would shift the fields of AUTH PLAIN."""
    hint = "give username= as the provider writes it, usually the mail address of the account"
    if not isinstance(username, str):  # pyright: ignore[reportUnnecessaryIsInstance] - what a program gives
        raise ConfigurationError(f"the username must be text, not {type(username).__name__}", hint=hint)
    if not username.strip():
        raise ConfigurationError("the username is empty", hint=f"{hint}, or leave it out if the server needs no login")
    if not username.isprintable():
        raise ConfigurationError("the username has control characters in it", hint=hint)
    return username


def check_mechanism(name: str | None) -> Mechanism | None:
    """The mechanism of this name, in any case. Raises ConfigurationError."""
    if name is None:
        return None
    hint = f"choose one of {', '.join(Mechanism)}, or give none for the best that the server offers"
    if not isinstance(cast("object", name), str):
        raise ConfigurationError(f"mechanism= must be text, not {type(name).__name__}", hint=hint)
    try:
        return Mechanism(name.strip().upper())
    except ValueError:
        raise ConfigurationError(f"unknown mechanism: {quoted(name)}", hint=hint) from None


def _split(url: str) -> SplitResult:
    url = url.strip()
    if _CONTROL.search(url):
        # `urlsplit` takes some of them out, which makes another host.
        raise ConfigurationError("the server's URL has a control character in it", hint=_EXAMPLE)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError("the server's URL cannot be read", hint=_EXAMPLE) from None
    return parts


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ConfigurationError("the server's URL holds octets that are not UTF-8", hint=_EXAMPLE) from None


def _query(parts: SplitResult) -> dict[str, str]:
    """The settings in a URL. A plus sign is itself: it stands in base64."""
    given: dict[str, str] = {}
    for pair in filter(None, parts.query.split("&")):
        name, _, text = pair.partition("=")
        check_known(name := _decoded(name))
        if not text or name in given:
            hint = f"write ?{name}=… once" + ("" if text else ", with a value")
            raise ConfigurationError(f"{name} of the server's URL cannot be read", hint=hint)
        given[name] = _decoded(text)
    return given


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        hint = "a number from 1 to 65535, usually 587 or 465"
        raise ConfigurationError(f"SENDKIT_PORT is not a port: {quoted(text)}", hint=hint)
    return int(text)
